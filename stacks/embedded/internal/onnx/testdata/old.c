/* A library that says it is ONNX Runtime 1.23.2, and is nothing else. */
#include <stdlib.h>

struct base {
	const void *(*get_api)(unsigned version);
	const char *(*get_version)(void);
};

static const void *get_api(unsigned version) { abort(); }
static const char *get_version(void) { return "1.23.2"; }

const struct base *OrtGetApiBase(void) {
	static const struct base b = {get_api, get_version};
	return &b;
}
