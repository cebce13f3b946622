// Package kind reads the resources of the cloud in the ways that its products have
// in common: a Describe action that takes ids, answers a page, and counts pages by
// numbers or by tokens. It turns an empty answer into NOT_FOUND, batch gets into as
// few calls as the action allows, and the cloud's refusals into the contract's
// errors.
//
// It does not own what the items are, nor any action that changes something.
package kind
