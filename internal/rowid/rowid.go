// Package rowid makes the ids of requests and of rows of local modules.
package rowid

import (
	"encoding/hex"

	"github.com/google/uuid"
)

// New makes a UUIDv7 as 32 lower-case hexadecimal digits, the look of the ids in
// GY/T 355-2021 annex A. Later ids sort after earlier ones.
func New() string {
	id := uuid.Must(uuid.NewV7()) // fails only without a source of randomness
	return hex.EncodeToString(id[:])
}
