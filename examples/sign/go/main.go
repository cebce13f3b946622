// Command go sends one request that is signed with an access key:
//
//	go run ./examples/sign/go METHOD URL [BODY]
//
// The key is in the environment: YUNQIAO_KEY_ID; YUNQIAO_KEY_ALGORITHM, which is
// hmac-sm3, hmac-sha256 or sm2-sm3; YUNQIAO_KEY_SECRET in base64, or for SM2 the
// private key's file in PEM, YUNQIAO_KEY_FILE.
package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"

	"github.com/yunqiao/yunqiao/gateway/identity/signature"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) < 2 || len(args) > 3 {
		return errors.New("usage: METHOD URL [BODY]")
	}
	signer, err := signerFromEnvironment()
	if err != nil {
		return err
	}
	body := strings.Join(args[2:], "")
	request, err := http.NewRequestWithContext(ctx, args[0], args[1], strings.NewReader(body))
	if err != nil {
		return err
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	if err := signature.Sign(request, signer); err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(os.Stdout, response.Body); err != nil {
		return err
	}
	if response.StatusCode >= 400 {
		return errors.New(response.Status)
	}
	return nil
}

func signerFromEnvironment() (*signature.Signer, error) {
	id, algorithm := os.Getenv("YUNQIAO_KEY_ID"), signature.Algorithm(os.Getenv("YUNQIAO_KEY_ALGORITHM"))
	if algorithm == signature.SM2SM3 {
		private, err := os.ReadFile(os.Getenv("YUNQIAO_KEY_FILE"))
		if err != nil {
			return nil, err
		}
		return signature.NewSM2Signer(id, private)
	}
	secret, err := base64.StdEncoding.DecodeString(os.Getenv("YUNQIAO_KEY_SECRET"))
	if err != nil {
		return nil, errors.New("YUNQIAO_KEY_SECRET is not base64")
	}
	return signature.NewHMACSigner(id, algorithm, secret)
}
