package programs

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// PlayPath is where play links lead to.
const PlayPath = "/program/play"

// playLink is a link that plays one video of a program until it expires.
func (m *Module) playLink(id, video string, expires time.Time) string {
	until := strconv.FormatInt(expires.Unix(), 10)
	return PlayPath + "?" + url.Values{"id": {id}, "video": {video}, "expires": {until}, "sign": {m.signLink(id, video, until)}}.Encode()
}

func (m *Module) signLink(id, video, until string) string {
	h := hmac.New(sha256.New, m.links)
	h.Write([]byte(key(id, video, until)))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// play redirects a valid link to the play URL, if the program is still online.
func (m *Module) play(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	id, video, until := query.Get("id"), query.Get("video"), query.Get("expires")
	seconds, err := strconv.ParseInt(until, 10, 64)
	if err != nil || !hmac.Equal([]byte(query.Get("sign")), []byte(m.signLink(id, video, until))) || m.opts.Now().Unix() > seconds {
		http.Error(w, "the link does not hold", http.StatusForbidden)
		return
	}
	row, err := m.record(r.Context(), KindProgram, id)
	if err != nil || !row.Online {
		http.Error(w, "the program is not online", http.StatusGone)
		return
	}
	play, ok := findPlay(row.Metadata, video)
	if !ok {
		http.Error(w, "the program has no such video", http.StatusGone)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, play.PlayURL, http.StatusFound)
}

func findPlay(metadata, video string) (playInfo, bool) {
	for _, p := range playInfos(metadata) {
		if video == "" || p.VideoID == video {
			return p, true
		}
	}
	return playInfo{}, false
}
