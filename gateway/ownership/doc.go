// Package ownership gives resources to organizations: those that were made
// elsewhere are adopted, by id, tag or cloud project, and those of one
// organization are transferred to another. It shows what nobody owns.
//
// It owns OwnershipService and its rules. The record of who owns what is the
// inventory's, the organizations are identity's, and clouds are asked through the
// policies.
package ownership
