package app

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/yunqiao/yunqiao/internal/backup"
	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/seal"
)

// Backup writes the store into a file that must not exist, while a gateway may run
// on it. The second result says where the sealing key is, which is not in the file.
func Backup(ctx context.Context, config *Config, getenv func(string) string, program, path string) (m *backup.Manifest, key string, err error) {
	database, err := config.database(getenv)
	if err != nil {
		return nil, "", err
	}
	if !database.Postgres() {
		if _, err := os.Stat(database.DSN); errors.Is(err, fs.ErrNotExist) {
			return nil, "", fmt.Errorf("there is no store %s", database.DSN)
		}
	}
	box, err := config.sealBox(getenv, false)
	if err != nil {
		return nil, "", err
	}
	store, err := db.Open(ctx, database)
	if err != nil {
		return nil, "", err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	// The file appears whole or not at all.
	part := path + ".part"
	if _, err := os.Stat(path); err == nil {
		return nil, "", fmt.Errorf("%s exists", path)
	}
	file, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, "", err
	}
	m, err = backup.Write(ctx, store, Schema(), file, backup.Info{Program: program, SealKey: keyMark(box), At: time.Now()})
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return nil, "", errors.Join(err, os.Remove(part))
	}
	return m, config.sealKeyPlace(), os.Rename(part, path)
}

// Restore fills the empty store of the configuration from a file. No gateway may run
// on it. It refuses a file whose secrets the configured sealing key cannot open.
func Restore(ctx context.Context, config *Config, getenv func(string) string, path string) (m *backup.Manifest, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	opened, err := backup.Open(file, info.Size())
	if err != nil {
		return nil, err
	}
	database, err := config.database(getenv)
	if err != nil {
		return nil, err
	}
	box, err := config.sealBox(getenv, false)
	if err != nil {
		return nil, fmt.Errorf("put the sealing key of the gateway that was backed up into %s first: %w", config.sealKeyPlace(), err)
	}
	if keyMark(box) != opened.Manifest.SealKey {
		return nil, fmt.Errorf("the key in %s is not that of the gateway that was backed up: its secrets could not be opened", config.sealKeyPlace())
	}
	if err := os.MkdirAll(config.Data, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	lock, err := lockData(config.Data)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, lock.release()) }()
	store, err := db.Open(ctx, database)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return opened.Manifest, opened.Restore(ctx, store, Schema())
}

// keyMark tells keys apart without telling a key.
func keyMark(box *seal.Box) string { return hex.EncodeToString(box.Derive("backup")[:8]) }
