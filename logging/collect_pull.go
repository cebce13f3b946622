package logging

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"gorm.io/gorm"

	"github.com/yunqiao/yunqiao/internal/outward"
	"github.com/yunqiao/yunqiao/logging/entry"
	"github.com/yunqiao/yunqiao/logging/format"
	loggingv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/logging/v1"
)

// pullFile is the file id under which the state of a pull is kept.
const pullFile = "pull"

// maxPull bounds one answer: 64 MiB; what is longer is read on at the next look.
const maxPull = 64 << 20

// pulled is how far an address has been read.
type pulled struct {
	ETag   string
	Offset int64
}

// pull asks an address again and again for what is new: by range where the server
// knows ranges and the document only grows, whole where it has changed otherwise.
func (m *Module) pull(ctx context.Context, c *collector, place *loggingv1.Location, sub *submission) error {
	interval := time.Duration(place.GetIntervalSeconds()) * time.Second
	if interval == 0 {
		interval = time.Minute
	}
	client := m.pullClient()
	defer client.CloseIdleConnections()
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		if err := m.pullOnce(ctx, client, c, place, sub); err != nil {
			c.fail(m.opts.Now(), err)
		} else {
			c.well()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// pullClient refuses addresses that the configuration does not allow, after names
// have been resolved.
func (m *Module) pullClient() *http.Client {
	dialer := outward.Policy{Private: m.opts.PullPrivate, Setting: "logging.pull_private"}.Dialer()
	return &http.Client{Timeout: 5 * time.Minute, Transport: &http.Transport{
		DialContext: dialer.DialContext, TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 30 * time.Second, DisableCompression: true,
	}}
}

func (m *Module) pullOnce(ctx context.Context, client *http.Client, c *collector, place *loggingv1.Location, sub *submission) error {
	state, err := m.pullState(ctx, place.GetId())
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, place.GetAddress(), nil)
	if err != nil {
		return err
	}
	if state.Offset > 0 {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", state.Offset))
	} else if state.ETag != "" {
		request.Header.Set("If-None-Match", state.ETag)
	}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("get %s: %w", place.GetAddress(), err)
	}
	defer response.Body.Close()
	etag := response.Header.Get("ETag")
	switch response.StatusCode {
	case http.StatusNotModified:
		return nil
	case http.StatusPartialContent:
	case http.StatusRequestedRangeNotSatisfiable: // nothing new, or shorter than before
		var size int64
		if _, err := fmt.Sscanf(response.Header.Get("Content-Range"), "bytes */%d", &size); err == nil && size >= state.Offset {
			return nil
		}
		c.lost.Add(1)
		c.note(m.opts.Now(), "the document became shorter: lines may be missing")
		return m.savePull(ctx, c, place, nil, pulled{})
	case http.StatusOK:
		if state.Offset > 0 && etag != "" && etag == state.ETag {
			return nil
		}
		state.Offset = 0 // the server knows no ranges: the whole document again
	default:
		return fmt.Errorf("get %s: the server answered %s", place.GetAddress(), response.Status)
	}
	whole := response.StatusCode == http.StatusOK
	return m.readPulled(ctx, c, place, sub, io.LimitReader(response.Body, maxPull), pulled{ETag: etag, Offset: state.Offset},
		whole && response.Header.Get("Accept-Ranges") != "bytes")
}

// readPulled stores the whole lines of an answer. Without ranges each line's place
// in its document's version is its record id, so that the next version brings only
// what is new.
func (m *Module) readPulled(ctx context.Context, c *collector, place *loggingv1.Location, sub *submission, body io.Reader, state pulled, noRanges bool) error {
	reader := bufio.NewReaderSize(body, 256<<10)
	joiner := format.NewJoiner(sub.joining)
	var records []entry.Record
	add := func(line []byte) {
		r := sub.rules.Read(line)
		finish(&r, place, sub, place.GetAddress())
		if noRanges {
			r.RecordID = fmt.Sprintf("pull:%s:%d", place.GetId(), state.Offset)
		}
		records = append(records, r)
	}
	flush := func() error {
		if len(records) > 0 && !sub.limit.take(m.opts.Now(), records) {
			return errQuota
		}
		err := m.savePull(ctx, c, place, records, state)
		records = nil
		return err
	}
	for {
		line, err := reader.ReadBytes('\n')
		if err != nil { // a line without an end is read when it has one
			if errors.Is(err, io.EOF) {
				break
			}
			return errors.Join(flush(), fmt.Errorf("read %s: %w", place.GetAddress(), err))
		}
		joiner.Add(bytes.TrimRight(line, "\r\n"), state.Offset, add)
		state.Offset += int64(len(line))
		if _, held := joiner.Held(); !held && len(records) >= 2000 {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	joiner.Flush(add)
	if noRanges {
		state.Offset = 0
	}
	return flush()
}

func (m *Module) pullState(ctx context.Context, location string) (pulled, error) {
	var row positionRow
	err := m.store.Write.WithContext(ctx).Where("location_id = ? AND file_id = ?", location, pullFile).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return pulled{}, nil
	}
	var state pulled
	if err == nil {
		err = json.Unmarshal(row.Tail, &state)
	}
	return state, err
}

func (m *Module) savePull(ctx context.Context, c *collector, place *loggingv1.Location, records []entry.Record, state pulled) error {
	text, err := json.Marshal(state)
	if err != nil {
		return err
	}
	result, err := m.entries.Append(ctx, records, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO logging_positions (location_id, file_id, path, device, inode, place, tail, finished, began_us)
			VALUES ($1, $2, $3, '0', '0', $4, $5, $6, 0) ON CONFLICT (location_id, file_id) DO UPDATE SET place = excluded.place, tail = excluded.tail`,
			place.GetId(), pullFile, place.GetAddress(), state.Offset, text, false)
		return err
	})
	if err == nil && len(records) > 0 {
		c.count(m.opts.Now(), result.Stored)
	}
	return err
}
