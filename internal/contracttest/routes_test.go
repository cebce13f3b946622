package contracttest_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/yunqiao/yunqiao/plugin-proto/contract"
)

// TestRoutesCompile registers every route at the router of the gateway, which
// panics where two cannot live together.
func TestRoutesCompile(t *testing.T) {
	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	variables := map[string]string{} // what stands before a variable: the variable
	owners := map[contract.Route]string{}
	for _, method := range linked(t).Methods {
		for _, route := range slices.Compact(slices.Clone(method.Routes)) {
			if owner, ok := owners[route]; ok {
				t.Errorf("%s %s belongs to %s and %s", route.Method, route.Pattern, owner, method.FullName)
				continue
			}
			owners[route] = method.FullName
			if err := register(router, route); err != nil {
				t.Errorf("%s: %v", method.FullName, err)
			}
			segments := strings.Split(route.Pattern, "/")
			for i, segment := range segments {
				if !strings.Contains(segment, "{") {
					continue
				}
				before := strings.Join(segments[:i], "/")
				if other, ok := variables[before]; ok && other != segment {
					t.Errorf("%s %s: got variable %s, want %s as in other routes", route.Method, route.Pattern, segment, other)
				}
				variables[before] = segment
			}
		}
	}
}

func register(router *gin.Engine, route contract.Route) (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("route %s %s: %v", route.Method, route.Pattern, reason)
		}
	}()
	pattern := strings.NewReplacer("{", ":", "}", "").Replace(route.Pattern)
	router.Handle(route.Method, pattern, func(*gin.Context) {})
	return nil
}

// TestPathVariablesAreFields keeps routes from naming what the request lacks.
func TestPathVariablesAreFields(t *testing.T) {
	for _, method := range linked(t).Methods {
		for _, route := range method.Routes {
			for segment := range strings.SplitSeq(route.Pattern, "/") {
				name, isVariable := strings.CutPrefix(segment, "{")
				if isVariable && !hasField(method.Input.Descriptor(), strings.TrimSuffix(name, "}")) {
					t.Errorf("%s: %s names no field of %s", method.FullName, route.Pattern, method.Input.Descriptor().FullName())
				}
			}
		}
	}
}

// TestRoutesGolden shows every change of the public routes in review.
func TestRoutesGolden(t *testing.T) {
	const path = "testdata/routes.golden"
	var lines []string
	for _, method := range linked(t).Methods {
		for _, route := range slices.Compact(slices.Clone(method.Routes)) {
			lines = append(lines, fmt.Sprintf("%-6s %s  %s  %s\n", route.Method, route.Pattern, method.FullName, method.Permission))
		}
	}
	slices.Sort(lines)
	got := strings.Join(lines, "")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the routes differ from %s; if that is meant, run the test with -update", path)
	}
}
