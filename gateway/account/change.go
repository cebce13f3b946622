package account

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/gateway/limit"
	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/publicid"
	accountv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/account/v1"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

// Configured is an account of the configuration file.
type Configured struct {
	ID          string
	Driver      string
	Kind        accountv1.CloudKind
	Description string
	Settings    map[string]string
	Credentials map[string]string
}

// takeIn stores what the configuration says of an account, over what was stored.
func (m *Manager) takeIn(ctx context.Context, c Configured) error {
	if !publicid.ValidAccount(c.ID) {
		return fmt.Errorf("account %q: the name must have 3 to 32 lower-case letters, digits and hyphens", c.ID)
	}
	if driver, ok := m.drivers.Driver(c.Driver); ok {
		if err := checkFields(driver.Schema(), c.Settings, c.Credentials); err != nil {
			return fmt.Errorf("account %s: %w", c.ID, err)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	rec := record{credentials: c.Credentials, account: &Account{
		ID: c.ID, Driver: c.Driver, Kind: c.Kind, Description: c.Description, Settings: c.Settings, FromConfig: true,
		CredentialNames: slices.Sorted(maps.Keys(c.Credentials)), CreatedAt: m.opts.Now().UTC(),
		State: accountv1.AccountState_ACCOUNT_STATE_OPENING,
	}}
	if old, ok := m.secrets[c.ID]; ok {
		if old.account.Driver != c.Driver {
			return fmt.Errorf("account %s: its driver is %s and cannot become %s; names are never reused", c.ID, old.account.Driver, c.Driver)
		}
		rec.account.CreatedAt = old.account.CreatedAt
	} else if used, err := m.store.used(ctx, c.ID); err != nil {
		return err
	} else if used {
		return fmt.Errorf("account %s: the name was used by an account that has been deleted; names are never reused", c.ID)
	}
	if err := m.store.save(ctx, rec); err != nil {
		return fmt.Errorf("store account %s: %w", c.ID, err)
	}
	m.put(rec)
	return nil
}

// Create stores a new account and opens it, if check, unless it is nil, lets it when the
// name is kept for this creation. Credentials that the cloud refuses
// are refused here too; a cloud that cannot be reached is tried again later.
func (m *Manager) Create(ctx context.Context, request *accountv1.CreateAccountRequest, check func(context.Context) error) (*Account, error) {
	driver, ok := m.drivers.Driver(request.GetDriver())
	if !ok {
		return nil, sdk.NewError(apiv1.Reason_REASON_VALIDATION_FAILED, sdk.Violation("driver", "no driver of this name runs"))
	}
	if err := checkFields(driver.Schema(), request.GetSettings(), request.GetCredentials()); err != nil {
		return nil, err
	}
	rec := record{credentials: request.GetCredentials(), account: &Account{
		ID: request.GetId(), Driver: request.GetDriver(), Kind: request.GetCloudKind(), Description: request.GetDescription(),
		Settings: request.GetSettings(), CredentialNames: slices.Sorted(maps.Keys(request.GetCredentials())),
		CreatedAt: m.opts.Now().UTC(), State: accountv1.AccountState_ACCOUNT_STATE_OPENING,
	}}
	done, err := m.Reserve(ctx, rec.account.ID)
	if err != nil {
		return nil, err
	}
	defer done()
	if check != nil {
		if err := check(ctx); err != nil {
			return nil, err
		}
	}
	opened, err := m.tryOpen(ctx, rec)
	if err != nil {
		if !Passing(err) {
			return nil, err
		}
		opened = rec.account.withFailure(sdk.ReasonOf(err))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.store.insert(ctx, rec); db.IsDuplicate(err) {
		return nil, nameTaken()
	} else if err != nil {
		return nil, err
	}
	m.secrets[rec.account.ID] = rec
	m.registry.change(rec.account.ID, func(*Account) *Account { return opened })
	return opened, nil
}

// Reserve keeps a name for one creation until done: two that open the same name at
// its driver would leave the credentials of the refused one there. A name that an
// account has, or has had, is refused with ALREADY_EXISTS.
func (m *Manager) Reserve(ctx context.Context, id string) (done func(), err error) {
	if used, err := m.store.used(ctx, id); err != nil {
		return nil, err
	} else if used {
		return nil, nameTaken()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, made := m.secrets[id]; made || m.reserved[id] {
		return nil, nameTaken()
	}
	m.reserved[id] = true
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.reserved, id)
	}, nil
}

// Passing tells whether an opening failed for a reason that may pass by itself.
func Passing(err error) bool {
	switch sdk.ReasonOf(err) {
	case apiv1.Reason_REASON_CLOUD_UNAVAILABLE, apiv1.Reason_REASON_CLOUD_TIMEOUT, apiv1.Reason_REASON_CLOUD_ERROR,
		apiv1.Reason_REASON_DRIVER_UNAVAILABLE, apiv1.Reason_REASON_DEADLINE_EXCEEDED, apiv1.Reason_REASON_THROTTLED:
		return true
	default:
		return false
	}
}

func nameTaken() error {
	return sdk.NewError(apiv1.Reason_REASON_ALREADY_EXISTS,
		sdk.Violation("id", "the name is in use or was used before; names are never reused"))
}

// Update changes settings and credentials and opens the account anew. What the
// cloud refuses is refused here too, and the account stays as it was.
func (m *Manager) Update(ctx context.Context, request *accountv1.UpdateAccountRequest) (*Account, error) {
	m.updating.Lock()
	defer m.updating.Unlock()
	rec, err := m.known(ctx, request.GetId())
	if err != nil {
		return nil, err
	}
	if rec.account.FromConfig {
		return nil, sdk.NewError(apiv1.Reason_REASON_INVALID_STATE,
			sdk.Violation("id", "the account stands in the configuration file and is changed there"))
	}
	if rec.account.Disabled {
		return nil, errDisabled()
	}
	next := *rec.account
	next.Settings = overlay(next.Settings, request.GetSettings())
	credentials := overlay(rec.credentials, request.GetCredentials())
	next.CredentialNames = slices.Sorted(maps.Keys(credentials))
	if request.Description != nil {
		next.Description = request.GetDescription()
	}
	if driver, ok := m.drivers.Driver(next.Driver); ok {
		if err := checkFields(driver.Schema(), next.Settings, credentials); err != nil {
			return nil, err
		}
	}
	changed := record{account: &next, credentials: credentials}
	opened, failure := m.tryOpen(ctx, changed)
	if failure != nil && !Passing(failure) {
		return nil, failure
	}
	if err := m.replace(ctx, changed); err != nil {
		return nil, err
	}
	m.opened(next.ID, opened, failure)
	return m.registry.Get(next.ID)
}

// replace stores a changed record, unless the account has been deleted meanwhile.
func (m *Manager) replace(ctx context.Context, changed record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.secrets[changed.account.ID]; !ok {
		return sdk.NewError(apiv1.Reason_REASON_ACCOUNT_NOT_FOUND)
	}
	if err := m.store.save(ctx, changed); err != nil {
		return err
	}
	m.put(changed)
	return nil
}

// Remove forgets an account. What it holds at the cloud stays there.
func (m *Manager) Remove(ctx context.Context, id string) error {
	m.updating.Lock()
	defer m.updating.Unlock()
	rec, err := m.known(ctx, id)
	if sdk.ReasonOf(err) == apiv1.Reason_REASON_ACCOUNT_NOT_FOUND {
		return nil
	}
	if err != nil {
		return err
	}
	if rec.account.FromConfig {
		return sdk.NewError(apiv1.Reason_REASON_INVALID_STATE,
			sdk.Violation("id", "the account stands in the configuration file and is removed there"))
	}
	m.mu.Lock()
	if err := m.store.remove(ctx, id, m.opts.Now().UTC()); err != nil {
		m.mu.Unlock()
		return err
	}
	m.forget(id)
	m.mu.Unlock()
	m.closeAt(ctx, rec.account)
	return nil
}

// forget takes an account out of memory; the caller holds mu.
func (m *Manager) forget(id string) {
	delete(m.secrets, id)
	delete(m.guards, id)
	m.registry.change(id, func(*Account) *Account { return nil })
}

// SetEnabled lets calls of an account through, or refuses them. A disabled account is
// closed at its driver and is not tried again until it is enabled.
func (m *Manager) SetEnabled(ctx context.Context, id string, enabled bool) error {
	m.updating.Lock()
	defer m.updating.Unlock()
	rec, err := m.known(ctx, id)
	if err != nil {
		return err
	}
	if rec.account.Disabled != enabled {
		return nil
	}
	next := *rec.account
	next.Disabled = !enabled
	if err := m.replace(ctx, record{account: &next, credentials: rec.credentials}); err != nil {
		return err
	}
	if !enabled {
		m.closeAt(ctx, &next)
		return nil
	}
	m.registry.change(id, (*Account).reopening)
	m.open(ctx, id)
	return nil
}

// closeAt makes the account's driver forget it.
func (m *Manager) closeAt(ctx context.Context, a *Account) {
	driver, ok := m.drivers.Driver(a.Driver)
	if !ok {
		return
	}
	if _, err := driverv1.NewDriverServiceClient(driver).CloseAccount(ctx, &driverv1.CloseAccountRequest{AccountId: a.ID}); err != nil {
		m.log.LogAttrs(ctx, slog.LevelWarn, "account not closed at its driver", slog.String("account_id", a.ID), slog.String("error", err.Error()))
	}
}

func (m *Manager) record(id string) (record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if rec, ok := m.secrets[id]; ok {
		return rec, nil
	}
	_, err := m.registry.Get(id)
	return record{}, err
}

// put makes a record the current one; the registry keeps what is known of the
// cloud until the account has been opened anew.
func (m *Manager) put(rec record) {
	m.secrets[rec.account.ID] = rec
	m.registry.change(rec.account.ID, func(known *Account) *Account {
		if known == nil {
			return rec.account
		}
		return known.withRecord(rec.account)
	})
}

// overlay sets what changes has over a copy of base; an empty value removes.
func overlay(base, changes map[string]string) map[string]string {
	out := maps.Clone(base)
	if out == nil {
		out = map[string]string{}
	}
	for name, value := range changes {
		if value == "" {
			delete(out, name)
		} else {
			out[name] = value
		}
	}
	return out
}

// checkFields holds settings and credentials against the driver's schema and
// names every field at fault.
func checkFields(schema *driverv1.GetAccountSchemaResponse, settings, credentials map[string]string) error {
	_, problems := limit.Read(settings)
	known := map[string]bool{}
	for _, field := range schema.GetFields() {
		given, other, where, elsewhere := settings, credentials, "settings", "credentials"
		if field.GetSecret() {
			given, other, where, elsewhere = credentials, settings, elsewhere, where
		}
		name := field.GetName()
		known[where+"."+name] = true
		value := given[name]
		if _, misplaced := other[name]; misplaced {
			problems = append(problems, sdk.Violation(elsewhere+"."+name, "belongs under "+where))
			known[elsewhere+"."+name] = true
		} else if field.GetRequired() && value == "" {
			problems = append(problems, sdk.Violation(where+"."+name, "is required: "+field.GetDescription()))
		}
		if value != "" && len(field.GetValues()) > 0 && !slices.Contains(field.GetValues(), value) {
			problems = append(problems, sdk.Violation(where+"."+name, fmt.Sprintf("must be one of %q", field.GetValues())))
		}
	}
	for _, part := range []struct {
		where string
		given map[string]string
	}{{"settings", settings}, {"credentials", credentials}} {
		for _, name := range slices.Sorted(maps.Keys(part.given)) {
			if !known[part.where+"."+name] && (part.where != "settings" || !limit.Owns(name)) {
				problems = append(problems, sdk.Violation(part.where+"."+name, "is not known to the driver"))
			}
		}
	}
	if len(problems) == 0 {
		return nil
	}
	return sdk.NewError(apiv1.Reason_REASON_VALIDATION_FAILED, problems...)
}
