package session

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"strconv"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/config/clouds"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/drivers/sdk/pace"
)

// Names of the settings and credentials of an account.
const (
	settingAuthURL       = "auth_url"
	settingRegion        = "region"
	settingInterface     = "interface"
	settingProjectName   = "project_name"
	settingProjectID     = "project_id"
	settingUsername      = "username"
	settingUserDomain    = "user_domain_name"
	settingProjectDomain = "project_domain_name"
	settingAppCredential = "application_credential_id"
	settingCAFile        = "ca_file"
	settingCAPEM         = "ca_pem"
	settingInsecure      = "insecure"
	settingRate          = "requests_per_second"
	settingPublicSubnets = "public_subnets"
	settingCloud         = "cloud"
	settingCloudsFile    = "clouds_file"
	credentialPassword   = "password"
	credentialAppSecret  = "application_credential_secret"
	defaultDomain        = "Default"
	interfacePublic      = "public"
	interfaceInternal    = "internal"
	interfaceAdmin       = "admin"
)

// Limits of requests_per_second, and how long a request waits for its turn.
const (
	minRate  = 0.1
	maxRate  = 10_000
	rateWait = 20 * time.Second
)

// Schema lists the settings and credentials that Open reads, in the order of a form.
func Schema() []*driverv1.AccountField {
	return []*driverv1.AccountField{
		{Name: settingAuthURL, Description: "Address of the identity service, such as https://cloud.example:5000/v3; needed unless cloud is given"},
		{Name: settingRegion, Description: "Region; empty: the first of the catalog"},
		{Name: settingInterface, Description: "Which of a service's addresses is used", Values: []string{interfacePublic, interfaceInternal, interfaceAdmin}, DefaultValue: interfacePublic},
		{Name: settingProjectName, Description: "Project, by name; needs project_domain_name if not in Default"},
		{Name: settingProjectID, Description: "Project, by id, instead of project_name"},
		{Name: settingProjectDomain, Description: "Domain of the project", DefaultValue: defaultDomain},
		{Name: settingUsername, Description: "User"},
		{Name: settingUserDomain, Description: "Domain of the user", DefaultValue: defaultDomain},
		{Name: credentialPassword, Description: "Password of the user", Secret: true},
		{Name: settingAppCredential, Description: "Application credential, instead of user and project"},
		{Name: credentialAppSecret, Description: "Secret of the application credential", Secret: true},
		{Name: settingCAFile, Description: "File of PEM certificates that the cloud's certificate is checked against"},
		{Name: settingCAPEM, Description: "The same certificates given directly"},
		{Name: settingInsecure, Description: "Do not check the cloud's certificate; for tests only", Values: []string{"true", "false"}, DefaultValue: "false"},
		{Name: settingRate, Description: "How often the cloud is asked at most, all services together; empty: no limit"},
		{Name: settingPublicSubnets, Description: "Whether subnets may have public address ranges", Values: []string{"true", "false"}, DefaultValue: "false"},
		{Name: settingCloud, Description: "Name of an entry of a clouds.yaml file that gives what the other settings leave out"},
		{Name: settingCloudsFile, Description: "The clouds.yaml file; empty: where OS_CLIENT_CONFIG_FILE points, or the usual places"},
	}
}

// target is where and as whom the cloud is spoken to.
type target struct {
	auth gophercloud.AuthOptions
	eo   gophercloud.EndpointOpts
	tls  *tls.Config
	rate *pace.Limiter // nil: no limit

	publicSubnets bool
}

// readSettings turns settings and credentials into a target. Its errors are
// PARAMETER_REJECTED and name the setting; they never hold a credential.
func readSettings(settings, credentials map[string]string) (target, error) {
	for name := range settings {
		if !known(name) {
			return target{}, rejected(name, "there is no such setting")
		}
	}
	t, err := fromCloudsFile(settings)
	if err != nil {
		return target{}, err
	}
	if v := settings[settingAuthURL]; v != "" {
		t.auth.IdentityEndpoint = v
	}
	if t.auth.IdentityEndpoint == "" {
		return target{}, rejected(settingAuthURL, "must be given")
	}
	if v := settings[settingRegion]; v != "" {
		t.eo.Region = v
	}
	switch v := settings[settingInterface]; v {
	case "":
	case interfacePublic, interfaceInternal, interfaceAdmin:
		t.eo.Availability = gophercloud.Availability(v)
	default:
		return target{}, rejected(settingInterface, "must be public, internal or admin")
	}
	if err := readIdentity(&t.auth, settings, credentials); err != nil {
		return target{}, err
	}
	if err := readTLS(&t, settings); err != nil {
		return target{}, err
	}
	if t.rate, err = readRate(settings[settingRate]); err != nil {
		return target{}, err
	}
	if t.publicSubnets, err = readSwitch(settings, settingPublicSubnets); err != nil {
		return target{}, err
	}
	t.auth.AllowReauth = true
	return t, nil
}

// readRate makes the limiter of an account. A second's worth of requests may
// come at once; what would have to wait longer than rateWait is refused.
func readRate(value string) (*pace.Limiter, error) {
	if value == "" {
		return nil, nil
	}
	rate, err := strconv.ParseFloat(value, 64)
	if err != nil || rate < minRate || rate > maxRate {
		return nil, rejected(settingRate, "must be a number from 0.1 to 10000")
	}
	return pace.NewLimiter(rate, max(1, int(rate)), rateWait), nil
}

func known(name string) bool {
	for _, f := range Schema() {
		if f.GetName() == name && !f.GetSecret() {
			return true
		}
	}
	return false
}

func fromCloudsFile(settings map[string]string) (target, error) {
	name := settings[settingCloud]
	if name == "" {
		return target{tls: &tls.Config{MinVersion: tls.VersionTLS12}}, nil
	}
	opts := []clouds.ParseOption{clouds.WithCloudName(name)}
	if file := settings[settingCloudsFile]; file != "" {
		opts = append(opts, clouds.WithLocations(file))
	}
	auth, eo, tlsConfig, err := clouds.Parse(opts...)
	if err != nil {
		// The error itself may quote the file, which holds secrets.
		return target{}, rejected(settingCloud, "the clouds.yaml file has no such entry, or cannot be read")
	}
	if tlsConfig == nil {
		tlsConfig = &tls.Config{}
	}
	tlsConfig.MinVersion = tls.VersionTLS12
	return target{auth: auth, eo: eo, tls: tlsConfig}, nil
}

// readIdentity fills in who we are. Given settings win over those of a clouds.yaml.
func readIdentity(auth *gophercloud.AuthOptions, settings, credentials map[string]string) error {
	if id := settings[settingAppCredential]; id != "" {
		if credentials[credentialAppSecret] == "" {
			return rejected(credentialAppSecret, "must be given with application_credential_id")
		}
		*auth = gophercloud.AuthOptions{
			IdentityEndpoint:            auth.IdentityEndpoint,
			ApplicationCredentialID:     id,
			ApplicationCredentialSecret: credentials[credentialAppSecret],
		}
		return nil
	}
	if v := credentials[credentialAppSecret]; v != "" {
		auth.ApplicationCredentialSecret = v
	}
	if v := settings[settingUsername]; v != "" {
		auth.Username, auth.UserID = v, ""
		auth.DomainName, auth.DomainID = orDefault(settings[settingUserDomain]), ""
	}
	if v := credentials[credentialPassword]; v != "" {
		auth.Password = v
	}
	switch id, name := settings[settingProjectID], settings[settingProjectName]; {
	case id != "" && name != "":
		return rejected(settingProjectID, "must not be given together with project_name")
	case id != "":
		auth.TenantID, auth.TenantName = id, ""
		auth.Scope = &gophercloud.AuthScope{ProjectID: id}
	case name != "":
		auth.TenantID, auth.TenantName = "", name
		auth.Scope = &gophercloud.AuthScope{ProjectName: name, DomainName: orDefault(settings[settingProjectDomain])}
	}
	if auth.ApplicationCredentialID != "" || auth.ApplicationCredentialName != "" {
		return nil
	}
	switch {
	case auth.Username == "" && auth.UserID == "":
		return rejected(settingUsername, "must be given")
	case auth.Password == "":
		return rejected(credentialPassword, "must be given")
	case auth.Scope == nil || auth.Scope.ProjectID == "" && auth.Scope.ProjectName == "":
		return rejected(settingProjectName, "project_name or project_id must be given")
	}
	return nil
}

func readTLS(t *target, settings map[string]string) error {
	if insecure, err := readSwitch(settings, settingInsecure); err != nil {
		return err
	} else if settings[settingInsecure] != "" {
		t.tls.InsecureSkipVerify = insecure
	}
	pem := []byte(settings[settingCAPEM])
	field := settingCAPEM
	if file := settings[settingCAFile]; file != "" {
		if len(pem) > 0 {
			return rejected(settingCAFile, "must not be given together with ca_pem")
		}
		var err error
		if pem, err = os.ReadFile(file); err != nil {
			return rejected(settingCAFile, "the file cannot be read")
		}
		field = settingCAFile
	}
	if len(pem) == 0 {
		return nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return rejected(field, "holds no PEM certificate")
	}
	t.tls.RootCAs = pool
	return nil
}

// readSwitch reads a setting that is true or false; empty: false.
func readSwitch(settings map[string]string, name string) (bool, error) {
	v := settings[name]
	if v == "" {
		return false, nil
	}
	on, err := strconv.ParseBool(v)
	if err != nil {
		return false, rejected(name, "must be true or false")
	}
	return on, nil
}

func orDefault(domain string) string {
	if domain == "" {
		return defaultDomain
	}
	return domain
}

func rejected(field, description string) error {
	return sdk.NewError(apiv1.Reason_REASON_PARAMETER_REJECTED, sdk.Field(field), sdk.Violation(field, description))
}
