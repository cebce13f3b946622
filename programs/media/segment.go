package media

import "bytes"

const (
	packet   = 188  // bytes of a packet of MPEG-TS
	syncByte = 0x47 // with which each begins
)

// IsSegment tells whether bytes begin as segments of MPEG-TS or MP4 do, or as sound
// that is not packed in either.
func IsSegment(head []byte) bool {
	switch {
	case len(head) >= packet && head[0] == syncByte:
		return len(head) == packet || head[packet] == syncByte
	case len(head) >= 8 && segmentBox(string(head[4:8])):
		return true
	}
	return bytes.HasPrefix(head, []byte("ID3")) || len(head) > 7 && head[0] == 0xff && head[1]&0xf6 == 0xf0 // ADTS
}

// segmentBox tells whether a segment may begin with such a box.
func segmentBox(kind string) bool {
	switch kind {
	case "styp", "ftyp", "sidx", "emsg", "prft", "moof", "moov", "mdat", "free":
		return true
	}
	return false
}
