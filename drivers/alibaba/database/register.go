package database

import (
	"time"

	databasev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/database/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
	"google.golang.org/grpc"

	"github.com/yunqiao/yunqiao/drivers/alibaba/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

const (
	// pollAfter is how soon a change of an account is worth looking at.
	pollAfter = 3 * time.Second
	// instancePoll is the same of an instance, which takes minutes.
	instancePoll = 15 * time.Second
)

// Register adds the database services, which work in the given accounts.
func Register(r grpc.ServiceRegistrar, accounts *sdk.Accounts[*session.Session]) {
	b := base{accounts: accounts}
	databasev1.RegisterInstanceServiceServer(r, &instanceServer{base: b})
	databasev1.RegisterEngineServiceServer(r, &engineServer{base: b})
	databasev1.RegisterDbFlavorServiceServer(r, &flavorServer{base: b})
}

// base is what all servers of the package share.
type base struct {
	accounts *sdk.Accounts[*session.Session]
}

// Features lists the optional abilities of the package.
func Features() []*driverv1.Feature {
	return []*driverv1.Feature{
		{Name: "database.instance.tags"},
		{Name: "database.instance.zone", Note: "that of the subnet"},
		{Name: "database.instance.storage_type", Note: "cloud_essd if none is given"},
		{Name: "database.instance.high_availability"},
		{Name: "database.instance.allowed_cidrs"},
		{Name: "database.instance.admin_account"},
		{Name: "database.instance.admin_name"},
		{Name: "database.instance.reset_password"},
	}
}

// Attributes explains the keys of provider_attributes.
func Attributes() []*driverv1.AttributeDoc {
	return []*driverv1.AttributeDoc{
		{Resource: typeInstance, Key: attributeCategory, Meaning: "series of the instance, such as Basic or HighAvailability"},
		{Resource: typeInstance, Key: attributeLock, Meaning: "why the cloud has locked the instance, in its own word"},
	}
}
