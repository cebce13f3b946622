// Package identity says who a caller is and what the caller may do. At present
// there is one principal, the administrator of the first start.
//
// It owns the tables of principals and tokens. The edge asks it to authenticate,
// the pipeline to permit rpcs, the policies to allow accounts and resources.
package identity
