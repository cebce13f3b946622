package cli

type tenantCommands struct {
	List     fieldsCommand `cmd:"" rpc:"tenant organization list" help:"List the organizations." examples:"yunqiao tenant list"`
	Get      idCommand     `cmd:"" rpc:"tenant organization get" help:"Show one organization." examples:"yunqiao tenant get 0190a1b2c3d4e5f60718293a4b5c6d7e"`
	Create   fieldsCommand `cmd:"" rpc:"tenant organization create" help:"Add an organization." examples:"yunqiao tenant create name=news; yunqiao tenant create name=desk parent_id=0190a1b2c3d4e5f60718293a4b5c6d7e"`
	Update   idCommand     `cmd:"" rpc:"tenant organization update" help:"Change an organization." examples:"yunqiao tenant update 0190a1b2c3d4e5f60718293a4b5c6d7e enabled=false"`
	Enable   idCommand     `cmd:"" rpc:"tenant organization update" set:"enabled=true" help:"Let the people of an organization work again." examples:"yunqiao tenant enable 0190a1b2c3d4e5f60718293a4b5c6d7e"`
	Disable  idCommand     `cmd:"" rpc:"tenant organization update" set:"enabled=false" help:"Refuse all calls of an organization and those below it." examples:"yunqiao tenant disable 0190a1b2c3d4e5f60718293a4b5c6d7e"`
	Delete   idCommand     `cmd:"" rpc:"tenant organization delete" help:"Delete an organization." examples:"yunqiao tenant delete 0190a1b2c3d4e5f60718293a4b5c6d7e"`
	Accounts idCommand     `cmd:"" rpc:"tenant organization set-accounts" help:"Say which cloud accounts an organization may use." examples:"yunqiao tenant accounts 0190a1b2c3d4e5f60718293a4b5c6d7e account_ids=memory,os-sh"`
	Quota    idCommand     `cmd:"" rpc:"tenant organization set-quota" help:"Limit what an organization may own." examples:"yunqiao tenant quota 0190a1b2c3d4e5f60718293a4b5c6d7e quotas.0.resource_type=compute.vm quotas.0.limit=20"`
	Grant    idCommand     `cmd:"" rpc:"tenant organization grant-role" help:"Give a user a role in an organization." examples:"yunqiao tenant grant 0190a1b2c3d4e5f60718293a4b5c6d7e user_id=USER role_id=ROLE"`
	Revoke   idCommand     `cmd:"" rpc:"tenant organization revoke-role" help:"Take a role from a user." examples:"yunqiao tenant revoke 0190a1b2c3d4e5f60718293a4b5c6d7e user_id=USER role_id=ROLE"`
	Adopt    fieldsCommand `cmd:"" rpc:"tenant ownership adopt" help:"Give an organization what was made elsewhere." examples:"yunqiao tenant adopt organization_id=ORGANIZATION account_id=os-sh resource_types=compute.vm,storage.disk tag=team=news; yunqiao tenant adopt organization_id=ORGANIZATION ids=os-sh.a,os-sh.b since=2026-01-01T00:00:00Z"`
	Transfer fieldsCommand `cmd:"" rpc:"tenant ownership transfer" help:"Give resources of one organization to another." examples:"yunqiao tenant transfer organization_id=ORGANIZATION ids=os-sh.a,os-sh.b"`
	Orphans  fieldsCommand `cmd:"" rpc:"tenant ownership list-orphans" help:"List what no organization owns." examples:"yunqiao tenant orphans account_id=os-sh"`
	Role     roleCommands  `cmd:"" help:"Roles: what may be granted to users."`
	Group    groupCommands `cmd:"" help:"Permission groups (权限分组)."`
}

type userCommands struct {
	List     fieldsCommand `cmd:"" rpc:"tenant user list" help:"List the users." examples:"yunqiao user list"`
	Get      idCommand     `cmd:"" rpc:"tenant user get" help:"Show one user." examples:"yunqiao user get 0190a1b2c3d4e5f60718293a4b5c6d7e"`
	Create   fieldsCommand `cmd:"" rpc:"tenant user create" help:"Add a user." examples:"yunqiao user create name=li organization_id=ORGANIZATION password=@/run/secrets/li"`
	Update   idCommand     `cmd:"" rpc:"tenant user update" help:"Disable a user, or set another password." examples:"yunqiao user update 0190a1b2c3d4e5f60718293a4b5c6d7e enabled=false; yunqiao user update 0190a1b2c3d4e5f60718293a4b5c6d7e password=env:NEW_PASSWORD"`
	Enable   idCommand     `cmd:"" rpc:"tenant user update" set:"enabled=true" help:"Let a user call again." examples:"yunqiao user enable 0190a1b2c3d4e5f60718293a4b5c6d7e"`
	Disable  idCommand     `cmd:"" rpc:"tenant user update" set:"enabled=false" help:"Refuse a user's calls, tokens and keys." examples:"yunqiao user disable 0190a1b2c3d4e5f60718293a4b5c6d7e"`
	Password fieldsCommand `cmd:"" rpc:"tenant user change-password" help:"Change your own password." examples:"yunqiao user password old_password=@/run/secrets/old new_password=@/run/secrets/new"`
	Delete   idCommand     `cmd:"" rpc:"tenant user delete" help:"Delete a user." examples:"yunqiao user delete 0190a1b2c3d4e5f60718293a4b5c6d7e"`
	Roles    fieldsCommand `cmd:"" rpc:"tenant role list" help:"List the roles that there are." examples:"yunqiao user roles"`
}

type keyCommands struct {
	List    fieldsCommand `cmd:"" rpc:"tenant access-key list" help:"List access keys, never their secrets." examples:"yunqiao key list"`
	Create  fieldsCommand `cmd:"" rpc:"tenant access-key create" help:"Make an access key; its secret is shown this once." examples:"yunqiao key create algorithm=hmac_sm3; yunqiao key create algorithm=sm2 public_key=@key.pem"`
	Update  idCommand     `cmd:"" rpc:"tenant access-key update" help:"Enable or disable a key." examples:"yunqiao key update KEY enabled=false"`
	Enable  idCommand     `cmd:"" rpc:"tenant access-key update" set:"enabled=true" help:"Take a key's signatures again." examples:"yunqiao key enable KEY"`
	Disable idCommand     `cmd:"" rpc:"tenant access-key update" set:"enabled=false" help:"Refuse a key's signatures." examples:"yunqiao key disable KEY"`
	Sign    signCommand   `cmd:"" help:"Print the headers of a signed request."`
	Delete  idCommand     `cmd:"" rpc:"tenant access-key delete" help:"Delete a key." examples:"yunqiao key delete KEY"`
}

type auditCommands struct {
	List   fieldsCommand   `cmd:"" rpc:"tenant audit list" help:"List the record, newest first." examples:"yunqiao audit list failed=true since=2026-11-01T00:00:00Z; yunqiao audit list resource_id=memory.vm-1 -o json"`
	Export downloadCommand `cmd:"" path:"/tenant/v1/audits/export" help:"Write the record into a file, one JSON object a line." examples:"yunqiao audit export audit.jsonl since=2026-11-01T00:00:00Z; yunqiao audit export - failed=true"`
}

type roleCommands struct {
	List   fieldsCommand `cmd:"" rpc:"tenant role list" help:"List the roles." examples:"yunqiao tenant role list"`
	Create fieldsCommand `cmd:"" rpc:"tenant role create" help:"Add a role." examples:"yunqiao tenant role create name=vm-operator permissions=compute.vm.*,operation.operation.get"`
	Update idCommand     `cmd:"" rpc:"tenant role update" help:"Change what a role may." examples:"yunqiao tenant role update 0190a1b2c3d4e5f60718293a4b5c6d7e permissions=compute.*"`
	Delete idCommand     `cmd:"" rpc:"tenant role delete" help:"Delete a role that nobody has." examples:"yunqiao tenant role delete 0190a1b2c3d4e5f60718293a4b5c6d7e"`
}

type groupCommands struct {
	List   fieldsCommand `cmd:"" rpc:"tenant permission-group list" help:"List the permission groups." examples:"yunqiao tenant group list"`
	Create fieldsCommand `cmd:"" rpc:"tenant permission-group create" help:"Add a permission group." examples:"yunqiao tenant group create name=images permissions=storage.image.*"`
	Delete idCommand     `cmd:"" rpc:"tenant permission-group delete" help:"Delete a permission group that nobody has." examples:"yunqiao tenant group delete 0190a1b2c3d4e5f60718293a4b5c6d7e"`
	Grant  fieldsCommand `cmd:"" rpc:"tenant permission-group-grant create" help:"Give a user a permission group in an organization." examples:"yunqiao tenant group grant organization_id=ORGANIZATION user_id=USER permission_group_id=GROUP"`
	Revoke fieldsCommand `cmd:"" rpc:"tenant permission-group-grant delete" help:"Take a permission group from a user." examples:"yunqiao tenant group revoke organization_id=ORGANIZATION user_id=USER permission_group_id=GROUP"`
}
