package database

import (
	"cmp"
	"strconv"
	"strings"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	databasev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/database/v1"

	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
	"github.com/yunqiao/yunqiao/drivers/alibaba/tags"
)

const (
	attributeCategory = "category"
	attributeLock     = "lock_mode"

	basicSeries  = "Basic"
	doubleSeries = "HighAvailability"

	statusRunning = "Running"
)

// Engines of the cloud.
const (
	mySQL      = "MySQL"
	mariaDB    = "MariaDB"
	postgreSQL = "PostgreSQL"
	sqlServer  = "SQLServer"
)

func fromProtoEngine(e databasev1.EngineType) string {
	switch e {
	case databasev1.EngineType_ENGINE_TYPE_MYSQL:
		return mySQL
	case databasev1.EngineType_ENGINE_TYPE_MARIADB:
		return mariaDB
	case databasev1.EngineType_ENGINE_TYPE_POSTGRESQL:
		return postgreSQL
	case databasev1.EngineType_ENGINE_TYPE_SQLSERVER:
		return sqlServer
	default:
		return ""
	}
}

func toProtoEngine(name string) databasev1.EngineType {
	switch strings.ToLower(name) {
	case "mysql":
		return databasev1.EngineType_ENGINE_TYPE_MYSQL
	case "mariadb":
		return databasev1.EngineType_ENGINE_TYPE_MARIADB
	case "postgresql":
		return databasev1.EngineType_ENGINE_TYPE_POSTGRESQL
	case "sqlserver":
		return databasev1.EngineType_ENGINE_TYPE_SQLSERVER
	default:
		return databasev1.EngineType_ENGINE_TYPE_UNSPECIFIED
	}
}

// allEngines are the engines that a request without one is about.
func allEngines(asked databasev1.EngineType) []string {
	if asked != databasev1.EngineType_ENGINE_TYPE_UNSPECIFIED {
		return []string{fromProtoEngine(asked)}
	}
	return []string{mySQL, mariaDB, postgreSQL, sqlServer}
}

// toProtoInstance maps an instance; labels are its tags.
func toProtoInstance(v *instance, labels tags.List, region string) *databasev1.Instance {
	out := &databasev1.Instance{
		Id:                 v.DBInstanceID,
		Name:               v.DBInstanceDescription,
		Tags:               labels.ToProto(),
		State:              toProtoState(v.DBInstanceStatus),
		ProviderState:      v.DBInstanceStatus,
		CreatedAt:          kind.ToProtoTime(cmp.Or(v.CreationTime, v.CreateTime)),
		RegionId:           region,
		ZoneId:             v.ZoneID,
		Charge:             &apiv1.Charge{Mode: apiv1.ChargeMode_CHARGE_MODE_POSTPAID},
		DeletionProtected:  v.DeletionProtection,
		LockReasons:        toProtoLocks(v.LockMode),
		ProviderAttributes: map[string]string{attributeCategory: v.Category},
		Engine:             toProtoEngine(v.Engine),
		EngineVersion:      v.EngineVersion,
		Vcpus:              int32(v.DBInstanceCPU),
		MemoryMib:          int32(v.DBInstanceMemory),
		DbFlavorId:         v.DBInstanceClass,
		StorageGib:         int32(v.DBInstanceStorage),
		StorageType:        v.DBInstanceStorageType,
		HighAvailability:   v.Category != "" && v.Category != basicSeries,
		SubnetId:           v.VSwitchID,
		AllowedCidrs:       toProtoCIDRs(v.SecurityIPList),
	}
	if strings.EqualFold(v.PayType, "Prepaid") {
		out.Charge = &apiv1.Charge{Mode: apiv1.ChargeMode_CHARGE_MODE_PREPAID, ExpiresAt: kind.ToProtoTime(v.ExpireTime)}
	}
	if len(out.GetLockReasons()) > 0 {
		out.ProviderAttributes[attributeLock] = v.LockMode
	}
	if v.ConnectionString != "" {
		endpoint := &databasev1.Endpoint{Kind: databasev1.EndpointKind_ENDPOINT_KIND_PRIVATE, Host: v.ConnectionString}
		if port, err := strconv.ParseInt(v.Port, 10, 32); err == nil {
			endpoint.Port = int32(port)
		}
		out.Endpoints = []*databasev1.Endpoint{endpoint}
	}
	return out
}

// toProtoCIDRs reads a white list; a bare address is a range of one.
func toProtoCIDRs(list string) []string {
	var out []string
	for entry := range strings.SplitSeq(list, ",") {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		if !strings.Contains(entry, "/") {
			entry += "/32"
		}
		out = append(out, entry)
	}
	return out
}

// toProtoState maps the status of an instance. Source: the instance states of
// RDS's documentation; changes of configuration have many words.
func toProtoState(status string) databasev1.InstanceState {
	switch strings.ToLower(status) {
	case "creating":
		return databasev1.InstanceState_INSTANCE_STATE_CREATING
	case "running":
		return databasev1.InstanceState_INSTANCE_STATE_RUNNING
	case "rebooting":
		return databasev1.InstanceState_INSTANCE_STATE_RESTARTING
	case "importing", "importingfromothers", "ins_cloning":
		return databasev1.InstanceState_INSTANCE_STATE_MAINTAINING
	case "restoring":
		return databasev1.InstanceState_INSTANCE_STATE_RESTORING
	case "stopping":
		return databasev1.InstanceState_INSTANCE_STATE_STOPPING
	case "stopped":
		return databasev1.InstanceState_INSTANCE_STATE_STOPPED
	case "starting":
		return databasev1.InstanceState_INSTANCE_STATE_STARTING
	case "deleting":
		return databasev1.InstanceState_INSTANCE_STATE_DELETING
	case "released", "deleted":
		return databasev1.InstanceState_INSTANCE_STATE_DELETED
	case "dbinstanceclasschanging", "transing", "transingtoothers", "engineversionupgrading", "minor_version_upgrading",
		"dbinstancenettypechanging", "net_creating", "net_deleting", "guardswitching", "guarddbinstancecreating", "config_encrypting",
		"ssl_modifying", "tde_modifying", "nodecreating", "nodedeleting":
		return databasev1.InstanceState_INSTANCE_STATE_UPDATING
	default:
		return databasev1.InstanceState_INSTANCE_STATE_UNSPECIFIED
	}
}

func toProtoLocks(mode string) []apiv1.LockReason {
	switch strings.ToLower(mode) {
	case "", "unlock":
		return nil
	case "lockbyexpiration":
		return []apiv1.LockReason{apiv1.LockReason_LOCK_REASON_ARREARS}
	case "manuallock":
		return []apiv1.LockReason{apiv1.LockReason_LOCK_REASON_OPERATOR}
	default:
		return []apiv1.LockReason{apiv1.LockReason_LOCK_REASON_OTHER}
	}
}

// memoryMiB reads the memory of a class, "16GB" or "16GB（独享套餐）"; 0: unreadable.
func memoryMiB(text string) int32 {
	digits := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	if digits < 0 {
		digits = len(text)
	}
	n, err := strconv.ParseInt(text[:digits], 10, 32)
	if err != nil {
		return 0
	}
	if strings.HasPrefix(strings.ToUpper(text[digits:]), "MB") {
		return int32(n)
	}
	return int32(n) * 1024
}

// roundUp is a storage size of at least wanted that the range allows.
func roundUp(wanted, least, step int32) int32 {
	wanted = max(wanted, least)
	if step <= 0 {
		return wanted
	}
	if over := (wanted - least) % step; over != 0 {
		wanted += step - over
	}
	return wanted
}

// keepsInstance tells whether an instance fits the filters of a request.
func keepsInstance(req *databasev1.ListInstancesRequest, v *databasev1.Instance) bool {
	return (req.GetName() == "" || req.GetName() == v.GetName()) &&
		tags.Match(v.GetTags(), req.GetTag()) &&
		(req.GetState() == 0 || req.GetState() == v.GetState()) &&
		(req.GetEngine() == 0 || req.GetEngine() == v.GetEngine()) &&
		(req.GetSubnetId() == "" || req.GetSubnetId() == v.GetSubnetId())
}
