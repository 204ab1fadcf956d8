package torchserve

import (
	"bytes"
	"embed"
	"fmt"
	"net"
	"text/template"

	"stackbench/internal/stack"
)

//go:embed settings
var settings embed.FS

// What TorchServe finds in its folder of files.
const (
	configFile  = "config.properties"
	metricsFile = "metrics.yaml"
	logFile     = "log4j2.xml"
	storeFolder = "store"
)

// files describe the model to TorchServe: its own settings, and the model's
// archive.
func files(r stack.Run) (stack.Files, error) {
	config, err := config(r)
	if err != nil {
		return stack.Files{}, err
	}
	mar, err := archive(r)
	if err != nil {
		return stack.Files{}, err
	}
	out := stack.Files{Content: map[string][]byte{configFile: config, storeFolder + "/" + r.Model.Name + ".mar": mar}}
	for _, name := range []string{metricsFile, logFile} {
		if out.Content[name], err = settings.ReadFile("settings/" + name); err != nil {
			return stack.Files{}, err
		}
	}
	return out, nil
}

// config renders config.properties.
func config(r stack.Run) ([]byte, error) {
	host, port, err := net.SplitHostPort(r.Listen.GRPC)
	if err != nil {
		return nil, fmt.Errorf("gRPC address %q: %w", r.Listen.GRPC, err)
	}
	return render(configFile, struct {
		stack.Run
		GRPCHost, GRPCPort, Metrics, Store string
	}{r, host, port, r.Files + "/" + metricsFile, r.Files + "/" + storeFolder})
}

// render fills in one of the settings' templates.
func render(name string, values any) ([]byte, error) {
	t, err := template.ParseFS(settings, "settings/"+name+".tmpl")
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.Option("missingkey=error").Execute(&b, values); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
