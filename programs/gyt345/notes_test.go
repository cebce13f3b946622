package gyt345_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/yunqiao/yunqiao/programs/gyt345"
)

// readCase is a form of a member, and what becomes of it: the JSON that we write, or the
// code of a refusal.
type readCase struct {
	note  string // of the points where the standard is silent or contradicts itself
	kind  gyt345.Type
	data  string // members of msgData beside the required ones, or all of it
	field string // "": msgData itself
	want  string // JSON, a code, or "" where the member is absent
	noted bool   // as beyond the tables
}

const (
	aSeries   = `"seriesId":"s","title":"t","vImageUrl":"https://i.example/v","category":"c","year":"2021","definition":"HD","completed":"false","status":"online"`
	aProgram  = `"programId":"p","title":"t","category":"c","definition":"HD","status":"online","playInfos":[{"videoId":"v","definition":"HD","fps":"25","playUrl":"https://c.example/v"}]`
	aRelation = `{"programId":"p","seriesId":"s","title":"t","programType":"正片","seq":1,"stage":1,"status":"online"}`
	written   = aRelation
	missing   = "MissingParameter"
	notValid  = "InvalidParameter"
)

// readCases are the notes that are about what a message may look like.
func readCases() []readCase {
	add, program, off, programOff := gyt345.SeriesAdd, gyt345.ProgramAdd, gyt345.SeriesOffline, gyt345.ProgramOffline
	inS := `,"seriesId":"s",`
	return []readCase{
		{"N1", add, `,"seriesPrograms":[` + aRelation + `]`, "seriesPrograms", "[" + written + "]", false},
		{"N1", add, `,"seriesShows":[` + aRelation + `]`, "seriesPrograms", "[" + written + "]", true},
		{"N1", add, `,"seriesShows":[],"seriesPrograms":[]`, "", notValid, false},
		{"N2", program, inS + `"seriesPrograms":` + aRelation, "seriesPrograms", written, false},
		{"N2", program, inS + `"seriesShow":` + aRelation, "seriesPrograms", written, true},
		{"N2", program, inS + `"seriesProgram":[` + aRelation + `]`, "seriesPrograms", written, true},
		{"N2", program, inS + `"seriesProgram":[` + aRelation + `,` + aRelation + `]`, "", notValid, false},
		{"N2", program, inS + `"seriesShow":` + aRelation + `,"seriesPrograms":` + aRelation, "", notValid, false},
		{"N3", off, `{"seriesIds":"a, b，,a"}`, "seriesIds", `"a,b"`, false},
		{"N3", off, `{"seriesIds":["a","b"]}`, "seriesIds", `"a,b"`, true},
		{"N3", off, `{"seriesIds":" , "}`, "", notValid, false},
		{"N4", off, `"{\"seriesIds\":\"a\"}"`, "seriesIds", `"a"`, true},
		{"N4", off, `"a"`, "", notValid, false},
		{"N4", off, `[]`, "", notValid, false},
		{"N5", programOff, `{"programIds":["a",7]}`, "programIds", `["a","7"]`, true},
		{"N5", programOff, `{"programIds":"a,b"}`, "programIds", `["a","b"]`, true},
		{"N7", add, `,"seriesPrograms":[` + strings.Replace(aRelation, `"seq":1`, `"seq":"1"`, 1) + `]`, "seriesPrograms", "[" + written + "]", true},
		{"N7", add, `,"seriesPrograms":[` + strings.Replace(aRelation, `"seq":1`, `"seq":"x"`, 1) + `]`, "", notValid, false},
		{"N8", add, `completed:true`, "completed", `"true"`, true},
		{"N8", add, `completed:"yes"`, "", notValid, false},
		{"N9", add, `,"license_num":"1"`, "license_num", `"1"`, false},
		{"N9", add, `,"licenseNum":"1"`, "license_num", `"1"`, true},
		{"N14", add, `,"seriesPrograms":[` + strings.Replace(aRelation, "正片", "番外", 1) + `]`, "seriesPrograms", "[" + strings.Replace(written, "正片", "番外", 1) + "]", true},
		{"N14", add, `,"seriesPrograms":[` + strings.Replace(aRelation, "正片", "", 1) + `]`, "", notValid, false},
		{"N15", add, `,"seriesPrograms":[` + strings.Replace(aRelation, `"stage":1`, `"stage":""`, 1) + `]`, "seriesPrograms", "[" + strings.Replace(written, `"stage":1,`, "", 1) + "]", false},
		{"N15", add, `,"seriesPrograms":[` + strings.Replace(aRelation, `"stage":1`, `"stage":null`, 1) + `]`, "seriesPrograms", "[" + strings.Replace(written, `"stage":1,`, "", 1) + "]", false},
		{"N15", add, `,"seriesPrograms":[` + strings.Replace(aRelation, `"stage":1`, `"stage":"20260131"`, 1) + `]`, "seriesPrograms", "[" + strings.Replace(written, `"stage":1`, `"stage":20260131`, 1) + "]", true},
		{"N16", add, `definition:" hd "`, "definition", `"HD"`, true},
		{"N16", add, `definition:"1080p"`, "", notValid, false},
		{"N17", add, `year:2021`, "year", `"2021"`, true},
		{"N18", add, `,"tags":["a",7]`, "tags", `["a","7"]`, true},
		{"N18", add, `,"tags":"a,b"`, "tags", `["a","b"]`, true},
		{"N18", add, `,"tags":["a",null]`, "", notValid, false},
		{"N19", add, `category:"电视剧"`, "episodeCount", "", true},
		{"N20", program, `fps:`, "playInfos", `[{"videoId":"v","definition":"HD","playUrl":"https://c.example/v"}]`, true},
		{"N21", off, `{"seriesIds":[" a "]}`, "seriesIds", `"a"`, true},
		{"N21", add, `seriesId:"` + strings.Repeat("a", 129) + `"`, "", notValid, false},
		{"N21", add, `seriesId:"a,b"`, "", notValid, false},
		{"N21", add, `seriesId:"a，b"`, "", notValid, false},
		{"N21", programOff, `{"programIds":["a，b"]}`, "", notValid, false},
		{"N21", off, `{"seriesIds":["a，b"]}`, "", notValid, false},
		{"N21", add, `seriesId:"a\u0007"`, "", notValid, false},
		{"N22", gyt345.SeriesDelete, `{"seriesId":"s"}`, "seriesId", `"s"`, false},
		{"N22", gyt345.ProgramDelete, `{"programId":"p","definition":"none"}`, "programId", `"p"`, false},
		{"N22", gyt345.ProgramDelete, `{}`, "", missing, false},
		{"N23", add, `,"runtime":"5400"`, "runtime", "5400", true},
		{"N23", program, `,"duration":-1`, "", notValid, false},
		{"N24", add, `,"releaseDate":"2021年春"`, "releaseDate", `"2021年春"`, false},
		{"N25", program, `,"paid":true`, "paid", "1", true},
		{"N25", program, `,"paid":"0"`, "paid", "0", true},
		{"N25", program, "", "paid", "", false},
		{"N25", program, `,"paid":2`, "", notValid, false},
		{"N26", program, `,"thumbnail":"ftp://a"`, "", notValid, false},
		{"N26", program, `,"thumbnail":"https://` + strings.Repeat("a", 2048) + `"`, "", notValid, false},
		{"N26", program, `,"thumbnail":"HTTP://a"`, "thumbnail", `"HTTP://a"`, false},
		{"N27", add, `,"hostess":["a"],"subCategorys":["b"],"seasons":2`, "seasons", "2", false},
		{"N28", program, `,"keywords":["a"]`, "keywords", `["a"]`, false},
		{"N29", add, `,"unheardOf":{"a":1}`, "unheardOf", "", false},
		{"N30", add, "", "seriesPrograms", "", false},
		{"N30", add, `,"seriesPrograms":[]`, "seriesPrograms", "[]", false},
		{"N31", add, `,"seriesPrograms":[` + strings.Replace(aRelation, `"seriesId":"s"`, `"seriesId":"x"`, 1) + `]`, "", notValid, false},
		{"N31", program, inS + `"seriesPrograms":` + strings.Replace(aRelation, `"programId":"p"`, `"programId":"x"`, 1), "", notValid, false},
		{"N31", program, `,"seriesPrograms":` + aRelation, "", notValid, false},
	}
}

// message puts a case into a body; "name:value" takes the place of a required member.
func (c readCase) message(t *testing.T) gyt345.Value {
	t.Helper()
	data := c.data
	base := map[gyt345.Type]string{gyt345.SeriesAdd: aSeries, gyt345.ProgramAdd: aProgram}[c.kind]
	if base != "" {
		name, value, replaced := strings.Cut(data, ":")
		switch {
		case name == "fps":
			data = "{" + strings.Replace(base, `"fps":"25",`, "", 1) + "}"
		case replaced && !strings.HasPrefix(data, ","):
			before, after, _ := strings.Cut(base, `"`+name+`":"`)
			_, after, _ = strings.Cut(after, `"`)
			data = "{" + before + `"` + name + `":` + value + after + "}"
		default:
			data = "{" + base + data + "}"
		}
	}
	body, err := gyt345.Parse(fmt.Appendf(nil, `{"msgId":"m","msgType":%d,"msgTime":1,"msgData":%s}`, c.kind, data))
	if err != nil {
		t.Fatalf("%s: %v: %s", c.note, err, data)
	}
	return body
}

func TestNotesOfReading(t *testing.T) {
	for i, c := range readCases() {
		t.Run(fmt.Sprint(c.note, " ", i), func(t *testing.T) {
			m, notes, err := gyt345.Decode(c.message(t), c.kind.Interface())
			if c.want == missing || c.want == notValid {
				if fault, ok := errors.AsType[*gyt345.Fault](err); !ok || string(fault.Code) != c.want {
					t.Fatalf("got %v, want %s", err, c.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if v, ok := m.Data.Member(c.field); ok {
				got = string(v.JSON())
			}
			if got != c.want {
				t.Errorf("%s: got %s, want %s", c.field, got, c.want)
			}
			if (len(notes) > 0) != c.noted {
				t.Errorf("notes: got %q, want some: %v", notes, c.noted)
			}
		})
	}
}

// elsewhere are the tests of the notes that are about more than one message, by folder.
func elsewhere() map[string][]string {
	return map[string][]string{
		"N6": {".", "TestTables"}, "N10": {".", "TestHostileBodies"}, "N11": {".", "TestRequestVectors"}, "N12": {".", "TestRequestVectors"},
		"N13": {".", "TestSignVectors"}, "N32": {"..", "TestRules"}, "N33": {"..", "TestRules"}, "N34": {"..", "TestRules"},
		"N35": {"..", "TestEmergency"}, "N36": {"..", "TestRules"}, "N37": {"..", "TestRules"}, "N38": {"..", "TestRules"},
		"N39": {"../../test/programs", "TestKills"}, "N40": {"..", "TestVariantOfPartner"}, "N41": {"../../test/programs", "TestEmergencyReachesTheMock"},
		"N42": {"..", "TestEmergency"}, "N43": {".", "TestNotesOfAnswers"}, "N44": {".", "TestNotesOfAnswers"}, "N45": {".", "TestNotesOfAnswers"},
		"N46": {".", "TestNotesOfAnswers"}, "N47": {"../../gateway/app", "TestPartnersAreAnsweredAsInAnnexC"}, "N48": {".", "TestNotesOfAnswers"}, "N49": {".", "TestSignVectors"},
		"N50": {".", "TestMessageVectors"}, "N51": {".", "TestMACKey"}, "N52": {".", "TestPrimitives"}, "N53": {"..", "TestMutualTLS"},
		"N54": {".", "TestNotesOfAnswers"},
	}
}

// TestNotesAreTested finds for each of the 54 notes a case here or a test elsewhere.
func TestNotesAreTested(t *testing.T) {
	tests := map[string][]string{}
	named := elsewhere()
	for n := 1; n <= 54; n++ {
		note := fmt.Sprintf("N%d", n)
		here := slices.ContainsFunc(readCases(), func(c readCase) bool { return c.note == note })
		at, there := named[note]
		if here == there {
			t.Errorf("%s: has cases here: %v, a test elsewhere: %v; want one of both", note, here, there)
		}
		if !there {
			continue
		}
		if tests[at[0]] == nil {
			tests[at[0]] = testsIn(t, at[0])
		}
		if !slices.Contains(tests[at[0]], at[1]) {
			t.Errorf("%s: there is no %s in %s", note, at[1], at[0])
		}
	}
}

func testsIn(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				out = append(out, f.Name.Name)
			}
		}
	}
	return out
}
