package app

import (
	"fmt"
	"path/filepath"

	"github.com/yunqiao/yunqiao/internal/db"
	"github.com/yunqiao/yunqiao/internal/seal"
)

// sqliteFile is the store in the data folder where none is configured.
const sqliteFile = "yunqiao.db"

// database says where the store is.
func (c *Config) database(getenv func(string) string) (db.Config, error) {
	config := db.Config{DSN: filepath.Join(c.Data, sqliteFile), MaxConnections: c.Store.MaxConnections}
	if c.Store.DSN.Given() {
		dsn, err := c.Store.DSN.Read(getenv)
		if err != nil {
			return db.Config{}, fmt.Errorf("store.dsn: %w", err)
		}
		config.DSN = dsn
	}
	return config, nil
}

// sealBox loads the key that seals secrets in the store. One in the data folder is
// made if there is none, and create is true.
func (c *Config) sealBox(getenv func(string) string, create bool) (*seal.Box, error) {
	key, err := c.sealingKey(getenv, create)
	if err != nil {
		return nil, err
	}
	return seal.New(key)
}

// sealKeyFile is the key in the data folder where none is configured.
const sealKeyFile = "seal.key"

func (c *Config) sealingKey(getenv func(string) string, create bool) ([]byte, error) {
	if !c.Seal.Given() {
		return seal.LoadKey(filepath.Join(c.Data, sealKeyFile), create)
	}
	text, err := c.Seal.Read(getenv)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return seal.ParseKey(text)
}

// sealKeyPlace names where the key is, for people.
func (c *Config) sealKeyPlace() string {
	switch {
	case c.Seal.File != "":
		return c.Seal.File
	case c.Seal.Env != "":
		return "the environment variable " + c.Seal.Env
	default:
		return filepath.Join(c.Data, sealKeyFile)
	}
}
