package cli

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/yunqiao/yunqiao/gateway/identity/signature"
)

// identify finds what proves who calls: an access key if one is named, else a token.
func (c *client) identify(env *environment) (err error) {
	file := env.flags.AccessKeyFile
	if file == "" && env.flags.TokenFile == "" {
		file = env.getenv("YUNQIAO_ACCESS_KEY_FILE")
	}
	if file != "" {
		c.signer, err = readSigner(env, file)
		return err
	}
	c.token, err = findToken(env.flags.TokenFile, env.getenv)
	return err
}

// readSigner reads an access key: the secret in base64, or with SM2 the private key
// in PEM.
func readSigner(env *environment, file string) (*signature.Signer, error) {
	id := env.flags.AccessKey
	if id == "" {
		id = env.getenv("YUNQIAO_ACCESS_KEY")
	}
	if id == "" {
		return nil, errors.New("give the id of the access key: --access-key, or YUNQIAO_ACCESS_KEY")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the access key: %w", err)
	}
	if bytes.Contains(text, []byte("PRIVATE KEY")) {
		return signature.NewSM2Signer(id, text)
	}
	secret, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("%s holds neither a secret in base64 nor a private key in PEM", file)
	}
	return signature.NewHMACSigner(id, signature.Algorithm(env.flags.AccessKeyAlgorithm), secret)
}

// signCommand prints the headers of a signed request, for other clients.
type signCommand struct {
	Verb string `arg:"" name:"method" help:"GET, POST, PATCH, DELETE."`
	Path string `arg:"" help:"Path with the query, byte for byte as it is sent."`
	Body string `help:"Body of the request: the text, @FILE, or @- for standard input." placeholder:"BODY"`
	Key  string `name:"idempotency-key" help:"Value of the header Idempotency-Key, if it is sent." placeholder:"KEY"`
}

// Help implements kong.HelpProvider.
func (signCommand) Help() string {
	return `Needs --access-key and --access-key-file, or YUNQIAO_ACCESS_KEY and YUNQIAO_ACCESS_KEY_FILE. Other commands
sign their requests with the same flags.

    yunqiao key sign GET "/compute/v1/vm/list?account_id=memory" >headers
    curl -H @headers "http://127.0.0.1:8355/compute/v1/vm/list?account_id=memory"
    yunqiao key sign POST /compute/v1/vm/stop --body @stop.json >headers
    curl -H @headers --json @stop.json http://127.0.0.1:8355/compute/v1/vm/stop

A signature is good for one request, within 300 seconds.`
}

// Run prints one header a line.
func (s signCommand) Run(env *environment) error {
	file := env.flags.AccessKeyFile
	if file == "" {
		file = env.getenv("YUNQIAO_ACCESS_KEY_FILE")
	}
	if file == "" {
		return errors.New("give the file of the access key: --access-key-file, or YUNQIAO_ACCESS_KEY_FILE")
	}
	signer, err := readSigner(env, file)
	if err != nil {
		return err
	}
	body := []byte(s.Body)
	if name, ok := strings.CutPrefix(s.Body, "@"); ok {
		if body, err = readFile(name, env.stdin); err != nil {
			return err
		}
	}
	r, err := http.NewRequestWithContext(env.ctx, strings.ToUpper(s.Verb), "http://gateway"+s.Path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if s.Key != "" {
		r.Header.Set("Idempotency-Key", s.Key)
	}
	if err := signature.Sign(r, signer); err != nil {
		return err
	}
	for _, name := range []string{"Idempotency-Key", "Content-Digest", "Signature-Input", "Signature"} {
		if value := r.Header.Get(name); value != "" {
			if _, err := fmt.Fprintf(env.stdout, "%s: %s\n", name, value); err != nil {
				return err
			}
		}
	}
	return nil
}
