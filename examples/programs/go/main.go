// Command go sends one message of GY/T 345 to an integration platform, signed:
//
//	go run ./examples/programs/go URL MESSAGE_FILE
//
// The environment says who sends: GYT345_GROUP_ID, GYT345_GROUP_SECRET, and
// GYT345_KEY_FILE, a file with the SM2 private key in PEM or as 64 hexadecimal digits.
// The message needs no msgSign; it is made here.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/yunqiao/yunqiao/programs/gyt345"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := send(ctx, args, stdout); err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}

func send(ctx context.Context, args []string, stdout io.Writer) error {
	if len(args) != 2 {
		return errors.New("usage: go URL MESSAGE_FILE")
	}
	pem, err := os.ReadFile(os.Getenv("GYT345_KEY_FILE"))
	if err != nil {
		return err
	}
	key, err := gyt345.ParsePrivateKey(string(pem))
	if err != nil {
		return err
	}
	client, err := gyt345.NewClient(os.Getenv("GYT345_GROUP_ID"), os.Getenv("GYT345_GROUP_SECRET"), key, gyt345.ClientOptions{})
	if err != nil {
		return err
	}
	raw, err := os.ReadFile(args[1])
	if err != nil {
		return err
	}
	message, err := gyt345.Parse(raw)
	if err != nil {
		return err
	}
	signed, err := client.SignValue(ctx, args[0], message)
	if err != nil {
		return err
	}
	reply, err := client.Post(ctx, signed)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%d %s\n", reply.HTTP, reply.Body)
	if !reply.OK() {
		return errors.New("the platform refused")
	}
	return nil
}
