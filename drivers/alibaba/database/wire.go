package database

import (
	"github.com/yunqiao/yunqiao/drivers/alibaba/api"
	"github.com/yunqiao/yunqiao/drivers/alibaba/kind"
)

// Answers of the cloud, as far as the driver reads them. encoding/json compares
// names without case.

type instance struct {
	DBInstanceID          string
	DBInstanceDescription string
	DBInstanceStatus      string
	Engine                string
	EngineVersion         string
	DBInstanceClass       string
	DBInstanceCPU         api.Number
	DBInstanceMemory      api.Number // MiB
	DBInstanceStorage     api.Number // GB, in single answers only
	DBInstanceStorageType string
	Category              string
	VSwitchID             string
	ZoneID                string
	ConnectionString      string
	Port                  string
	SecurityIPList        string
	PayType               string
	LockMode              string
	CreateTime            string // of lists
	CreationTime          string // of single answers
	ExpireTime            string
	DeletionProtection    bool
}

type account struct {
	AccountName   string
	AccountType   string
	AccountStatus string
}

type class struct {
	ClassCode   string
	CPU         api.Number
	MemoryClass string // "2GB"
}

type availableClass struct {
	DBInstanceClass        string
	DBInstanceStorageRange struct{ MinValue, MaxValue, Step int32 }
}

type availableZone struct {
	ZoneID           string
	SupportedEngines []struct {
		Engine                  string
		SupportedEngineVersions []struct{ Version string }
	}
}

// Types of resources of the contract.
const (
	typeInstance = "database.instance"
	typeEngine   = "database.engine"
	typeFlavor   = "database.db_flavor"
)

func instances() kind.Kind[instance] {
	return kind.Kind[instance]{
		Type: typeInstance, Product: api.RDS, Action: "DescribeDBInstances", Items: "Items.DBInstance", IDs: "DBInstanceId",
		MaxPage: 100, Total: "TotalRecordCount", ID: func(v *instance) string { return v.DBInstanceID },
	}
}
