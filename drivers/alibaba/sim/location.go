package sim

// describeEndpoints tells clients that do not know where a product is that it is here:
// at the address by which they asked.
func describeEndpoints(c *call) (obj, error) {
	protocol := "HTTP"
	if c.secure {
		protocol = "HTTPS"
	}
	return wrap("Endpoints.Endpoint", []any{obj{
		"Endpoint": c.host, "Id": c.str("Id"), "SerivceCode": c.str("ServiceCode"), "Namespace": c.str("Namespace"), "Type": c.or("Type", "openAPI"),
		"Protocols": obj{"Protocols": []any{protocol}},
	}}), nil
}
