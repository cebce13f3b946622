package programs

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/db"
)

// Kind tells series from programs.
type Kind string

// The kinds of records.
const (
	KindSeries  Kind = "series"
	KindProgram Kind = "program"
)

// recordRow is a series or a program as its partner last told.
type recordRow struct {
	ID          string `gorm:"primaryKey;size:32"` // recordKey of the next three
	GroupID     string `gorm:"size:64;not null"`
	Kind        Kind   `gorm:"size:8;not null"`
	RecordID    string `gorm:"size:512;not null"` // the partner's
	Title       string
	Category    string
	Definition  string `gorm:"size:8"`
	Year        string
	SeriesID    string `gorm:"size:512;index"` // the partner's, of a program
	Status      string `gorm:"size:8"`         // online or offline, as the partner says
	Known       bool   // false: only an offline or delete of it has come
	Deleted     bool
	Withdrawn   bool // its partner has left
	Locked      bool // by an emergency of its own or of its series
	Online      bool // may be shown and played
	OnlineSince *time.Time
	MsgTime     int64
	MsgID       string `gorm:"size:512"`
	Version     int32
	LastChange  int64 `gorm:"not null;default:0"` // position of the newest version
	Metadata    string
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

func (recordRow) TableName() string { return "programs_records" }

// relationRow is a row of table 3: a program in the list of a series. Its key keeps the
// programs of a series together, in the order of the partner's ids.
type relationRow struct {
	SeriesKey  string `gorm:"primaryKey;size:32"`
	Program    string `gorm:"primaryKey;size:512"` // the partner's id
	ProgramKey string `gorm:"size:32;not null"`
	Seq        int64
	Data       string
}

func (relationRow) TableName() string { return "programs_relations" }

// lockRow keeps a record off, whether or not it is known. An emergency of series has one
// of each series, and of each program that was in them when it was confirmed: their
// partner can take a program out of a series, but not out of the emergency.
type lockRow struct {
	RecordKey   string `gorm:"primaryKey;size:32"`
	EmergencyID string `gorm:"primaryKey;size:32"`
	Series      bool   `gorm:"not null;default:false"` // the record is a series
}

func (lockRow) TableName() string { return "programs_locks" }

// nonceRow is a nonce that has been used.
type nonceRow struct {
	Key   string `gorm:"primaryKey;size:160"` // groupId, space, nonce
	Until int64  // milliseconds
}

func (nonceRow) TableName() string { return "programs_nonces" }

// seenRow is a msgId that has been answered ok.
type seenRow struct {
	Key    string `gorm:"primaryKey;size:768"` // groupId, space, msgId
	Digest string `gorm:"size:64;not null"`
	At     int64  // milliseconds
}

func (seenRow) TableName() string { return "programs_seen" }

// messageRow is a message as it was received or sent, with its answer.
type messageRow struct {
	ID        string `gorm:"primaryKey;size:32"`
	At        time.Time
	Outgoing  bool
	GroupID   string `gorm:"size:64;index"`
	Interface string `gorm:"size:32"`
	Path      string
	Query     string
	Body      []byte
	BodySize  int
	RemoteIP  string `gorm:"size:64"`
	KeyUsed   string `gorm:"size:16"`
	MsgID     string `gorm:"size:512"`
	MsgType   int
	Digest    string `gorm:"size:64"`
	Outcome   string `gorm:"size:16"` // see the outcomes
	HTTP      int
	Code      string `gorm:"size:32"`
	Cause     string // which check failed
	Notes     string // separated by line feeds
}

func (messageRow) TableName() string { return "programs_messages" }

// changeRow is one version of a record: its history and the feed for terminals. The
// versions of a record are a chain, for an index of them would be written at another
// place with each message.
type changeRow struct {
	Position  int64  `gorm:"primaryKey;autoIncrement"`
	Previous  int64  `gorm:"not null;default:0"` // position of the version before it; 0: there is none
	RecordKey string `gorm:"size:32;not null"`
	Version   int32
	GroupID   string `gorm:"size:64;not null"`
	Kind      Kind   `gorm:"size:8;not null"`
	RecordID  string `gorm:"size:512;not null"`
	At        time.Time
	Cause     string `gorm:"size:32"`  // MESSAGE, EMERGENCY, LIFT, EXIT
	MsgID     string `gorm:"size:512"` // or the emergency's id
	Online    bool
	Status    string `gorm:"size:8"`
	Deleted   bool
	Locked    bool
	Metadata  string
}

func (changeRow) TableName() string { return "programs_changes" }

// The causes of changes.
const (
	causeMessage   = "MESSAGE"
	causeEmergency = "EMERGENCY"
	causeLift      = "LIFT"
	causeExit      = "EXIT"
)

// partnerRow is a content service platform.
type partnerRow struct {
	GroupID    string `gorm:"primaryKey;size:64"`
	Name       string `gorm:"size:128"`
	State      string `gorm:"size:16;not null"` // ACTIVE, SUSPENDED, EXITED
	Parts      string `gorm:"size:16"`
	Strict     bool
	WindowSec  int32
	MaxBody    int32
	PerSecond  int32
	AllowedIPs string // separated by commas
	SeriesURL  string // where its 6.8 is
	ProgramURL string // where its 6.9 is
	Variant    string // gyt345.Variant as JSON; empty: the profile
	Paths      string // gyt345.Interface to path, as JSON; empty: our own
	// Certificates in PEM, see SetPartnerTls.
	ClientCertificates string
	ServerAuthorities  string
	Certificate        string
	CreatedAt          time.Time
	UpdatedAt          time.Time
}

func (partnerRow) TableName() string { return "programs_partners" }

// credentialRow is a public key or a sealed secret of a partner, or our own key.
type credentialRow struct {
	ID        string `gorm:"primaryKey;size:32"` // time-ordered
	GroupID   string `gorm:"size:64;index"`      // empty: ours
	Kind      string `gorm:"size:16;not null"`   // see the kinds below
	Public    string // key as 04||X||Y in hexadecimal
	Text      string // as given: certificate or key
	Sealed    []byte
	CreatedAt time.Time
}

func (credentialRow) TableName() string { return "programs_credentials" }

const (
	credentialPublic  = "PUBLIC_KEY"
	credentialSecret  = "SECRET"
	credentialSigning = "SIGNING_KEY" // ours, of which the newest signs
	credentialNext    = "NEXT_KEY"    // ours, which partners get before it signs
	credentialFormer  = "FORMER_KEY"  // ours, which has signed before
	credentialTLS     = "TLS_KEY"
)

// emergencyRow is an emergency offline.
type emergencyRow struct {
	ID          string `gorm:"primaryKey;size:32"`
	GroupID     string `gorm:"size:64;not null;index"`
	Kind        Kind   `gorm:"size:8;not null"`
	Records     string // the partner's ids, JSON
	Reason      string
	State       string `gorm:"size:16;not null;index"` // REQUESTED, ACTIVE, REJECTED, LIFTED
	RequestedBy string `gorm:"size:64"`
	RequestedAt time.Time
	DecidedBy   string `gorm:"size:64"`
	DecidedAt   *time.Time
	LiftedBy    string `gorm:"size:64"`
	LiftedAt    *time.Time
	MsgTime     int64 // of the message, which keeps its msgId (the id) and time
}

func (emergencyRow) TableName() string { return "programs_emergencies" }

// deliveryRow is what an emergency has to reach.
type deliveryRow struct {
	ID          string `gorm:"primaryKey;size:32"`
	EmergencyID string `gorm:"size:32;not null;index"`
	GroupID     string `gorm:"size:64;not null"`
	Target      string `gorm:"size:64;not null"` // CONTENT_PLATFORM, CDN:<name>, CDN-LIFT:<name>, TERMINALS
	State       string `gorm:"size:16;not null;index"`
	Attempts    int32
	NextAt      int64 // milliseconds
	LastError   string
	CreatedAt   time.Time
	ConfirmedAt *time.Time
}

func (deliveryRow) TableName() string { return "programs_deliveries" }

// linkRow says that a record used a cloud resource for some time.
type linkRow struct {
	ID         string `gorm:"primaryKey;size:32"`
	RecordKey  string `gorm:"size:32;not null;index"`
	ResourceID string `gorm:"size:512;not null;index"`
	ValidFrom  time.Time
	ValidUntil *time.Time
	CreatedAt  time.Time
	Version    int32 `gorm:"not null;default:1"` // of the events about it
}

func (linkRow) TableName() string { return "programs_links" }

// watchRow is the last scheduled probe of a program.
type watchRow struct {
	RecordKey string `gorm:"primaryKey;size:32"`
	NextAt    int64  // milliseconds
	ProbedAt  *time.Time
	Playable  bool
	Problems  string // separated by line feeds
	Sequence  int32  // of the events about it
}

func (watchRow) TableName() string { return "programs_watches" }

// leniencyRow counts a form beyond the tables that a partner uses.
type leniencyRow struct {
	GroupID  string `gorm:"primaryKey;size:64"`
	Note     string `gorm:"primaryKey;size:128"`
	Messages int64
	FirstAt  time.Time
	LastAt   time.Time
}

func (leniencyRow) TableName() string { return "programs_leniencies" }

// Migrations of the tables of this module.
func Migrations() db.Module {
	return db.Module{Name: "programs", Migrations: []db.Migration{
		{Version: 1, Name: "tables", Up: func(tx *gorm.DB) error {
			err := tx.Migrator().CreateTable(&recordRow{}, &messageRow{}, &changeRow{}, &partnerRow{}, &credentialRow{}, &emergencyRow{},
				&deliveryRow{}, &linkRow{}, &watchRow{})
			if err != nil {
				return err
			}
			return keyed(tx).Migrator().CreateTable(&relationRow{}, &lockRow{}, &nonceRow{}, &seenRow{})
		}},
		{Version: 2, Name: "versions of links", Up: func(tx *gorm.DB) error {
			if tx.Migrator().HasColumn(&linkRow{}, "version") { // made by version 1 of this release
				return nil
			}
			return tx.Migrator().AddColumn(&linkRow{}, "Version")
		}},
		{Version: 3, Name: "fewer indexes", Up: leaner},
		{Version: 4, Name: "settings of partners", Up: partnerSettings},
		{Version: 5, Name: "CDNs follow changes", Up: func(tx *gorm.DB) error { return tx.Migrator().CreateTable(&positionRow{}) }},
		{Version: 6, Name: "lists of series in their metadata", Up: listsInMetadata},
		{Version: 7, Name: "URLs of emergencies", Up: takenURLs},
	}}
}

// keyed makes tables of small rows that are found by their primary key alone.
func keyed(tx *gorm.DB) *gorm.DB {
	if tx.Name() == "sqlite" {
		return tx.Set("gorm:table_options", "WITHOUT ROWID")
	}
	return tx
}

// recordKey is the id by which our interfaces know a record.
func recordKey(kind Kind, groupID, recordID string) string {
	return key(string(kind), groupID, recordID)
}

func key(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte{byte(len(p) >> 8), byte(len(p))})
		h.Write([]byte(p))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
