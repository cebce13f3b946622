package programs

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	programv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/program/v1"
)

const (
	probeTimeout  = 10 * time.Second // of one fetch
	maxPlaylist   = 1 << 20
	probedSegment = 64 << 10 // bytes read of a segment or file
)

// prober fetches what play URLs answer with. Partners choose those URLs: unless it is
// allowed, none leads it to private addresses.
type prober struct{ client *http.Client }

func (m *Module) prober() *prober {
	dialer := &net.Dialer{Timeout: probeTimeout}
	if !m.opts.ProbePrivate {
		dialer.Control = publicOnly
	}
	return &prober{&http.Client{Timeout: probeTimeout, Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}}}
}

func publicOnly(_, address string, _ syscall.RawConn) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return err
	}
	ip = ip.Unmap()
	if !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return errors.New("the address is not public")
	}
	return nil
}

// probe checks one play URL against its metadata.
func (p *prober) probe(ctx context.Context, play playInfo) *programv1.PlayProbe {
	out := &programv1.PlayProbe{VideoId: play.VideoID, Format: "unknown"}
	body, err := p.fetch(ctx, play.PlayURL, maxPlaylist)
	if err == nil {
		switch {
		case bytes.HasPrefix(body, []byte("#EXTM3U")):
			out.Format = "HLS"
			err = p.hls(ctx, play.PlayURL, body, out, 0)
		case len(body) >= 12 && string(body[4:8]) == "ftyp":
			out.Format = "MP4"
		default:
			err = errors.New("neither an HLS playlist nor the head of an MP4 file")
		}
	}
	if err != nil {
		out.Problems = append(out.Problems, err.Error())
	}
	out.Playable = err == nil
	out.Problems = append(out.Problems, mismatches(play, out)...)
	return out
}

func (p *prober) fetch(ctx context.Context, address string, limit int64) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, errors.New("the address is no URL")
	}
	response, err := p.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, limit))
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusPartialContent {
		return nil, fmt.Errorf("status %d", response.StatusCode)
	}
	return body, nil
}

// hls reads a playlist: of variants, the first one's; then its first segment.
func (p *prober) hls(ctx context.Context, address string, playlist []byte, out *programv1.PlayProbe, depth int) error {
	base, err := url.Parse(address)
	if err != nil {
		return errors.New("the address is no URL")
	}
	var variant bool
	lines := bufio.NewScanner(bytes.NewReader(playlist))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if attributes, ok := strings.CutPrefix(line, "#EXT-X-STREAM-INF:"); ok {
			variant = true
			readAttributes(attributes, out)
		}
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		next, err := base.Parse(line)
		if err != nil || next.Scheme != "http" && next.Scheme != "https" {
			return errors.New("the playlist has an entry that is no URL")
		}
		if !variant {
			segment, err := p.fetch(ctx, next.String(), probedSegment)
			if err == nil && len(segment) == 0 {
				err = errors.New("empty")
			}
			if err != nil {
				return fmt.Errorf("first segment: %w", err)
			}
			return nil
		}
		if depth > 0 {
			return errors.New("variants of variants")
		}
		body, err := p.fetch(ctx, next.String(), maxPlaylist)
		if err != nil {
			return fmt.Errorf("first variant: %w", err)
		}
		return p.hls(ctx, next.String(), body, out, depth+1)
	}
	return errors.New("the playlist has no entry")
}

func readAttributes(text string, out *programv1.PlayProbe) {
	for part := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(part, "=")
		switch strings.TrimSpace(name) {
		case "BANDWIDTH":
			if n, err := strconv.ParseInt(value, 10, 64); err == nil {
				out.BitrateKbps = int32(min(n/1000, 1<<30))
			}
		case "RESOLUTION":
			out.Resolution = value
		}
	}
}

// mismatches compares what was found with the metadata: the lines of the picture with
// the definition, and the bandwidth with a bit rate, which may be a quarter off.
func mismatches(play playInfo, found *programv1.PlayProbe) []string {
	var out []string
	if _, height, ok := strings.Cut(found.GetResolution(), "x"); ok {
		lines, err := strconv.Atoi(height)
		if want := definitionOf(lines); err == nil && want != play.Definition {
			out = append(out, fmt.Sprintf("definition is %s, the playlist has %d lines", play.Definition, lines))
		}
	}
	digits := strings.TrimRight(play.VideoBitrate, "kKbBpPsS/ ")
	told, err := strconv.Atoi(digits)
	if err == nil && told > 1_000_000 {
		told /= 1000
	}
	if err == nil && found.GetBitrateKbps() > 0 && (int(found.GetBitrateKbps()) < told*3/4 || int(found.GetBitrateKbps()) > told*5/4) {
		out = append(out, fmt.Sprintf("videoBitrate is %s, the playlist has %d kbit/s", play.VideoBitrate, found.GetBitrateKbps()))
	}
	return out
}

func definitionOf(lines int) string {
	switch {
	case lines >= 4320:
		return "8K"
	case lines >= 2160:
		return "4K"
	case lines >= 720:
		return "HD"
	default:
		return "SD"
	}
}
