package definitions

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func load(t testing.TB) *Set {
	t.Helper()
	set, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func action(t testing.TB, version, name string) *Action {
	t.Helper()
	a := load(t).Action(version, name)
	if a == nil {
		t.Fatalf("no action %s of %s", name, version)
	}
	return a
}

func TestLoad(t *testing.T) {
	t.Parallel()
	set := load(t)
	if n := len(set.Products()); n != 18 {
		t.Errorf("%d products", n)
	}
	for _, p := range set.Products() {
		for name, a := range p.Actions {
			if a.Response == nil || a.Response.Type != "object" {
				t.Errorf("%s.%s has no answer", p.Name, name)
			}
		}
	}
	run := action(t, "2014-05-26", "RunInstances")
	if p := run.Parameter("Tag"); p == nil || p.Style != StyleRepeat || p.Items.Properties["Key"].Type != "string" {
		t.Errorf("Tag is %+v", p)
	}
	if status := run.Errors["InvalidImageId.NotFound"]; status != 404 {
		t.Errorf("status %d", status)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		version, action string
		sent            map[string]string
		want            Args
	}{
		"lists, objects and dotted names": {
			"2014-05-26", "RunInstances",
			map[string]string{
				"RegionId": "cn-hangzhou", "Tag.2.Key": "b", "Tag.1.Key": "a", "Tag.1.Value": "1 *+中", "SecurityGroupIds.1": "sg-1",
				"SystemDisk.Size": "40", "DataDisk.1.Size": "20", "Amount": "2", "AccessKeyId": "x", "Description": "",
			},
			Args{
				"RegionId": "cn-hangzhou", "SecurityGroupIds": []any{"sg-1"}, "SystemDisk.Size": "40", "Amount": "2",
				"Tag":      []any{map[string]any{"Key": "a", "Value": "1 *+中"}, map[string]any{"Key": "b"}},
				"DataDisk": []any{map[string]any{"Size": "20"}},
			},
		},
		"a name with a number": {
			"2014-05-26", "DescribeInstances",
			map[string]string{"RegionId": "r", "Filter.1.Key": "CreationStartTime"},
			Args{"RegionId": "r", "Filter.1.Key": "CreationStartTime"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, problems := action(t, tc.version, tc.action).Parse(tc.sent)
			if len(problems) > 0 {
				t.Errorf("problems %v", problems)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	run := action(t, "2014-05-26", "RunInstances")
	for name, tc := range map[string]struct {
		sent map[string]string
		want Problem
	}{
		"missing":        {map[string]string{}, Problem{Missing, "RegionId", ""}},
		"empty":          {map[string]string{"RegionId": ""}, Problem{Missing, "RegionId", ""}},
		"unknown":        {map[string]string{"RegionId": "r", "Colour": "x"}, Problem{Unknown, "Colour", ""}},
		"unknown member": {map[string]string{"RegionId": "r", "Tag.1.Colour": "x"}, Problem{Unknown, "Tag.1.Colour", ""}},
		"number zero":    {map[string]string{"RegionId": "r", "Tag.0.Key": "x"}, Problem{Unknown, "Tag.0.Key", ""}},
		"no number":      {map[string]string{"RegionId": "r", "Amount": "two"}, Problem{WrongType, "Amount", ""}},
		"list as text":   {map[string]string{"RegionId": "r", "Tag": "x"}, Problem{WrongType, "Tag", ""}},
		"too deep":       {map[string]string{"RegionId": "r", "Tag.1.Key.x": "x"}, Problem{Unknown, "Tag.1.Key.x", ""}},
		"out of range":   {map[string]string{"RegionId": "r", "Amount": "1000000"}, Problem{OutOfRange, "Amount", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, problems := run.Parse(tc.sent)
			if len(problems) != 1 {
				t.Fatalf("problems %v", problems)
			}
			if got := problems[0]; got.Fault != tc.want.Fault || got.Parameter != tc.want.Parameter || got.Detail == "" {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	schema := action(t, "2016-04-28", "DescribeVSwitches").Response
	for name, tc := range map[string]struct {
		answer string
		want   string
	}{
		"right":        {`{"RequestId":"r","TotalCount":1,"VSwitches":{"VSwitch":[{"VSwitchId":"vsw-1"}]}}`, ""},
		"bare list":    {`{"VSwitches":[]}`, ".VSwitches is"},
		"unknown":      {`{"VSwitches":{"VSwitch":[{"Colour":"red"}]}}`, "VSwitch[0].Colour is not in the schema"},
		"wrong type":   {`{"TotalCount":"1"}`, ".TotalCount is string"},
		"not integral": {`{"TotalCount":1.5}`, ".TotalCount is float64"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var v any
			if err := json.Unmarshal([]byte(tc.answer), &v); err != nil {
				t.Fatal(err)
			}
			got := strings.Join(schema.Check(v), "; ")
			if tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// FuzzParse looks for names that panic or that cost more than they say.
func FuzzParse(f *testing.F) {
	for _, seed := range [][2]string{
		{"Tag.1.Key", "a"}, {"Tag.1", "a"}, {"DataDisk.1.Tag.1.Key", "x"}, {"Tag.999999999999.Key", "x"}, {"Tag..Key", "x"},
		{".", ""}, {"", "x"}, {"Tag.1.Key.Key", "\x00"}, {"Filter.1.Key", "名 *+"}, {"SystemDisk.Size", "1e9"},
	} {
		f.Add(seed[0], seed[1], "Tag.1.Key")
	}
	run := action(f, "2014-05-26", "RunInstances")
	f.Fuzz(func(t *testing.T, name, value, second string) {
		args, problems := run.Parse(map[string]string{name: value, second: value, "RegionId": "r"})
		if _, err := json.Marshal(args); err != nil {
			t.Errorf("arguments of %q: %v", name, err)
		}
		for _, p := range problems {
			if p.Fault == 0 || p.Detail == "" {
				t.Errorf("problem %+v says nothing", p)
			}
		}
	})
}
