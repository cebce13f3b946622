package driverhost

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"
)

// verify compares every file of a driver's package with its checksum. The files
// must be writable for their installer only: they are opened again afterwards.
func verify(spec Spec) error {
	if spec.SHA256 != "" {
		if err := verifyFile(spec.Path, spec.SHA256); err != nil {
			return err
		}
	}
	for path, want := range spec.Files {
		if err := verifyFile(path, want); err != nil {
			return err
		}
	}
	return nil
}

func verifyFile(path, want string) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("verify checksum: %w", err)
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return fmt.Errorf("verify checksum of %s: %w", path, err)
	}
	if got := hex.EncodeToString(hash.Sum(nil)); !strings.EqualFold(got, want) {
		return fmt.Errorf("checksum of %s is %s, not %s", path, got, want)
	}
	return nil
}
