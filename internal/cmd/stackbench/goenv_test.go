package main

import (
	"os"
	"os/exec"
	"strings"
)

// goEnv is what the go command uses for a variable, since scripts run with an
// empty environment and would build everything again.
func goEnv(name string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
