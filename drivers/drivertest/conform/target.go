package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/yunqiao/yunqiao/drivers/drivertest"
	"github.com/yunqiao/yunqiao/drivers/sdk/plugin"
)

// tlsFiles are the paths of the files for mutual TLS.
type tlsFiles struct{ ca, cert, key string }

// target starts the program or connects to the address.
func (l *line) target(program []string) (target drivertest.Target, closeTarget func(), err error) {
	if l.address != "" {
		return remote(l.address, l.tls)
	}
	var env []string
	if l.environment {
		env = os.Environ()
	}
	process, err := drivertest.StartProcess(program[0], program[1:], env)
	if err != nil {
		return nil, nil, err
	}
	return process, process.Close, nil
}

func remote(address string, files tlsFiles) (drivertest.Target, func(), error) {
	transport, err := files.credentials()
	if err != nil {
		return nil, nil, err
	}
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(transport), grpc.WithDefaultCallOptions(
		grpc.MaxCallRecvMsgSize(plugin.MaxMessageBytes), grpc.MaxCallSendMsgSize(plugin.MaxMessageBytes)))
	if err != nil {
		return nil, nil, err
	}
	return drivertest.FromConn(conn, address, nil), func() { _ = conn.Close() }, nil
}

// credentials are those of mutual TLS, or none where no file is given.
func (f tlsFiles) credentials() (credentials.TransportCredentials, error) {
	if f == (tlsFiles{}) {
		return insecure.NewCredentials(), nil
	}
	authority, err := os.ReadFile(f.ca)
	if err != nil {
		return nil, fmt.Errorf("--tls-ca: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority) {
		return nil, errors.New("--tls-ca: no certificate in " + f.ca)
	}
	own, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return nil, fmt.Errorf("--tls-cert, --tls-key: %w", err)
	}
	return credentials.NewTLS(&tls.Config{RootCAs: pool, Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS13}), nil
}
