package model

import (
	"os"
	"strings"
)

// hubHome is where the catalogue's files are published.
const hubHome = "https://huggingface.co/"

// fromEndpoint is a published file's address at the mirror that HF_ENDPOINT
// names, as all of the hub's own clients take it. What it gives is held to the
// pinned hash, as the hub's is.
func fromEndpoint(address string) string {
	mirror := strings.TrimRight(os.Getenv("HF_ENDPOINT"), "/")
	rest, ok := strings.CutPrefix(address, hubHome)
	if mirror == "" || !ok {
		return address
	}
	if !strings.Contains(mirror, "://") {
		mirror = "https://" + mirror
	}
	return mirror + "/" + rest
}
