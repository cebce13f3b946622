// Package importrules holds the tests of what may import what, and of where the
// name of a cloud's provider may stand. It has no code of its own.
//
// The linter's depguard rules say the same about direct imports while a file is
// written; these tests also see modules that have no rule of their own yet.
package importrules
