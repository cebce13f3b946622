package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/drivers/alibaba/sim"
	"github.com/yunqiao/yunqiao/drivers/alibaba/sim/simtest"
	"github.com/yunqiao/yunqiao/test/e2e/harness"
)

// TestBillOfPublicCloud is a finance officer at a shell: the list price of a cloud
// becomes ours, its bill is read, and compared with what was charged on.
func TestBillOfPublicCloud(t *testing.T) {
	t.Parallel()
	cloud := simtest.Start(t, sim.Options{})
	gateway := harness.NewGateway(t, programs, harness.Account{ID: "memory", Driver: "memory"}, harness.Account{Driver: "alibaba"})
	const account = "ali-bill"
	gateway.Post(t, "account/account/create", object{
		"id": account, "driver": "alibaba", "cloud_kind": "CLOUD_KIND_PUBLIC",
		"settings": object{
			"access_key_id": cloud.Account.AccessKeyID, "region": cloud.Region, "scheme": "http",
			"endpoint": strings.TrimPrefix(cloud.URL, "http://"),
		},
		"credentials": object{"access_key_secret": cloud.Account.AccessKeySecret},
	})
	created := gateway.Post(t, "storage/disk/create", object{
		"account_id": account, "name": unique() + "disk", "size_gib": 2000, "zone_id": cloud.Region + "-h",
	})
	disk := created.Text("id")
	if operation := gateway.Wait(t, created.Text("operation_id")); operation.Text("status") != harness.Succeeded {
		t.Fatalf("operation: %v", operation)
	}

	quote := []string{"billing", "price-pull", "account_id=" + account, "resource_type=compute.vm", "spec.flavor_id=ecs.g7.large", "markup_percent=10"}
	for n, changed := range []bool{true, false} {
		got := gateway.Operate(t, quote...)
		if got.Text("provider_list_price") != "0.5" || got.Object("price").Text("price") != "0.55" || got.Bool("changed") != changed {
			t.Errorf("price, %d: got %v", n, got)
		}
	}
	estimate := gateway.Operate(t, "billing", "estimate", "resource_type=compute.vm", "account_id="+account, "spec=flavor_id=ecs.g7.large")
	if estimate.Text("hourly") != "0.55" {
		t.Errorf("estimate: got %v", estimate)
	}

	month := "period=" + time.Now().UTC().Add(8*time.Hour).Format("2006-01")
	pulled := gateway.Operate(t, "billing", "bill", "pull", "account_id="+account, month).Object("provider_bill")
	lines := gateway.Operate(t, "billing", "bill", "lines", "account_id="+account, month, "resource_id="+disk).List("lines")
	if len(lines) != 1 || lines[0].Text("resource_type") != "storage.disk" || lines[0].Text("raw") == "" ||
		pulled.Int("lines") != 1 || pulled.Bool("final") || pulled.List("totals")[0].Text("cost") != lines[0].Text("cost") {
		t.Errorf("bill %v of lines %v", pulled, lines)
	}
	compared := gateway.Operate(t, "billing", "bill", "compare", "account_id="+account, month)
	differences := compared.List("differences")
	if len(differences) != 1 || differences[0].Text("resource_id") != disk || differences[0].Text("reason") != "BILL_DIFFERENCE_REASON_NOT_METERED" ||
		differences[0].Text("provider_cost") != lines[0].Text("cost") || differences[0].Text("difference") != "-"+lines[0].Text("cost") {
		t.Errorf("compared: got %v", compared)
	}
	if agreed := gateway.Operate(t, "billing", "bill", "compare", "account_id="+account, month, "tolerance=1000"); agreed.Int("total_differences") != 0 {
		t.Errorf("within 1000: got %v", agreed)
	}

	for name, refused := range map[string][]string{
		"UNSUPPORTED_METHOD": {"bill", "pull", "account_id=memory", month},
		"ACCOUNT_NOT_FOUND":  {"bill", "pull", "account_id=absent", month},
		"NOT_FOUND":          {"bill", "compare", "account_id=" + account, "period=2001-01"},
		"VALIDATION_FAILED":  {"price-pull", "account_id=" + account, "resource_type=compute.vm", "markup_percent=many", "spec.flavor_id=ecs.g7.large"},
	} {
		out, err := gateway.Operator(t, append([]string{"billing"}, refused...)...)
		if err == nil || !strings.Contains(out, " "+name+" ") || !strings.Contains(out, "\n  ") {
			t.Errorf("%v: %v, %s\nwant %s and the field", refused, err, out, name)
		}
	}
	cloud.CheckClean(t)
}
