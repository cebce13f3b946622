// Package tags maps the tags of users to the plain strings that Neutron and
// Glance tag with, "key=value". Tags that the driver keeps for itself are left
// out on reading and kept on replacing.
package tags
