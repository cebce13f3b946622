package rest

// MaxBlockers bounds how many blockers one error names: it travels in headers.
const MaxBlockers = 20

// Blocker is how an error names a resource that is in the way.
func Blocker(resourceType, id string) string { return resourceType + "/" + id }
