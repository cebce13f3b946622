package identity_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/yunqiao/yunqiao/internal/db/dbtest"
)

// BenchmarkAuthenticate measures reads, which use no row of the store, and a
// signed write, which records its nonce.
func BenchmarkAuthenticate(b *testing.B) {
	rig := openBench(b, dbtest.New(b))
	b.Run("bearer", func(b *testing.B) {
		r := bearer(rig.token)
		for b.Loop() {
			if _, err := rig.Authenticate(b.Context(), r, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, algorithm := range algorithms {
		name := strings.ToLower(strings.TrimPrefix(algorithm.String(), "SIGNATURE_ALGORITHM_"))
		_, signer := rig.newKey(b, "", algorithm)
		b.Run(name+"/read", func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				r, _ := signed(b, signer, http.MethodGet, "")
				b.StartTimer()
				if _, err := rig.Authenticate(b.Context(), r, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/write", func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				r, body := signed(b, signer, http.MethodPost, `{"account_id":"memory","name":"vm-1"}`)
				b.StartTimer()
				if _, err := rig.Authenticate(b.Context(), r, body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
