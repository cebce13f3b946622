// Package nativeid is the spelling of a cloud's own ids inside public ids.
//
//	native = part *( "~~" part )
//	part   = 1*( ALPHA / DIGIT / "." / "_" / "-" / "~" HEX HEX )   ; HEX is 0-9 A-F
//
// Every other byte of UTF-8 is escaped, so that an id is one URL segment that
// nobody re-encodes, and each id has one spelling. The package owns this
// grammar, for gateway and drivers; it does not own the account before the
// first dot of a public id, nor the limit of a public id's length.
package nativeid
