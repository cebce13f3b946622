package monitor

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

// status is how reporting to a channel does.
type status struct {
	failures int
	err      string
}

// reportedAtOnce bounds the changes in one message to a third party.
const reportedAtOnce = 200

// deliver keeps one goroutine for each channel that is enabled.
func (m *Module) deliver(ctx context.Context) {
	type running struct {
		row  channelRow
		stop context.CancelFunc
	}
	active := map[string]running{}
	var work sync.WaitGroup
	defer work.Wait()
	client := m.client()
	defer client.CloseIdleConnections()
	tick := time.NewTicker(10 * time.Second) // channels that another replica has changed
	defer tick.Stop()
	for {
		var rows []channelRow
		if err := m.store.Read.WithContext(ctx).Where("enabled = ?", true).Find(&rows).Error; err != nil {
			if ctx.Err() == nil {
				m.log.LogAttrs(ctx, slog.LevelWarn, "channels not read", slog.String("error", err.Error()))
			}
		} else {
			wanted := map[string]bool{}
			for _, row := range rows {
				wanted[row.ID] = true
				if r, ok := active[row.ID]; ok && r.row.MinSeverity == row.MinSeverity {
					continue
				} else if ok {
					r.stop()
				}
				channel, stop := context.WithCancel(ctx)
				active[row.ID] = running{row, stop}
				work.Go(func() { m.report(channel, client, row) })
			}
			for id, r := range active {
				if !wanted[id] {
					r.stop()
					delete(active, id)
				}
			}
		}
		select {
		case <-m.restart:
		case <-tick.C:
		case <-ctx.Done():
			for _, r := range active {
				r.stop()
			}
			return
		}
	}
}

// client refuses addresses that the configuration does not allow, after names have
// been resolved, and follows no redirection.
func (m *Module) client() *http.Client {
	dialer := &net.Dialer{Timeout: 10 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		ip := to.Addr().Unmap()
		if m.opts.NotifyPrivate || ip.IsGlobalUnicast() && !ip.IsPrivate() {
			return nil
		}
		return fmt.Errorf("%s is no public address, and monitor.notify_private is off", ip)
	}}
	return &http.Client{
		Timeout:       30 * time.Second,
		Transport:     &http.Transport{DialContext: dialer.DialContext, TLSHandshakeTimeout: 10 * time.Second, MaxIdleConnsPerHost: 4},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// report tells one third party of changes, in their order, each until it is taken.
func (m *Module) report(ctx context.Context, client *http.Client, channel channelRow) {
	secret := []byte{}
	if len(channel.Secret) > 0 {
		plain, err := m.box.Open(channel.Secret, channelLabel(channel.ID))
		if err != nil {
			m.note(channel.ID, err)
			return
		}
		secret = plain
	}
	var position channelRow
	backoff := m.opts.MinBackoff
	for ctx.Err() == nil {
		news := m.waiting()
		err := m.store.Read.WithContext(ctx).Where("id = ?", channel.ID).Take(&position).Error
		more := false
		if err == nil {
			more, err = m.reportSome(ctx, client, channel, secret, position.Delivered)
		}
		if ctx.Err() != nil {
			return
		}
		m.note(channel.ID, err)
		wait := news
		if err != nil {
			wait = nil
		}
		pause := time.NewTimer(backoff)
		switch {
		case err != nil:
			backoff = min(2*backoff, m.opts.MaxBackoff)
		case more:
			backoff = m.opts.MinBackoff
			pause.Stop()
			continue
		default: // another replica may have written: one looks without being told, too
			backoff = m.opts.MinBackoff
			pause.Reset(5 * time.Second)
		}
		select {
		case <-wait:
		case <-pause.C:
		case <-ctx.Done():
		}
		pause.Stop()
	}
}

func (m *Module) note(id string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.status[id]
	if s == nil {
		s = &status{}
		m.status[id] = s
	}
	if err == nil {
		s.failures = 0
		return
	}
	s.failures++
	s.err = err.Error()
}

// reportSome sends the next changes and moves the position behind them.
func (m *Module) reportSome(ctx context.Context, client *http.Client, channel channelRow, secret []byte, after int64) (more bool, err error) {
	var rows []changeRow
	if err := m.store.Read.WithContext(ctx).Where("serial > ?", after).Order("serial").Limit(reportedAtOnce).Find(&rows).Error; err != nil {
		return false, err
	}
	if len(rows) == 0 {
		return false, nil
	}
	tenants := m.access.Tenants(channel.TenantID)
	var records []*monitorv1.AlarmRecord
	for i := range rows {
		if rows[i].Peak < channel.MinSeverity || tenants != nil && !slices.Contains(tenants, rows[i].TenantID) {
			continue
		}
		record, err := toProtoRecord(&rows[i])
		if err != nil {
			return false, err
		}
		records = append(records, record)
	}
	if len(records) > 0 {
		send := m.sendWebhook
		if monitorv1.ChannelKind(channel.Kind) == monitorv1.ChannelKind_CHANNEL_KIND_ALERTMANAGER {
			send = m.sendAlertmanager
		}
		if err := send(ctx, client, channel, secret, records); err != nil {
			return false, err
		}
	}
	values := map[string]any{"delivered": rows[len(rows)-1].Serial}
	if len(records) > 0 {
		values["delivered_at"] = m.opts.Now().UTC()
	}
	err = m.store.Write.WithContext(ctx).Model(&channelRow{}).Where("id = ? AND delivered = ?", channel.ID, after).UpdateColumns(values).Error
	return len(rows) == reportedAtOnce, err
}

var shown = protojson.MarshalOptions{UseProtoNames: true, EmitUnpopulated: true}

// sendWebhook posts {"channel_id", "records"}; the signature is HMAC-SHA256 of the
// header X-Yunqiao-Timestamp, a point and the body, in hexadecimal.
func (m *Module) sendWebhook(ctx context.Context, client *http.Client, channel channelRow, secret []byte, records []*monitorv1.AlarmRecord) error {
	message := struct {
		ChannelID string            `json:"channel_id"`
		Records   []json.RawMessage `json:"records"`
	}{ChannelID: channel.ID}
	for _, r := range records {
		text, err := shown.Marshal(r)
		if err != nil {
			return err
		}
		message.Records = append(message.Records, text)
	}
	body, err := json.Marshal(message)
	if err != nil {
		return err
	}
	header := http.Header{}
	if len(secret) > 0 {
		at := strconv.FormatInt(m.opts.Now().Unix(), 10)
		header.Set("X-Yunqiao-Timestamp", at)
		header.Set("X-Yunqiao-Signature", "sha256="+Sign(secret, at, body))
	}
	return post(ctx, client, channel.Address, header, body)
}

// Sign is the signature of a webhook.
func Sign(secret []byte, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(timestamp + "."))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// farEnd is how long an active alarm lasts for Alertmanager, which wants an end: we
// tell when it is cleared.
const farEnd = 365 * 24 * time.Hour

func (m *Module) sendAlertmanager(ctx context.Context, client *http.Client, channel channelRow, _ []byte, records []*monitorv1.AlarmRecord) error {
	var alerts []postedAlert
	for _, r := range records {
		a := r.GetAlarm()
		labels := map[string]string{}
		for k, v := range a.GetLabels() {
			labels[labelName(k)] = v
		}
		labels["alertname"], labels["object_id"] = a.GetName(), a.GetObjectId()
		labels["alarm_id"] = a.GetId()
		alert := postedAlert{
			Labels: labels, StartsAt: a.GetRaisedAt().AsTime(), EndsAt: m.opts.Now().UTC().Add(farEnd),
			Annotations: map[string]string{
				"description": a.GetDescription(), "serial": r.GetSerial(), "number": a.GetNumber(),
				"severity": strings.ToLower(strings.TrimPrefix(a.GetSeverity().String(), "SEVERITY_")),
			},
		}
		if a.GetClearedAt() != nil {
			alert.EndsAt = a.GetClearedAt().AsTime()
		}
		alerts = append(alerts, alert)
	}
	body, err := json.Marshal(alerts)
	if err != nil {
		return err
	}
	return post(ctx, client, strings.TrimRight(channel.Address, "/")+"/api/v2/alerts", http.Header{}, body)
}

// labelName makes a label name of Prometheus: [a-zA-Z_][a-zA-Z0-9_]*.
func labelName(key string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, "l_"[:2*btoi(key == "" || key[0] >= '0' && key[0] <= '9')]+key)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func post(ctx context.Context, client *http.Client, address string, header http.Header, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header = header
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10)) // so that the connection is used again
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("the receiver answered %s", response.Status)
	}
	return nil
}
