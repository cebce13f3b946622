// Package session is one open account: who we are at Alibaba Cloud, where its
// products are reached, and the client that calls them. It owns the settings of an
// account. It does not own any resource.
package session
