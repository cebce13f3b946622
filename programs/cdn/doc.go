// Package cdn is what an integration platform asks of a content delivery network
// (GY/T 345—2021, annex A.4): purge, prefetch, location and redirect; and an
// implementation for caches that know the HTTP methods PURGE and REDIRECT.
//
// It owns the interface and that implementation. It does not own when to call it.
package cdn
