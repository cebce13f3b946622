package sim

import (
	"slices"
	"strings"
	"time"
)

func trailActions() actions {
	return actions{"LookupEvents": lookupEvents, "DescribeRegions": describeRegions, "DescribeTrails": noTrails, "GetTrailStatus": noTrail}
}

func noTrails(*call) (obj, error) { return obj{}, nil }

func noTrail(c *call) (obj, error) {
	return nil, c.fail("TrailNotFoundException", "The trail does not exist.")
}

// maxLookup is how many events an answer has.
const maxLookup = 50

// lookupEvents lists the writes of an account in a region, newest first unless asked
// otherwise.
func lookupEvents(c *call) (obj, error) {
	end := instant(c.str("EndTime"), c.now)
	start := instant(c.str("StartTime"), end.AddDate(0, 0, -7))
	if end.Before(start) {
		return nil, c.fail("InvalidParameterEndTime", "The end time is before the start time.")
	}
	if start.Before(c.now.AddDate(0, 0, -91)) {
		return nil, c.fail("InvalidParameterStartTime", "Events are kept for 90 days.")
	}
	var events []event
	for _, e := range c.w.trail {
		at := e.at.Truncate(time.Second) // as it is shown, so that what was asked for in seconds fits
		if e.account == c.who.account && (e.region == c.region || c.anywhere) && !at.Before(start) && !at.After(end) && c.looksFor(e) {
			events = append(events, e)
		}
	}
	if c.or("Direction", "BACKWARD") == "BACKWARD" {
		slices.Reverse(events)
	}
	from := 0
	if token := c.str("NextToken"); token != "" {
		var err error
		if from, err = c.position(); err != nil {
			return nil, c.fail("InvalidQueryParameter", "The specified NextToken is not valid.")
		}
	}
	limit := min(maxLookup, max(1, number(c.or("MaxResults", "20"), 20)))
	page := events[min(from, len(events)):min(from+limit, len(events))]
	out := obj{"StartTime": start.UTC().Format(seconds), "EndTime": end.UTC().Format(seconds)}
	if from+limit < len(events) {
		out["NextToken"] = c.token(from + limit)
	}
	items := make([]any, len(page))
	for i, e := range page {
		items[i] = e.show()
	}
	out["Events"] = items
	return out, nil
}

// looksFor compares an event with the conditions of a look-up.
func (c *call) looksFor(e event) bool {
	for _, a := range c.list("LookupAttribute") {
		want := text(a["Value"])
		switch text(a["Key"]) {
		case "EventName":
			if e.name != want {
				return false
			}
		case "ServiceName":
			if !strings.EqualFold(e.product, want) {
				return false
			}
		case "ResourceName":
			if !slices.Contains(e.touched, want) {
				return false
			}
		case "ResourceType":
			if len(e.resources()[want]) == 0 {
				return false
			}
		case "EventRW":
			if want != "Write" && want != "All" {
				return false
			}
		case "EventAccessKeyId":
			if e.who.id != want {
				return false
			}
		case "RequestId":
			if e.response != want {
				return false
			}
		case "User":
			if e.who.principalID != want && !strings.HasSuffix(e.who.principal, "/"+want) {
				return false
			}
		}
	}
	return true
}

// identityTypes are the words of events for who acted.
var identityTypes = map[string]string{"Account": "root-account", "RAMUser": "ram-user", "AssumedRoleUser": "assumed-role"}

func (e event) show() obj {
	types := make([]string, len(e.touched))
	for i, id := range e.touched {
		types[i] = e.resourceType(id)
	}
	user := e.who.principal
	if i := strings.LastIndexAny(user, "/:"); i >= 0 {
		user = user[i+1:]
	}
	request := obj{}
	for name, v := range e.request {
		request[name] = v
	}
	return obj{
		"eventId": e.id, "eventVersion": "1", "eventName": e.name, "eventTime": e.at.UTC().Format(seconds), "eventSource": strings.ToLower(e.product) + "." + e.region + ".aliyuncs.com",
		"serviceName": serviceName(e.product), "acsRegion": e.region, "requestId": e.response, "eventType": "ApiCall", "eventRW": "Write", "eventCategory": "Management",
		"apiVersion": "", "isGlobal": false, "resourceName": strings.Join(e.touched, ","), "resourceType": strings.Join(types, ","), "sourceIpAddress": e.source,
		"referencedResources": e.resources(),
		"requestParameters":   request, "recipientAccountId": e.account.uid,
		"userIdentity": obj{
			"type": identityTypes[e.who.kind], "accountId": e.account.uid, "principalId": e.who.principalID, "accessKeyId": e.who.id, "userName": user,
		},
	}
}

// resources are what the call was about, by type.
func (e event) resources() map[string][]string {
	byType := map[string][]string{}
	for _, id := range e.touched {
		byType[e.resourceType(id)] = append(byType[e.resourceType(id)], id)
	}
	return byType
}

// resourceType tells the type of a resource by the beginning of its id.
func (e event) resourceType(id string) string {
	prefix, _, _ := strings.Cut(id, "-")
	switch prefix {
	case "i":
		return "ACS::ECS::Instance"
	case "d":
		return "ACS::ECS::Disk"
	case "s":
		return "ACS::ECS::Snapshot"
	case "m":
		return "ACS::ECS::Image"
	case "sg":
		return "ACS::ECS::SecurityGroup"
	case "eni":
		return "ACS::ECS::NetworkInterface"
	case "vpc":
		return "ACS::VPC::VPC"
	case "vsw":
		return "ACS::VPC::VSwitch"
	case "eip":
		return "ACS::EIP::EipAddress"
	}
	return "ACS::" + strings.ToUpper(e.product) + "::Resource"
}

func serviceName(product string) string {
	switch product {
	case "waf-openapi":
		return "Waf"
	case "ResourceManager":
		return "ResourceManager"
	}
	return product
}
