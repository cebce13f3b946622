package billing_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"
)

// shown are the files with binary fractions: numbers of spreadsheets, which have no
// others, and millimetres of a page.
var shown = []string{"export/statement_xlsx.go", "export/statement_pdf.go"}

// TestNoBinaryFractions walks all code that money passes through, and all columns
// that it is kept in.
func TestNoBinaryFractions(t *testing.T) {
	looked := 0
	for _, root := range []string{".", "../internal/money"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || slices.Contains(shown, path) {
				return err
			}
			looked++
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.Ident:
					if n.Name == "float64" || n.Name == "float32" || n.Name == "ParseFloat" {
						t.Errorf("%s uses %s", path, n.Name)
					}
				case *ast.BasicLit:
					if n.Kind == token.FLOAT {
						t.Errorf("%s has the number %s", path, n.Value)
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if looked < 30 {
		t.Errorf("looked at %d files only", looked)
	}
	each(t, func(t *testing.T, f *fixture, _ grpc.ClientConnInterface) {
		tables, err := f.store.Write.Migrator().GetTables()
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range tables {
			if !strings.HasPrefix(table, "billing_") {
				continue
			}
			columns, err := f.store.Write.Migrator().ColumnTypes(table)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range columns {
				kind := strings.ToLower(c.DatabaseTypeName())
				if slices.ContainsFunc([]string{"real", "float", "double"}, func(bad string) bool { return strings.Contains(kind, bad) }) {
					t.Errorf("%s.%s is %s", table, c.Name(), kind)
				}
			}
		}
	})
	for _, path := range shown {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}
