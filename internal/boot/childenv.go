package boot

import (
	"slices"
	"strings"
)

// passedOn are the variables of ours that a server which is a process gets:
// where programs and files are, the language, the way to the network, the
// accelerator, and what its runtime is tuned by. Nothing else: a shell holds
// keys of clouds and hubs (AWS_…, HF_TOKEN) that are no business of a server's.
// A name that ends in * stands for all that begin so. PYTHONPATH is kept on
// purpose: it is where a user's own packages are.
func passedOn() []string {
	return []string{
		"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TEMP", "TMP", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH",
		"LANG", "LANGUAGE", "LC_*", "TZ",
		"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy",
		"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
		"CUDA_*", "NVIDIA_*", "NCCL_*",
		"PYTHONPATH", "PYTHONUNBUFFERED", "VIRTUAL_ENV", "OMP_*", "OPENBLAS_*", "MKL_*",
		"GOMAXPROCS", "GOMEMLIMIT", "GOGC", "GODEBUG", "GOTRACEBACK", "GOCOVERDIR", "STACKBENCH_ORT_LIB",
	}
}

// childEnvironment picks them out of a process's variables.
func childEnvironment(all []string) []string {
	names := passedOn()
	return slices.DeleteFunc(slices.Clone(all), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return !slices.ContainsFunc(names, func(n string) bool {
			prefix, many := strings.CutSuffix(n, "*")
			return name == n || many && strings.HasPrefix(name, prefix)
		})
	})
}
