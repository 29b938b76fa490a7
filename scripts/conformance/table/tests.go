package table

import (
	"bufio"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Sources finds tests in their source.
type Sources struct {
	root     string // of the module
	packages map[string]map[string]*ast.FuncDecl
}

// NewSources reads below the root of the module.
func NewSources(root string) *Sources {
	return &Sources{root, map[string]map[string]*ast.FuncDecl{}}
}

// Wrong says what speaks against a test as a proof, or nothing.
func (s *Sources) Wrong(t Test) string {
	tests, err := s.read(t.Package)
	if err != nil {
		return err.Error()
	}
	f, ok := tests[t.Func()]
	if !ok {
		return "there is no such test"
	}
	if skips(f) {
		return "it may skip itself"
	}
	return ""
}

// read returns the functions of a package's tests, without the files that are not built here.
func (s *Sources) read(pkg string) (map[string]*ast.FuncDecl, error) {
	if tests, ok := s.packages[pkg]; ok {
		return tests, nil
	}
	dir := filepath.Join(s.root, filepath.FromSlash(pkg))
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("there is no package %s", pkg)
	}
	tests := map[string]*ast.FuncDecl{}
	for _, file := range files {
		if built, err := build.Default.MatchFile(dir, file.Name()); err != nil || !built || !strings.HasSuffix(file.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, file.Name()), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, d := range f.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && len(f.Type.Params.List) == 1 {
				tests[f.Name.Name] = f
			}
		}
	}
	s.packages[pkg] = tests
	return tests, nil
}

// skips finds a t.Skip. One in a helper is found by Failed, which reads the output.
func skips(f *ast.FuncDecl) (found bool) {
	ast.Inspect(f, func(n ast.Node) bool {
		if call, ok := n.(*ast.SelectorExpr); ok && slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, call.Sel.Name) {
			found = true
		}
		return !found
	})
	return found
}

var (
	result = regexp.MustCompile(`^ *--- (PASS|FAIL|SKIP): (\S+) \([0-9.]+s\)$`)
	done   = regexp.MustCompile(`^(?:ok|FAIL)\s+(\S+)\s`)
)

const module = "github.com/vetassist/vetassist/"

// Failed reads the output of "go test -v" for the whole module and says, a line each, which tests of the rows did not pass in it.
func Failed(rows []Row, output io.Reader) ([]string, error) {
	type outcome struct{ name, result string }
	results := map[Test]string{}
	var outcomes []outcome // of the package whose name comes after them
	lines := bufio.NewScanner(output)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		if m := result.FindStringSubmatch(lines.Text()); m != nil {
			outcomes = append(outcomes, outcome{m[2], m[1]})
		} else if m := done.FindStringSubmatch(lines.Text()); m != nil {
			for _, o := range outcomes {
				results[Test{strings.TrimPrefix(m[1], module), o.name}] = o.result
			}
			outcomes = nil
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	var wrong []string
	for _, r := range rows {
		for _, t := range r.Tests {
			switch results[t] {
			case "PASS":
			case "":
				wrong = append(wrong, fmt.Sprintf("%s: %s did not run", r.ID, t))
			case "SKIP":
				wrong = append(wrong, fmt.Sprintf("%s: %s was skipped", r.ID, t))
			default:
				wrong = append(wrong, fmt.Sprintf("%s: %s failed", r.ID, t))
			}
		}
	}
	return wrong, nil
}
