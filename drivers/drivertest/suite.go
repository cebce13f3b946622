package drivertest

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/plugin-proto/contract"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"

	// The services whose rpcs drivers implement.
	_ "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	_ "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/database/v1"
	_ "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
	_ "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
	_ "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"
	_ "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/storage/v1"
)

// accountID is the account that the suite opens in the driver.
const accountID = "conformance"

// suite is one run.
type suite struct {
	target   Target
	options  Options
	contract *contract.Contract
	creates  map[string]*contract.Method // by resource type
	deletes  map[string]*contract.Method

	run           string // part of every name and request id of this run
	secret        string // the canary
	methods       map[string]bool
	features      map[string]bool
	repeats       *driverv1.Idempotency
	faultEndpoint string // empty: the cloud cannot be told to fail

	made   map[string]*object // the main resource of each type
	stack  []*object          // everything to be deleted, in order of creation
	picks  map[string]string
	number int

	mu     sync.Mutex // of what follows
	report *Report
	tested map[string]bool // rpcs that were called
	used   map[string]bool // features of requests that worked
	serial int
}

// Check runs the suite against a driver. It returns an error only where there
// is nothing to report: the driver does not answer, or its account cannot be
// opened.
func Check(ctx context.Context, target Target, options Options) (*Report, error) {
	s, err := newSuite(target, options)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	s.report.At = start.UTC()
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	s.pick(ctx)
	s.checkUndeclared(ctx)
	s.checkReads(ctx)
	s.checkInTime(ctx)
	for _, f := range s.forms() {
		if s.wanted(f.resource) {
			s.live(ctx, f)
		}
	}
	s.checkPages(ctx)
	s.checkFaults(ctx)
	s.checkTenant(ctx)
	s.tearDown(ctx)
	s.checkNothingLeft(ctx)
	s.checkLog()
	s.conclude()
	s.report.Seconds = time.Since(start).Seconds()
	return s.report, nil
}

func newSuite(target Target, options Options) (*suite, error) {
	c, err := contract.Linked()
	if err != nil {
		return nil, err
	}
	s := &suite{
		target: target, options: options, contract: c,
		creates: map[string]*contract.Method{}, deletes: map[string]*contract.Method{},
		run: randomHex(3), secret: "Zq7_" + randomHex(8),
		methods: map[string]bool{}, features: map[string]bool{},
		made: map[string]*object{}, picks: map[string]string{}, tested: map[string]bool{}, used: map[string]bool{},
		report: &Report{Target: target.Name(), About: options.About},
	}
	for _, m := range c.Methods {
		switch {
		case m.Module:
		case m.Kind == apiv1.Kind_KIND_CREATE:
			s.creates[m.ResourceType] = m
		case m.Kind == apiv1.Kind_KIND_DELETE:
			s.deletes[m.ResourceType] = m
		}
	}
	return s, nil
}

func randomHex(bytes int) string {
	random := make([]byte, bytes)
	_, _ = rand.Read(random) // never fails
	return hex.EncodeToString(random)
}

// wanted tells whether a resource type is part of this run: it is named, or one
// that is named needs it.
func (s *suite) wanted(resource string) bool {
	return len(s.options.Resources) == 0 || slices.Contains(s.options.Resources, resource)
}

// wantedMethod is wanted for what an rpc is about.
func (s *suite) wantedMethod(m *contract.Method) bool { return s.wanted(m.ResourceType) }

// declared tells whether the account has an rpc.
func (s *suite) declared(m *contract.Method) bool { return m != nil && s.methods[m.FullName] }

// open reads what the driver is and opens the account.
func (s *suite) open(ctx context.Context) error {
	client := driverv1.NewDriverServiceClient(s.target.Conn())
	info, err := client.GetInfo(ctx, &driverv1.GetInfoRequest{})
	if err != nil {
		return fmt.Errorf("ask the driver what it is: %w", err)
	}
	s.report.Driver, s.report.Version, s.report.Provider = info.GetName(), info.GetVersion(), info.GetProvider()
	s.checkInfo(info)
	opened, err := s.openAccount(ctx)
	if err != nil {
		return fmt.Errorf("open the account: %w", err)
	}
	can := opened.GetCapabilities()
	s.repeats = can.GetIdempotency()
	for _, name := range info.GetMethods() {
		s.methods[name] = !slices.Contains(can.GetAbsentMethods(), name)
	}
	for _, feature := range info.GetFeatures() {
		s.features[feature.GetName()] = !slices.Contains(can.GetAbsentFeatures(), feature.GetName())
	}
	return nil
}

func (s *suite) openAccount(ctx context.Context) (*driverv1.OpenAccountResponse, error) {
	opened, err := driverv1.NewDriverServiceClient(s.target.Conn()).OpenAccount(ctx, &driverv1.OpenAccountRequest{
		AccountId: accountID, Settings: s.options.Settings, Credentials: s.options.Credentials,
	})
	s.faultEndpoint = cmp.Or(s.options.FaultEndpoint, opened.GetCapabilities().GetFaultEndpoint())
	return opened, err
}

// newCall is the metadata of a new request.
func (s *suite) newCall() sdk.Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serial++
	return sdk.Call{AccountID: accountID, RequestID: fmt.Sprintf("conf-%s-%d", s.run, s.serial), Attempt: 1}
}

func (s *suite) add(rule Rule, subject string, status Status, detail string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Results = append(s.report.Results, Result{rule, subject, status, strings.ReplaceAll(detail, "\n", " ")})
}

func (s *suite) pass(rule Rule, subject string) { s.add(rule, subject, Passed, "") }

func (s *suite) fail(rule Rule, subject, format string, args ...any) {
	s.add(rule, subject, Failed, fmt.Sprintf(format, args...))
}

func (s *suite) untested(rule Rule, subject, format string, args ...any) {
	s.add(rule, subject, Untested, fmt.Sprintf(format, args...))
}

// failed tells whether a subject has broken a rule.
func (s *suite) failed(rule Rule, subject string) bool {
	return slices.ContainsFunc(s.report.Results, func(r Result) bool {
		return r.Rule == rule && r.Subject == subject && r.Status == Failed
	})
}

// verdict is pass or, with a reason, fail.
func (s *suite) verdict(rule Rule, subject string, wrong string) {
	if wrong == "" {
		s.pass(rule, subject)
		return
	}
	s.fail(rule, subject, "%s", wrong)
}

// conclude adds what was declared and not reached.
func (s *suite) conclude() {
	for _, m := range s.contract.Methods {
		if s.declared(m) && s.wantedMethod(m) && !s.tested[m.FullName] {
			s.untested(RuleDeclared, m.FullName, "no request of the plan reached it")
		}
	}
	for feature, has := range s.features {
		switch {
		case !has:
		case s.used[feature]:
			s.pass(RuleFeature, feature)
		case s.failed(RuleFeature, feature):
		case len(s.options.Resources) == 0:
			s.untested(RuleFeature, feature, "no request of the plan uses it")
		}
	}
	s.report.tidy()
}
