package programs

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yunqiao/yunqiao/programs/gyt345"
)

// envKills is how often the gateway is killed.
const envKills = "YUNQIAO_TEST_KILLS"

// TestKills ends the gateway at random moments while a platform sends. Every message is
// repeated until it is answered ok; in the end each has been applied exactly once.
func TestKills(t *testing.T) {
	t.Parallel()
	kills := 20
	if text := os.Getenv(envKills); text != "" {
		var err error
		if kills, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	p := newPartner(t, "50050005")
	pem, err := os.ReadFile(p.keyFile)
	if err != nil {
		t.Fatal(err)
	}
	key, err := gyt345.ParsePrivateKey(string(pem))
	if err != nil {
		t.Fatal(err)
	}
	client, err := gyt345.NewClient(p.group, p.secret, key, gyt345.ClientOptions{HTTP: &http.Client{Timeout: 5 * time.Second}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var answered, repeated atomic.Int64
	var senders sync.WaitGroup
	for sender := range 4 {
		senders.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				id := fmt.Sprintf("%d-%d", sender, i)
				message := gyt345.NewOffline(gyt345.ProgramOffline, id, 1767225600000, []string{id})
				for {
					_, reply, err := client.Send(t.Context(), p.gateway.URL()+"/gyt345/v1/program/offline", message)
					if err == nil && reply.OK() {
						answered.Add(1)
						break
					}
					if err == nil && reply.HTTP != http.StatusServiceUnavailable {
						t.Errorf("%s: got %d %s", id, reply.HTTP, reply.Body)
						return
					}
					repeated.Add(1)
					pause(t.Context(), 20*time.Millisecond)
				}
			}
		})
	}
	for range kills {
		pause(t.Context(), time.Duration(rand.IntN(400))*time.Millisecond)
		p.gateway.Kill()
		p.gateway.Launch(t)
	}
	pause(t.Context(), 200*time.Millisecond)
	stop()
	senders.Wait()
	applied := map[string]int{}
	token := ""
	for {
		page := p.gateway.Get(t, "program/message/list", object{"outcome": "APPLIED", "page_size": 500, "page_token": token})
		for _, m := range page.List("messages") {
			applied[m.Text("message_id")]++
		}
		if token = page.Text("next_page_token"); token == "" {
			break
		}
	}
	if int64(len(applied)) != answered.Load() {
		t.Errorf("applied %d messages, answered %d", len(applied), answered.Load())
	}
	for id, n := range applied {
		if n != 1 {
			t.Errorf("%s was applied %d times", id, n)
		}
	}
	t.Logf("%d kills, %d messages, %d attempts without an answer", kills, answered.Load(), repeated.Load())
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
