package stackbench_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestNoConditionNamesAContract: what is done for a contract stands in its rows
// of the table of codecs, which is searched by key. A condition on one elsewhere
// is what the next contract would be forgotten in.
func TestNoConditionNamesAContract(t *testing.T) {
	contracts := constants(t, "Contract")
	require.Equal(t, "oip", contracts.values["OIP"])
	var found []string
	for _, file := range sources(t) {
		found = append(found, contracts.conditions(t, file, nil)...)
	}
	require.Empty(t, found, "make it data of the codec (internal/task/codecs.go)")
}

// TestOnlyTaskNamesAKindOfWorkInACondition: what is done for a kind of work stands
// with it, in package task.
func TestOnlyTaskNamesAKindOfWorkInACondition(t *testing.T) {
	tasks := constants(t, "Task")
	require.Equal(t, "embeddings", tasks.values["Embeddings"])
	var found []string
	for _, file := range sources(t, "internal/task") {
		found = append(found, tasks.conditions(t, file, nil)...)
	}
	require.Empty(t, found, "make it a method of the kind (internal/task/kinds.go)")
}

// TestConditionsAreFound: the walk sees each way to name a constant in a
// condition, and none where it is data.
func TestConditionsAreFound(t *testing.T) {
	contracts := constants(t, "Contract")
	for code, want := range map[string]int{
		`if how.Contract == stack.TGI {}`:                                          1,
		`if "x" == y || stack.OIP != how.Contract {}`:                              1,
		`exact := how.Contract != stack.TGI; _ = exact`:                            1,
		`switch how.Contract { case stack.OIP, stack.TEI: default: }`:              2,
		`switch { case how.Contract == stack.OIP: }`:                               1,
		`if slices.Contains([]stack.Contract{stack.TEI}, how.Contract) {}`:         1,
		`f := map[stack.Contract]int{stack.OIP: 1}[how.Contract]; _ = f`:           1,
		`_ = byContract[stack.OIP]`:                                                1,
		`if how.Contract == "tgi" {}`:                                              1,
		`switch how.Contract { case "tei": }`:                                      1,
		`for how.Contract != stack.OIP {}`:                                         1,
		`_ = stack.Capability{Contract: stack.OIP}`:                                0,
		`_ = []stack.Capability{{Proto: stack.REST, Contract: stack.OIP}}`:         0,
		`_ = way{stack.OIP, stack.REST}`:                                           0,
		`if how.Proto == stack.REST { use(stack.OIP) }`:                            0,
		`switch how.Proto { case stack.REST: use(stack.TGI) }`:                     0,
		`if s.Name == "tgi" || s.Telemetry == stack.TGIMetrics || e.OIP == nil {}`: 0,
	} {
		src := "package x\n\nimport \"stackbench/internal/stack\"\n\nfunc f() {\n" + code + "\n}\n"
		require.Len(t, contracts.conditions(t, "x.go", []byte(src)), want, code)
	}
	renamed := "package x\n\nimport vocabulary \"stackbench/internal/stack\"\n\nvar b = how.Contract == vocabulary.OIP\n"
	require.Len(t, contracts.conditions(t, "x.go", []byte(renamed)), 1)
}

// vocabulary is a type of internal/stack with its constants.
type vocabulary struct {
	name   string
	values map[string]string // by constant
}

const vocabularyPath = module + "/internal/stack"

// constants reads a type's constants from the source of internal/stack.
func constants(t *testing.T, name string) vocabulary {
	t.Helper()
	v := vocabulary{name, map[string]string{}}
	file, err := parser.ParseFile(token.NewFileSet(), "internal/stack/stack.go", nil, 0)
	require.NoError(t, err)
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || spec.Type == nil || len(spec.Values) != 1 {
			return true
		}
		typ, ok := spec.Type.(*ast.Ident)
		lit, isText := spec.Values[0].(*ast.BasicLit)
		if ok && isText && typ.Name == name {
			v.values[spec.Names[0].Name], err = strconv.Unquote(lit.Value)
			require.NoError(t, err)
		}
		return true
	})
	require.NotEmpty(t, v.values)
	return v
}

// sources are the files of Go that people write, but for tests and what is in
// the folders.
func sources(t *testing.T, but ...string) []string {
	t.Helper()
	out, err := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate", "*.go").Output()
	require.NoError(t, err)
	var files []string
	for file := range strings.FieldsSeq(string(out)) {
		if strings.HasSuffix(file, "_test.go") || strings.HasSuffix(file, ".pb.go") || slices.Contains(but, path.Dir(file)) {
			continue
		}
		if _, err := os.Stat(file); err == nil {
			files = append(files, file)
		}
	}
	require.Greater(t, len(files), 100)
	return files
}

// conditions gives the places where a file names one of the constants in a
// condition: compared, a case, in what an if or for decides by, a key or an index.
func (v vocabulary) conditions(t *testing.T, path string, src []byte) []string {
	t.Helper()
	files := token.NewFileSet()
	var text any // nil, not an empty slice, has the file read
	if src != nil {
		text = src
	}
	file, err := parser.ParseFile(files, path, text, 0)
	require.NoError(t, err)
	seen := map[token.Pos]string{}
	add := func(n ast.Node, name string) {
		seen[n.Pos()] = fmt.Sprintf("%s: %s", files.Position(n.Pos()), name)
	}
	in := imported(file)
	ast.Inspect(file, func(n ast.Node) bool {
		for _, cond := range deciding(n) {
			ast.Inspect(cond, func(n ast.Node) bool {
				if sel, ok := n.(*ast.SelectorExpr); ok {
					if x, ok := sel.X.(*ast.Ident); ok && x.Name == in && v.values[sel.Sel.Name] != "" {
						add(sel, sel.Sel.Name)
					}
				}
				return true
			})
		}
		for _, lit := range v.compared(n) {
			add(lit, lit.Value)
		}
		return true
	})
	var out []string
	for _, place := range seen {
		out = append(out, place)
	}
	slices.Sort(out)
	return out
}

// imported is the name by which a file knows internal/stack; "" when it does not.
func imported(file *ast.File) string {
	for _, imp := range file.Imports {
		if path, err := strconv.Unquote(imp.Path.Value); err != nil || path != vocabularyPath {
			continue
		}
		if imp.Name != nil {
			return imp.Name.Name
		}
		return "stack"
	}
	return ""
}

// deciding are the expressions of a node by which something is decided.
func deciding(n ast.Node) []ast.Expr {
	switch n := n.(type) {
	case *ast.IfStmt:
		return []ast.Expr{n.Cond}
	case *ast.ForStmt:
		if n.Cond != nil {
			return []ast.Expr{n.Cond}
		}
	case *ast.CaseClause:
		return n.List
	case *ast.BinaryExpr:
		if n.Op == token.EQL || n.Op == token.NEQ {
			return []ast.Expr{n.X, n.Y}
		}
	case *ast.IndexExpr:
		return []ast.Expr{n.Index}
	case *ast.KeyValueExpr:
		return []ast.Expr{n.Key}
	}
	return nil
}

// compared are the constants' values that a field of the type's name is compared with.
func (v vocabulary) compared(n ast.Node) []*ast.BasicLit {
	switch n := n.(type) {
	case *ast.BinaryExpr:
		if (n.Op == token.EQL || n.Op == token.NEQ) && (v.field(n.X) || v.field(n.Y)) {
			return v.literals(n.X, n.Y)
		}
	case *ast.SwitchStmt:
		if n.Tag == nil || !v.field(n.Tag) {
			return nil
		}
		var out []*ast.BasicLit
		for _, clause := range n.Body.List {
			out = append(out, v.literals(clause.(*ast.CaseClause).List...)...)
		}
		return out
	}
	return nil
}

func (v vocabulary) field(e ast.Expr) bool {
	sel, ok := e.(*ast.SelectorExpr)
	return ok && sel.Sel.Name == v.name
}

// literals are those expressions that spell a constant's value.
func (v vocabulary) literals(list ...ast.Expr) []*ast.BasicLit {
	var out []*ast.BasicLit
	for _, e := range list {
		lit, ok := e.(*ast.BasicLit)
		if !ok {
			continue
		}
		text, err := strconv.Unquote(lit.Value)
		for _, value := range v.values {
			if err == nil && text == value {
				out = append(out, lit)
			}
		}
	}
	return out
}
