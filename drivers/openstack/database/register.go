package database

import (
	"context"

	databasev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/database/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
	"google.golang.org/grpc"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// Types of resources of the contract.
const (
	typeInstance = "database.instance"
	typeEngine   = "database.engine"
	typeFlavor   = "database.db_flavor"
	typeSubnet   = "network.subnet"
)

// Abilities that Trove lacks.
const (
	featureAdminName   = "database.instance.admin_name"
	featureDescription = "database.instance.description"
	featureTags        = "database.instance.tags"
	featurePrepaid     = "database.instance.prepaid"
)

// Register adds the database services, which work in the given accounts.
func Register(r grpc.ServiceRegistrar, accounts *sdk.Accounts[*session.Session]) {
	b := base{accounts: accounts}
	databasev1.RegisterInstanceServiceServer(r, &instanceServer{base: b})
	databasev1.RegisterEngineServiceServer(r, &engineServer{base: b})
	databasev1.RegisterDbFlavorServiceServer(r, &flavorServer{base: b})
}

// Offers tells whether the account's cloud has the services. Instances are in
// subnets, so that the network service is needed too.
func Offers(s *session.Session) bool { return s.Database != nil && s.Network != nil }

// Features lists the optional abilities of the package.
func Features() []*driverv1.Feature {
	return []*driverv1.Feature{
		{Name: "database.instance.zone", Note: "not told of instances"},
		{Name: "database.instance.storage_type", Note: "not told of instances"},
		{Name: "database.instance.allowed_cidrs", Note: "IPv4"},
		{Name: "database.instance.admin_account", Note: "root"},
		{Name: "database.instance.reset_password"},
	}
}

// AbsentFeatures lists those of Features that this account's cloud lacks.
func AbsentFeatures(s *session.Session) []string {
	if Offers(s) {
		return nil
	}
	return sdk.FeatureNames(Features())
}

// Attributes explains the keys of provider_attributes.
func Attributes() []*driverv1.AttributeDoc {
	return []*driverv1.AttributeDoc{
		{Resource: typeInstance, Key: attributeDatastore, Meaning: "name of the datastore and of its version"},
		{Resource: typeInstance, Key: attributeOperating, Meaning: "what the database itself is doing, in Trove's own word"},
		{Resource: typeInstance, Key: attributeFault, Meaning: "what Trove says went wrong, of an instance in ERROR"},
		{Resource: typeEngine, Key: attributeDatastore, Meaning: "name of the datastore and of its version"},
	}
}

// base is what all servers of the package share.
type base struct {
	accounts *sdk.Accounts[*session.Session]
}

// open finds the session of the call's account, which has Trove.
func (b base) open(ctx context.Context) (*session.Session, error) {
	s, err := b.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	if err := session.Require(s.Database); err != nil {
		return nil, err
	}
	return s, session.Require(s.Network)
}
