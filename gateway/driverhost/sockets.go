package driverhost

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// maxSocketDir is how long the path of a socket folder may be: the kernel takes 108
// bytes for a socket's whole path, of which go-plugin's own names take up to 45.
const maxSocketDir = 60

// SocketDir makes the folder for the sockets of one gateway's drivers, which only
// this user can enter, and clears away what a killed gateway left in it. The caller
// must hold the data folder for itself. It lies in the data folder, or where that
// path is too long for sockets, in the system's folder for temporary files.
func SocketDir(data string) (string, error) {
	data, err := filepath.Abs(data)
	if err != nil {
		return "", fmt.Errorf("folder of sockets: %w", err)
	}
	dir := filepath.Join(data, "run")
	if len(dir) > maxSocketDir {
		sum := sha256.Sum256([]byte(data))
		dir = filepath.Join(os.TempDir(), "yunqiao-"+hex.EncodeToString(sum[:8]))
	}
	// One that somebody else has made there cannot be removed, and is refused.
	if err := errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o700)); err != nil {
		return "", fmt.Errorf("folder of sockets: %w", err)
	}
	return dir, nil
}
