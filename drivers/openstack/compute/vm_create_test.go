package compute

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/sdk"
)

const password = `Quo"te:\1234`

func TestWithPassword(t *testing.T) {
	t.Parallel()
	for name, data := range map[string][]byte{
		"a script":      []byte("#!/bin/sh\necho hello\n"),
		"cloud-config":  []byte("#cloud-config\npackages: [htop]\n"),
		"not text":      {0xff, 0x00, 0xfe},
		"gzip":          {0x1f, 0x8b, 0x08, 0x00},
		"multipart too": []byte("Content-Type: multipart/mixed; boundary=x\n\n--x\n\n--x--\n"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			merged, err := withPassword(data, password)
			if err != nil {
				t.Fatal(err)
			}
			parts := readParts(t, merged)
			if len(parts) != 2 || !bytes.Equal(parts[0], data) {
				t.Fatalf("parts: %q", parts)
			}
			checkPasswordConfig(t, parts[1])
		})
	}
	alone, err := withPassword(nil, password)
	if err != nil {
		t.Fatal(err)
	}
	checkPasswordConfig(t, alone)
}

func readParts(t *testing.T, message []byte) [][]byte {
	t.Helper()
	msg, err := mail.ReadMessage(bytes.NewReader(message))
	if err != nil {
		t.Fatal(err)
	}
	kind, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/mixed" {
		t.Fatalf("%s, %v", kind, err)
	}
	var parts [][]byte
	reader := multipart.NewReader(msg.Body, params["boundary"])
	for {
		part, err := reader.NextPart()
		if err == io.EOF {
			return parts
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, part))
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, data)
	}
}

func checkPasswordConfig(t *testing.T, data []byte) {
	t.Helper()
	body, ok := strings.CutPrefix(string(data), "#cloud-config\n")
	var config struct {
		Auth     bool `json:"ssh_pwauth"`
		Chpasswd struct {
			Expire bool   `json:"expire"`
			List   string `json:"list"`
			Users  []struct{ Name, Password, Type string }
		} `json:"chpasswd"`
	}
	if err := json.Unmarshal([]byte(body), &config); err != nil || !ok {
		t.Fatalf("%v in %q", err, data)
	}
	c := config.Chpasswd
	if !config.Auth || c.Expire || c.List != "root:"+password || len(c.Users) != 1 || c.Users[0].Password != password {
		t.Errorf("cloud-config: %+v", config)
	}
}

func TestSetLogin(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		req                    *computev1.CreateVmRequest
		os                     computev1.OsType
		adminPass, drive, data bool
		reason                 apiv1.Reason
	}{
		"nothing":             {req: &computev1.CreateVmRequest{}},
		"data only":           {req: &computev1.CreateVmRequest{UserData: []byte("abcd")}, data: true},
		"linux":               {req: &computev1.CreateVmRequest{Password: password}, os: computev1.OsType_OS_TYPE_LINUX, adminPass: true, data: true},
		"not told":            {req: &computev1.CreateVmRequest{Password: password}, adminPass: true, data: true},
		"windows":             {req: &computev1.CreateVmRequest{Password: password}, os: computev1.OsType_OS_TYPE_WINDOWS, adminPass: true, drive: true},
		"longest":             {req: &computev1.CreateVmRequest{Password: password, UserData: bytes.Repeat([]byte("x"), 16384)}, adminPass: true, data: true},
		"longer than allowed": {req: &computev1.CreateVmRequest{Password: password, UserData: bytes.Repeat([]byte("x"), 60000)}, reason: apiv1.Reason_REASON_PARAMETER_REJECTED},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := &createBody{}
			err := setLogin(tc.req, tc.os, body)
			if tc.reason != 0 {
				if sdk.ReasonOf(err) != tc.reason {
					t.Errorf("got %v, want %v", err, tc.reason)
				}
				return
			}
			if err != nil || (body.AdminPass != "") != tc.adminPass || (body.ConfigDrive != nil) != tc.drive || (len(body.UserData) > 0) != tc.data {
				t.Errorf("got %+v, %v", body, err)
			}
		})
	}
}

// User data that happens to be base64 is encoded like any other.
func TestUserDataIsAlwaysEncoded(t *testing.T) {
	t.Parallel()
	body := &createBody{CreateOpts: servers.CreateOpts{Name: "n"}, description: "d", keyName: "k"}
	if err := setLogin(&computev1.CreateVmRequest{UserData: []byte("abcd")}, 0, body); err != nil {
		t.Fatal(err)
	}
	raw, err := body.ToServerCreateMap()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(raw)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"server": map[string]any{"name": "n", "description": "d", "key_name": "k", "flavorRef": "", "user_data": "YWJjZA=="}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestBootDevice(t *testing.T) {
	t.Parallel()
	image := &images.Image{MinDiskGigabytes: 2, SizeBytes: 5*gib + 1}
	keep := false
	for name, tc := range map[string]struct {
		disk       *computev1.BootDisk
		fromVolume bool
		want       servers.BlockDevice
	}{
		"local":          {nil, false, servers.BlockDevice{SourceType: "image", UUID: "i", DestinationType: "local", DeleteOnTermination: true}},
		"smallest":       {nil, true, servers.BlockDevice{SourceType: "image", UUID: "i", DestinationType: "volume", VolumeSize: 6, DeleteOnTermination: true}},
		"as asked":       {&computev1.BootDisk{SizeGib: 40, DiskTypeId: "ssd"}, true, servers.BlockDevice{SourceType: "image", UUID: "i", DestinationType: "volume", VolumeSize: 40, VolumeType: "ssd", DeleteOnTermination: true}},
		"that stays":     {&computev1.BootDisk{DeleteWithVm: &keep}, true, servers.BlockDevice{SourceType: "image", UUID: "i", DestinationType: "volume", VolumeSize: 6}},
		"of any default": {&computev1.BootDisk{}, true, servers.BlockDevice{SourceType: "image", UUID: "i", DestinationType: "volume", VolumeSize: 6, DeleteOnTermination: true}},
	} {
		got := bootDevice(&computev1.CreateVmRequest{ImageId: "i", BootDisk: tc.disk}, image, tc.fromVolume)
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

func TestDataDevice(t *testing.T) {
	t.Parallel()
	with := true
	for name, tc := range map[string]struct {
		disk *computev1.DataDisk
		want servers.BlockDevice
	}{
		"blank":         {&computev1.DataDisk{SizeGib: 3}, servers.BlockDevice{SourceType: "blank", DestinationType: "volume", BootIndex: -1, VolumeSize: 3}},
		"from snapshot": {&computev1.DataDisk{SizeGib: 3, SnapshotId: "s", DiskTypeId: "t", DeleteWithVm: &with}, servers.BlockDevice{SourceType: "snapshot", UUID: "s", DestinationType: "volume", BootIndex: -1, VolumeSize: 3, VolumeType: "t", DeleteOnTermination: true}},
	} {
		if diff := cmp.Diff(tc.want, dataDevice(tc.disk)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

func TestIsOnlyOfFamily(t *testing.T) {
	t.Parallel()
	a, b := subnets.Subnet{ID: "a", IPVersion: 4}, subnets.Subnet{ID: "b", IPVersion: 4}
	six := subnets.Subnet{ID: "c", IPVersion: 6}
	for name, tc := range map[string]struct {
		siblings []subnets.Subnet
		want     bool
	}{
		"alone":              {[]subnets.Subnet{a}, true},
		"with an IPv6 one":   {[]subnets.Subnet{six, a}, true},
		"with another":       {[]subnets.Subnet{a, b}, false},
		"not in list so far": {nil, true},
	} {
		if got := isOnlyOfFamily(&a, tc.siblings); got != tc.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

func TestCheckAddress(t *testing.T) {
	t.Parallel()
	subnet := &subnets.Subnet{CIDR: "10.0.1.0/24"}
	for name, tc := range map[string]struct {
		in   string
		want apiv1.Reason
	}{
		"none":    {"", 0},
		"inside":  {"10.0.1.9", 0},
		"outside": {"10.0.2.9", apiv1.Reason_REASON_REFERENCE_MISMATCH},
		"family":  {"fd00::9", apiv1.Reason_REASON_REFERENCE_MISMATCH},
		"no IP":   {"10.0.1", apiv1.Reason_REASON_PARAMETER_REJECTED},
	} {
		err := checkAddress(subnet, tc.in, 0)
		if (err != nil) != (tc.want != 0) || err != nil && sdk.ReasonOf(err) != tc.want {
			t.Errorf("%s: got %v, want %v", name, err, tc.want)
		}
	}
}
