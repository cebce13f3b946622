package signature

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestRPCVector is the example of the document "Signature method" of RPC APIs.
func TestRPCVector(t *testing.T) {
	t.Parallel()
	text := RPCStringToSign(http.MethodGet, map[string]string{
		"AccessKeyId": "testid", "Action": "DescribeRegions", "Format": "XML", "SignatureMethod": RPCMethod,
		"SignatureNonce": "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf", "SignatureVersion": "1.0",
		"Timestamp": "2016-02-23T12:46:24Z", "Version": "2014-05-26", "Signature": "not signed",
	})
	if got := RPC("testsecret", text); got != "OLeaidS1JvxuMvnyHOwuJ+uX5qY=" {
		t.Errorf("got %s over %s", got, text)
	}
}

// TestACS3Vector is the example of the document "V3 request body and signature".
func TestACS3Vector(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodPost,
		"http://ecs.cn-shanghai.aliyuncs.com/?ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai", nil)
	empty := sha256.Sum256(nil)
	for name, value := range map[string]string{
		"x-acs-action": "RunInstances", "x-acs-version": "2014-05-26", "x-acs-date": "2023-10-26T10:22:32Z",
		"x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d", "x-acs-content-sha256": hex.EncodeToString(empty[:]),
	} {
		r.Header.Set(name, value)
	}
	h, err := ParseACS3("ACS3-HMAC-SHA256 Credential=YourAccessKeyId," +
		"SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version," +
		"Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0")
	if err != nil {
		t.Fatal(err)
	}
	text := ACS3StringToSign(r, r.Host, h.SignedHeaders, hex.EncodeToString(empty[:]))
	if got := ACS3("YourAccessKeySecret", text); got != h.Signature {
		t.Errorf("got %s, want %s", got, h.Signature)
	}
}

func TestParseACS3Malformed(t *testing.T) {
	t.Parallel()
	for _, header := range []string{"", "Basic x", "ACS3-HMAC-SHA256 ", "ACS3-HMAC-SHA256 Credential=a,Signature=b"} {
		if _, err := ParseACS3(header); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q gives %v", header, err)
		}
	}
}

func TestEscape(t *testing.T) {
	t.Parallel()
	if got := Escape("a b+c*d~中/="); got != "a%20b%2Bc%2Ad~%E4%B8%AD%2F%3D" {
		t.Errorf("got %s", got)
	}
	if strings.Contains(Escape("\x00\xff"), "\x00") {
		t.Error("a control byte is left")
	}
}
