// Package tenant makes tenants of the cloud: a project of Keystone with limits at Nova,
// Neutron, Cinder and Octavia, and in it one technical user with an application
// credential. The user's password is made for each log-in and kept nowhere.
//
// The user stays the same when its credentials are changed: at Nova key pairs belong to
// the user, not to the project.
//
// It needs an account whose roles include admin. Project and user are made in the domain
// of the account's project; the user is called like the project, with "yunqiao-" before,
// and has the role member, and load-balancer_member where the cloud has one.
//
// It owns cloud.driver.v1.TenantService. It does not own what is in a project: that is
// only looked at, before the project is removed, because Keystone removes a project
// without asking the other services.
package tenant
