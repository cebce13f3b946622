package harness

import (
	"encoding/json"
	"os"
	"os/exec"
	"testing"
)

// Operator runs a command of the program as an operator does at a shell, with the
// administrator's token: "billing", "bill", "list". It returns what was printed.
func (g *Gateway) Operator(t testing.TB, arguments ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), g.programs.path("yunqiao"), arguments...)
	cmd.Env = append(os.Environ(), "YUNQIAO_ADDRESS="+g.URL(), "YUNQIAO_TOKEN="+g.bearer())
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Operate is Operator for a command that must succeed; its answer is read from JSON.
func (g *Gateway) Operate(t testing.TB, arguments ...string) Object {
	t.Helper()
	out, err := g.Operator(t, append(arguments, "-o", "json")...)
	answer := Object{}
	if err == nil {
		err = json.Unmarshal([]byte(out), &answer)
	}
	if err != nil {
		t.Fatalf("%v: %v\n%s", arguments, err, out)
	}
	return answer
}
