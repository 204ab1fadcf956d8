package host

import (
	"crypto/sha256"
	"encoding/hex"
	"os/exec"
	"strings"
)

// changes is a hash of what makes the sources differ from their commit: the
// changes of its files and the programs that it does not know. "" when git
// does not tell.
func changes() string {
	diff, err := exec.Command("git", "diff", "--no-ext-diff", "--binary", "HEAD").Output()
	if err != nil {
		return ""
	}
	sum := sha256.New()
	_, _ = sum.Write(diff) // a hash takes everything
	list, err := exec.Command("git", "ls-files", "--others", "--exclude-standard", "-z", "--full-name", ":/*.go", ":/*.py").Output()
	if err != nil {
		return ""
	}
	if len(list) > 0 {
		hash := exec.Command("git", "hash-object", "--stdin-paths")
		hash.Dir = topOfCheckout()
		hash.Stdin = strings.NewReader(strings.ReplaceAll(string(list), "\x00", "\n"))
		ids, err := hash.Output()
		if err != nil {
			return ""
		}
		_, _ = sum.Write(list)
		_, _ = sum.Write(ids)
	}
	return hex.EncodeToString(sum.Sum(nil))[:12]
}

func topOfCheckout() string {
	out, err := exec.Command("git", "rev-parse", "--show-toplevel").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
