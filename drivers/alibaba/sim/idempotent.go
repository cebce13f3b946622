package sim

import (
	"crypto/sha256"
	"maps"
	"slices"
	"time"

	"github.com/yunqiao/yunqiao/drivers/alibaba/definitions"
)

// tokenLife is how long a ClientToken is remembered.
const tokenLife = 24 * time.Hour

// remembered is the answer to the first request with a ClientToken.
type remembered struct {
	request [sha256.Size]byte
	answer  obj
	until   time.Time
}

// tokenKey names the place of the request's ClientToken, empty if it has none that
// counts. Reads do not count.
func (c *call) tokenKey() string {
	token := c.str("ClientToken")
	if token == "" || c.action.Reads || c.name() == "Ecs.CreateDisk" && c.has("InstanceId") {
		return ""
	}
	return c.who.account.uid + " " + c.region + " " + c.name() + " " + token
}

// fingerprint is what two requests with one ClientToken must have in common.
func fingerprint(sent map[string]string) [sha256.Size]byte {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(sent)) {
		if sent[name] != "" && (name == "RegionId" || !definitions.IsCommon(name)) {
			h.Write([]byte(name + "\x00" + sent[name] + "\x00"))
		}
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// repeated finds the answer to a request that was made before with the same token.
func (c *call) repeated(key string, sum [sha256.Size]byte) (obj, error) {
	old := c.w.tokens[key]
	if key == "" || old == nil || old.until.Before(c.now) {
		return nil, nil
	}
	if old.request != sum {
		return nil, c.failOne([]string{
			"IdempotentParameterMismatch", "IdempotenceParamNotMatch", "IdempotenceSignatureMismatch",
			"Idempotence.SignatureMismatch", "IdempotentParameterMismatch",
		}, "The request uses the same client token as a previous, but non-identical request.")
	}
	return maps.Clone(old.answer), nil
}

func (c *call) remember(key string, sum [sha256.Size]byte, answer obj) {
	if key != "" {
		c.w.tokens[key] = &remembered{sum, maps.Clone(answer), c.now.Add(tokenLife)}
	}
}
