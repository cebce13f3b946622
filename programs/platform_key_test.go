package programs

import (
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	programv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/program/v1"
)

// uses are what our keys are for.
func uses(keys []*programv1.PartnerKey) (out []programv1.KeyUse) {
	for _, k := range keys {
		out = append(out, k.GetUse())
	}
	return out
}

// TestRotatePlatformKey: a platform that knows the key of today confirms emergencies
// while there is a next one, one that has got the next confirms from the activation on.
func TestRotatePlatformKey(t *testing.T) {
	const signing, next, former = programv1.KeyUse_KEY_USE_SIGNING, programv1.KeyUse_KEY_USE_NEXT, programv1.KeyUse_KEY_USE_FORMER
	each(t, Options{}, func(t *testing.T, r *rig) {
		server := &partnerServer{Module: r.Module}
		rotate := func(want codes.Code) []*programv1.PartnerKey {
			t.Helper()
			answer, err := server.RotatePlatformKey(t.Context(), &programv1.RotatePlatformKeyRequest{})
			if status.Code(err) != want {
				t.Fatalf("rotate: got %v, want %s", err, want)
			}
			return answer.GetPublicKeys()
		}
		activate := func(want codes.Code) []*programv1.PartnerKey {
			t.Helper()
			answer, err := server.ActivatePlatformKey(t.Context(), &programv1.ActivatePlatformKeyRequest{})
			if status.Code(err) != want {
				t.Fatalf("activate: got %v, want %s", err, want)
			}
			return answer.GetPublicKeys()
		}
		// told orders the offline of one more program and counts what the platform knows of.
		told := func(p *platform, id string) int {
			t.Helper()
			r.takeOff(t, programv1.RecordKind_RECORD_KIND_PROGRAM, id)
			if err := r.deliverDue(t.Context()); err != nil {
				t.Fatal(err)
			}
			p.mu.Lock()
			defer p.mu.Unlock()
			return len(p.told)
		}
		same := func(step string, keys []*programv1.PartnerKey, want ...programv1.KeyUse) {
			t.Helper()
			if got := uses(keys); len(got) != len(want) || got[0] != want[0] || got[1] != want[1] {
				t.Errorf("%s: got %v, want %v", step, got, want)
			}
		}

		activate(codes.FailedPrecondition) // there is none yet
		p := newPlatform(t, r)             // knows the key of today
		keys := rotate(codes.OK)
		same("rotated", keys, signing, next)
		first, second := keys[0].GetPublicKey(), keys[1].GetPublicKey()
		rotate(codes.FailedPrecondition) // the next one waits
		if got := told(p, "p1"); got != 1 {
			t.Errorf("with a next key: the platform was told %d times, want 1", got)
		}
		keys = activate(codes.OK)
		same("activated", keys, signing, former)
		if keys[0].GetPublicKey() != second || keys[1].GetPublicKey() != first {
			t.Error("activated: another key signs than the next one")
		}
		if got := told(p, "p2"); got != 1 {
			t.Errorf("activated: the platform that did not get the key was told %d times, want 1", got)
		}
		r.clock.add(time.Minute)
		q := newPlatform(t, r)
		if got := told(q, "p3"); got == 0 {
			t.Error("activated: the platform that got the key was not told")
		}

		for range 2 {
			same("rotated again", rotate(codes.OK), signing, next)
			same("activated again", activate(codes.OK), signing, former)
		}
		var kept int64
		if err := r.store.Write.Model(&credentialRow{}).Where("group_id = ?", "").Count(&kept).Error; err != nil || kept != 2 {
			t.Errorf("%d keys are kept, %v; want 2", kept, err)
		}
	})
}

// TestPlatformKeysOfBefore: of a store where each rotation made a key that signed, the
// newest signs, and two are shown.
func TestPlatformKeysOfBefore(t *testing.T) {
	each(t, Options{}, func(t *testing.T, r *rig) {
		newest := ""
		for range 2 {
			row, err := r.newPlatformKey(credentialSigning)
			if err != nil {
				t.Fatal(err)
			}
			if err := r.store.Write.Create(row).Error; err != nil {
				t.Fatal(err)
			}
			newest = row.Public
		}
		r.partners.forget()
		server := &partnerServer{Module: r.Module}
		answer, err := server.GetPlatformKey(t.Context(), &programv1.GetPlatformKeyRequest{Id: r.group})
		if err != nil {
			t.Fatal(err)
		}
		if keys := answer.GetPublicKeys(); len(keys) != 2 || keys[0].GetPublicKey() != newest {
			t.Errorf("got %v, want %s first and one more", keys, newest)
		}
		rotated, err := server.RotatePlatformKey(t.Context(), &programv1.RotatePlatformKeyRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if keys := rotated.GetPublicKeys(); len(keys) != 2 || keys[0].GetPublicKey() != newest {
			t.Errorf("rotated: got %v, want %s first and one more", keys, newest)
		}
	})
}
