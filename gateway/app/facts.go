package app

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/driverhost"
	"github.com/yunqiao/yunqiao/gateway/operation"
	"github.com/yunqiao/yunqiao/monitor"
	accountv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/account/v1"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

// facts tells monitor what is wrong with the gateway and with what it works with:
// drivers, accounts, quotas, certificates and collectors of logs. Drivers and accounts
// are those of this replica.
type facts struct{ app *App }

var _ monitor.Facts = facts{}

// settling is how long drivers and accounts may take to come back before it is an alarm.
const settling = 30 * time.Second

// Facts implements monitor.Facts.
func (f facts) Facts(ctx context.Context) ([]monitor.Fact, error) {
	all := append(f.drivers(), f.accounts()...)
	quotas, err := f.quotas(ctx)
	if err != nil {
		return nil, err
	}
	certificates, err := f.certificates(time.Now())
	if err != nil {
		return nil, err
	}
	partners, err := f.partnerCertificates(ctx, time.Now())
	if err != nil {
		return nil, err
	}
	return slices.Concat(all, quotas, certificates, partners), nil
}

func (f facts) drivers() []monitor.Fact {
	var out []monitor.Fact
	for _, d := range f.app.host.Drivers() {
		if d.State == driverhost.StateReady {
			continue
		}
		out = append(out, monitor.Fact{
			Name: "DriverDown", ObjectID: "driver/" + d.Name, TenantID: f.app.identity.Root(), After: settling,
			Description: fmt.Sprintf("driver %s is not ready", d.Name), ProbableCause: "softwareProgramAbnormallyTerminated",
			Type: monitorv1.AlarmType_ALARM_TYPE_PROCESSING_ERROR, Severity: monitorv1.Severity_SEVERITY_MAJOR,
		})
	}
	return out
}

// reasonName is empty where there is no reason.
func reasonName(reason apiv1.Reason) string {
	if reason == apiv1.Reason_REASON_UNSPECIFIED {
		return ""
	}
	return sdk.ReasonName(reason)
}

func (f facts) accounts() []monitor.Fact {
	var out []monitor.Fact
	for _, a := range f.app.accounts.Registry().All() {
		var why string
		switch {
		case a.Disabled:
			continue
		case a.State != accountv1.AccountState_ACCOUNT_STATE_READY:
			why = cmp.Or(reasonName(a.Reason), "it is not open")
		case a.Guard != nil && string(a.Guard.State()) == "open":
			why = "its cloud does not answer"
		default:
			continue
		}
		out = append(out, monitor.Fact{
			Name: "AccountUnreachable", ObjectID: "account/" + a.ID, TenantID: f.app.identity.Root(), After: settling,
			Description: fmt.Sprintf("account %s cannot be used: %s", a.ID, why), ProbableCause: "communicationsSubsystemFailure",
			Type: monitorv1.AlarmType_ALARM_TYPE_COMMUNICATIONS, Severity: monitorv1.Severity_SEVERITY_MAJOR,
		})
	}
	return out
}

// quotaPercent is the part of a quota from which on there is an alarm.
const quotaPercent = 90

func (f facts) quotas(ctx context.Context) ([]monitor.Fact, error) {
	var out []monitor.Fact
	for _, q := range f.app.identity.AllQuotas() {
		used, err := operation.QuotaUse(f.app.store.Read.WithContext(ctx), q)
		if err != nil {
			return nil, err
		}
		if q.Limit <= 0 || used*100 < q.Limit*quotaPercent {
			continue
		}
		fact := monitor.Fact{
			Name: "QuotaNearlyUsed", ObjectID: "organization/" + q.TenantIDs[0], TenantID: q.TenantIDs[0],
			Description: fmt.Sprintf("more than %d percent of %d %s are used", quotaPercent, q.Limit, q.ResourceType), ProbableCause: "storageCapacityProblem",
			Type: monitorv1.AlarmType_ALARM_TYPE_QUALITY_OF_SERVICE, Severity: monitorv1.Severity_SEVERITY_WARNING,
			Labels: map[string]string{"resource_type": q.ResourceType},
		}
		if q.AccountID != "" {
			fact.Labels["account_id"] = q.AccountID
		}
		if used >= q.Limit {
			fact.Severity, fact.Description = monitorv1.Severity_SEVERITY_MAJOR, fmt.Sprintf("all of %d %s are used", q.Limit, q.ResourceType)
		}
		out = append(out, fact)
	}
	return out, nil
}

// Times before the end of a certificate, and what they are.
const (
	certificateWarning = 30 * 24 * time.Hour
	certificateMajor   = 7 * 24 * time.Hour
)

func (f facts) certificates(now time.Time) ([]monitor.Fact, error) {
	file := f.app.config.TLS.CertFile
	if file == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	return certificateFacts(raw, now, f.app.identity.Root())
}

// certificateFacts looks at the first certificate of a chain.
func certificateFacts(chain []byte, now time.Time, tenant string) ([]monitor.Fact, error) {
	block, _ := pem.Decode(chain)
	if block == nil {
		return nil, fmt.Errorf("certificate: no PEM in %d bytes", len(chain))
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	return expiry("certificate/"+certificate.Subject.String(), "the gateway's certificate", certificate.NotAfter, now, tenant), nil
}

// partnerCertificates looks at the certificates by which partners sign, and those of the
// connections with them.
func (f facts) partnerCertificates(ctx context.Context, now time.Time) ([]monitor.Fact, error) {
	certificates, err := f.app.programs.Certificates(ctx)
	if err != nil {
		return nil, err
	}
	var out []monitor.Fact
	for _, c := range certificates {
		out = append(out, expiry("partner/"+c.GroupID+"/"+c.Name, "a certificate of partner "+c.GroupID, c.Until, now, f.app.identity.Root())...)
	}
	return out, nil
}

// expiry is the fact that a certificate ends soon, or none.
func expiry(objectID, what string, until, now time.Time, tenant string) []monitor.Fact {
	left := until.Sub(now)
	severity := monitorv1.Severity_SEVERITY_WARNING
	switch {
	case left > certificateWarning:
		return nil
	case left <= 0:
		severity = monitorv1.Severity_SEVERITY_CRITICAL
	case left <= certificateMajor:
		severity = monitorv1.Severity_SEVERITY_MAJOR
	}
	return []monitor.Fact{{
		Name: "CertificateExpiry", ObjectID: objectID, TenantID: tenant,
		Description: what + " ends at " + until.UTC().Format(time.RFC3339), ProbableCause: "keyExpired",
		Type: monitorv1.AlarmType_ALARM_TYPE_SECURITY, Severity: severity,
	}}
}
