package boot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/moby/moby/api/types/system"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	tclog "github.com/testcontainers/testcontainers-go/log"
)

// Environment variables of testcontainers, which it reads once in a process.
const (
	envRyukDisabled = "TESTCONTAINERS_RYUK_DISABLED"
	envHostOverride = "TESTCONTAINERS_HOST_OVERRIDE"
)

// pingTime bounds the wait for a daemon's answer, pullTime bounds the attempt to fetch the small clean-up image.
const (
	pingTime = 10 * time.Second
	pullTime = 30 * time.Second
)

// engine is a Docker daemon that answers.
type engine struct {
	cli    client.APIClient
	info   system.Info
	daemon string // its address
	place  place
	ryuk   string // "" when testcontainers' own clean-up container is used, else why not
}

// place is where the daemon is, as this process sees it.
type place struct {
	host  string // where published ports are reached
	local bool   // the daemon sees this process's files, and its process numbers are ours
}

// connect finds the daemon and sets testcontainers up for it. fetch allows it
// to pull testcontainers' clean-up image.
func connect(ctx context.Context, fetch bool) (*engine, error) {
	tclog.SetDefault(tclog.NewNoopLogger()) // it would write among the results
	if strings.HasPrefix(os.Getenv("DOCKER_HOST"), "ssh://") {
		return nil, &Unavailable{
			Reason: "Docker: DOCKER_HOST names an ssh:// address, which Docker's Go client cannot use by itself",
			Cure:   "forward the socket (ssh -NL $HOME/docker.sock:/var/run/docker.sock HOST) and set DOCKER_HOST=unix://$HOME/docker.sock, or use tcp:// with TLS",
		}
	}
	cli, err := find(ctx)
	if err != nil {
		return nil, noDocker(err)
	}
	defer cli.Close()
	ryuk := chooseRyuk(ctx, cli, fetch) // with a plain client: asking testcontainers makes it read its settings
	provider, err := testcontainers.NewDockerProvider(testcontainers.Generic2DockerOptions(testcontainers.WithLogger(tclog.NewNoopLogger()))...)
	if err != nil {
		return nil, noDocker(err)
	}
	e := &engine{cli: provider.Client(), daemon: provider.Client().DaemonHost(), ryuk: ryuk}
	info, err := e.cli.Info(ctx, client.InfoOptions{})
	if err != nil {
		return nil, noDocker(err)
	}
	e.info = info.Info
	e.place = e.locate(ctx)
	if e.place.local && os.Getenv(envHostOverride) == "" {
		// /.dockerenv alone makes testcontainers use the bridge's address.
		if err := os.Setenv(envHostOverride, e.place.host); err != nil {
			return nil, fmt.Errorf("set %s: %w", envHostOverride, err)
		}
	}
	return e, nil
}

// find looks for a daemon that answers: where DOCKER_HOST says and nowhere else
// when it is set, else where docker's current context says, else where Docker,
// rootless Docker and Docker Desktop listen.
// testcontainers would look too, but for a minute, and not where it was told.
func find(ctx context.Context) (*client.Client, error) {
	if os.Getenv(client.EnvOverrideHost) != "" {
		return ping(ctx, "")
	}
	home, _ := os.UserHomeDir()
	var first error
	if host := contextHost(); host != "" && !strings.HasPrefix(host, "ssh://") {
		cli, err := ping(ctx, host)
		if err == nil {
			return cli, os.Setenv(client.EnvOverrideHost, cli.DaemonHost())
		}
		first = err
	}
	for _, path := range []string{
		"/var/run/docker.sock",
		filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "docker.sock"),
		filepath.Join(home, ".docker/run/docker.sock"),
		filepath.Join(home, ".docker/desktop/docker.sock"),
	} {
		if _, err := os.Stat(path); err != nil || !filepath.IsAbs(path) {
			continue
		}
		cli, err := ping(ctx, "unix://"+path)
		if err == nil {
			return cli, os.Setenv(client.EnvOverrideHost, cli.DaemonHost()) // for testcontainers
		}
		first = cmp.Or(first, err)
	}
	return nil, cmp.Or(first, errNoSocket)
}

var errNoSocket = errors.New("there is no socket of it on this machine")

// ping reaches the daemon at the address, "" meaning the environment's.
func ping(ctx context.Context, host string) (*client.Client, error) {
	opts := []client.Opt{client.FromEnv}
	if host != "" {
		opts = append(opts, client.WithHost(host))
	}
	cli, err := client.New(opts...)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, pingTime)
	defer cancel()
	if _, err := cli.Info(ctx, client.InfoOptions{}); err != nil {
		cli.Close()
		return nil, err
	}
	return cli, nil
}

// noDocker turns the client's words into a reason to skip.
func noDocker(err error) error {
	u := &Unavailable{
		Reason: "Docker: no daemon answers (" + firstLine(err.Error()) + ")",
		Cure:   "install and start Docker, or point DOCKER_HOST at a daemon; stacks that can run as a process need none (--launcher process)",
		Err:    err,
	}
	switch text := strings.ToLower(err.Error()); {
	case errors.Is(err, errNoSocket):
		u.Reason = "Docker: no daemon runs here (" + err.Error() + ")"
	case errors.Is(err, os.ErrPermission) || strings.Contains(text, "permission denied"):
		u.Reason = "Docker: this user may not use the daemon's socket"
		u.Cure = "add the user to the group docker and log in again, or use rootless Docker"
	case strings.Contains(text, "client version") && strings.Contains(text, "too new"):
		u.Reason = "Docker: the daemon is too old (" + firstLine(rootCause(err)) + ")"
		u.Cure = "update Docker to 20.10 or later"
	}
	return u
}

// rootCause is the innermost message, which says most in one line.
func rootCause(err error) string {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			if many, ok := err.(interface{ Unwrap() []error }); ok && len(many.Unwrap()) > 0 {
				next = many.Unwrap()[0]
			}
		}
		if next == nil {
			return err.Error()
		}
		err = next
	}
}

// chooseRyuk decides whether testcontainers may start Ryuk, which removes
// containers when this process has gone: only where its image can be had, since
// otherwise no container would start at all. It returns why not.
func chooseRyuk(ctx context.Context, cli *client.Client, fetch bool) (reason string) {
	if v := os.Getenv(envRyukDisabled); v != "" {
		if v == "true" {
			return envRyukDisabled + "=true"
		}
		return ""
	}
	reason = haveRyuk(ctx, cli, fetch)
	if reason != "" {
		_ = os.Setenv(envRyukDisabled, "true")
	}
	return reason
}

func haveRyuk(ctx context.Context, cli *client.Client, fetch bool) (reason string) {
	//lint:ignore SA1019 no other exported name says which image testcontainers will start
	ref := testcontainers.ReaperDefaultImage
	if _, err := cli.ImageInspect(ctx, ref); err == nil {
		return ""
	}
	if !fetch {
		return ref + " is not present"
	}
	ctx, cancel := context.WithTimeout(ctx, pullTime)
	defer cancel()
	pull, err := cli.ImagePull(ctx, ref, client.ImagePullOptions{})
	if err == nil {
		err = pull.Wait(ctx)
	}
	if err != nil {
		return ref + " cannot be pulled: " + firstLine(rootCause(err))
	}
	return ""
}

// locate finds out where the daemon is.
func (e *engine) locate(ctx context.Context) place {
	override := os.Getenv(envHostOverride)
	_, err := os.Stat("/.dockerenv")
	p := placeOf(e.daemon, err == nil, e.gateway(ctx), ownAddresses())
	if override != "" {
		p.host = override
		if override == "localhost" { // ports are published on IPv4
			p.host = "127.0.0.1"
		}
	}
	return p
}

// placeOf decides it from the daemon's address. /.dockerenv is in containers,
// but also in machines that were made from a container's image; what tells them
// apart is whether the daemon's bridge is one of this machine's own interfaces.
func placeOf(daemon string, dockerenv bool, gateway netip.Addr, own []netip.Addr) place {
	u, err := url.Parse(daemon)
	if err == nil && (u.Scheme == "tcp" || u.Scheme == "http" || u.Scheme == "https") {
		return place{host: u.Hostname()}
	}
	if dockerenv && gateway.IsValid() && !slices.Contains(own, gateway) {
		return place{host: gateway.String()}
	}
	return place{host: "127.0.0.1", local: true}
}

// gateway is the address of the daemon's default bridge.
func (e *engine) gateway(ctx context.Context) netip.Addr {
	n, err := e.cli.NetworkInspect(ctx, "bridge", client.NetworkInspectOptions{})
	if err != nil {
		return netip.Addr{}
	}
	for _, c := range n.Network.IPAM.Config {
		if c.Gateway.IsValid() {
			return c.Gateway
		}
	}
	return netip.Addr{}
}

func ownAddresses() (out []netip.Addr) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			out = append(out, p.Addr())
		}
	}
	return out
}
