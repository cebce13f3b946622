package drivertest

// Rule is the name of one promise of the contract.
type Rule string

// The rules. Each result of a run belongs to one of them.
const (
	RuleInfo        Rule = "info"
	RuleDeclared    Rule = "declared-works"
	RuleUndeclared  Rule = "undeclared-refused"
	RuleIdempotent  Rule = "repeat-makes-one"
	RuleParallel    Rule = "parallel-makes-one"
	RuleGetAbsent   Rule = "get-absent"
	RuleDelAbsent   Rule = "delete-absent"
	RulePages       Rule = "pages"
	RuleInTime      Rule = "returns-in-time"
	RuleStates      Rule = "known-states"
	RuleSettles     Rule = "settles"
	RuleErrors      Rule = "errors-tell"
	RuleSecrets     Rule = "keeps-secrets"
	RuleUnits       Rule = "units"
	RuleNothingLeft Rule = "nothing-left"
	RuleSteps       Rule = "steps-end"
	RuleCrash       Rule = "survives-kill"
	RuleFaults      Rule = "survives-faults"
	RuleFeature     Rule = "feature"
	RuleTenants     Rule = "tenants"
)

// RuleDoc is a rule with what it demands.
type RuleDoc struct {
	Rule Rule
	Text string
}

// Rules lists all rules in the order of a report.
func Rules() []RuleDoc {
	return []RuleDoc{
		{RuleInfo, "GetInfo names the driver, its version and rpcs and features of the contract"},
		{RuleDeclared, "a declared rpc works"},
		{RuleFeature, "a declared feature was part of a request that worked; descriptions and tags are kept"},
		{RuleUndeclared, "an rpc that is not declared answers Unimplemented"},
		{RuleIdempotent, "a create repeated with one request id makes one resource, another request id another"},
		{RuleParallel, "creates sent at the same time with one request id make one resource"},
		{RuleGetAbsent, "get of an absent id answers NOT_FOUND"},
		{RuleDelAbsent, "delete of an absent id succeeds"},
		{RulePages, "pages neither lose nor repeat a resource while others come and go"},
		{RuleInTime, "a call ends with its deadline, and a cancelled one leaves the driver working"},
		{RuleStates, "every state and enum value is one of the contract"},
		{RuleSettles, "every resource reaches a settled state in time"},
		{RuleErrors, "errors carry a reason of the contract, the gRPC code that belongs to it, and the cloud's request id where the cloud has answered"},
		{RuleSecrets, "no secret of a request or an account is in a log line, an error or an answer"},
		{RuleUnits, "sizes are in the units of the contract"},
		{RuleSteps, "work in steps ends, and can be undone"},
		{RuleCrash, "a create repeated after kill -9 makes one resource"},
		{RuleFaults, "a create during which the cloud throttles, is away, fails or loses its answer tells which, and its repeat makes one resource; where the cloud can be told to fail"},
		{RuleTenants, "a tenant is made once, works with credentials of its own and sees nothing of others, refuses retired ones, and is gone when it is deleted; where the driver makes tenants"},
		{RuleNothingLeft, "what is deleted is gone, and nothing is left at the end"},
	}
}
