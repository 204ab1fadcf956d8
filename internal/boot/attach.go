package boot

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"

	"stackbench/internal/stack"
)

// variable spells a stack's environment variable: STACKBENCH_<WHAT>_<NAME>
// with the name in capitals and every other sign an underscore.
func variable(what, name string) string {
	return "STACKBENCH_" + what + "_" + strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, name)
}

// attached is the endpoint that the user named for the stack, if any.
func attached(name string) (stack.Endpoint, bool, error) {
	key := variable("ATTACH", name)
	value := os.Getenv(key)
	if value == "" {
		return stack.Endpoint{}, false, nil
	}
	e, err := parseAttach(value)
	if err != nil {
		return stack.Endpoint{}, false, &Failure{
			What: fmt.Sprintf("attach %s: %s=%q: %v", name, key, value, err),
			Cure: "write " + key + "=rest=HOST:PORT,grpc=HOST:PORT (either may be left out) or a URL such as http://HOST:PORT",
			Err:  err,
		}
	}
	return e, true, nil
}

// parseAttach reads "rest=host:port,grpc=host:port", or URLs with the scheme
// http or grpc in place of the key, or a bare host:port for REST.
func parseAttach(s string) (e stack.Endpoint, err error) {
	for part := range strings.SplitSeq(s, ",") {
		part = strings.TrimSpace(part)
		proto, addr := "rest", part
		switch {
		case strings.Contains(part, "://"):
			if proto, addr, err = parseURL(part); err != nil {
				return stack.Endpoint{}, err
			}
		case strings.Contains(part, "="):
			proto, addr, _ = strings.Cut(part, "=")
		}
		if err := checkAddr(addr); err != nil {
			return stack.Endpoint{}, err
		}
		to := &e.REST
		switch proto {
		case "rest":
		case "grpc":
			to = &e.GRPC
		default:
			return stack.Endpoint{}, fmt.Errorf("%q is neither rest nor grpc", proto)
		}
		if *to != "" {
			return stack.Endpoint{}, fmt.Errorf("%s is given twice", proto)
		}
		*to = addr
	}
	return e, nil
}

func parseURL(s string) (proto, addr string, err error) {
	u, err := url.Parse(s)
	if err != nil {
		return "", "", fmt.Errorf("%q is not a URL", s)
	}
	switch u.Scheme {
	case "http":
		proto = "rest"
	case "grpc":
		proto = "grpc"
	default:
		return "", "", fmt.Errorf("scheme %q is not supported: http and grpc are", u.Scheme)
	}
	if strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil || u.Fragment != "" {
		return "", "", fmt.Errorf("%q has more than a host and a port", s)
	}
	addr = u.Host
	if u.Port() == "" && proto == "rest" {
		addr = net.JoinHostPort(u.Hostname(), "80")
	}
	return proto, addr, nil
}

func checkAddr(addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || host == "" {
		return fmt.Errorf("%q is not HOST:PORT", addr)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("%q is not a port", port)
	}
	return nil
}
