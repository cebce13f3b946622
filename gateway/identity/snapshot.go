package identity

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"gorm.io/gorm"
)

// kinds of grants.
const (
	kindRole  = "role"
	kindGroup = "group"
)

// snapshot is all of identity but tokens, as of one revision. It is never changed.
type snapshot struct {
	revision      int64
	root          string
	organizations map[string]*organization
	users         map[string]*userRow
	usersByName   map[string]*userRow
	permissions   map[string]*permissionSet // roles and groups, by id
	grants        map[string][]grantRow     // by user
	keys          map[string]*keyRow
	effective     sync.Map // userID+"/"+organizationID -> map[string]bool, filled when asked
	opened        sync.Map // access key id -> *accessKey, filled when asked
}

type organization struct {
	organizationRow
	path     []string // from the root to itself, ids
	accounts map[string]bool
	quotas   []quotaRow
}

// permissionSet is a role or a permission group.
type permissionSet struct {
	ID          string
	Kind        string
	Name        string
	Description string
	Permissions []string
	BuiltIn     bool
}

// load reads a snapshot in one transaction.
func load(tx *gorm.DB, builtIn []*permissionSet) (*snapshot, error) {
	s := &snapshot{
		organizations: map[string]*organization{}, users: map[string]*userRow{}, usersByName: map[string]*userRow{},
		permissions: map[string]*permissionSet{}, grants: map[string][]grantRow{}, keys: map[string]*keyRow{},
	}
	var (
		revision      revisionRow
		organizations []organizationRow
		accounts      []organizationAccountRow
		quotas        []quotaRow
		users         []userRow
		sets          []permissionsRow
		grants        []grantRow
		keys          []keyRow
	)
	for _, query := range []*gorm.DB{
		tx.Limit(1).Find(&revision), tx.Find(&organizations), tx.Find(&accounts), tx.Order("resource_type, account_id").Find(&quotas),
		tx.Find(&users), tx.Order("name").Find(&sets), tx.Find(&grants), tx.Find(&keys),
	} {
		if query.Error != nil {
			return nil, fmt.Errorf("load identity: %w", query.Error)
		}
	}
	s.revision = revision.Revision
	s.addOrganizations(organizations, accounts, quotas)
	for i := range users {
		s.users[users[i].ID] = &users[i]
		s.usersByName[users[i].Name] = &users[i]
	}
	for _, set := range builtIn {
		s.permissions[set.ID] = set
	}
	for _, r := range sets {
		set := &permissionSet{ID: r.ID, Kind: r.Kind, Name: r.Name, Description: r.Description}
		if err := json.Unmarshal([]byte(r.Permissions), &set.Permissions); err != nil {
			return nil, fmt.Errorf("permissions of %s: %w", r.ID, err)
		}
		s.permissions[r.ID] = set
	}
	for _, g := range grants {
		s.grants[g.UserID] = append(s.grants[g.UserID], g)
	}
	for i := range keys {
		s.keys[keys[i].ID] = &keys[i]
	}
	return s, nil
}

func (s *snapshot) addOrganizations(rows []organizationRow, accounts []organizationAccountRow, quotas []quotaRow) {
	for _, r := range rows {
		s.organizations[r.ID] = &organization{organizationRow: r, accounts: map[string]bool{}}
		if r.ParentID == "" {
			s.root = r.ID
		}
	}
	for _, a := range accounts {
		if o := s.organizations[a.OrganizationID]; o != nil {
			o.accounts[a.AccountID] = true
		}
	}
	for _, q := range quotas {
		if o := s.organizations[q.OrganizationID]; o != nil {
			o.quotas = append(o.quotas, q)
		}
	}
	for _, o := range s.organizations {
		for id := o.ID; id != "" && !slices.Contains(o.path, id); {
			o.path = append(o.path, id)
			parent := s.organizations[id]
			if parent == nil {
				break
			}
			id = parent.ParentID
		}
		slices.Reverse(o.path)
	}
}

// within tells whether an organization is another, or below it.
func (s *snapshot) within(id, above string) bool {
	o := s.organizations[id]
	return o != nil && slices.Contains(o.path, above)
}

// subtree lists an organization and all below it.
func (s *snapshot) subtree(id string) []string {
	var out []string
	for other, o := range s.organizations {
		if slices.Contains(o.path, id) {
			out = append(out, other)
		}
	}
	slices.Sort(out)
	return out
}

// enabled tells whether an organization and all above it are.
func (s *snapshot) enabled(id string) bool {
	o := s.organizations[id]
	if o == nil {
		return false
	}
	for _, above := range o.path {
		if parent := s.organizations[above]; parent == nil || !parent.Enabled {
			return false
		}
	}
	return true
}

// mayUse tells whether an organization may use an account: every organization
// from below the root down to it must have it.
func (s *snapshot) mayUse(id, accountID string) bool {
	o := s.organizations[id]
	if o == nil {
		return false
	}
	for _, above := range o.path {
		if above != s.root && !s.organizations[above].accounts[accountID] {
			return false
		}
	}
	return true
}

// permissionsOf is what a user may do in an organization: the union of the roles
// and groups granted there or above.
func (s *snapshot) permissionsOf(userID, organizationID string, all []string) map[string]bool {
	key := userID + "/" + organizationID
	if cached, ok := s.effective.Load(key); ok {
		return cached.(map[string]bool)
	}
	out := map[string]bool{}
	for _, g := range s.grants[userID] {
		set := s.permissions[g.TargetID]
		if set == nil || !s.within(organizationID, g.OrganizationID) {
			continue
		}
		for _, name := range all {
			if matchesAny(set.Permissions, name) {
				out[name] = true
			}
		}
	}
	s.effective.Store(key, out)
	return out
}
