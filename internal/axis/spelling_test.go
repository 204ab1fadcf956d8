package axis

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestOnlyTheTableSpellsKeys walks the source: whoever writes a key of a name
// himself does not follow when the table changes.
func TestOnlyTheTableSpellsKeys(t *testing.T) {
	var keys []string
	for _, a := range Names() {
		keys = append(keys, string(a.Key))
	}
	inName := regexp.MustCompile(`(^|[ /])(` + strings.Join(keys, "|") + `)=`)
	files := 0
	err := filepath.WalkDir(filepath.Join("..", ".."), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(filepath.ToSlash(path), "internal/axis/") {
			return err
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		require.Empty(t, spelt(t, path, source, inName), path)
		return nil
	})
	require.NoError(t, err)
	require.Greater(t, files, 100, "the walk saw the repository")
}

// TestSpeltKeysAreFound: the walk above can fail.
func TestSpeltKeysAreFound(t *testing.T) {
	const source = `package p
// a comment may say stack=a/model=b
func f() {
	g("stack=" + s + "/model=" + m)
	g("skip stack=%s")
	n.Get("tokens")
	n.With("tokens", x)
	g("load", "x-model=y")
}`
	require.Equal(t, []string{`"stack="`, `"/model="`, `"skip stack=%s"`, `"tokens"`, `"tokens"`},
		spelt(t, "p.go", []byte(source), regexp.MustCompile(`(^|[ /])(stack|model|load)=`)))
}

// spelt are the texts of a source file that hold a key, or ask for one.
func spelt(t *testing.T, path string, source []byte, inName *regexp.Regexp) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, source, parser.SkipObjectResolution)
	require.NoError(t, err)
	var found []string
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			if n.Kind == token.STRING && inName.MatchString(strings.Trim(n.Value, "\"`")) {
				found = append(found, n.Value)
			}
		case *ast.CallExpr:
			method, ok := n.Fun.(*ast.SelectorExpr)
			if !ok || len(n.Args) == 0 || method.Sel.Name != "Get" && method.Sel.Name != "With" && method.Sel.Name != "Number" {
				return true
			}
			if text, ok := n.Args[0].(*ast.BasicLit); ok && known(strings.Trim(text.Value, `"`)) {
				found = append(found, text.Value)
			}
		}
		return true
	})
	return found
}

func known(key string) bool {
	_, ok := Names().Find(Key(key))
	return ok
}
