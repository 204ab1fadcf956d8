package boot

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
)

// contextHost is the daemon's address in the current docker context, as docker
// itself takes it: of DOCKER_CONTEXT, else of its settings; "" when none is
// chosen, or the default one, or it cannot be read.
func contextHost() string {
	dir := os.Getenv("DOCKER_CONFIG")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		dir = filepath.Join(home, ".docker")
	}
	name := cmp.Or(os.Getenv("DOCKER_CONTEXT"), currentContext(dir))
	if name == "" || name == "default" {
		return ""
	}
	sum := sha256.Sum256([]byte(name))
	b, err := os.ReadFile(filepath.Join(dir, "contexts", "meta", hex.EncodeToString(sum[:]), "meta.json"))
	if err != nil {
		return ""
	}
	var meta struct {
		Endpoints struct {
			Docker struct{ Host string } `json:"docker"`
		}
	}
	if json.Unmarshal(b, &meta) != nil {
		return ""
	}
	return meta.Endpoints.Docker.Host
}

func currentContext(dir string) string {
	b, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err != nil {
		return ""
	}
	var config struct {
		Current string `json:"currentContext"`
	}
	if json.Unmarshal(b, &config) != nil {
		return ""
	}
	return config.Current
}
