package programs

import (
	"encoding/base64"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"
	"gorm.io/gorm"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
)

const defaultPage = 50

func pageSize(wanted int32) int {
	if wanted <= 0 {
		return defaultPage
	}
	return int(wanted)
}

// pageToken is the sort key of a page's last row; two parts where one is not unique.
func pageToken(parts ...string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strings.Join(parts, "\n")))
}

func readToken(token string, parts int) ([]string, error) {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	out := strings.Split(string(raw), "\n")
	if err != nil || len(out) != parts || strings.Contains(string(raw), "\x00") {
		return nil, failure(codes.InvalidArgument, apiv1.Reason_REASON_PAGE_TOKEN_INVALID, "page_token", "is none of ours")
	}
	return out, nil
}

// before continues a list that is ordered by id, newest first.
func before(tx *gorm.DB, token string) (*gorm.DB, error) {
	if token == "" {
		return tx, nil
	}
	parts, err := readToken(token, 1)
	if err != nil {
		return nil, err
	}
	return tx.Where("id < ?", parts[0]), nil
}

func timestamp(at *time.Time) *timestamppb.Timestamp {
	if at == nil || at.IsZero() {
		return nil
	}
	return timestamppb.New(*at)
}

// readTime reads RFC 3339; empty: the default.
func readTime(field, text string, otherwise *time.Time) (*time.Time, error) {
	if text == "" {
		return otherwise, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return nil, invalid(field, "must be a time such as 2026-01-31T08:00:00Z")
	}
	at = at.UTC()
	return &at, nil
}
