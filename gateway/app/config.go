package app

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/yunqiao/yunqiao/internal/publicid"
	accountv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/account/v1"
)

// Config is the configuration file. Every key is optional; an unknown key is an
// error. Secrets are not in it: it says where they are.
type Config struct {
	Listen    string          `yaml:"listen"`    // address and port of the HTTP face
	Data      string          `yaml:"data"`      // folder of store, keys and embedded clouds
	Store     StoreConfig     `yaml:"store"`     // database
	Log       LogConfig       `yaml:"log"`       // process log
	Traces    TracesConfig    `yaml:"traces"`    // where traces are sent
	Seal      SecretSource    `yaml:"seal"`      // key that seals secrets in the store
	HTTP      HTTPConfig      `yaml:"http"`      // limits of the HTTP face
	TLS       TLSConfig       `yaml:"tls"`       // encryption of the HTTP face
	Limits    LimitsConfig    `yaml:"limits"`    // rates of calls
	Reconcile ReconcileConfig `yaml:"reconcile"` // comparison of the clouds with the inventory
	Retention RetentionConfig `yaml:"retention"` // how long what has ended is kept
	Logging   LoggingConfig   `yaml:"logging"`   // logs of resources
	Monitor   MonitorConfig   `yaml:"monitor"`   // alarms
	Drivers   []DriverConfig  `yaml:"drivers"`   // programs to run; none: all in DriverDir
	Dir       string          `yaml:"driver_dir"`
	// DriverLimits bound each driver's process.
	DriverLimits DriverLimitsConfig `yaml:"driver_limits"`
	Account      []AccountConfig    `yaml:"accounts"`
	Programs     ProgramsConfig     `yaml:"programs"` // series and programs
	Billing      BillingConfig      `yaml:"billing"`  // bills
	// PlainHTTP allows requests without encryption from other machines.
	PlainHTTP bool `yaml:"plain_http"`
}

// StoreConfig says where the database is.
type StoreConfig struct {
	// DSN of PostgreSQL, from a file or the environment; none: SQLite in Data.
	DSN            SecretSource `yaml:"dsn"`
	MaxConnections int          `yaml:"max_connections"`
}

// LogConfig says how the process logs, to standard error.
type LogConfig struct {
	Level  string `yaml:"level"`  // debug, info, warn, error
	Format string `yaml:"format"` // json, text
}

// TracesConfig says where traces are sent, by OTLP over HTTP.
type TracesConfig struct {
	Endpoint    string  `yaml:"endpoint"`     // "http://127.0.0.1:4318"; empty: nowhere
	SampleRatio float64 `yaml:"sample_ratio"` // of traces that begin here, 0..1
}

// HTTPConfig bounds requests.
type HTTPConfig struct {
	MaxBodyBytes          int64    `yaml:"max_body_bytes"`
	MaxHeaderBytes        int      `yaml:"max_header_bytes"`
	MaxURLBytes           int      `yaml:"max_url_bytes"`
	MaxConcurrentRequests int      `yaml:"max_concurrent_requests"`
	HeaderTimeout         Duration `yaml:"header_timeout"`
	RequestTimeout        Duration `yaml:"request_timeout"`
	DrainTimeout          Duration `yaml:"drain_timeout"`
}

// ReconcileConfig says how often the clouds are compared with the inventory.
type ReconcileConfig struct {
	Off      bool     `yaml:"off"`
	Interval Duration `yaml:"interval"` // from one comparison of an account to the next
	Parallel int      `yaml:"parallel"` // accounts at the same time
}

// RetentionConfig says how long the store keeps what nobody works on any more.
type RetentionConfig struct {
	Operations Duration `yaml:"operations"` // that have ended
	Events     Duration `yaml:"events"`     // of resources, which explain operations
	Audit      Duration `yaml:"audit"`      // entries of the record of calls
}

// leastRetention is how long idempotency keys must live.
const leastRetention = 24 * time.Hour

// SecretSource is a file or an environment variable that holds a secret.
type SecretSource struct {
	File string `yaml:"file"`
	Env  string `yaml:"env"`
}

// AccountConfig is one cloud account.
type AccountConfig struct {
	ID          string                  `yaml:"id"`
	Driver      string                  `yaml:"driver"`
	CloudKind   string                  `yaml:"cloud_kind"` // private, public, dedicated
	Description string                  `yaml:"description"`
	Settings    map[string]string       `yaml:"settings"`
	Credentials map[string]SecretSource `yaml:"credentials"`
}

// Environment names that override the file.
const (
	envListen = "YUNQIAO_LISTEN"
	envData   = "YUNQIAO_DATA"
)

// LoadConfig reads a file (none: the defaults), applies the environment, and
// checks everything at once. Paths in the file are relative to it.
func LoadConfig(path string, getenv func(string) string) (*Config, error) {
	c := defaultConfig()
	if path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read configuration: %w", err)
		}
		if err := decodeYAML(text, c); err != nil {
			return nil, fmt.Errorf("configuration %s: %w", path, err)
		}
		c.resolvePaths(filepath.Dir(path))
	}
	if v := getenv(envListen); v != "" {
		c.Listen = v
	}
	if v := getenv(envData); v != "" {
		c.Data = v
	}
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	return c, nil
}

func defaultConfig() *Config {
	return &Config{
		Listen: "127.0.0.1:8355",
		Data:   "data",
		Log:    LogConfig{Level: "info", Format: "json"},
		Traces: TracesConfig{SampleRatio: 1},
		HTTP: HTTPConfig{
			MaxBodyBytes: 1 << 20, MaxHeaderBytes: 64 << 10, MaxURLBytes: 8 << 10, MaxConcurrentRequests: 4096,
			HeaderTimeout: seconds(10), RequestTimeout: seconds(360), DrainTimeout: seconds(20),
		},
		TLS:          TLSConfig{MinVersion: "1.2"},
		Limits:       defaultLimits(),
		DriverLimits: defaultDriverLimits(),
		Reconcile:    ReconcileConfig{Interval: seconds(300), Parallel: 4},
		Retention:    RetentionConfig{Operations: seconds(90 * 24 * 3600), Events: seconds(90 * 24 * 3600), Audit: seconds(180 * 24 * 3600)},
	}
}

// defaultAccounts are those of a gateway without configured accounts.
func defaultAccounts() []AccountConfig {
	return []AccountConfig{{ID: "memory", Driver: "memory", CloudKind: "private", Description: "simulated cloud inside its driver"}}
}

func (c *Config) resolvePaths(dir string) {
	for _, p := range []*string{&c.Data, &c.Dir, &c.Store.DSN.File, &c.Seal.File, &c.TLS.CertFile, &c.TLS.KeyFile, &c.TLS.ClientCAFile, &c.Billing.StatementFont} {
		*p = relativeTo(dir, *p)
	}
	for i := range c.Drivers {
		c.Drivers[i].Path, c.Drivers[i].Manifest = relativeTo(dir, c.Drivers[i].Path), relativeTo(dir, c.Drivers[i].Manifest)
	}
	for _, a := range c.Account {
		for name, source := range a.Credentials {
			source.File = relativeTo(dir, source.File)
			a.Credentials[name] = source
		}
	}
}

func relativeTo(dir, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// validate reports every problem, each with its key.
func (c *Config) validate() error {
	var problems []error
	bad := func(key, format string, args ...any) {
		problems = append(problems, fmt.Errorf(key+": "+format, args...))
	}
	if _, port, err := net.SplitHostPort(c.Listen); err != nil || port == "" {
		bad("listen", "%q is not host:port", c.Listen)
	}
	c.validateTransport(bad)
	c.Limits.validate(bad)
	c.Billing.validate(bad)
	c.DriverLimits.validate(bad)
	if _, err := logLevel(c.Log.Level); err != nil {
		bad("log.level", "%q is none of debug, info, warn, error", c.Log.Level)
	}
	if c.Log.Format != "json" && c.Log.Format != "text" {
		bad("log.format", "%q is neither json nor text", c.Log.Format)
	}
	if c.Traces.SampleRatio < 0 || c.Traces.SampleRatio > 1 {
		bad("traces.sample_ratio", "%g is not in 0..1", c.Traces.SampleRatio)
	}
	if c.HTTP.MaxBodyBytes < 1024 || c.HTTP.MaxBodyBytes > 64<<20 {
		bad("http.max_body_bytes", "%d is not in 1024..67108864", c.HTTP.MaxBodyBytes)
	}
	for _, t := range []struct {
		key  string
		time Duration
	}{
		{"http.header_timeout", c.HTTP.HeaderTimeout}, {"http.request_timeout", c.HTTP.RequestTimeout}, {"http.drain_timeout", c.HTTP.DrainTimeout},
		{"reconcile.interval", c.Reconcile.Interval},
	} {
		if t.time.Duration <= 0 {
			bad(t.key, "%q is not a positive time, such as 30s or 2m", t.time.text)
		}
	}
	if kept := c.Retention.Operations; kept.Duration < leastRetention {
		bad("retention.operations", "%q is less than 24h", kept.text)
	}
	if kept := c.Retention.Events; kept.Duration < leastRetention {
		bad("retention.events", "%q is less than 24h", kept.text)
	}
	if kept := c.Retention.Audit; kept.Duration < leastRetention {
		bad("retention.audit", "%q is less than 24h", kept.text)
	}
	drivers := map[string]bool{}
	for i, d := range c.Drivers {
		if d.Name == "" || (d.Path == "") == (d.Manifest == "") {
			bad(fmt.Sprintf("drivers[%d]", i), "name and either path or manifest are required")
		}
		if drivers[d.Name] {
			bad(fmt.Sprintf("drivers[%d].name", i), "%q is there twice", d.Name)
		}
		drivers[d.Name] = true
	}
	for _, source := range []struct {
		key    string
		secret SecretSource
	}{{"store.dsn", c.Store.DSN}, {"seal", c.Seal}} {
		if source.secret.File != "" && source.secret.Env != "" {
			bad(source.key, "has both file and env; give one")
		}
	}
	if c.Reconcile.Parallel < 1 || c.Reconcile.Parallel > 64 {
		bad("reconcile.parallel", "%d is not in 1..64", c.Reconcile.Parallel)
	}
	for i, root := range c.Logging.FileRoots {
		if !filepath.IsAbs(root) || filepath.Clean(root) == "/" {
			bad(fmt.Sprintf("logging.file_roots[%d]", i), "%q is no absolute path of a folder below /", root)
		}
	}
	if c.Store.MaxConnections < 0 {
		bad("store.max_connections", "%d is negative", c.Store.MaxConnections)
	}
	accounts := map[string]bool{}
	for i, a := range c.Account {
		key := fmt.Sprintf("accounts[%d]", i)
		if !publicid.ValidAccount(a.ID) {
			bad(key+".id", "%q must have 3 to 32 lower-case letters, digits and hyphens", a.ID)
		}
		if accounts[a.ID] {
			bad(key+".id", "%q is there twice", a.ID)
		}
		accounts[a.ID] = true
		if a.Driver == "" {
			bad(key+".driver", "is required")
		}
		if cloudKind(a.CloudKind) == 0 {
			bad(key+".cloud_kind", "%q is none of private, public, dedicated", a.CloudKind)
		}
		for _, name := range slices.Sorted(maps.Keys(a.Credentials)) {
			source := a.Credentials[name]
			if (source.File == "") == (source.Env == "") {
				bad(key+".credentials."+name, "needs exactly one of file and env")
			}
		}
	}
	return errors.Join(problems...)
}

func cloudKind(text string) accountv1.CloudKind {
	return accountv1.CloudKind(accountv1.CloudKind_value["CLOUD_KIND_"+strings.ToUpper(text)])
}

// Given tells whether the source names anything.
func (s SecretSource) Given() bool { return s.File != "" || s.Env != "" }

// Read fetches the secret.
func (s SecretSource) Read(getenv func(string) string) (string, error) {
	if s.Env != "" {
		if v := getenv(s.Env); v != "" {
			return v, nil
		}
		return "", fmt.Errorf("the environment variable %s is empty", s.Env)
	}
	text, err := os.ReadFile(s.File)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("there is no file %s", s.File)
	}
	return strings.TrimRight(string(text), "\r\n"), err
}

// TokenFile is where the first administrator's token is written.
func (c *Config) TokenFile() string { return filepath.Join(c.Data, tokenFile) }
