package api

import (
	"net/http"
	"regexp"
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// reason is what a refusal means in the contract. The status does not help
// (throttling is 400, an absent thing 400 or 404, a quota 400, 403 or 409), so the
// code decides: exact ones first, then the rules in order, and the status only where
// the code tells nothing.
func (f *Fault) reason() apiv1.Reason {
	if reason, ok := codeReason(f.Code); ok {
		return reason
	}
	switch {
	case f.Status == http.StatusTooManyRequests:
		return apiv1.Reason_REASON_THROTTLED
	case f.Status == http.StatusServiceUnavailable, f.Status == http.StatusBadGateway:
		return apiv1.Reason_REASON_CLOUD_UNAVAILABLE
	case f.Status == http.StatusGatewayTimeout:
		return apiv1.Reason_REASON_CLOUD_TIMEOUT
	case f.Status >= http.StatusBadRequest && f.Status < http.StatusInternalServerError:
		return apiv1.Reason_REASON_PARAMETER_REJECTED
	}
	return apiv1.Reason_REASON_CLOUD_ERROR
}

// codeReason is what a code means; false: nothing that it alone would tell.
func codeReason(code string) (apiv1.Reason, bool) {
	if reason, ok := exactReason(code); ok {
		return reason, true
	}
	code = strings.ToLower(code)
	for _, rule := range reasonRules {
		if rule.code.MatchString(code) {
			return rule.reason, true
		}
	}
	return apiv1.Reason_REASON_UNSPECIFIED, false
}

// exactReason lists the codes that the rules would misread.
func exactReason(code string) (apiv1.Reason, bool) {
	switch code {
	case "InvalidAction.NotFound", "UnsupportedHTTPMethod":
		return apiv1.Reason_REASON_UNSUPPORTED_METHOD, true
	case "ErrorParamsNotEnough", "InvalidExpired.Format":
		return apiv1.Reason_REASON_PARAMETER_REJECTED, true
	case "VPC.SWITCH.RULE.QUOTA.NOT.EXISTS":
		return apiv1.Reason_REASON_NOT_FOUND, true
	case "IdempotentParameterMismatch", "IdempotenceParamNotMatch":
		return apiv1.Reason_REASON_IDEMPOTENCY_CONFLICT, true
	case "LastTokenProcessing", "OperationDenied.CreatingConflict", "DISK_HAS_CREATING_SNAPSHOT":
		return apiv1.Reason_REASON_RESOURCE_BUSY, true
	case "SnapshotCreatedImage", "SnapshotCreatedDisk", "ImageUsingByInstance", "ImageUseShared", "InvalidIp.IpAssigned":
		return apiv1.Reason_REASON_IN_USE, true
	case "DiskNotPortable", "DiskTypeViolation", "DiskError", "InvalidDisk.DetachedSystemDisk", "ChargeTypeViolation",
		"OperationDenied.HostRepairing", "InstanceNotReady":
		return apiv1.Reason_REASON_INVALID_STATE, true
	case "ResourcesNotInSameZone", "InvalidInstance.ZoneConflict", "InvalidSystemSnapshot.Missing", "InvalidParameter.Mismatch",
		"ImageNotSupportInstanceType":
		return apiv1.Reason_REASON_REFERENCE_MISMATCH, true
	case "InvalidInstanceType.ZoneNotSupported", "InstanceType.Offline", "LackResource", "Zone.NotOnSale":
		return apiv1.Reason_REASON_OUT_OF_STOCK, true
	case "Zone.NotOpen", "NoPermission":
		return apiv1.Reason_REASON_CLOUD_PERMISSION_DENIED, true
	case "InsufficientResourceCapacity", "UnsupportedClassCode", "OperationDenied.ZoneResource":
		return apiv1.Reason_REASON_OUT_OF_STOCK, true
	case "VswitchIpExhausted", "InvalidVSwitchId.IpNotEnough":
		return apiv1.Reason_REASON_OUT_OF_STOCK, true
	case "InstanceLockedForSecurity":
		return apiv1.Reason_REASON_RESOURCE_LOCKED, true
	}
	if strings.HasSuffix(code, ".NextTokenExpired") || strings.Contains(code, "UsedTime") {
		return apiv1.Reason_REASON_PARAMETER_REJECTED, true
	}
	return apiv1.Reason_REASON_UNSPECIFIED, false
}

type reasonRule struct {
	reason apiv1.Reason
	code   *regexp.Regexp // of the code in lower case
}

// reasonRules read the published codes of all products; the spellings are the
// cloud's. The order matters: the first that fits decides.
var reasonRules = []reasonRule{
	rule(apiv1.Reason_REASON_THROTTLED, `^throttl|flow_?control|toofrequent|frequency|^frequentpurchase`),
	rule(apiv1.Reason_REASON_ACCOUNT_UNAUTHENTICATED, `^invalidaccesskeyid|^signature|^incompletesignature|^invalidtimestamp|securitytoken|^errorauthentication|^errorusercredentials$`),
	rule(apiv1.Reason_REASON_PAYMENT_REQUIRED, `arrear|(not_?enough|insuff?i?cient)_?balance|financial.?lock|nocreditcard|noavailablepayment|indebt|overdue|unpaid|unsettled|payfor|realname|^insufficientavailablequota$|infouncompleted|incomplete(tax|account)info|^pay\.|^invalidaccountstatus|instanceexpired`),
	rule(apiv1.Reason_REASON_QUOTA_EXCEEDED, `quota|limit[._]?exceed|exceed|toomany|overlimit|reachlimit|outofusage|countlimit|perinstancelimit|specfull|queuefull|maxlimit`),
	rule(apiv1.Reason_REASON_OUT_OF_STOCK, `nostock|inventory|not_?enough|resources?notavailable|insufficient|soldout|notonsale|noavailable|exhausted|^lackresource|noavaliable|nocapacity`),
	rule(apiv1.Reason_REASON_RESOURCE_BUSY, `conflict\.?lock|(task|operation)[._]?conflict|^resourceconflict$|processing|configuring|inconfig|distri?bi?ute?lock|operationbusy|locktimeout|lockfail|concurrent|inprogress|modifying|initializing|creating|deleting|importing|exporting|switching|maintaining|middlestatus|upgrading|indeletewindow`),
	rule(apiv1.Reason_REASON_IDEMPOTENCY_CONFLICT, `idempot|clienttoken`),
	rule(apiv1.Reason_REASON_SERVICE_NOT_ACTIVATED, `not ?buy|notopen|notactivat|notsubscri|notpurchas|servicelinkedrole|slr|notin(the)?whitelist|kmsnotenable|cmknotenabled|bizdisabled|servicenotenable|not valid instanceid|instance\.validfaild`),
	rule(apiv1.Reason_REASON_DELETION_PROTECTED, `deletionprotect|forbiddenrelease|releaseprotect|protected`),
	rule(apiv1.Reason_REASON_NOT_FOUND, `not_?found|not_?exist|does not exist|nosuch|notfind|notfount|^unknown(instance|resource)|released$|noexist`),
	rule(apiv1.Reason_REASON_ALREADY_EXISTS, `exist|exsit|duplic|duplex|already|repeat|samename`),
	rule(apiv1.Reason_REASON_IN_USE, `dependency|inuse|used|deleteconflict|notempty|hasmember|referenc|occupied|hasbind|bindingresource|stillattached`),
	rule(apiv1.Reason_REASON_CONFLICTS_WITH_EXISTING, `conflict|overlap`),
	rule(apiv1.Reason_REASON_RESOURCE_LOCKED, `locked|lockmode|expired|frozen|risk|punish|(^|\.)businessviolation|black$`),
	rule(apiv1.Reason_REASON_INVALID_STATE, `status|state($|\W)|notready|notnormal|notrunning|notactive|notbind|notattach|notassociat|incorrect(db|kind|minor)`),
	rule(apiv1.Reason_REASON_CLOUD_PERMISSION_DENIED, `forbid|forbbi|nopermi|permission|unauthor|notauthor|accessdenied|invalidauthorization|notowner|invalidowner`),
	rule(apiv1.Reason_REASON_UNSUPPORTED_FEATURE, `not_? ?supp?o?r?t|unsupp?ort|nosupport|notallow|denied|deined|notapplicable|cannot|can_not|invalidoperation|dissolved|offline|deprecat|refused|disabled$|violation$|notpermit`),
	rule(apiv1.Reason_REASON_CLOUD_TIMEOUT, `timeout|timedout`),
	rule(apiv1.Reason_REASON_CLOUD_UNAVAILABLE, `unavailable|systembusy|servicebusy|connecterror|isstopping`),
	rule(apiv1.Reason_REASON_CLOUD_ERROR, `^internal|server_?error|unknown|^errordb|^errorrecord|marshal|erroruuidnew|innererror|system\.|systemerror|failure$|exception|failed$|fail$|calling|^-\d|syserror|operationfailed|apierror|queryerror|^error(aliuid|parametersuid)$`),
	rule(apiv1.Reason_REASON_PARAMETER_REJECTED, `invalid|missing|illegal|malform|param|mismatch|notmatch|required|format|wrong|range|empty|error|length|toolong|valuenot|incorrect|mandatory|need|^tag\.`),
}

func rule(reason apiv1.Reason, pattern string) reasonRule {
	return reasonRule{reason, regexp.MustCompile(pattern)}
}
