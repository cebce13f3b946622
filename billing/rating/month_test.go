package rating_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/yunqiao/yunqiao/billing/metering"
	"github.com/yunqiao/yunqiao/billing/pricing"
	"github.com/yunqiao/yunqiao/billing/rating"
	"github.com/yunqiao/yunqiao/internal/money"
)

var (
	shanghai = time.FixedZone("Asia/Shanghai", 8*3600)
	start    = time.Date(2024, 2, 1, 0, 0, 0, 0, shanghai)
)

func catalogue() *pricing.Catalogue {
	price := func(id, meter string, model pricing.Model, edit func(*pricing.Price)) pricing.Price {
		p := pricing.Price{
			ID: id, Version: 1, Book: "default", ResourceType: "compute.vm", Meter: meter, Unit: pricing.Hour, Charge: pricing.Postpaid, Model: model,
			Price: 1_234_567_891, Currency: "CNY", Effective: start,
		}
		edit(&p)
		return p
	}
	return pricing.NewCatalogue([]pricing.Price{
		price("1", "vcpus", pricing.PerUnit, func(*pricing.Price) {}),
		price("1", "vcpus", pricing.PerUnit, func(p *pricing.Price) {
			p.Version, p.Price, p.Effective = 2, 987_654_321, start.Add(300*time.Hour+17*time.Second)
		}),
		price("2", "memory_gib", pricing.Graduated, func(p *pricing.Price) {
			p.Pooled = true
			p.Tiers = []pricing.Tier{{UpTo: 1000_0000, Price: 333_333_333}, {UpTo: 5000_0000, Price: 222_222_222}, {Price: 111_111_111}}
		}),
	}, []pricing.Discount{{ID: "d", BasisPoints: 1234, From: start.Add(100 * time.Hour)}})
}

func resource(n int, segments ...metering.Segment) rating.Resource {
	return rating.Resource{ID: fmt.Sprintf("c.vm-%05d", n), Type: "compute.vm", AccountID: "c", Driver: "d", Region: "r", Segments: segments}
}

func segment(from, to time.Time) metering.Segment {
	return metering.Segment{From: from, To: to, State: "RUNNING", OrganizationID: "org", Spec: map[string]string{"vcpus": "4", "memory_gib": "8"}}
}

func total(t interface{ Fatal(...any) }, m rating.Month) (sum money.Amount, digests []string) {
	lines, err := rating.Rate(m)
	if err != nil {
		t.Fatal(err)
	}
	for n := range lines {
		sum += lines[n].Cost
		digests = append(digests, lines[n].Digest(0))
	}
	return sum, digests
}

// TestPieces: into how many pieces usage is cut does not change what it costs, and
// neither does the order in which resources come.
func TestPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		month := rating.Month{Start: start, Until: start.AddDate(0, 1, 0), Catalogue: catalogue()}
		cut := month
		for n := range rapid.IntRange(1, 5).Draw(t, "resources") {
			from := start.Add(time.Duration(rapid.Int64Range(0, 28*86400).Draw(t, "from")) * time.Second)
			to := from.Add(time.Duration(rapid.Int64Range(1, 10*86400).Draw(t, "length")) * time.Second)
			whole := segment(from, to)
			month.Resources = append(month.Resources, resource(n, whole))
			var parts []metering.Segment
			for at := from; at.Before(to); {
				next := at.Add(time.Duration(rapid.Int64Range(1, 5*86400).Draw(t, "piece")) * time.Second)
				if next.After(to) {
					next = to
				}
				parts, at = append(parts, segment(at, next)), next
			}
			cut.Resources = append(cut.Resources, resource(n, parts...))
		}
		want, digests := total(t, month)
		if got, _ := total(t, cut); got != want {
			t.Fatalf("in pieces %s, whole %s", got, want)
		}
		month.Cuts = []time.Time{start.Add(time.Duration(rapid.Int64Range(1, 29*86400).Draw(t, "cut")) * time.Second)}
		if got, _ := total(t, month); got != want {
			t.Fatalf("cut %s, whole %s", got, want)
		}
		month.Cuts = nil
		month.Resources = rapid.Permutation(month.Resources).Draw(t, "order")
		if got, again := total(t, month); got != want || !slices.Equal(again, digests) {
			t.Fatalf("in another order %s, before %s", got, want)
		}
	})
}

// TestSteps: an hour that was begun is charged once, however often it was begun.
func TestSteps(t *testing.T) {
	p := pricing.Price{
		ID: "1", Version: 1, ResourceType: "compute.vm", Meter: pricing.Instance, Unit: pricing.Hour, Step: time.Hour, Charge: pricing.Postpaid,
		Model: pricing.PerUnit, Price: 1e10, Currency: "CNY", Effective: start,
	}
	at := func(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }
	for name, tc := range map[string]struct {
		segments []metering.Segment
		want     string
	}{
		"ten minutes":              {[]metering.Segment{segment(at(5), at(15))}, "1"},
		"twice in an hour":         {[]metering.Segment{segment(at(5), at(15)), segment(at(40), at(50))}, "1"},
		"over the hour":            {[]metering.Segment{segment(at(50), at(70))}, "2"},
		"over midnight":            {[]metering.Segment{segment(at(24*60-10), at(24*60+10))}, "2"},
		"to the second of an hour": {[]metering.Segment{segment(at(60), at(120))}, "1"},
	} {
		t.Run(name, func(t *testing.T) {
			got, _ := total(t, rating.Month{Start: start, Until: start.AddDate(0, 1, 0), Catalogue: pricing.NewCatalogue([]pricing.Price{p}, nil), Resources: []rating.Resource{resource(1, tc.segments...)}})
			if got.String() != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

// BenchmarkRate rates a month of 1,000 resources by the day: two meters, tiers that
// an organization fills together, a discount, a price that changes.
func BenchmarkRate(b *testing.B) {
	month := rating.Month{Start: start, Until: start.AddDate(0, 1, 0), Catalogue: catalogue()}
	r := rand.New(rand.NewPCG(1, 1))
	for n := range 1000 {
		month.Resources = append(month.Resources, resource(n, segment(start.Add(time.Duration(r.IntN(86400))*time.Second), start.AddDate(0, 1, 0))))
	}
	b.ReportAllocs()
	lines := 0
	for b.Loop() {
		out, err := rating.Rate(month)
		if err != nil {
			b.Fatal(err)
		}
		lines += len(out)
	}
	b.ReportMetric(float64(lines)/b.Elapsed().Seconds(), "lines/s")
}
