package operation

import (
	"encoding/json"
	"time"

	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// maxCalls is how many calls an operation keeps: the first half and the last.
const maxCalls = 64

// cloudCall is one call of an operation's rpc, as it is kept to explain it. Looks
// at the resource are not kept.
type cloudCall struct {
	At                 time.Time `json:"at"`
	Attempt            int32     `json:"attempt"`
	Step               bool      `json:"step,omitempty"` // it went on with a step of the driver's
	Undo               bool      `json:"undo,omitempty"`
	Milliseconds       int32     `json:"ms"`
	Reason             string    `json:"reason,omitempty"` // of the error table; empty: it succeeded
	ProviderRequestIDs []string  `json:"ids,omitempty"`
}

// remember notes a call; the next record stores it.
func (t *task) remember(begin time.Time, attempt int32, err error, trailer sdk.Trailer) {
	c := cloudCall{
		At: begin, Attempt: attempt, Step: t.row.NextStep != "", Undo: t.row.Undo,
		Milliseconds: int32(t.engine.now().Sub(begin).Milliseconds()), ProviderRequestIDs: trailer.ProviderRequestIDs,
	}
	if err != nil {
		c.Reason = sdk.ReasonName(sdk.ReasonOf(err))
	}
	t.calls = append(t.calls, c)
}

// withCalls adds calls to those that a row keeps. What cannot be read is dropped:
// it explains and decides nothing.
func withCalls(kept []byte, calls []cloudCall) []byte {
	all := append(readCalls(kept), calls...)
	if len(all) > maxCalls {
		all = append(all[:maxCalls/2:maxCalls/2], all[len(all)-maxCalls/2:]...)
	}
	encoded, err := json.Marshal(all)
	if err != nil {
		return kept
	}
	return encoded
}

func readCalls(kept []byte) []cloudCall {
	var all []cloudCall
	if json.Unmarshal(kept, &all) != nil {
		return nil
	}
	return all
}
