package identity

import (
	"crypto/rand"
	"crypto/subtle"
	_ "embed"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"github.com/yunqiao/yunqiao/drivers/sdk"
	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

// Parameters of argon2id, after OWASP's recommendation of 19 MiB and two passes.
// They stand in every hash, so that they can be raised.
const (
	argonTime   = 2
	argonMemory = 19 * 1024 // KiB
	argonLanes  = 1
	argonKey    = 32
)

// minPassword is the least length of a password in characters.
const minPassword = 10

//go:embed common_passwords.txt
var commonPasswords string

// checkPassword refuses passwords that are guessed first. Field names where the
// password stands.
func checkPassword(field, password, userName string) error {
	refuse := func(why string) error {
		return sdk.NewError(apiv1.Reason_REASON_VALIDATION_FAILED, sdk.Violation(field, why))
	}
	lower := strings.ToLower(password)
	switch {
	case utf8.RuneCountInString(password) < minPassword:
		return refuse("must have at least 10 characters")
	case userName != "" && strings.Contains(lower, strings.ToLower(userName)):
		return refuse("must not contain the user's name")
	case slices.Contains(strings.Fields(commonPasswords), lower):
		return refuse("is one of the most common passwords")
	case distinct(password) < 5:
		return refuse("must have at least 5 different characters")
	}
	return nil
}

func distinct(s string) int {
	seen := map[rune]bool{}
	for _, r := range s {
		seen[r] = true
	}
	return len(seen)
}

// hashPassword makes the text that is stored.
func hashPassword(password string) string {
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never fails, see crypto/rand
	key := argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonLanes, argonKey)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonLanes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key))
}

// verifyPassword compares in constant time. A hash that cannot be read, or an
// empty one, costs as much as a real one and never fits.
func verifyPassword(hash, password string) bool {
	var version, memory, time uint32
	var lanes uint8
	parts := strings.Split(hash, "$")
	if len(parts) == 6 {
		_, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &memory, &time, &lanes)
		salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
		key, err2 := base64.RawStdEncoding.DecodeString(parts[5])
		if err == nil && err1 == nil && err2 == nil && version == argon2.Version {
			got := argon2.IDKey([]byte(password), salt, time, memory, lanes, uint32(len(key)))
			return subtle.ConstantTimeCompare(got, key) == 1
		}
	}
	argon2.IDKey([]byte(password), make([]byte, 16), argonTime, argonMemory, argonLanes, argonKey)
	return false
}
