package contracttest_test

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/plugin-proto/contract"
)

// TestEveryRowHasOneRPC compares the rpcs with the tables of operations of
// GY/T 355-2021: a row is fulfilled by one rpc, whose route is that of annex A.
func TestEveryRowHasOneRPC(t *testing.T) {
	byRow := map[string][]*contract.Method{}
	for _, method := range linked(t).Methods {
		for _, row := range method.Rows {
			byRow[row] = append(byRow[row], method)
		}
	}
	for _, row := range rows(t, "testdata/operations.tsv") {
		id, service, resource, function, name := row[0], row[3], row[5], row[6], row[7]
		methods := byRow[id]
		delete(byRow, id)
		if len(methods) != 1 {
			t.Errorf("%s %s: got %d rpcs, want 1", id, function, len(methods))
			continue
		}
		want := "/" + service + "/v1/" + resource + "/" + name
		if got := methods[0].Routes[0].Pattern; got != want {
			t.Errorf("%s %s: got route %s, want %s", id, function, got, want)
		}
	}
	for _, id := range sorted(byRow) {
		t.Errorf("%s names the row %s, which is not in testdata/operations.tsv", byRow[id][0].FullName, id)
	}
}

// carriedOutside are parameters that no field carries, with what does.
var carriedOutside = map[string]string{
	"授权令牌": "the header Authorization",
	"时间标识": "the timestamp of a signed request",
}

// tableServices are the services whose messages carry a table's parameters.
var tableServices = map[string][]string{
	"T1":  {"compute"},
	"T2":  {"storage"},
	"T3":  {"network"},
	"T4":  {"security"},
	"T5":  {"tenant"},
	"T6":  {"database"},
	"T7":  {"monitor"},
	"T8":  {"compute", "storage", "network"},
	"T10": {"logging"},
	"T9":  {"billing"},
}

// TestEveryParameterIsCarried looks for a field for each parameter that the
// standard lists, 应 and 宜 alike.
func TestEveryParameterIsCarried(t *testing.T) {
	carried := map[string]map[string]bool{}
	for _, method := range linked(t).Methods {
		if carried[method.Service] == nil {
			carried[method.Service] = map[string]bool{}
		}
		seen := map[protoreflect.FullName]bool{}
		gather(method.Input.Descriptor(), carried[method.Service], seen)
		gather(method.Output.Descriptor(), carried[method.Service], seen)
	}
	known := map[string]bool{}
	for _, row := range rows(t, "testdata/parameters.tsv") {
		table, level, name := row[0], row[1], withoutSpaces(row[2])
		known[name] = true
		if _, ok := carriedOutside[name]; ok {
			continue
		}
		has := func(service string) bool { return carried[service][name] }
		if !slices.ContainsFunc(tableServices[table], has) {
			t.Errorf("%s %s parameter %s: no field of %v carries it", table, level, row[2], tableServices[table])
		}
	}
	for _, service := range sorted(carried) {
		for _, name := range sorted(carried[service]) {
			if !known[name] {
				t.Errorf("service %s: %s is no parameter in testdata/parameters.tsv", service, name)
			}
		}
	}
}

func gather(message protoreflect.MessageDescriptor, names map[string]bool, seen map[protoreflect.FullName]bool) {
	if seen[message.FullName()] {
		return
	}
	seen[message.FullName()] = true
	for i := range message.Fields().Len() {
		field := message.Fields().Get(i)
		for _, name := range contract.FieldRule(field).GetGyt355Params() {
			names[withoutSpaces(name)] = true
		}
		if nested := field.Message(); nested != nil {
			gather(nested, names, seen)
		}
	}
}

func withoutSpaces(text string) string { return strings.Join(strings.Fields(text), "") }
