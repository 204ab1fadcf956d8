package boot

import (
	"errors"
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

// Attached is the endpoint that the user named for the stack, if any.
func Attached(name string) (stack.Endpoint, bool, error) {
	key := variable("ATTACH", name)
	value := os.Getenv(key)
	if value == "" {
		return stack.Endpoint{}, false, nil
	}
	e, err := parseAttach(value)
	if err != nil {
		return stack.Endpoint{}, false, &Failure{
			What: fmt.Sprintf("attach %s: %s: %v", name, key, err),
			Cure: "write " + key + "=rest=HOST:PORT,grpc=HOST:PORT,metrics=HOST:PORT (all but one may be left out) or a URL such as http://HOST:PORT",
			Err:  err,
		}
	}
	return e, true, nil
}

// errSecret is of a value that may hold a secret: nothing of it is shown.
var errSecret = errors.New("it has more than hosts and ports: a user, a password, a query or an escape")

// parseAttach reads "rest=host:port,grpc=host:port,metrics=host:port", or URLs
// with the scheme http or grpc in place of the key, or a bare host:port for
// REST. Its errors end in logs and in results: they show no more of the value
// than a key, or a word that is no address.
func parseAttach(s string) (e stack.Endpoint, err error) {
	if strings.ContainsAny(s, "@?#%\\;&") {
		return e, errSecret
	}
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
		to := &e.REST
		switch proto {
		case "rest":
		case "grpc":
			to = &e.GRPC
		case "metrics":
			to = &e.Metrics
		default:
			return stack.Endpoint{}, fmt.Errorf("%q is neither rest, grpc nor metrics", proto)
		}
		if err := checkAddr(addr); err != nil {
			return stack.Endpoint{}, err
		}
		if *to != "" {
			return stack.Endpoint{}, fmt.Errorf("%s is given twice", proto)
		}
		*to = addr
	}
	if e.REST == "" && e.GRPC == "" {
		return stack.Endpoint{}, errors.New("it names no address to send requests to")
	}
	return e, nil
}

func parseURL(s string) (proto, addr string, err error) {
	u, err := url.Parse(s)
	if err != nil {
		return "", "", errors.New("a part of it is not a URL")
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
		return "", "", fmt.Errorf("the URL of %s has more than a host and a port", u.Host)
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

// reachable fails where a stack is asked over no transport that an address was
// named for: it would be waited for in vain.
func reachable(s stack.Stack, at stack.Endpoint) error {
	needs := ""
	for _, c := range s.Serves {
		if c.Proto.HTTP() && at.REST != "" || !c.Proto.HTTP() && at.GRPC != "" {
			return nil
		}
		needs = "grpc"
		if c.Proto.HTTP() {
			needs = "rest"
		}
	}
	if needs == "" {
		return nil
	}
	key := variable("ATTACH", s.Name)
	return &Failure{
		What: fmt.Sprintf("attach %s: it is asked over %s, and %s names no such address", s.Name, needs, key),
		Cure: fmt.Sprintf("write %s=%s=HOST:PORT", key, needs),
	}
}
