package session

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"regexp"
	"strconv"
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// Names of the settings and credentials of an account.
const (
	settingAccessKeyID     = "access_key_id"
	settingRegion          = "region"
	settingResourceGroup   = "resource_group_id"
	settingSite            = "site"
	settingRoleARN         = "role_arn"
	settingRoleSession     = "role_session_name"
	settingRoleExternalID  = "role_external_id"
	settingRoleSeconds     = "role_seconds"
	settingScheme          = "scheme"
	settingEndpoint        = "endpoint"
	settingEndpoints       = "endpoints"
	settingCAFile          = "ca_file"
	settingCAPEM           = "ca_pem"
	settingBalancers       = "load_balancers"
	credentialSecret       = "access_key_secret"
	credentialToken        = "security_token"
	balancersAll           = "all"
	balancersClassic       = "classic"
	schemeHTTPS            = "https"
	schemeHTTP             = "http"
	defaultRoleSession     = "yunqiao"
	minRoleSeconds         = 900
	maxRoleSeconds         = 43200
	separatorOfEndpoints   = ","
	separatorWithinAnEntry = "="
)

// Schema lists the settings and credentials that Open reads, in the order of a form.
func Schema() []*driverv1.AccountField {
	return []*driverv1.AccountField{
		{Name: settingAccessKeyID, Description: "AccessKey ID of a RAM user", Required: true},
		{Name: credentialSecret, Description: "AccessKey secret", Required: true, Secret: true},
		{Name: credentialToken, Description: "STS security token that goes with a temporary AccessKey; it cannot be renewed here", Secret: true},
		{Name: settingRegion, Description: "Region, such as cn-hangzhou", Required: true},
		{Name: settingResourceGroup, Description: "Resource group in which everything is made; empty: the default one. Lists show this group only"},
		{Name: settingSite, Description: "Site at which the account was opened", Values: []string{string(api.SiteChina), string(api.SiteInternational)}, DefaultValue: string(api.SiteChina)},
		{Name: settingRoleARN, Description: "RAM role to take on, such as acs:ram::123456789012:role/yunqiao; its credentials are renewed by themselves"},
		{Name: settingRoleSession, Description: "Name of the role's session in the cloud's audit trail", DefaultValue: defaultRoleSession},
		{Name: settingRoleExternalID, Description: "External id that the role's trust policy asks for"},
		{Name: settingRoleSeconds, Description: "How long one credential of the role is valid, 900 to 43200; the role's own limit may be lower", DefaultValue: "3600"},
		{Name: settingScheme, Description: "http is for tests only", Values: []string{schemeHTTPS, schemeHTTP}, DefaultValue: schemeHTTPS},
		{Name: settingEndpoint, Description: "Host[:port] of all products, instead of the public ones"},
		{Name: settingEndpoints, Description: "Hosts of single products, such as ecs=ecs-vpc.cn-hangzhou.aliyuncs.com,vpc=vpc-vpc.cn-hangzhou.aliyuncs.com"},
		{Name: settingCAFile, Description: "File of PEM certificates that the endpoints' certificates are checked against"},
		{Name: settingCAPEM, Description: "The same certificates given directly"},
		{Name: settingBalancers, Description: "classic: CLB alone, for a region without ALB and NLB or an identity that may not use them", Values: []string{balancersAll, balancersClassic}, DefaultValue: balancersAll},
	}
}

// target is where and as whom the cloud is spoken to.
type target struct {
	endpoints     api.Endpoints
	credential    api.Credential
	role          api.Role // without ARN: none
	resourceGroup string
	zonal         bool // ALB and NLB are used too
	tls           *tls.Config
}

var (
	regionPattern = regexp.MustCompile(`^[a-z]{2}-[a-z0-9-]{2,40}$`)
	hostPattern   = regexp.MustCompile(`^[A-Za-z0-9.-]+(:[0-9]{1,5})?$`)
)

// readSettings turns settings and credentials into a target. Its errors are
// PARAMETER_REJECTED and name the setting; they never hold a credential.
func readSettings(settings, credentials map[string]string) (target, error) {
	for name := range settings {
		if !known(name) {
			return target{}, rejected(name, "there is no such setting")
		}
	}
	t := target{
		credential: api.Credential{
			AccessKeyID:     settings[settingAccessKeyID],
			AccessKeySecret: sdk.Secret(credentials[credentialSecret]),
			SecurityToken:   sdk.Secret(credentials[credentialToken]),
		},
		resourceGroup: settings[settingResourceGroup],
		zonal:         settings[settingBalancers] != balancersClassic,
	}
	if t.credential.AccessKeyID == "" {
		return target{}, rejected(settingAccessKeyID, "must be given")
	}
	if t.credential.AccessKeySecret == "" {
		return target{}, rejected(credentialSecret, "must be given")
	}
	if v := settings[settingBalancers]; v != "" && v != balancersAll && v != balancersClassic {
		return target{}, rejected(settingBalancers, "must be all or classic")
	}
	var err error
	if t.endpoints, err = readEndpoints(settings); err != nil {
		return target{}, err
	}
	if t.role, err = readRole(settings); err != nil {
		return target{}, err
	}
	if t.tls, err = readTLS(settings); err != nil {
		return target{}, err
	}
	return t, nil
}

func known(name string) bool {
	for _, f := range Schema() {
		if f.GetName() == name && !f.GetSecret() {
			return true
		}
	}
	return false
}

func readEndpoints(settings map[string]string) (api.Endpoints, error) {
	e := api.Endpoints{
		Region: settings[settingRegion],
		Site:   api.Site(orDefault(settings[settingSite], string(api.SiteChina))),
		Scheme: orDefault(settings[settingScheme], schemeHTTPS),
		All:    settings[settingEndpoint],
	}
	switch {
	case !regionPattern.MatchString(e.Region):
		return api.Endpoints{}, rejected(settingRegion, "must be the id of a region, such as cn-hangzhou")
	case e.Site != api.SiteChina && e.Site != api.SiteInternational:
		return api.Endpoints{}, rejected(settingSite, "must be china or international")
	case e.Scheme != schemeHTTPS && e.Scheme != schemeHTTP:
		return api.Endpoints{}, rejected(settingScheme, "must be https or http")
	case e.All != "" && !hostPattern.MatchString(e.All):
		return api.Endpoints{}, rejected(settingEndpoint, "must be a host with or without port")
	}
	e.ByProduct = map[string]string{}
	for entry := range strings.SplitSeq(settings[settingEndpoints], separatorOfEndpoints) {
		if strings.TrimSpace(entry) == "" {
			continue
		}
		name, host, _ := strings.Cut(strings.TrimSpace(entry), separatorWithinAnEntry)
		name = strings.ToLower(name)
		if !api.IsProduct(name) || !hostPattern.MatchString(host) {
			return api.Endpoints{}, rejected(settingEndpoints, "each entry must be product=host with a product that the driver knows")
		}
		e.ByProduct[name] = host
	}
	return e, nil
}

func readRole(settings map[string]string) (api.Role, error) {
	role := api.Role{
		ARN:         settings[settingRoleARN],
		SessionName: orDefault(settings[settingRoleSession], defaultRoleSession),
		ExternalID:  settings[settingRoleExternalID],
	}
	if role.ARN != "" && !strings.HasPrefix(role.ARN, "acs:ram::") {
		return api.Role{}, rejected(settingRoleARN, "must begin with acs:ram::")
	}
	if v := settings[settingRoleSeconds]; v != "" {
		n, err := strconv.ParseInt(v, 10, 32)
		if err != nil || n < minRoleSeconds || n > maxRoleSeconds {
			return api.Role{}, rejected(settingRoleSeconds, "must be 900 to 43200")
		}
		role.Seconds = int32(n)
	}
	return role, nil
}

func readTLS(settings map[string]string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	pem, field := []byte(settings[settingCAPEM]), settingCAPEM
	if file := settings[settingCAFile]; file != "" {
		if len(pem) > 0 {
			return nil, rejected(settingCAFile, "must not be given together with ca_pem")
		}
		var err error
		if pem, err = os.ReadFile(file); err != nil {
			return nil, rejected(settingCAFile, "the file cannot be read")
		}
		field = settingCAFile
	}
	if len(pem) == 0 {
		return config, nil
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(pem) {
		return nil, rejected(field, "holds no PEM certificate")
	}
	return config, nil
}

func orDefault(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

func rejected(field, description string) error {
	return sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field(field), sdk.Violation(field, description))
}
