package programs

import (
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
	"github.com/yunqiao/yunqiao/programs/media"
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
	if !isPublic(ip.Unmap()) {
		return errors.New("the address is not public")
	}
	return nil
}

// isPublic tells whether an address is one of the internet at large (RFC 6890).
func isPublic(ip netip.Addr) bool {
	if !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return false
	}
	for _, special := range [...]string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "198.18.0.0/15", "240.0.0.0/4", // here, carriers, protocols, benchmarks, reserved
		"64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16", // of which IPv4 addresses are a part
	} {
		if netip.MustParsePrefix(special).Contains(ip) {
			return false
		}
	}
	return true
}

// probe checks one play URL against its metadata.
func (p *prober) probe(ctx context.Context, play playInfo) *programv1.PlayProbe {
	found := &finding{play: play, out: &programv1.PlayProbe{VideoId: play.VideoID, Format: "unknown"}}
	got, err := p.fetch(ctx, play.PlayURL, "", maxPlaylist)
	if err == nil {
		switch {
		case media.IsPlaylist(got.body):
			found.out.Format = "HLS"
			err = p.hls(ctx, play.PlayURL, got.body, found)
		case media.IsMP4(got.body):
			found.out.Format = "MP4"
			err = p.mp4(ctx, got, found)
		default:
			err = errors.New("neither an HLS playlist nor the head of an MP4 file")
		}
	}
	if err != nil {
		found.out.Problems = append([]string{err.Error()}, found.out.GetProblems()...)
		return found.out
	}
	found.out.Playable = true
	found.compare()
	return found.out
}

// fetched is the beginning of what an address leads to.
type fetched struct {
	address string
	body    []byte
	size    int64 // of all of it; below 0: not told
	part    bool  // the answer is the part that was asked for
}

// fetch reads an address up to a limit; a range as in the header, "" for all.
func (p *prober) fetch(ctx context.Context, address, part string, limit int64) (*fetched, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, errors.New("the address is no URL")
	}
	if part != "" {
		request.Header.Set("Range", "bytes="+part)
	}
	response, err := p.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, limit))
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	got := &fetched{address: address, body: body, size: response.ContentLength}
	switch response.StatusCode {
	case http.StatusOK:
	case http.StatusPartialContent:
		got.part, got.size = true, -1
		if _, all, ok := strings.Cut(response.Header.Get("Content-Range"), "/"); ok {
			if n, err := strconv.ParseInt(all, 10, 64); err == nil {
				got.size = n
			}
		}
	default:
		return nil, fmt.Errorf("status %d", response.StatusCode)
	}
	if got.size < 0 && !got.part && int64(len(body)) < limit {
		got.size = int64(len(body))
	}
	return got, nil
}

// hls reads a playlist: of variants, that of the one that fits the metadata best; then
// its first segment.
func (p *prober) hls(ctx context.Context, address string, text []byte, found *finding) error {
	list, err := media.ReadPlaylist(text)
	if err != nil {
		return err
	}
	if len(list.Variants) > 0 {
		v := fittingVariant(list.Variants, found.play)
		found.picture(v.Width, v.Height)
		found.out.BitrateKbps = kbps(float64(v.BitsPerSecond))
		if address, err = resolve(address, v.URI); err != nil {
			return err
		}
		got, err := p.fetch(ctx, address, "", maxPlaylist)
		if err != nil {
			return fmt.Errorf("variant: %w", err)
		}
		if list, err = media.ReadPlaylist(got.body); err != nil {
			return fmt.Errorf("variant: %w", err)
		}
		if len(list.Variants) > 0 {
			return errors.New("variants of variants")
		}
	}
	return p.segment(ctx, address, list.First, found)
}

// segment reads the beginning of a segment, and how many bits it has for a second.
func (p *prober) segment(ctx context.Context, playlist string, s media.Segment, found *finding) error {
	address, err := resolve(playlist, s.URI)
	if err != nil {
		return err
	}
	part := ""
	if s.Length > 0 {
		part = fmt.Sprintf("%d-%d", s.Offset, s.Offset+min(s.Length, probedSegment)-1)
	}
	got, err := p.fetch(ctx, address, part, probedSegment)
	if err != nil {
		return fmt.Errorf("first segment: %w", err)
	}
	if len(got.body) == 0 {
		return errors.New("first segment: empty")
	}
	size := got.size
	switch {
	case part != "" && !got.part:
		found.skip("first segment", "the server gives no parts of files")
		return nil
	case part != "":
		size = s.Length
	}
	if s.Encrypted {
		found.skip("first segment", "it is encrypted")
	} else if !media.IsSegment(got.body) {
		return errors.New("first segment: neither MPEG-TS nor MP4")
	}
	if size > 0 && s.Seconds > 0 {
		found.segmentKbps = kbps(float64(size) * 8 / s.Seconds)
	}
	return nil
}

func resolve(base, text string) (string, error) {
	from, err := url.Parse(base)
	if err != nil {
		return "", errors.New("the address is no URL")
	}
	next, err := from.Parse(text)
	if err != nil || next.Scheme != "http" && next.Scheme != "https" {
		return "", errors.New("the playlist has an entry that is no URL")
	}
	return next.String(), nil
}

// mp4 reads the headers of the movie and of its picture, wherever they are in the file.
func (p *prober) mp4(ctx context.Context, head *fetched, found *finding) error {
	movie, err := media.ReadMovie(&remoteFile{ctx: ctx, prober: p, window: head.body, address: head.address, size: head.size}, head.size)
	if errors.Is(err, errNoParts) {
		found.skip("movie box", err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	found.picture(movie.Width, movie.Height)
	if movie.Seconds > 0 && head.size > 0 {
		found.out.BitrateKbps = kbps(float64(head.size) * 8 / movie.Seconds)
	}
	return nil
}
