// Package trail reads ActionTrail, the cloud's record of who called what, for the
// resources that calls have made, changed or removed.
//
// It does not show what happens without a call, such as a guest that shuts itself
// down; nor is it complete at once: a call may take minutes to be shown.
package trail
