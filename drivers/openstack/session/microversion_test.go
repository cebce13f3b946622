package session

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	grpcstatus "google.golang.org/grpc/status"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/referencecloud"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

func TestNewestMicroversion(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		document string
		want     int
	}{
		"list":                        {`{"versions": [{"id": "v2.0", "version": ""}, {"id": "v2.1", "version": "2.93", "min_version": "2.1"}]}`, 93},
		"of another major version":    {`{"versions": [{"id": "v3.0", "version": "3.70"}]}`, 0},
		"in an envelope":              {`{"version": {"id": "v2.1", "version": "2.60", "min_version": "2.1"}}`, 60},
		"by its other name":           {`{"versions": [{"id": "v2", "max_version": "2.36"}]}`, 36},
		"without an envelope":         {`{"id": "v2", "max_version": "2.40", "min_version": "2.1"}`, 40},
		"without one, as a version":   {`{"id": "v2", "version": "2.7"}`, 7},
		"before there were any":       {`{"versions": [{"id": "v2.0", "status": "CURRENT"}]}`, 0},
		"nothing of what is expected": {`{}`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var d versionDocument
			if err := json.Unmarshal([]byte(tc.document), &d); err != nil {
				t.Fatal(err)
			}
			if got := d.newest("2"); got != tc.want {
				t.Errorf("newest %d, want %d", got, tc.want)
			}
		})
	}
}

// ill is a transport that answers calls of one path itself, or leaves them unanswered,
// as long as the status is not 0.
type ill struct {
	path   string
	status int // -1: no answer
}

func (i *ill) RoundTrip(req *http.Request) (*http.Response, error) {
	if i.status == 0 || strings.TrimSuffix(req.URL.Path, "/") != i.path {
		return http.DefaultTransport.RoundTrip(req)
	}
	if i.status < 0 {
		return nil, io.ErrUnexpectedEOF
	}
	return &http.Response{
		StatusCode: i.status, Request: req, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("no server is available")),
	}, nil
}

// TestContainerServiceAway: what it offers is not known then, and asked for again.
func TestContainerServiceAway(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"no answer": -1, "503": http.StatusServiceUnavailable, "500": http.StatusInternalServerError} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud := referencecloud.New(t)
			away := &ill{"/container", status}
			s, err := Open(t.Context(), cloud.Settings(), cloud.Credentials(), Options{Transport: away})
			if err != nil {
				t.Fatalf("an account opens without containers too: %v", err)
			}
			defer s.Close()
			if !s.ContainerAway {
				t.Error("the service is taken for one that has no microversions")
			}
			if _, err := s.WithContainers(t.Context()); err == nil || sdk.ReasonOf(err) == apiv1.Reason_REASON_UNSUPPORTED_FEATURE {
				t.Errorf("while it is away: %v", err)
			}
			away.status = 0
			renewed, err := s.WithContainers(t.Context())
			if err != nil || renewed.Container.Microversion != "1.36" {
				t.Errorf("when it is back: %v", err)
			}
		})
	}
}

// TestContainerServiceWithoutVersionDocument: it is used as it is.
func TestContainerServiceWithoutVersionDocument(t *testing.T) {
	t.Parallel()
	cloud := referencecloud.New(t)
	s, err := Open(t.Context(), cloud.Settings(), cloud.Credentials(), Options{Transport: &ill{"/container", http.StatusNotFound}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.ContainerAway || AtLeast(s.Container, 1) {
		t.Errorf("away: %v, microversion %q", s.ContainerAway, s.Container.Microversion)
	}
}

// TestNetworkServiceAway: without it no account opens, and it is tried again.
func TestNetworkServiceAway(t *testing.T) {
	t.Parallel()
	cloud := referencecloud.New(t)
	for name, status := range map[string]int{"no answer": -1, "503": http.StatusServiceUnavailable} {
		_, err := Open(t.Context(), cloud.Settings(), cloud.Credentials(), Options{Transport: &ill{"/network/v2.0/extensions", status}})
		if sdk.ReasonOf(err) != apiv1.Reason_REASON_CLOUD_UNAVAILABLE {
			t.Errorf("%s: %v", name, err)
		}
		told := ""
		for _, detail := range grpcstatus.Convert(err).Details() {
			if fault, ok := detail.(*driverv1.ProviderFault); ok {
				told = fault.GetText()
			}
		}
		if !strings.HasPrefix(told, "network service: ") {
			t.Errorf("%s: the log does not name the service: %q", name, told)
		}
	}
}
