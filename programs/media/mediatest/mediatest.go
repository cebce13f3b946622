// Package mediatest makes files that tests of probes read. It owns no product code.
package mediatest

import (
	"encoding/binary"
	"slices"
	"strings"
)

// Box is a box of an MP4 file.
func Box(kind string, parts ...[]byte) []byte {
	body := slices.Concat(parts...)
	return slices.Concat(binary.BigEndian.AppendUint32(nil, uint32(8+len(body))), []byte(kind), body)
}

// MovieHeader is the box mvhd; the duration is in parts of a second that scale tells.
func MovieHeader(scale, duration uint32) []byte {
	b := make([]byte, 100)
	binary.BigEndian.PutUint32(b[12:], scale)
	binary.BigEndian.PutUint32(b[16:], duration)
	return Box("mvhd", b)
}

// MovieHeader64 is the same with times of 64 bits.
func MovieHeader64(scale uint32, duration uint64) []byte {
	b := make([]byte, 112)
	b[0] = 1
	binary.BigEndian.PutUint32(b[20:], scale)
	binary.BigEndian.PutUint64(b[24:], duration)
	return Box("mvhd", b)
}

// Track is the box trak of a picture of this size; 0: of sound.
func Track(width, height uint32) []byte {
	b := make([]byte, 84)
	binary.BigEndian.PutUint32(b[76:], width<<16)
	binary.BigEndian.PutUint32(b[80:], height<<16)
	return Box("trak", Box("tkhd", b), Box("mdia", make([]byte, 50)))
}

// Film is an MP4 file with its movie box behind so many bytes of media.
func Film(width, height, seconds uint32, bytes int) []byte {
	return slices.Concat(Box("ftyp", []byte("isom\x00\x00\x00\x01isom")), Box("mdat", make([]byte, bytes)),
		Box("moov", MovieHeader(1000, seconds*1000), Track(0, 0), Track(width, height)))
}

// Segment is one of MPEG-TS with so many packets.
func Segment(packets int) string {
	return strings.Repeat("G"+strings.Repeat("x", 187), packets)
}
