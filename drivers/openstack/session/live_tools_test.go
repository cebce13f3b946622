package session

import (
	"io"
	"net/http"
	"strings"
)

// replaceBody changes the text of an answer.
func replaceBody(resp *http.Response, change func(string) string) error {
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if err := resp.Body.Close(); err != nil {
		return err
	}
	body := change(string(text))
	resp.Body, resp.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	resp.Header.Del("Content-Length")
	return nil
}
