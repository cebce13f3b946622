package memcloud

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.etcd.io/bbolt"
	"google.golang.org/protobuf/proto"
)

// Buckets and keys of the file. A record's key is project, NUL, id in the
// bucket "kind:" + kind; a token's is project, NUL, method, NUL, token.
const (
	kindBucketPrefix = "kind:"
	tokenBucket      = "tokens"
	metaBucket       = "meta"
	seqKey           = "seq"
	lockTimeout      = time.Second
)

// store keeps records in a bbolt file; every save is one transaction with fsync.
type store struct{ db *bbolt.DB }

// envelope is a record as stored.
type envelope struct {
	Seq     uint64            `json:"seq"`
	Created time.Time         `json:"created"`
	Due     time.Time         `json:"due,omitzero"`
	Fate    string            `json:"fate,omitempty"`
	Aux     map[string]string `json:"aux,omitempty"`
	Message []byte            `json:"message"` // wire form
}

func openStore(file string) (*store, error) {
	db, err := bbolt.Open(file, 0o600, &bbolt.Options{Timeout: lockTimeout})
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", file, err)
	}
	return &store{db}, nil
}

func openStoreReadOnly(file string) (*store, error) {
	db, err := bbolt.Open(file, 0o600, &bbolt.Options{Timeout: lockTimeout, ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", file, err)
	}
	return &store{db}, nil
}

func (s *store) close() error { return s.db.Close() }

func closeAfter(s *store, err error) error { return errors.Join(err, s.close()) }

// save stores the changes, the answer to remember (nil: none) and the last
// sequence number, and forgets expired tokens.
func (s *store) save(ch *changes, repeat *repeated, expired []tokenKey, seq uint64) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		for _, k := range ch.touched {
			if err := saveRecord(tx, k, ch.records[k]); err != nil {
				return err
			}
		}
		if err := saveTokens(tx, repeat, expired); err != nil {
			return err
		}
		meta, err := tx.CreateBucketIfNotExists([]byte(metaBucket))
		if err != nil {
			return err
		}
		return meta.Put([]byte(seqKey), binary.BigEndian.AppendUint64(nil, seq))
	})
}

func saveRecord(tx *bbolt.Tx, k key, r *record) error {
	bucket, err := tx.CreateBucketIfNotExists([]byte(kindBucketPrefix + string(k.kind)))
	if err != nil {
		return err
	}
	name := []byte(k.project + "\x00" + k.id)
	if r == nil {
		return bucket.Delete(name)
	}
	wire, err := proto.Marshal(r.msg)
	if err != nil {
		return err
	}
	value, err := json.Marshal(envelope{r.seq, r.created, r.due, r.fate, r.aux, wire})
	if err != nil {
		return err
	}
	return bucket.Put(name, value)
}

func saveTokens(tx *bbolt.Tx, repeat *repeated, expired []tokenKey) error {
	if repeat == nil && len(expired) == 0 {
		return nil
	}
	bucket, err := tx.CreateBucketIfNotExists([]byte(tokenBucket))
	if err != nil {
		return err
	}
	for _, k := range expired {
		if err := bucket.Delete(k.name()); err != nil {
			return err
		}
	}
	if repeat == nil {
		return nil
	}
	value, err := json.Marshal(repeat.token)
	if err != nil {
		return err
	}
	return bucket.Put(repeat.key.name(), value)
}

func (k tokenKey) name() []byte { return []byte(k.project + "\x00" + k.method + "\x00" + k.token) }

// load reads the whole file.
func (c *Cloud) load(s *store) error {
	return s.db.View(func(tx *bbolt.Tx) error {
		if meta := tx.Bucket([]byte(metaBucket)); meta != nil {
			if value := meta.Get([]byte(seqKey)); len(value) == 8 {
				c.seq = binary.BigEndian.Uint64(value)
			}
		}
		if bucket := tx.Bucket([]byte(tokenBucket)); bucket != nil {
			if err := bucket.ForEach(c.loadToken); err != nil {
				return err
			}
		}
		ch := newChanges()
		err := tx.ForEach(func(name []byte, bucket *bbolt.Bucket) error {
			kindName, ok := strings.CutPrefix(string(name), kindBucketPrefix)
			if !ok {
				return nil
			}
			return bucket.ForEach(func(name, value []byte) error {
				r, err := loadRecord(kind(kindName), string(name), value)
				if err != nil {
					return fmt.Errorf("%s %q: %w", kindName, name, err)
				}
				ch.records[r.key] = r
				ch.touched = append(ch.touched, r.key)
				return nil
			})
		})
		if err != nil {
			return err
		}
		c.apply(ch)
		return nil
	})
}

func (c *Cloud) loadToken(name, value []byte) error {
	parts := strings.SplitN(string(name), "\x00", 3)
	var t token
	if err := json.Unmarshal(value, &t); err != nil || len(parts) != 3 {
		return fmt.Errorf("token %q: %w", name, errors.Join(err, errDamaged))
	}
	c.tokens[tokenKey{parts[0], parts[1], parts[2]}] = t
	return nil
}

var errDamaged = errors.New("damaged entry")

func loadRecord(k kind, name string, value []byte) (*record, error) {
	project, id, ok := strings.Cut(name, "\x00")
	empty := newMessage(k)
	if !ok || empty == nil {
		return nil, errDamaged
	}
	var e envelope
	if err := json.Unmarshal(value, &e); err != nil {
		return nil, err
	}
	if err := proto.Unmarshal(e.Message, empty); err != nil {
		return nil, err
	}
	return &record{key{k, project, id}, e.Seq, e.Created, e.Due, e.Fate, e.Aux, empty}, nil
}
