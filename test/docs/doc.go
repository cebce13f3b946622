// Package docs runs the examples of the documents: every ```bash block that stands
// behind a line "<!-- run -->" in README and docs, in order, in one shell for each
// document, against a gateway of its own with the simulated cloud.
//
// The examples are run as a reader would, in a folder that has bin/ and data/ as
// after `make run`; only the address is another. A command that fails fails the
// test. It has no code that the product uses.
package docs
