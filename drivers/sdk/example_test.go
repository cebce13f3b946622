package sdk_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"

	"google.golang.org/grpc"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"
)

// acme is a driver with one service, of which it implements one rpc.
type acme struct {
	driverv1.UnimplementedDriverServiceServer
	networkv1.UnimplementedNetworkServiceServer
	accounts sdk.Accounts[string]
}

func (a *acme) Register(r grpc.ServiceRegistrar) { networkv1.RegisterNetworkServiceServer(r, a) }

func (a *acme) GetNetwork(ctx context.Context, req *networkv1.GetNetworkRequest) (*networkv1.GetNetworkResponse, error) {
	if _, err := a.accounts.From(ctx); err != nil {
		return nil, err
	}
	return nil, sdk.NotFound("network.network", req.GetId(), nil)
}

// A driver in another process or on another machine is the same server at an
// address; a driver's main is sdk.Serve(&acme{}).
func ExampleNewServer() {
	server := sdk.NewServer(&acme{}, slog.New(slog.NewTextHandler(io.Discard, nil)))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	go func() { _ = server.Serve(listener) }()
	server.Stop()
	fmt.Println(sdk.Methods((&acme{}).Register))
	// Output: [cloud.network.v1.NetworkService/GetNetwork]
}

// What a cloud refuses becomes a reason of the contract; its own words go to logs.
func ExampleNewError() {
	err := sdk.NewError(apiv1.Reason_REASON_QUOTA_EXCEEDED,
		sdk.Field("size_gib"),
		sdk.Provider("OverLimit", 413, "req-7c1f", "VolumeSizeExceedsAvailableQuota in project 77"))
	fmt.Println(err)
	fmt.Println(sdk.StatusOf(err).Code(), sdk.InfoOf(err)["provider_request_id"])
	// Output:
	// QUOTA_EXCEEDED field=size_gib provider_code=OverLimit
	// ResourceExhausted req-7c1f
}

// An account's client is kept by the account's name, and found again in each call.
func ExampleAccounts() {
	var accounts sdk.Accounts[string]
	accounts.Put("lab", "client of lab")
	client, err := accounts.From(serving(context.Background(), "account-id", "lab"))
	fmt.Println(client, err)
	_, err = accounts.From(serving(context.Background(), "account-id", "other"))
	fmt.Println(err)
	// Output:
	// client of lab <nil>
	// ACCOUNT_NOT_FOUND resource=account native_id=other
}

// A secret does not print, whatever prints it.
func ExampleSecret() {
	password := sdk.Secret("hunter2")
	fmt.Println(password, fmt.Sprintf("%q %x", password, password), errors.New("log in with "+password.String()))
	fmt.Println(string(password) == "hunter2")
	// Output:
	// ****** ****** ****** log in with ******
	// true
}
