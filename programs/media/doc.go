// Package media reads as much of what players fetch as tells whether it is what its
// metadata says: HLS playlists (RFC 8216), the heads of segments, and the movie box of
// MP4 files (ISO/IEC 14496-12).
//
// It owns the reading of bytes that it is given. It does not fetch, and it decodes
// neither pictures nor sound.
package media
