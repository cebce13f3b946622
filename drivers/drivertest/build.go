package drivertest

import (
	"cmp"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/yunqiao/yunqiao/plugin-proto/contract"
)

// errMissing is in the error of a request that lacks a value.
var errMissing = errors.New("not there")

// placeholder matches what stands in braces in a request of the plan: names
// begin with a letter, which JSON's own braces are never followed by.
var placeholder = regexp.MustCompile(`\{([a-z][a-z0-9_.]*)(\|[^}]*)?\}`)

// values are what placeholders mean for one resource.
type values map[string]string

// build makes the request of an rpc; what its message does not have is left out. features are those that it uses.
func (s *suite) build(m *contract.Method, body string, own values) (request proto.Message, features []string, err error) {
	text := placeholder.ReplaceAllStringFunc(body, func(found string) string {
		parts := placeholder.FindStringSubmatch(found)
		if value := s.value(parts[1], own); value != "" {
			return value
		}
		if parts[2] != "" {
			return parts[2][1:]
		}
		err = errors.Join(err, fmt.Errorf("%s is %w", parts[1], errMissing))
		return ""
	})
	if err != nil {
		return nil, nil, err
	}
	request = m.Input.New().Interface()
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal([]byte(text), request); err != nil {
		return nil, nil, fmt.Errorf("plan of %s: %w", m.FullName, err)
	}
	features = fit(request.ProtoReflect(), func(feature string) bool { return s.features[feature] })
	return request, features, nil
}

func (s *suite) value(name string, own values) string {
	if value, ok := own[name]; ok {
		return value
	}
	if key, ok := strings.CutPrefix(name, "pick."); ok {
		return s.picks[key]
	}
	if o := s.made[name]; o != nil {
		return o.id
	}
	switch name {
	case "gateway_network":
		if !s.features["network.router.external_gateway"] {
			return "none" // with its field it is taken out
		}
		return s.picks["external_network"]
	case "firewall_network":
		if s.features["security.firewall.scope.router"] || !s.features["security.firewall.scope.subnet"] {
			return ""
		}
		return s.idOf("network.network")
	case "firewall_policy":
		return cmp.Or(s.idOf("security.firewall_policy"), s.picks[name])
	case "ips_firewall":
		return cmp.Or(s.picks[name], s.idOf("security.firewall"))
	case "vpn_network":
		if s.features["security.vpn_service.router"] {
			return ""
		}
		return s.idOf("network.network")
	case "bootable_snapshot":
		if o := s.made["storage.snapshot"]; o != nil && s.features["storage.disk.from_image"] {
			return o.id
		}
		return ""
	case "secret":
		return s.secret
	case "secret64":
		return base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\n# " + s.secret + "\n"))
	default:
		return ""
	}
}

// idOf is the id of what the run has made; empty: nothing.
func (s *suite) idOf(key string) string {
	if o := s.made[key]; o != nil {
		return o.id
	}
	return ""
}

// newValues are those of a new resource.
func (s *suite) newValues(resource string) values {
	s.number++
	_, kind, _ := strings.Cut(resource, ".")
	return values{
		"n":          strconv.Itoa(s.number),
		"port":       strconv.Itoa(10000 + s.number),
		"name":       fmt.Sprintf("%s%s-%s-%d", s.options.prefix(), s.run, strings.ReplaceAll(kind, "_", "-"), s.number),
		"public_key": publicKey(),
	}
}

// publicKey is a new key in the form of authorized_keys (RFC 8709).
func publicKey() string {
	key, _, _ := ed25519.GenerateKey(nil) // never fails with the system's randomness
	var wire []byte
	for _, part := range [][]byte{[]byte("ssh-ed25519"), key} {
		wire = append(binary.BigEndian.AppendUint32(wire, uint32(len(part))), part...)
	}
	return "ssh-ed25519 " + base64.StdEncoding.EncodeToString(wire)
}
