package cli

import (
	"strings"

	"github.com/alecthomas/kong"
)

// commands is the whole command line. The tag rpc names the call that a command
// makes; what its help teaches is made from the contract and the tag examples.
type commands struct {
	clientFlags

	Serve     serveCommand      `cmd:"" help:"Run the gateway until it is interrupted."`
	Account   accountCommands   `cmd:"" help:"Cloud accounts: one credential, region and project each."`
	Driver    driverCommands    `cmd:"" help:"Drivers, the programs that speak to clouds."`
	Operation operationCommands `cmd:"" help:"Operations: every write to a cloud, from its intent to its end."`
	Vm        vmCommands        `cmd:"" name:"vm" help:"Virtual machines."`
	Token     tokenCommands     `cmd:"" help:"Tokens: log in and out."`
	Tenant    tenantCommands    `cmd:"" help:"Organizations (租户) and what they may use."`
	User      userCommands      `cmd:"" help:"Users and their roles."`
	Key       keyCommands       `cmd:"" help:"Access keys, which sign requests."`
	Audit     auditCommands     `cmd:"" help:"The record of writes and refused calls."`
	Billing   billingCommands   `cmd:"" help:"Prices, costs and statements."`
	Programs  programsCommands  `cmd:"" help:"Build and test the content platform's side of GY/T 345."`
	Call      callCommand       `cmd:"" help:"Call any rpc of the contract."`
	Fields    fieldsOfCommand   `cmd:"" help:"Show what the request of an rpc holds."`
	Routes    routesCommand     `cmd:"" help:"List every HTTP route with its rpc, permission and rows of GY/T 355."`
	Backup    backupCommand     `cmd:"" help:"Write the gateway's database into a file."`
	Restore   restoreCommand    `cmd:"" help:"Fill an empty database from a backup."`
	Version   versionCommand    `cmd:"" help:"Print the version."`
}

type accountCommands struct {
	List   fieldsCommand        `cmd:"" rpc:"account account list" help:"List the accounts." examples:"yunqiao account list; yunqiao account list driver=memory -o json"`
	Get    idCommand            `cmd:"" rpc:"account account get" help:"Show one account." examples:"yunqiao account get memory"`
	Create createAccountCommand `cmd:"" rpc:"account account create" help:"Add an account." examples:"yunqiao account create lab driver=memory cloud_kind=private; yunqiao account create sh-1 driver=DRIVER cloud_kind=private settings.auth_url=https://keystone.example:5000/v3 --credential password=@/run/secrets/sh-1"`
	Import importAccountCommand `cmd:"" rpc:"account account create" help:"Add an account as a clouds.yaml or openrc file describes it." examples:"yunqiao account import sh-1 --driver DRIVER --clouds-yaml clouds.yaml --cloud demo; yunqiao account import sh-2 --driver DRIVER --openrc news-openrc.sh"`
	Update accountCommand       `cmd:"" rpc:"account account update" help:"Change settings or credentials of an account." examples:"yunqiao account update sh-1 --credential password=env:NEW_PASSWORD"`
	Delete idCommand            `cmd:"" rpc:"account account delete" help:"Forget an account; what it holds at the cloud stays." examples:"yunqiao account delete lab"`
	Probe  idCommand            `cmd:"" rpc:"account account probe" help:"Ask the cloud whether the account works." examples:"yunqiao account probe memory"`
	Tenant cloudTenantCommands  `cmd:"" help:"Tenants at clouds: projects of their own for organizations, each with its account."`
}

type cloudTenantCommands struct {
	List    fieldsCommand `cmd:"" rpc:"account cloud-tenant list" help:"List the tenants." examples:"yunqiao account tenant list; yunqiao account tenant list organization_id=0190a1b2c3d4e5f60718293a4b5c6d7e"`
	Get     idCommand     `cmd:"" rpc:"account cloud-tenant get" help:"Show one tenant, with its limits at the cloud." examples:"yunqiao account tenant get os-news"`
	Create  fieldsCommand `cmd:"" rpc:"account cloud-tenant create" help:"Make a tenant at a cloud, through an administrative account, and give its account to an organization." examples:"yunqiao account tenant create id=os-news admin_account_id=os-admin organization_id=ORGANIZATION quotas.0.name=compute.vm.count quotas.0.limit=20"`
	Update  idCommand     `cmd:"" rpc:"account cloud-tenant update" help:"Change a tenant's limits." examples:"yunqiao account tenant update os-news quotas.0.name=compute.vm.count quotas.0.limit=40"`
	Enable  idCommand     `cmd:"" rpc:"account cloud-tenant update" set:"enabled=true" help:"Take a tenant's credentials and calls again." examples:"yunqiao account tenant enable os-news"`
	Disable idCommand     `cmd:"" rpc:"account cloud-tenant update" set:"enabled=false" help:"Refuse a tenant's credentials and calls; what it holds goes on." examples:"yunqiao account tenant disable os-news"`
	Rotate  idCommand     `cmd:"" rpc:"account cloud-tenant rotate-credentials" help:"Make new credentials for a tenant's account and remove the old ones." examples:"yunqiao account tenant rotate os-news"`
	Delete  idCommand     `cmd:"" rpc:"account cloud-tenant delete" help:"Remove an empty tenant with its user, credentials and account." examples:"yunqiao account tenant delete os-news"`
}

type driverCommands struct {
	List     fieldsCommand         `cmd:"" rpc:"account driver list" help:"List the drivers with state, version and restarts." examples:"yunqiao driver list; yunqiao driver list -o json"`
	Describe idCommand             `cmd:"" rpc:"account driver get" help:"Show one driver: what it can do, its settings, and what has happened to it." examples:"yunqiao driver describe memory"`
	Verify   idCommand             `cmd:"" rpc:"account driver verify" help:"Hold a driver's files against its manifest; the exit status is 1 unless they are the same." examples:"yunqiao driver verify memory"`
	Restart  idCommand             `cmd:"" rpc:"account driver restart" help:"Start a driver anew from its files as they are now; calls in flight end first." examples:"yunqiao driver restart memory"`
	Logs     idCommand             `cmd:"" rpc:"account driver get-log" help:"Show the last lines that a driver has printed." examples:"yunqiao driver logs memory; yunqiao driver logs memory lines=1000"`
	Manifest driverManifestCommand `cmd:"" help:"Write or verify the manifest of a driver, without a gateway."`
	New      driverNewCommand      `cmd:"" help:"Write the skeleton of a driver."`
}

type operationCommands struct {
	List   fieldsCommand `cmd:"" rpc:"operation operation list" help:"List operations, newest first." examples:"yunqiao operation list account_id=memory status=failed; yunqiao operation list resource_id=memory.vm-1"`
	Get    idCommand     `cmd:"" rpc:"operation operation get" help:"Show one operation." examples:"yunqiao operation get 0190a1b2c3d4e5f60718293a4b5c6d7e"`
	Wait   idCommand     `cmd:"" rpc:"operation operation wait" help:"Wait for the end of an operation; the exit status is 1 unless it succeeded." examples:"yunqiao operation wait 0190a1b2c3d4e5f60718293a4b5c6d7e timeout_seconds=120"`
	Cancel idCommand     `cmd:"" rpc:"operation operation cancel" help:"Cancel an operation." examples:"yunqiao operation cancel 0190a1b2c3d4e5f60718293a4b5c6d7e"`
}

type vmCommands struct {
	List     fieldsCommand `cmd:"" rpc:"compute vm list" help:"List VMs." examples:"yunqiao vm list account_id=memory; yunqiao vm list state=running view=cached order_by=name"`
	Get      idCommand     `cmd:"" rpc:"compute vm get" help:"Show one VM." examples:"yunqiao vm get memory.vm-1"`
	Create   fieldsCommand `cmd:"" rpc:"compute vm create" help:"Create a VM." examples:"yunqiao vm create account_id=memory name=web-1 image_id=IMAGE flavor_id=FLAVOR nics.0.subnet_id=SUBNET wait_seconds=60; yunqiao vm create account_id=memory name=web-1 image_id=IMAGE flavor_id=FLAVOR nics.0.subnet_id=SUBNET tags.env=prod user_data=@init.sh request_id=web-1"`
	Start    idCommand     `cmd:"" rpc:"compute vm start" help:"Start a VM." examples:"yunqiao vm start memory.vm-1 wait_seconds=60"`
	Stop     idCommand     `cmd:"" rpc:"compute vm stop" help:"Stop a VM." examples:"yunqiao vm stop memory.vm-1"`
	Reboot   idCommand     `cmd:"" rpc:"compute vm reboot" help:"Restart a VM." examples:"yunqiao vm reboot memory.vm-1"`
	Resize   idCommand     `cmd:"" rpc:"compute vm resize" help:"Give a VM another flavor." examples:"yunqiao vm resize memory.vm-1 flavor_id=memory.m1.large"`
	Delete   idCommand     `cmd:"" rpc:"compute vm delete" help:"Delete a VM." examples:"yunqiao vm delete memory.vm-1"`
	Password idCommand     `cmd:"" rpc:"compute vm get-initial-password" help:"Show the initial password of a VM." examples:"yunqiao vm password memory.vm-1"`
	Console  idCommand     `cmd:"" rpc:"compute vm get-console" help:"Make an address of a VM's console." examples:"yunqiao vm console memory.vm-1"`
}

type tokenCommands struct {
	Create fieldsCommand `cmd:"" rpc:"tenant token create" help:"Log in; needs no token." examples:"yunqiao token create user_name=li password=@/run/secrets/li; yunqiao token create user_name=li password=@- tenant_name=news"`
	Revoke fieldsCommand `cmd:"" rpc:"tenant token revoke" help:"Log out." examples:"yunqiao token revoke; yunqiao token revoke token=@old.token"`
}

// help prints the help of the selected command. What a command that calls an rpc
// teaches is put together here, so that only those who ask for it pay for it.
func help(options kong.HelpOptions, ctx *kong.Context) error {
	if node := ctx.Selected(); node != nil && node.Tag != nil && node.Tag.Get(rpcTag) != "" {
		m, err := taggedMethod(ctx)
		if err != nil {
			return err
		}
		var b strings.Builder
		b.WriteString("Examples:\n\n")
		for example := range strings.SplitSeq(node.Tag.Get("examples"), "; ") {
			b.WriteString("    " + example + "\n")
		}
		b.WriteString("\n" + describe(m) + "\n" + valuesHelp)
		node.Detail = b.String()
	} else if node != nil && node.Tag != nil && node.Tag.Get(pathTag) != "" {
		node.Detail = "Examples:\n\n    " + strings.ReplaceAll(node.Tag.Get("examples"), "; ", "\n    ")
	}
	return kong.DefaultHelpPrinter(options, ctx)
}
