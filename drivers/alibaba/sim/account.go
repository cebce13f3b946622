package sim

import "time"

// account is a customer.
type account struct {
	uid  string
	name string
}

// credential is an access key: of an account's root, of a RAM user, or of a role for
// a time.
type credential struct {
	id, secret  string
	account     *account
	principal   string // ARN
	kind        string // Account, RAMUser or AssumedRoleUser
	principalID string // the id of the user or role
	token       string // of a role's session
	expires     time.Time
	inactive    bool
	created     time.Time
}

func rootARN(uid string) string { return "acs:ram::" + uid + ":root" }

func (w *world) addAccount(a Account) *account {
	acc := &account{uid: a.UID, name: a.Name}
	w.accounts[a.UID] = acc
	w.credentials[a.AccessKeyID] = &credential{
		id: a.AccessKeyID, secret: a.AccessKeySecret, account: acc,
		principal: rootARN(a.UID), kind: "Account", principalID: a.UID,
	}
	return acc
}
