package memcloud

import (
	"slices"
	"testing"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	securityv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/security/v1"
)

func TestWafProtectsANameOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := t.Context()
	client := securityv1.NewWafServiceClient(r.conn)
	create := func(domain string) (*securityv1.CreateWafResponse, error) {
		return client.CreateWaf(ctx, &securityv1.CreateWafRequest{Name: "site", Domain: domain, HttpPorts: []int32{80},
			HttpsPorts: []int32{443}, CertificateId: "cert-1", OriginAddresses: []string{"203.0.113.20"}})
	}
	made := must[*securityv1.CreateWafResponse](t)(create("*.Example.com"))
	if made.GetId() != "~2A.example.com" || made.GetState() != securityv1.WafState_WAF_STATE_CREATING {
		t.Errorf("answer is %v", made)
	}
	refused[*securityv1.CreateWafResponse](r, apiv1.Reason_REASON_ALREADY_EXISTS)(create("*.example.com"))
	r.settle()
	got := must[*securityv1.GetWafResponse](t)(client.GetWaf(ctx, &securityv1.GetWafRequest{Id: made.GetId()})).GetWaf()
	both := []securityv1.WafProtocol{securityv1.WafProtocol_WAF_PROTOCOL_HTTP, securityv1.WafProtocol_WAF_PROTOCOL_HTTPS}
	if got.GetState() != securityv1.WafState_WAF_STATE_ACTIVE || got.GetCname() == "" || !slices.Equal(got.GetProtocols(), both) || got.GetReadTimeoutSeconds() != 120 {
		t.Errorf("WAF is %v", got)
	}
	must[*securityv1.CreateWafResponse](t)(create("www.example.com"))
	refused[*securityv1.CreateWafResponse](r, apiv1.Reason_REASON_REFERENCE_NOT_FOUND)(client.CreateWaf(ctx, &securityv1.CreateWafRequest{
		Name: "site", Domain: "b.example.com", HttpsPorts: []int32{443}, CertificateId: "other"}))
	found := must[*securityv1.ListWafsResponse](t)(client.ListWafs(ctx, &securityv1.ListWafsRequest{Domain: "*.example.com"})).GetWafs()
	if len(found) != 1 || found[0].GetId() != made.GetId() {
		t.Errorf("found %v", found)
	}
	must[*securityv1.DeleteWafResponse](t)(client.DeleteWaf(ctx, &securityv1.DeleteWafRequest{Id: made.GetId()}))
	refused[*securityv1.CreateWafResponse](r, apiv1.Reason_REASON_RESOURCE_BUSY)(create("*.example.com"))
	r.settle()
	refused[*securityv1.GetWafResponse](r, apiv1.Reason_REASON_NOT_FOUND)(client.GetWaf(ctx, &securityv1.GetWafRequest{Id: made.GetId()}))
}

func TestWafThatFails(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	k := DefaultKnobs()
	k.Failures = []FailureRule{{Kind: "security.waf", Reason: "OUT_OF_STOCK"}}
	if err := r.cloud.SetKnobs(k); err != nil {
		t.Fatal(err)
	}
	client := securityv1.NewWafServiceClient(r.conn)
	id := must[*securityv1.CreateWafResponse](t)(client.CreateWaf(t.Context(), &securityv1.CreateWafRequest{Name: "site", Domain: "a.example.com", HttpPorts: []int32{80}})).GetId()
	r.settle()
	got := must[*securityv1.GetWafResponse](t)(client.GetWaf(t.Context(), &securityv1.GetWafRequest{Id: id})).GetWaf()
	if got.GetState() != securityv1.WafState_WAF_STATE_ERROR || got.GetStateReason() != "OUT_OF_STOCK" {
		t.Errorf("WAF is %v", got)
	}
	must[*securityv1.DeleteWafResponse](t)(client.DeleteWaf(t.Context(), &securityv1.DeleteWafRequest{Id: id}))
}
