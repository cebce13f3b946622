package sim

import (
	"strings"
	"time"
)

func stsActions() actions {
	return actions{"AssumeRole": assumeRole, "GetCallerIdentity": callerIdentity}
}

// Bounds of a session's length in seconds.
const minSession, defaultSession = 900, 3600

// assumeRole makes a session of a role of any account: trust policies are kept, not
// evaluated.
func assumeRole(c *call) (obj, error) {
	uid, name, ok := strings.Cut(strings.TrimPrefix(c.str("RoleArn"), "acs:ram::"), ":role/")
	if !ok || !strings.HasPrefix(c.str("RoleArn"), "acs:ram::") {
		return nil, c.fail("InvalidParameter.RoleArn", "The specified RoleArn is not valid.")
	}
	role := c.w.byID(kindRole, uid+"/"+name)
	if role == nil {
		return nil, c.fail("EntityNotExist.Role", "The role does not exist.")
	}
	length := c.num("DurationSeconds", defaultSession)
	if length < minSession || length > role.num("MaxSessionDuration") {
		return nil, c.fail("InvalidParameter.DurationSeconds", "The specified DurationSeconds is not valid.")
	}
	if c.sim.faults.Tokens > 0 {
		length = c.sim.faults.Tokens
	}
	session := c.str("RoleSessionName")
	arn := "acs:ram::" + uid + ":assumed-role/" + strings.ToLower(name) + "/" + session
	k := &credential{
		id: "STS.NT" + c.w.word(23), secret: c.w.word(44), account: role.account, principal: arn, kind: "AssumedRoleUser",
		principalID: role.str("RoleId") + ":" + session, token: c.w.word(200), expires: c.now.Add(time.Duration(length) * time.Second), created: c.now,
	}
	c.w.credentials[k.id] = k
	return obj{
		"AssumedRoleUser": obj{"Arn": arn, "AssumedRoleId": k.principalID},
		"Credentials": obj{
			"AccessKeyId": k.id, "AccessKeySecret": k.secret, "SecurityToken": k.token, "Expiration": k.expires.UTC().Format(seconds),
		},
		"SourceIdentity": c.str("SourceIdentity"),
	}, nil
}

func callerIdentity(c *call) (obj, error) {
	out := obj{"IdentityType": c.who.kind, "AccountId": c.who.account.uid, "PrincipalId": c.who.principalID, "Arn": c.who.principal}
	switch c.who.kind {
	case "AssumedRoleUser":
		out["RoleId"], _, _ = strings.Cut(c.who.principalID, ":")
	default:
		out["UserId"] = c.who.principalID
	}
	return out, nil
}
