package gyt345

import (
	"encoding/json"
	"os"
	"slices"
	"testing"
)

// TestTables compares the reader's tables with those of the standard, row by row.
func TestTables(t *testing.T) {
	var standard struct {
		Types map[string]struct {
			ID     string
			Fields []struct {
				Name, Type, Cn string
				Required       bool
				AcceptNames    []string
			}
		}
		Messages []struct {
			MsgType             Type
			Interface, DataType string
		}
		ErrorCodes []struct {
			Code Code
			HTTP int
		}
	}
	raw, err := os.ReadFile("testdata/schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &standard); err != nil {
		t.Fatal(err)
	}
	tables := map[string]*table{
		"series": seriesTable(), "seriesProgram": relationTable(), "program": programTable(), "playInfo": playTable(),
		"seriesOffline": seriesIDsTable(), "programOffline": programIDsTable(),
	}
	for name, want := range standard.Types {
		got := tables[name]
		if got == nil || len(got.fields) != len(want.Fields) {
			t.Errorf("%s: got %v, want %d fields", name, got, len(want.Fields))
			continue
		}
		for i, f := range want.Fields {
			g := got.fields[i]
			if g.name != f.Name || g.required != f.Required || g.label != f.Cn || !slices.Equal(g.aliases, f.AcceptNames) {
				t.Errorf("%s row %d: got %+v, want %+v", name, i+1, g, f)
			}
			if list := f.Type == "Array"; list != slices.Contains([]form{formList, formObjects, formIDArray}, g.form) {
				t.Errorf("%s.%s: got form %d for %s", name, f.Name, g.form, f.Type)
			}
		}
	}
	for _, m := range standard.Messages {
		if got := m.MsgType.Interface(); string(got) != m.Interface {
			t.Errorf("message %d: got interface %s, want %s", m.MsgType, got, m.Interface)
		}
		if got := m.MsgType.table(); got.id != tables[m.DataType].id {
			t.Errorf("message %d: got %s", m.MsgType, got.id)
		}
	}
	for _, c := range standard.ErrorCodes {
		if got := (&Fault{Code: c.Code}).Answer(); got.HTTP != c.HTTP || got.Code != c.Code {
			t.Errorf("%s: got %d %s, want %d", c.Code, got.HTTP, got.Code, c.HTTP)
		}
	}
}
