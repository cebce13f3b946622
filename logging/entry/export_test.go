package entry

// Terms are what a message is found by.
func Terms(message string) []string { return terms(message) }
