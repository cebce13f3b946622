package database_test

import (
	"context"
	"testing"

	"google.golang.org/grpc"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	databasev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/database/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/calltest"
	"github.com/yunqiao/yunqiao/drivers/alibaba/database"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

var token = sdk.Token(calltest.RequestID, "")

type params = map[string]string

const (
	subnet  = `{"TotalCount":1,"VSwitches":{"VSwitch":[{"VSwitchId":"vsw-1","VpcId":"vpc-1","ZoneId":"cn-hangzhou-h","CidrBlock":"10.0.1.0/24"}]}}`
	classes = `{"Items":[{"ClassCode":"mysql.x8.large","Cpu":"4","MemoryClass":"16GB"},{"ClassCode":"mysql.n2.medium","Cpu":"2","MemoryClass":"4GB（通用型）"},
		{"ClassCode":"mysql.n4.small","Cpu":"4","MemoryClass":"4GB"},{"ClassCode":"mysql.unsold","Cpu":"1","MemoryClass":"2GB"}]}`
	sold = `{"DBInstanceClasses":[{"DBInstanceClass":"mysql.x8.large","DBInstanceStorageRange":{"MinValue":20,"MaxValue":1000,"Step":5}},
		{"DBInstanceClass":"mysql.n4.small","DBInstanceStorageRange":{"MinValue":20,"MaxValue":1000,"Step":5}},
		{"DBInstanceClass":"mysql.n2.medium","DBInstanceStorageRange":{"MinValue":20,"MaxValue":1000,"Step":5}}]}`
)

// TestCreateInstanceParameters shows for each field where it goes.
func TestCreateInstanceParameters(t *testing.T) {
	t.Parallel()
	type req = databasev1.CreateInstanceRequest
	calltest.Table[*req]{
		Register: database.Register, Action: "CreateDBInstance",
		Answers: params{
			"DescribeVSwitches": subnet, "ListClasses": classes, "DescribeAvailableClasses": sold,
			"CreateDBInstance": `{"DBInstanceId":"rm-1"}`,
		},
		Send: func(ctx context.Context, c grpc.ClientConnInterface, r *req) error {
			if r.GetDbFlavorId() != "" {
				r.MemoryMib = 0
			}
			_, err := databasev1.NewInstanceServiceClient(c).CreateInstance(ctx, r)
			return err
		},
		Base: &req{
			Name: "db", Engine: databasev1.EngineType_ENGINE_TYPE_MYSQL, EngineVersion: "8.0", MemoryMib: 2048, StorageGib: 22, SubnetId: "vsw-1",
		},
		Params: params{
			"Engine": "MySQL", "EngineVersion": "8.0", "DBInstanceClass": "mysql.n2.medium", "DBInstanceStorage": "25", "DBInstanceStorageType": "cloud_essd",
			"Category": "Basic", "DBInstanceDescription": "db", "PayType": "Postpaid", "DBInstanceNetType": "Intranet", "InstanceNetworkType": "VPC",
			"VPCId": "vpc-1", "VSwitchId": "vsw-1", "ZoneId": "cn-hangzhou-h", "SecurityIPList": "10.0.1.0/24", "ResourceGroupId": "rg-test",
			"ClientToken": token,
		},
		Rows: map[string]calltest.Row[*req]{
			"name": {}, "engine_version": {}, "subnet_id": {}, "memory_mib": {}, "description": {},
			"username": {}, "password": {}, // a step of its own
			"engine":            {Set: &req{Engine: databasev1.EngineType_ENGINE_TYPE_POSTGRESQL}, Want: params{"Engine": "PostgreSQL"}},
			"vcpus":             {Set: &req{Vcpus: 3}, Want: params{"DBInstanceClass": "mysql.n4.small"}},
			"db_flavor_id":      {Set: &req{DbFlavorId: "mysql.x8.large"}, Want: params{"DBInstanceClass": "mysql.x8.large"}},
			"storage_gib":       {Set: &req{StorageGib: 5}, Want: params{"DBInstanceStorage": "20"}},
			"storage_type":      {Set: &req{StorageType: "cloud_ssd"}, Want: params{"DBInstanceStorageType": "cloud_ssd"}},
			"high_availability": {Set: &req{HighAvailability: true}, Want: params{"Category": "HighAvailability", "ZoneIdSlave1": "cn-hangzhou-h"}},
			"zone_id":           {Set: &req{ZoneId: "cn-hangzhou-i"}, Rejected: "zone_id"},
			"allowed_cidrs":     {Set: &req{AllowedCidrs: []string{"10.0.0.0/8", "172.16.0.0/12"}}, Want: params{"SecurityIPList": "10.0.0.0/8,172.16.0.0/12"}},
			"tags":              {Set: &req{Tags: params{"k": "v"}}, Want: params{"Tag.1.Key": "k", "Tag.1.Value": "v"}},
			"charge": {
				Set: &req{Charge: &apiv1.Charge{Mode: apiv1.ChargeMode_CHARGE_MODE_PREPAID}}, Refused: "database.instance.prepaid",
			},
		},
	}.Run(t)
}

// TestAdministrator shows the step that makes the administrator: while the
// instance is made nothing, then the account, then waiting for it.
func TestAdministrator(t *testing.T) {
	t.Parallel()
	running := `{"Items":{"DBInstanceAttribute":[{"DBInstanceId":"rm-1","DBInstanceStatus":"Running"}]}}`
	for name, tc := range map[string]struct {
		instance, accounts string
		create             string
		actions            []string
	}{
		"not running": {instance: `{"Items":{"DBInstanceAttribute":[{"DBInstanceId":"rm-1","DBInstanceStatus":"Creating"}]}}`, actions: []string{"DescribeDBInstanceAttribute"}},
		"no account":  {instance: running, actions: []string{"DescribeDBInstanceAttribute", "DescribeAccounts", "CreateAccount"}},
		"one of that name": {
			instance: running, create: `{"Code":"InvalidAccountName.Duplicate","Message":"x"}`,
			actions: []string{"DescribeDBInstanceAttribute", "DescribeAccounts", "CreateAccount", "ResetAccountPassword"},
		},
		"usable": {
			instance: running, actions: []string{"DescribeDBInstanceAttribute", "DescribeAccounts"},
			accounts: `{"Accounts":{"DBInstanceAccount":[{"AccountName":"yqadmin","AccountType":"Super","AccountStatus":"Available"}]}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answers := params{"DescribeDBInstanceAttribute": tc.instance}
			if tc.accounts != "" {
				answers["DescribeAccounts"] = tc.accounts
			}
			if tc.create != "" {
				answers["CreateAccount"] = tc.create
			}
			cloud := calltest.Open(t, database.Register, answers)
			made, err := databasev1.NewInstanceServiceClient(cloud.Conn).CreateInstance(
				calltest.ContextOf(t, sdk.Call{Attempt: 2, NextStep: "account:rm-1"}),
				&databasev1.CreateInstanceRequest{Name: "db", Password: "Passw0rd!"})
			if err != nil || made.GetId() != "rm-1" {
				t.Fatalf("got %v, %v", made, err)
			}
			got := cloud.Calls()
			if len(got) != len(tc.actions) {
				t.Fatalf("calls: %v, want %v", cloud.Actions(), tc.actions)
			}
			for i, call := range got {
				if call.Action != tc.actions[i] {
					t.Errorf("calls: %v, want %v", cloud.Actions(), tc.actions)
				}
				if call.Action == "CreateAccount" && (call.Params["AccountName"] != "yqadmin" || call.Params["AccountType"] != "Super" || call.Params["AccountPassword"] != "Passw0rd!") {
					t.Errorf("CreateAccount: %v", call.Params)
				}
			}
		})
	}
}
