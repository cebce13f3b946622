package cli

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/yunqiao/yunqiao/gateway/identity/signature"
)

// identify finds what proves who calls: an access key if one is given, else a token.
func (c *client) identify(env *environment) (err error) {
	if env.flags.TokenFile == "" || env.flags.AccessKeyFile != "" {
		if c.signer, err = findSigner(env); c.signer != nil || err != nil {
			return err
		}
	}
	c.token, err = findToken(env.flags.TokenFile, env.getenv)
	return err
}

// findSigner reads the access key: the secret in base64, or with SM2 the private key
// in PEM. It is nil if none is given.
func findSigner(env *environment) (*signature.Signer, error) {
	text := []byte(env.getenv("YUNQIAO_KEY_SECRET"))
	if file := cmp.Or(env.flags.AccessKeyFile, env.getenv("YUNQIAO_KEY_FILE")); file != "" {
		var err error
		if text, err = os.ReadFile(file); err != nil {
			return nil, fmt.Errorf("read the access key: %w", err)
		}
	}
	if len(text) == 0 {
		return nil, nil
	}
	id := cmp.Or(env.flags.AccessKey, env.getenv("YUNQIAO_KEY_ID"))
	if id == "" {
		return nil, errors.New("give the id of the access key: --access-key, or YUNQIAO_KEY_ID")
	}
	if bytes.Contains(text, []byte("PRIVATE KEY")) {
		return signature.NewSM2Signer(id, text)
	}
	secret, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, errors.New("the access key is neither a secret in base64 nor a private key in PEM")
	}
	algorithm := cmp.Or(env.flags.AccessKeyAlgorithm, env.getenv("YUNQIAO_KEY_ALGORITHM"), string(signature.HMACSM3))
	return signature.NewHMACSigner(id, signature.Algorithm(algorithm), secret)
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
	return `Needs --access-key and --access-key-file, or YUNQIAO_KEY_ID and YUNQIAO_KEY_FILE. Other
commands sign their requests with the same flags.

    yunqiao key sign GET "/compute/v1/vm/list?account_id=memory" >headers
    curl -H @headers "http://127.0.0.1:8355/compute/v1/vm/list?account_id=memory"
    yunqiao key sign POST /compute/v1/vm/stop --body @stop.json >headers
    curl -H @headers --json @stop.json http://127.0.0.1:8355/compute/v1/vm/stop

A signature is good for one request, within 300 seconds.`
}

// Run prints one header a line.
func (s signCommand) Run(env *environment) error {
	signer, err := findSigner(env)
	if err != nil {
		return err
	}
	if signer == nil {
		return errors.New("give the file of the access key: --access-key-file, or YUNQIAO_KEY_FILE, or the secret in YUNQIAO_KEY_SECRET")
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
