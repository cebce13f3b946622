package sim_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/drivers/alibaba/sim"
	"github.com/yunqiao/yunqiao/drivers/alibaba/sim/signature"
)

func TestRefusedByTheGateway(t *testing.T) {
	t.Parallel()
	c := newClient(t, sim.Options{})
	good := func() map[string]string { return c.sign(http.MethodPost, "ecs", "DescribeRegions", nil) }
	resign := func(p map[string]string) map[string]string {
		delete(p, "Signature")
		p["Signature"] = signature.RPC(c.sec, signature.RPCStringToSign(http.MethodPost, p))
		return p
	}
	for name, tc := range map[string]struct {
		change func(map[string]string) map[string]string
		code   string
		status int
	}{
		"wrong secret": {func(p map[string]string) map[string]string {
			p["Signature"] = signature.RPC("wrong", signature.RPCStringToSign(http.MethodPost, p))
			return p
		}, "SignatureDoesNotMatch", 400},
		"changed after signing": {func(p map[string]string) map[string]string { p["ResourceType"] = "disk"; return p }, "SignatureDoesNotMatch", 400},
		"unknown key":           {func(p map[string]string) map[string]string { p["AccessKeyId"] = "LTAInobody"; return resign(p) }, "InvalidAccessKeyId.NotFound", 404},
		"stale": {func(p map[string]string) map[string]string {
			p["Timestamp"] = c.now().Add(-16 * time.Minute).UTC().Format(time.RFC3339)
			return resign(p)
		}, "InvalidTimeStamp.Expired", 400},
		"from the future": {func(p map[string]string) map[string]string {
			p["Timestamp"] = c.now().Add(16 * time.Minute).UTC().Format(time.RFC3339)
			return resign(p)
		}, "InvalidTimeStamp.Expired", 400},
		"no time":           {func(p map[string]string) map[string]string { p["Timestamp"] = "yesterday"; return resign(p) }, "InvalidTimeStamp.Format", 400},
		"no nonce":          {func(p map[string]string) map[string]string { delete(p, "SignatureNonce"); return resign(p) }, "MissingParameter", 400},
		"no action":         {func(p map[string]string) map[string]string { delete(p, "Action"); return resign(p) }, "MissingParameter", 400},
		"unknown version":   {func(p map[string]string) map[string]string { p["Version"] = "1999-01-01"; return resign(p) }, "InvalidVersion", 400},
		"unknown action":    {func(p map[string]string) map[string]string { p["Action"] = "DescribeNothing"; return resign(p) }, "InvalidAction.NotFound", 404},
		"foreign token":     {func(p map[string]string) map[string]string { p["SecurityToken"] = "x"; return resign(p) }, "InvalidSecurityToken.NotFound", 400},
		"unknown parameter": {func(p map[string]string) map[string]string { p["Colour"] = "red"; return resign(p) }, "UnsupportedParameter", 400},
	} {
		status, out := c.send(http.MethodPost, tc.change(good()))
		if out["Code"] != tc.code || status != tc.status {
			t.Errorf("%s: %d %v, want %d %s", name, status, out["Code"], tc.status, tc.code)
		}
		for _, member := range []string{"Code", "Message", "RequestId", "HostId"} {
			if s, ok := out[member].(string); !ok || s == "" {
				t.Errorf("%s: %s is %v, not a text", name, member, out[member])
			}
		}
	}
	p := good()
	if status, out := c.send(http.MethodPost, p); status != http.StatusOK {
		t.Errorf("first use: %d %v", status, out)
	}
	if _, out := c.send(http.MethodPost, p); out["Code"] != "SignatureNonceUsed" {
		t.Errorf("second use: %v", out["Code"])
	}
}

// TestMethodsAndForms sends odd names by GET and POST, and reads them back as XML too.
func TestMethodsAndForms(t *testing.T) {
	t.Parallel()
	c := newClient(t, sim.Options{})
	name := "a b+c*d~é中 &=%/'\""
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		status, out := c.send(method, c.sign(method, "vpc", "CreateVpc", values{"VpcName": name, "Description": method}))
		if status != http.StatusOK {
			t.Fatalf("%s: %d %v", method, status, out)
		}
		list := c.do("vpc", "DescribeVpcs", values{"VpcId": out["VpcId"]})
		if got := str(list, "Vpcs.Vpc.0.VpcName"); got != name {
			t.Errorf("%s: name %q", method, got)
		}
	}
	p := c.sign(http.MethodGet, "vpc", "DescribeVpcs", values{"Format": "XML"})
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, c.cloud.URL, nil)
	q := request.URL.Query()
	for k, v := range p {
		q.Set(k, v)
	}
	request.URL.RawQuery = q.Encode()
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(answer.Body)
	if !bytes.Contains(body, []byte("<DescribeVpcsResponse>")) || !bytes.Contains(body, []byte("<VpcName>a b+c*d~é中 &amp;=%/&#39;&#34;</VpcName>")) {
		t.Errorf("XML is %s", body)
	}
}

// acs3 sends a call with version 3 of signatures.
func (c *client) acs3(version, action, nonce string, query values, secret string) (int, map[string]any) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.cloud.URL+"/", nil)
	if err != nil {
		c.t.Fatal(err)
	}
	q := r.URL.Query()
	for k, v := range query {
		q.Set(k, fmt.Sprint(v))
	}
	r.URL.RawQuery = q.Encode()
	sum := sha256.Sum256(nil)
	hash := hex.EncodeToString(sum[:])
	r.Header.Set("x-acs-action", action)
	r.Header.Set("x-acs-version", version)
	r.Header.Set("x-acs-date", c.now().UTC().Format("2006-01-02T15:04:05Z"))
	r.Header.Set("x-acs-signature-nonce", nonce)
	r.Header.Set("x-acs-content-sha256", hash)
	signed := []string{"host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"}
	// An own canonical form: not the one under test.
	var canonical strings.Builder
	canonical.WriteString("POST\n/\n" + strings.ReplaceAll(q.Encode(), "+", "%20") + "\nhost:" + r.URL.Host + "\n")
	for _, h := range signed[1:] {
		canonical.WriteString(h + ":" + r.Header.Get(h) + "\n")
	}
	canonical.WriteString("\n" + strings.Join(signed, ";") + "\n" + hash)
	digest := sha256.Sum256([]byte(canonical.String()))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("ACS3-HMAC-SHA256\n" + hex.EncodeToString(digest[:])))
	r.Header.Set("Authorization", fmt.Sprintf("ACS3-HMAC-SHA256 Credential=%s,SignedHeaders=%s,Signature=%x", c.key, strings.Join(signed, ";"), mac.Sum(nil)))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer answer.Body.Close()
	var out map[string]any
	if err := json.NewDecoder(answer.Body).Decode(&out); err != nil {
		c.t.Fatal(err)
	}
	return answer.StatusCode, out
}

func TestACS3(t *testing.T) {
	t.Parallel()
	c := newClient(t, sim.Options{})
	query := values{"RegionId": "cn-hangzhou", "VpcName": "名 a b"}
	if status, out := c.acs3("2016-04-28", "CreateVpc", "one", query, c.sec); status != http.StatusOK {
		t.Errorf("%d %v", status, out)
	}
	if _, out := c.acs3("2016-04-28", "CreateVpc", "one", query, c.sec); out["Code"] != "SignatureNonceUsed" {
		t.Errorf("second use: %v", out["Code"])
	}
	if _, out := c.acs3("2016-04-28", "CreateVpc", "two", query, "wrong"); out["Code"] != "SignatureDoesNotMatch" {
		t.Errorf("wrong secret: %v", out["Code"])
	}
}

func TestParameters(t *testing.T) {
	t.Parallel()
	c := newClient(t, sim.Options{})
	c.fails("MissingParameter", "vpc", "CreateVSwitch", values{"VpcId": "vpc-x", "ZoneId": "z"})
	c.fails("InvalidParameter", "ecs", "DescribeInstances", values{"PageSize": "many"})
	c.fails("InvalidParameter", "ecs", "DescribeInstances", values{"PageSize": 101})
	c.fails("UnsupportedParameter", "ecs", "DescribeInstances", values{"Tag.1.Colour": "red"})
	lenient := newClient(t, sim.Options{Lenient: true})
	lenient.do("ecs", "DescribeInstances", values{"Colour": "red"})
	if n := lenient.cloud.Stats().Notes["unknown_parameter: Ecs.DescribeInstances Colour"]; n != 1 {
		t.Errorf("noticed %d times", n)
	}
}

// TestQueryAndForm sends the common parameters in the query and the others in the
// form, and one in both, as the client of the Terraform provider does.
func TestQueryAndForm(t *testing.T) {
	t.Parallel()
	c := newClient(t, sim.Options{})
	in := values{"VpcName": "名 a+b", "CidrBlock": "10.0.0.0/8"}
	query, form := url.Values{"RegionId": {"cn-shanghai"}}, url.Values{"RegionId": {"cn-hangzhou"}}
	for name, v := range c.sign(http.MethodPost, "vpc", "CreateVpc", in) {
		if _, own := in[name]; own {
			form.Set(name, v)
		} else if name != "RegionId" {
			query.Set(name, v)
		}
	}
	answer, err := http.Post(c.cloud.URL+"/?"+query.Encode(), "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("status %d", answer.StatusCode)
	}
	if got := str(c.do("vpc", "DescribeVpcs", nil), "Vpcs.Vpc.0.VpcName"); got != "名 a+b" {
		t.Errorf("name %q", got)
	}
	twice, err := http.Post(c.cloud.URL+"/?Action=A&Action=B", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer twice.Body.Close()
	var out map[string]any
	if err := json.NewDecoder(twice.Body).Decode(&out); err != nil || out["Code"] != "InvalidParameter" {
		t.Errorf("twice: %v %v", out, err)
	}
}

func TestLocation(t *testing.T) {
	t.Parallel()
	c := newClient(t, sim.Options{})
	out := c.do("location", "DescribeEndpoints", values{"Id": "cn-hangzhou", "ServiceCode": "ecs", "Type": "openAPI"})
	if got := str(out, "Endpoints.Endpoint.0.Protocols.Protocols.0") + "://" + str(out, "Endpoints.Endpoint.0.Endpoint"); got != "HTTP"+strings.TrimPrefix(c.cloud.URL, "http") {
		t.Errorf("ecs is at %s", got)
	}
}

func TestRegions(t *testing.T) {
	t.Parallel()
	c := newClient(t, sim.Options{})
	there := str(c.do("vpc", "CreateVpc", values{"RegionId": "cn-shanghai"}), "VpcId")
	if got := str(c.do("vpc", "DescribeVpcs", nil), "TotalCount"); got != "0" {
		t.Errorf("%s VPCs here", got)
	}
	if got := str(c.do("vpc", "DescribeVpcs", values{"RegionId": "cn-shanghai"}), "Vpcs.Vpc.0.VpcId"); got != there {
		t.Errorf("there is %s", got)
	}
	c.fails("InvalidVpcId.NotFound", "vpc", "DescribeVpcAttribute", values{"VpcId": there})
	c.do("vpc", "DeleteVpc", values{"VpcId": there, "RegionId": ""}) // found without, as its id is of no other
	c.fails("InvalidRegionId.NotFound", "vpc", "CreateVpc", values{"RegionId": "mars"})
	c.do("ram", "ListUsers", values{"RegionId": "mars"})
}

func TestHTTPSOnly(t *testing.T) {
	t.Parallel()
	c := newClient(t, sim.Options{RequireTLS: true})
	c.fails("InvalidProtocol.NeedSsl", "ram", "ListUsers", nil)
	c.do("ecs", "DescribeRegions", nil)
}

func TestClientToken(t *testing.T) {
	t.Parallel()
	c := newClient(t, sim.Options{})
	in := values{"VpcName": "one", "ClientToken": "token-1"}
	first := str(c.do("vpc", "CreateVpc", in), "VpcId")
	if second := str(c.do("vpc", "CreateVpc", in), "VpcId"); second != first {
		t.Errorf("a repeat made %s beside %s", second, first)
	}
	c.fails("IdempotentParameterMismatch", "vpc", "CreateVpc", values{"VpcName": "two", "ClientToken": "token-1"})
	// A call that failed may be repeated with the same token.
	if err := c.cloud.SetFaults(sim.Faults{DelayMS: 1, Rules: []sim.Rule{{Action: "Vpc.CreateVpc", Times: 1, Effect: sim.EffectError, Code: "System.ServiceBusy"}}}); err != nil {
		t.Fatal(err)
	}
	in = values{"VpcName": "three", "ClientToken": "token-3"}
	c.fails("System.ServiceBusy", "vpc", "CreateVpc", in)
	c.do("vpc", "CreateVpc", in)
	if got := str(c.do("vpc", "DescribeVpcs", nil), "TotalCount"); got != "2" {
		t.Errorf("%s VPCs", got)
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	c := newClient(t, sim.Options{Faults: sim.Faults{Quotas: map[string]int{"vpc": 0}}})
	_, vswitch, group := c.network()
	c.do("ecs", "RunInstances", values{"ImageId": image, "InstanceType": "ecs.g7.large", "VSwitchId": vswitch, "SecurityGroupId": group, "Amount": 25})
	seen := map[string]bool{}
	token := ""
	for range 10 {
		in := values{"MaxResults": 10}
		if token != "" {
			in["NextToken"] = token
		}
		out := c.do("ecs", "DescribeInstances", in)
		for i := range at(out, "Instances.Instance").([]any) {
			seen[str(out, fmt.Sprintf("Instances.Instance.%d.InstanceId", i))] = true
		}
		if token = str(out, "NextToken"); token == "" {
			break
		}
	}
	if len(seen) != 25 {
		t.Errorf("tokens showed %d", len(seen))
	}
	out := c.do("ecs", "DescribeInstances", values{"PageNumber": 3, "PageSize": 10})
	if n := len(at(out, "Instances.Instance").([]any)); n != 5 || str(out, "TotalCount") != "25" {
		t.Errorf("third page has %d of %s", n, str(out, "TotalCount"))
	}
	c.fails("InvalidParameter", "ecs", "DescribeDisks", values{"NextToken": "bm9uc2Vuc2U", "MaxResults": 10})
}

// TestSessions makes a role of another account, uses it, and lets it end.
func TestSessions(t *testing.T) {
	t.Parallel()
	other := sim.Account{UID: "2222222222222222", Name: "other", AccessKeyID: "LTAIother", AccessKeySecret: "other-secret"}
	c := newClient(t, sim.Options{Accounts: []sim.Account{sim.DefaultAccount(), other}})
	trust := `{"Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"RAM":["acs:ram::1234567890123456:root"]}}],"Version":"1"}`
	second := *c
	second.key, second.sec = other.AccessKeyID, other.AccessKeySecret
	arn := str(second.do("ram", "CreateRole", values{"RoleName": "Admin", "AssumeRolePolicyDocument": trust}), "Role.Arn")
	second.do("vpc", "CreateVpc", values{"VpcName": "theirs"})
	c.do("vpc", "CreateVpc", values{"VpcName": "ours"})

	out := c.do("sts", "AssumeRole", values{"RoleArn": arn, "RoleSessionName": "test"})
	session := *c
	session.key, session.sec, session.token = str(out, "Credentials.AccessKeyId"), str(out, "Credentials.AccessKeySecret"), str(out, "Credentials.SecurityToken")
	list := session.do("vpc", "DescribeVpcs", nil)
	if got := str(list, "Vpcs.Vpc.0.VpcName") + str(list, "TotalCount"); got != "theirs1" {
		t.Errorf("the session sees %s", got)
	}
	if got := str(session.do("sts", "GetCallerIdentity", nil), "AccountId"); got != other.UID {
		t.Errorf("the session is of %s", got)
	}
	wrong := session
	wrong.token = ""
	wrong.fails("InvalidSecurityToken.NotFound", "vpc", "DescribeVpcs", nil)
	c.fails("EntityNotExist.Role", "sts", "AssumeRole", values{"RoleArn": arn + "x", "RoleSessionName": "test"})
	c.fails("InvalidParameter.DurationSeconds", "sts", "AssumeRole", values{"RoleArn": arn, "RoleSessionName": "test", "DurationSeconds": 1})

	c.cloud.CheckClean(t)
}

// TestExpiry moves the clock past the end of a session.
func TestExpiry(t *testing.T) {
	t.Parallel()
	c := newClient(t, sim.Options{Faults: sim.Faults{Tokens: 60}})
	arn := str(c.do("ram", "CreateRole", values{"RoleName": "Short", "AssumeRolePolicyDocument": "{}"}), "Role.Arn")
	out := c.do("sts", "AssumeRole", values{"RoleArn": arn, "RoleSessionName": "test"})
	session := *c
	session.key, session.sec, session.token = str(out, "Credentials.AccessKeyId"), str(out, "Credentials.AccessKeySecret"), str(out, "Credentials.SecurityToken")
	session.do("vpc", "DescribeVpcs", nil)
	c.wait(61 * time.Second)
	session.fails("InvalidSecurityToken.Expired", "vpc", "DescribeVpcs", nil)
}
