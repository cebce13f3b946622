package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

// shown is how records look in messages: as in answers.
var shown = protojson.MarshalOptions{UseProtoNames: true, EmitUnpopulated: true}

type webhookSender struct {
	poster
	target Target
	now    func() time.Time
}

// Send posts {"channel_id", "records"}; the signature is HMAC-SHA256 of the header
// X-Yunqiao-Timestamp, a point and the body, in hexadecimal.
func (s *webhookSender) Send(ctx context.Context, records []*monitorv1.AlarmRecord) (int, error) {
	message := struct {
		ChannelID string            `json:"channel_id"`
		Records   []json.RawMessage `json:"records"`
	}{ChannelID: s.target.ID}
	for _, r := range records {
		text, err := shown.Marshal(r)
		if err != nil {
			return 0, err
		}
		message.Records = append(message.Records, text)
	}
	body, err := json.Marshal(message)
	if err != nil {
		return 0, err
	}
	header := http.Header{}
	if s.target.Secret != "" {
		at := strconv.FormatInt(s.now().Unix(), 10)
		header.Set("X-Yunqiao-Timestamp", at)
		header.Set("X-Yunqiao-Signature", "sha256="+Sign([]byte(s.target.Secret), at, body))
	}
	if err := s.post(ctx, s.target.Address, header, body); err != nil {
		return 0, err
	}
	return len(records), nil
}

// Sign is the signature of a webhook.
func Sign(secret []byte, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(timestamp + "."))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}
