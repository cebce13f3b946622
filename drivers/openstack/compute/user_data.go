package compute

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/textproto"
)

// administrator is the user whose password a Linux VM gets.
const administrator = "root"

// withPassword puts the password beside the user's own data, as one MIME message
// of two parts, which cloud-init reads one after the other. The part that sets
// the password comes last, so that it wins.
func withPassword(userData []byte, password string) ([]byte, error) {
	config, err := passwordConfig(password)
	if err != nil {
		return nil, err
	}
	if len(userData) == 0 {
		return config, nil
	}
	var parts bytes.Buffer
	w := multipart.NewWriter(&parts)
	// text/plain: cloud-init finds the true type by the first line.
	if err := writePart(w, partType(userData), userData); err != nil {
		return nil, err
	}
	if err := writePart(w, "text/cloud-config", config); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("write user data: %w", err)
	}
	head := fmt.Sprintf("Content-Type: multipart/mixed; boundary=%q\nMIME-Version: 1.0\n\n", w.Boundary())
	return append([]byte(head), parts.Bytes()...), nil
}

// passwordConfig is the cloud-config that sets the administrator's password. Its
// body is JSON, which is YAML without its quoting. Both members are given since
// "list" is what cloud-init before 22.2 reads and "users" what later ones want.
func passwordConfig(password string) ([]byte, error) {
	body, err := json.Marshal(map[string]any{
		"ssh_pwauth":   true,
		"disable_root": false,
		"chpasswd": map[string]any{
			"expire": false,
			"list":   administrator + ":" + password,
			"users":  []map[string]string{{"name": administrator, "password": password, "type": "text"}},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("write cloud-config: %w", err)
	}
	return append([]byte("#cloud-config\n"), body...), nil
}

func partType(data []byte) string {
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		return "application/gzip"
	}
	return "text/plain"
}

func writePart(w *multipart.Writer, contentType string, data []byte) error {
	part, err := w.CreatePart(textproto.MIMEHeader{
		"Content-Type":              {contentType},
		"Content-Transfer-Encoding": {"base64"},
	})
	if err != nil {
		return fmt.Errorf("write user data: %w", err)
	}
	encoder := base64.NewEncoder(base64.StdEncoding, part)
	if _, err := encoder.Write(data); err != nil {
		return fmt.Errorf("write user data: %w", err)
	}
	return encoder.Close()
}
