package audit

import (
	"context"
	"fmt"
	"time"
)

// Explain implements operation.Requests.
func (r *Recorder) Explain(ctx context.Context, requestID string) (text string, at time.Time, latency time.Duration, err error) {
	var e entryRow
	found := r.store.Read.WithContext(ctx).Where("request_id = ?", requestID).Limit(1).Find(&e)
	if found.Error != nil || found.RowsAffected == 0 {
		return "", time.Time{}, 0, found.Error
	}
	result := "OK"
	if e.Reason != "" {
		result = e.Reason
	}
	return fmt.Sprintf("%s by %s (%s) from %s: %s", e.Method, e.UserName, e.Credential, e.ClientIP, result),
		e.At, time.Duration(e.LatencyMilliseconds) * time.Millisecond, nil
}
