// Package follow reads lines of files that are written, rotated and removed while
// they are read.
//
// It owns which file a position belongs to: by device and inode, and by the last
// bytes before the position, so that a file of the same inode or of the same
// beginning is not taken for another. Positions are kept by the caller, together
// with the records, so that a repeat after a crash begins exactly where the records
// end. It does not own how lines are read further.
//
// Rotation by rename (the old file is read to its end while the new one is read),
// by copy and truncation (what was not read of the truncated file is read from the
// copy), and compression (gzip) of either are followed, also while the process does
// not run. What nobody can know is counted as unverified: lines written between
// copy and truncation, and what a file held that went while we were away.
package follow
