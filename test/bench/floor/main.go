// Command floor is what speed is measured against: bare gin, one protobuf gRPC
// call over a unix socket to a driver process started by go-plugin, and protojson
// of the answer. No authentication, validation, ids, ownership or record.
//
//	floor DRIVER CLOUD-FILE INVENTORY-FILE
//
// For lists of the cache it is one bare SELECT, decoded and encoded.
//
// It prints its address as the first line of standard output and ends with its
// standard input.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/gin-gonic/gin"
	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	"github.com/yunqiao/yunqiao/drivers/sdk/plugin"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"
)

const account = "memory"

func main() {
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		log.Fatal(err)
	}
}

func run(driver, file, inventory string) error {
	client := goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig: plugin.Handshake(), VersionedPlugins: plugin.Versions(&plugin.GRPC{}), Cmd: exec.Command(driver),
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC}, AutoMTLS: true, Logger: hclog.NewNullLogger(),
	})
	defer client.Kill()
	protocol, err := client.Client()
	if err != nil {
		return err
	}
	raw, err := protocol.Dispense(plugin.Name)
	if err != nil {
		return err
	}
	conn := raw.(*grpc.ClientConn)
	_, err = driverv1.NewDriverServiceClient(conn).OpenAccount(context.Background(), &driverv1.OpenAccountRequest{
		AccountId: account, Settings: map[string]string{"data_file": file},
	})
	if err != nil {
		return err
	}
	vms := computev1.NewVmServiceClient(conn)
	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	router.GET("/compute/v1/vm/get", func(c *gin.Context) {
		answer, err := vms.GetVm(call(c), &computev1.GetVmRequest{Id: c.Query("id")})
		write(c, answer, err)
	})
	router.GET("/compute/v1/vm/list", func(c *gin.Context) {
		size, _ := strconv.Atoi(c.Query("page_size"))
		answer, err := vms.ListVms(call(c), &computev1.ListVmsRequest{PageSize: int32(size)})
		write(c, answer, err)
	})
	cached, err := openCache(inventory)
	if err != nil {
		return err
	}
	router.GET("/cached", cached.list)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	go func() { _ = http.Serve(listener, router) }()
	return wait()
}

// wait returns at the end of standard input, and when the program is interrupted: the
// driver and the folder of its socket must not stay behind.
func wait() error {
	interrupted, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, os.Stdin)
		ended <- err
	}()
	select {
	case err := <-ended:
		return err
	case <-interrupted.Done():
		return nil
	}
}

func call(c *gin.Context) context.Context {
	return sdk.WithCall(c.Request.Context(), sdk.Call{RequestID: "floor", AccountID: account})
}

func write(c *gin.Context, answer proto.Message, err error) {
	if err != nil {
		c.String(http.StatusInternalServerError, err.Error())
		return
	}
	body, err := protojson.MarshalOptions{UseProtoNames: true, EmitDefaultValues: true}.Marshal(answer)
	if err != nil {
		c.String(http.StatusInternalServerError, err.Error())
		return
	}
	c.Data(http.StatusOK, "application/json; charset=utf-8", body)
}
