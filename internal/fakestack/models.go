package fakestack

import (
	"testing"

	"stackbench"
	"stackbench/internal/quality"
	"stackbench/internal/stack"
	"stackbench/internal/task"
)

// The models whose right answers the servers know.
const (
	MiniLM   = "all-minilm-l6-v2"
	GPT2     = "gpt2"
	ResNet50 = "resnet50"
)

// Embedder is MiniLM, with the weights that its golden answers are of.
func Embedder(t testing.TB) (task.Served, task.Right) { return known(t, MiniLM, stack.Embeddings, 384) }

// Classifier is ResNet50, with the weights that its golden answers are of.
func Classifier(t testing.TB) (task.Served, task.Right) {
	return known(t, ResNet50, stack.ImageClassification, classes)
}

// Writer is GPT2, with the weights that its golden texts are of.
func Writer(t testing.TB) (task.Served, task.Right) {
	t.Helper()
	g, err := quality.ReadTexts(stackbench.Testdata(), GPT2)
	if err != nil {
		t.Fatal(err)
	}
	return served(GPT2, stack.TextGeneration, g.Source, g.SHA256), task.Right{Texts: g}
}

func known(t testing.TB, name string, does stack.Task, width int) (task.Served, task.Right) {
	t.Helper()
	g, err := quality.ReadGolden(stackbench.Testdata(), name)
	if err != nil {
		t.Fatal(err)
	}
	m := served(name, does, g.Source, g.SHA256)
	m.Width = width
	return m, task.Right{Golden: g}
}

func served(name string, does stack.Task, source, sum string) task.Served {
	return task.Served{Model: stack.Model{Name: name, Task: does}, Source: source, SHA256: sum}
}
