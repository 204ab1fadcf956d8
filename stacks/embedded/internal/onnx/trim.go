package onnx

/*
#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
static void trim(void) { malloc_trim(0); }
#else
static void trim(void) {}
#endif
*/
import "C"

// trim hands memory that C code has freed back to the system. Loading a graph
// frees about as much as it keeps: folded and re-ordered copies of the weights.
// glibc holds on to that (of ResNet-50, 135 MB of 290) until it is asked.
func trim() { C.trim() }
