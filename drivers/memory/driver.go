package main

import (
	"context"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/yunqiao/yunqiao/drivers/memory/memcloud"
	"github.com/yunqiao/yunqiao/drivers/sdk"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

const (
	driverName      = "memory"
	driverVersion   = "1.0.0"
	contractVersion = 1
)

// driver serves any number of accounts. The zero value is not usable.
type driver struct {
	driverv1.UnimplementedDriverServiceServer
	accounts sdk.Accounts[*account]
	clouds   *clouds
	creates  map[string]*createForm // by full method
}

var _ sdk.Driver = (*driver)(nil)

// newDriver makes a driver whose embedded clouds have the given options; their
// files and knobs come with the accounts.
func newDriver(embed memcloud.Options) (*driver, error) {
	creates, err := newCreateForms()
	if err != nil {
		return nil, err
	}
	return &driver{clouds: newClouds(embed), creates: creates}, nil
}

// Register adds the resource services, all of them forwarded.
func (d *driver) Register(r grpc.ServiceRegistrar) {
	new(memcloud.Cloud).Register(&forwarder{target: r, call: d.call})
}

// call passes an rpc to the cloud of the call's account.
func (d *driver) call(ctx context.Context, fullMethod string, request proto.Message) (proto.Message, error) {
	a, err := d.accounts.From(ctx)
	if err != nil {
		return nil, err
	}
	if form := d.creates[fullMethod]; form != nil {
		return d.create(ctx, a, form, fullMethod, request)
	}
	answer, err := a.send(ctx, "", fullMethod, request)
	if issued, ok := answer.(*driverv1.IssueCredentialsResponse); ok && err == nil {
		return a.inThisCloud(issued), nil
	}
	return answer, err
}

// GetInfo tells what memcloud can do.
func (d *driver) GetInfo(context.Context, *driverv1.GetInfoRequest) (*driverv1.GetInfoResponse, error) {
	return &driverv1.GetInfoResponse{
		Name:             driverName,
		Version:          driverVersion,
		Provider:         "memcloud",
		ContractVersions: []int32{contractVersion},
		Methods:          sdk.Methods(new(memcloud.Cloud).Register),
		Features:         features(),
	}, nil
}

// GetAccountSchema lists the settings of an account.
func (d *driver) GetAccountSchema(context.Context, *driverv1.GetAccountSchemaRequest) (*driverv1.GetAccountSchemaResponse, error) {
	return &driverv1.GetAccountSchemaResponse{Fields: []*driverv1.AccountField{
		{Name: settingEndpoint, Description: "gRPC address of a memcloud server, host:port; empty: the cloud is embedded in the driver"},
		{Name: settingDataFile, Description: "file of the embedded cloud; empty: it is in memory only and ends with the driver"},
		{Name: settingProject, Description: "project of the account in the cloud; empty: the account's name"},
		{Name: settingKnobs, Description: "how the embedded cloud behaves, JSON; empty: as it is"},
		{Name: settingFaults, Description: "loopback address, such as 127.0.0.1:0, at which the embedded cloud can be told to fail; for the conformance suite only"},
		{Name: credentialPassword, Secret: true, Description: "password that the cloud asks for; empty: it asks for none"},
	}}, nil
}

// OpenAccount connects an account to its cloud.
func (d *driver) OpenAccount(ctx context.Context, req *driverv1.OpenAccountRequest) (*driverv1.OpenAccountResponse, error) {
	a, err := d.open(ctx, req)
	if err != nil {
		return nil, err
	}
	if old, replaced := d.accounts.Put(req.GetAccountId(), a); replaced {
		if err := old.close(); err != nil {
			return nil, fmt.Errorf("close the account's former cloud: %w", err)
		}
	}
	return &driverv1.OpenAccountResponse{Capabilities: a.capabilities()}, nil
}

// CloseAccount forgets an account; the last one of an embedded durable cloud closes it.
func (d *driver) CloseAccount(_ context.Context, req *driverv1.CloseAccountRequest) (*driverv1.CloseAccountResponse, error) {
	if a, ok := d.accounts.Remove(req.GetAccountId()); ok {
		if err := a.close(); err != nil {
			return nil, fmt.Errorf("close the account's cloud: %w", err)
		}
	}
	return &driverv1.CloseAccountResponse{}, nil
}

// Probe asks the cloud what it is like now.
func (d *driver) Probe(ctx context.Context, req *driverv1.ProbeRequest) (*driverv1.ProbeResponse, error) {
	a, err := d.accounts.Get(req.GetAccountId())
	if err != nil {
		return nil, err
	}
	info, err := a.refresh(ctx)
	if err != nil {
		return nil, err
	}
	return &driverv1.ProbeResponse{Capabilities: a.capabilities(), CloudTime: timestamppb.New(info.Now)}, nil
}
