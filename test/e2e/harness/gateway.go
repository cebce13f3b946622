package harness

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/internal/db/dbtest"
)

// envStore chooses the gateways' database: "postgres", or SQLite in the data folder.
const envStore = "YUNQIAO_TEST_STORE"

const (
	startTimeout = time.Minute
	stopTimeout  = 40 * time.Second // longer than the gateway's drain time
	// maxMemory is far above what any test needs, and far below what something that
	// grows without an end takes before anybody looks.
	maxMemory = 700 << 20
)

// Account is one entry of the configuration's accounts. One without an id only
// starts its driver.
type Account struct {
	ID       string
	Driver   string // its name in the gateway
	Program  string // of the driver; empty: it is called like the driver
	Settings map[string]string
	Password string // the credential of this name; empty: none
}

// Gateway is the gateway's program with a data folder, which outlives its kills.
type Gateway struct {
	*Client
	Dir      string // data folder
	config   string
	programs *Programs
	accounts []Account
	log      string
	level    string
	setup    Setup
	dsn      string // of the database server, if it is on one
	process  *process
}

// Setup is what a gateway's configuration has beside its accounts. The zero value
// is that of all tests.
type Setup struct {
	Store string // "sqlite" or "postgres"; empty: as YUNQIAO_TEST_STORE says
	DSN   string // of a database of the test's own; Store says nothing then
	// ReplicaOf is a gateway whose database, sealing key and first token are used.
	ReplicaOf *Gateway
	Data      string         // data folder; empty: one of the test's own
	Config    map[string]any // further keys of the configuration
}

// NewGateway prepares a gateway with these accounts and starts it.
func NewGateway(t testing.TB, programs *Programs, accounts ...Account) *Gateway {
	t.Helper()
	return NewLoggingGateway(t, programs, "info", accounts...)
}

// NewLoggingGateway is NewGateway with another level of the log than info.
func NewLoggingGateway(t testing.TB, programs *Programs, level string, accounts ...Account) *Gateway {
	t.Helper()
	return newGateway(t, programs, level, Setup{}, accounts...)
}

// NewGatewayWith is NewGateway with a setup of its own.
func NewGatewayWith(t testing.TB, programs *Programs, setup Setup, accounts ...Account) *Gateway {
	t.Helper()
	return newGateway(t, programs, "info", setup, accounts...)
}

func newGateway(t testing.TB, programs *Programs, level string, setup Setup, accounts ...Account) *Gateway {
	t.Helper()
	g := prepareGateway(t, programs, level, setup, accounts...)
	g.Start(t)
	return g
}

// prepareGateway writes the configuration and does not start.
func prepareGateway(t testing.TB, programs *Programs, level string, setup Setup, accounts ...Account) *Gateway {
	t.Helper()
	dir := t.TempDir()
	g := &Gateway{
		level: level, setup: setup,
		Client: newClient(), Dir: cmp.Or(setup.Data, filepath.Join(dir, "data")), config: filepath.Join(dir, "gateway.yaml"),
		programs: programs, accounts: accounts, log: filepath.Join(dir, "gateway.log"),
	}
	g.writeConfig(t)
	t.Cleanup(func() {
		if g.process == nil { // it was never started
			return
		}
		g.Stop(t)
		showLog(t, g.log)
		g.ExpectNoDrivers(t)
	})
	return g
}

// writeConfig writes the configuration as JSON, which is YAML too.
func (g *Gateway) writeConfig(t testing.TB) {
	t.Helper()
	type object = map[string]any
	drivers := map[string]bool{}
	var driverList, accountList []object
	for _, a := range g.accounts {
		if !drivers[a.Driver] {
			drivers[a.Driver] = true
			copyProgram(t, g.programs.path("drivers/"+cmp.Or(a.Program, a.Driver)), g.driverPath(a.Driver))
			driverList = append(driverList, object{"name": a.Driver, "path": g.driverPath(a.Driver)})
		}
		if a.ID == "" {
			continue
		}
		entry := object{"id": a.ID, "driver": a.Driver, "cloud_kind": "private", "settings": a.Settings}
		if a.Password != "" {
			entry["credentials"] = object{"password": object{"file": writeSecret(t, g.config, a.ID, a.Password)}}
		}
		accountList = append(accountList, entry)
	}
	config := object{
		"listen": "127.0.0.1:0", "data": g.Dir, "drivers": driverList, "accounts": accountList,
		"log": object{"level": g.level, "format": "json"},
	}
	maps.Copy(config, g.setup.Config)
	dsn := g.setup.DSN
	if first := g.setup.ReplicaOf; first != nil {
		dsn = first.dsn
		config["seal"] = object{"file": filepath.Join(first.Dir, "seal.key")}
	}
	if dsn == "" && cmp.Or(g.setup.Store, os.Getenv(envStore)) == "postgres" {
		dsn = dbtest.Postgres(t)
	}
	g.dsn = dsn
	if dsn != "" {
		config["store"] = object{"dsn": object{"file": writeSecret(t, g.config, "dsn", dsn)}}
	}
	text, err := json.Marshal(config)
	if err == nil {
		err = os.WriteFile(g.config, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// writeSecret puts a secret into a file beside the configuration.
func writeSecret(t testing.TB, config, name, secret string) string {
	t.Helper()
	file := filepath.Join(filepath.Dir(config), name+".secret")
	if err := os.WriteFile(file, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func (g *Gateway) driverPath(name string) string {
	return filepath.Join(filepath.Dir(g.config), "drivers", name)
}

// Start runs the program and waits until it serves and its accounts are ready.
func (g *Gateway) Start(t testing.TB) {
	t.Helper()
	g.Launch(t)
	g.AwaitAccounts(t)
}

// Launch runs the program and waits until it serves.
func (g *Gateway) Launch(t testing.TB) {
	t.Helper()
	cmd := exec.Command(g.programs.path("yunqiao"), "serve", "--config", g.config)
	cmd.Env = append(os.Environ(), "YUNQIAO_CONFIG=", "YUNQIAO_LISTEN=", "YUNQIAO_DATA=")
	serving := make(chan string, 1)
	g.process = start(t, cmd, g.log, nil, func(line []byte) {
		if !bytes.Contains(line, []byte(`"msg":"serving"`)) {
			return
		}
		var entry struct {
			URL string `json:"url"`
		}
		if json.Unmarshal(line, &entry) == nil && entry.URL != "" {
			serving <- entry.URL
		}
	})
	select {
	case url := <-serving:
		dir := g.Dir
		if g.setup.ReplicaOf != nil {
			dir = g.setup.ReplicaOf.Dir
		}
		token, err := os.ReadFile(filepath.Join(dir, "admin.token"))
		if err != nil {
			t.Fatal(err)
		}
		g.use(url, strings.TrimSpace(string(token)))
	case <-g.process.exited:
		t.Fatalf("the gateway ended at its start: %v", g.process.err)
	case <-time.After(startTimeout):
		t.Fatal("the gateway did not start")
	}
}

// AwaitAccounts waits until /readyz shows every account as ready.
func (g *Gateway) AwaitAccounts(t testing.TB) {
	t.Helper()
	Eventually(t, startTimeout, "all accounts are ready", func() bool {
		states := g.AccountStates(t)
		for _, a := range g.accounts {
			if a.ID != "" && states[a.ID] != "ACCOUNT_STATE_READY" {
				return false
			}
		}
		return true
	})
}

// AccountStates reads the accounts' states from /readyz.
func (g *Gateway) AccountStates(t testing.TB) map[string]string {
	t.Helper()
	answer := g.Send(t, http.MethodGet, "/readyz", nil)
	var ready struct {
		Accounts []struct{ ID, State string } `json:"accounts"`
	}
	if err := json.Unmarshal(answer.Body, &ready); err != nil {
		t.Fatalf("readyz: %v: %s", err, answer.Body)
	}
	states := map[string]string{}
	for _, a := range ready.Accounts {
		states[a.ID] = a.State
	}
	return states
}

// Log reads what the gateway and its drivers have logged.
func (g *Gateway) Log(t testing.TB) []byte {
	t.Helper()
	text, err := os.ReadFile(g.log)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Kill ends the gateway with kill -9. Start runs it again on the same data.
func (g *Gateway) Kill() { g.process.kill() }

// Stop ends the gateway in order. None may have taken more memory than maxMemory.
func (g *Gateway) Stop(t testing.TB) {
	t.Helper()
	g.process.stop(t, stopTimeout)
	if peak := g.process.peakMemory(); peak > maxMemory {
		t.Errorf("the gateway has taken %d MiB of memory", peak>>20)
	}
}

// Drivers are the pids of this gateway's processes of a driver.
func (g *Gateway) Drivers(name string) []int { return running(g.driverPath(name)) }

// KillDriver ends a driver's process with kill -9; it is an error if there is none.
func (g *Gateway) KillDriver(t testing.TB, name string) {
	t.Helper()
	pids := g.Drivers(name)
	if len(pids) == 0 {
		t.Fatalf("no process of driver %s runs", name)
	}
	for _, pid := range pids {
		if process, err := os.FindProcess(pid); err == nil {
			_ = process.Kill() // ended already is what is wanted
		}
	}
}

// ExpectNoDrivers checks that no driver process is left. A killed gateway's
// drivers get a moment to notice.
func (g *Gateway) ExpectNoDrivers(t testing.TB) {
	t.Helper()
	for _, a := range g.accounts {
		Eventually(t, 5*time.Second, "no process of driver "+a.Driver+" is left", func() bool { return len(g.Drivers(a.Driver)) == 0 })
	}
}

// CloudFile is where the embedded cloud of an account is kept.
func (g *Gateway) CloudFile(accountID string) string {
	return filepath.Join(g.Dir, "clouds", accountID+".db")
}

// Eventually waits until a condition holds, and fails the test if it never does.
func Eventually(t testing.TB, within time.Duration, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(within)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", within, what)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
