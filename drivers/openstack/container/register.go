package container

import (
	"context"

	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
	"google.golang.org/grpc"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

const (
	featureCommand = "compute.container.command"
	// versionEntrypoint is the microversion that has an entry point apart from the
	// command; commands are lists since 1.20.
	versionEntrypoint = 29
	versionLists      = 20
	// versionStop is the microversion that stops a container for its deletion.
	versionStop = 12
)

// Register adds the container service, which works in the given accounts.
func Register(r grpc.ServiceRegistrar, accounts *sdk.Accounts[*session.Session]) {
	computev1.RegisterContainerServiceServer(r, &server{accounts: accounts})
}

// Offers tells whether the account's cloud has the service.
func Offers(s *session.Session) bool { return s.Container != nil }

// Features lists the optional abilities of the package.
func Features() []*driverv1.Feature {
	return []*driverv1.Feature{
		{Name: featureCommand, Note: "microversion 1.29"},
		{Name: "compute.container.restart_policy"},
	}
}

// AbsentFeatures lists those of Features that this account's cloud lacks.
func AbsentFeatures(s *session.Session) []string {
	var absent []string
	for _, f := range Features() {
		if !Offers(s) || f.GetName() == featureCommand && !s.ContainerAway && !session.AtLeast(s.Container, versionEntrypoint) {
			absent = append(absent, f.GetName())
		}
	}
	return absent
}

// server serves cloud.compute.v1.ContainerService.
type server struct {
	computev1.UnimplementedContainerServiceServer
	accounts *sdk.Accounts[*session.Session]
}

var _ computev1.ContainerServiceServer = (*server)(nil)

// open finds the session of the call's account, which has Zun.
func (c *server) open(ctx context.Context) (*session.Session, error) {
	s, err := c.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	return s.WithContainers(ctx)
}
