// Package referencecloud is a small cloud for tests: an identity service with a
// catalogue, and of the network and container services what the firewall and container
// packages speak to. No Debian release has the real ones, so this is written from
// their published API references, and keeps state, so that a wrong order of calls
// fails as it would there.
//
// It owns the wire format, the refusals with their names, and the states that objects
// pass through: each reading of an object moves it one state on. It is no
// simulation of a cloud for users; that is memcloud.
//
// Sources: Networking API v2.0, "FWaaS v2.0"; Application Container Service API v1,
// "Manage Containers"; Identity API v3, "Password authentication with scoped
// authorization"; neutron_lib/exceptions/firewall_v2.py for the names of refusals.
package referencecloud
