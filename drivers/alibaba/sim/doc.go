// Package sim is a simulated Alibaba Cloud: an http.Handler that clients which know
// nothing of it can use, and a program (cmd/alibaba-sim).
//
// It is driven by package definitions: a request that contradicts the published
// parameters is refused with the cloud's own code, and an answer that contradicts the
// published schema is not sent (500, a line in the log, and a note at /sim/stats). It
// owns the behaviour that the definitions do not say: states that take time, what
// depends on what, quotas, addresses, client tokens, pages, signatures, sessions.
// Timing, quotas and prices are its own; the real ones are not published in a form to
// hold it against.
//
// # Starting it
//
// In a test:
//
//	cloud := simtest.Start(t, sim.Options{})
//	cloud.URL                     // http://127.0.0.1:port, all products; takes HTTPS too
//	cloud.TLSURL, cloud.CAFile    // the same over HTTPS, and who signed it
//	cloud.Account                 // UID, AccessKeyID, AccessKeySecret
//	cloud.Region                  // cn-hangzhou
//	cloud.Sim.SetFaults(sim.Faults{DelayMS: 5, Rules: []sim.Rule{…}})
//	cloud.CheckClean(t)           // no answer or request contradicted the definitions
//
// As a handler: sim.New(sim.Options{…}) and http.Server. As a program:
//
//	bin/alibaba-sim --listen 127.0.0.1:8410 --tls 127.0.0.1:8411 --ca ca.pem
//
// # One endpoint
//
// All products answer at one address. The product is told by Version, which no two
// products here share; the region by the parameter RegionId, else by the host name
// (ecs.cn-shanghai.aliyuncs.com), else it is the first of Options.Regions. So a client
// may point every product's endpoint at the one address, or resolve the real host
// names to it: the certificate is made for whatever name a client asks for. The address
// for HTTP takes HTTPS as well: clients that are told HTTP use it for single calls.
//
// Clients that ask the Location service (Location 2015-06-12, DescribeEndpoints) where
// a product is are told the address at which they asked.
//
// Both signatures are verified, RPC 1.0 (HMAC-SHA1) and ACS3-HMAC-SHA256, with the
// time (15 minutes) and the nonce.
//
// # Knobs
//
//	GET, PUT /sim/faults   how it misbehaves: type Faults
//	GET      /sim/stats    calls by action, and what was noticed
//	GET      /sim/dump     all resources
//	GET      /sim/actions  what is simulated
//	POST     /sim/reset    empty it, and end the faults
//
// A rule of Faults hits calls by pattern (Ecs.RunInstances, Vpc.*, *), after Skip
// calls, Times calls, each Every-th: it refuses with a code, cuts the connection before
// the call is done or after (the answer is lost), or waits. Rates throttle per second,
// account and action pattern; Quotas limit resources of a kind ("vpc", "instance", …,
// the kinds of /sim/dump) an account and region; TakenBack names instance
// types that are accepted and then not made; SoldOut names instance types, disk
// categories and zones without stock; Arrears names accounts that cannot buy; Unsold
// names services (waf, cloudfw) that nobody has bought yet.
//
// # What to know
//
// Repeats: a ClientToken is remembered for 24 hours per account, region and action, if
// the call succeeded; with other parameters it is refused. Lists by NextToken go on
// after the last item shown, whatever was deleted since.
//
// Container groups run for ever, but for the programs true and false; an image whose
// name has "missing" in it is never pulled. A scan of Security Center finds a virus on
// a server with "eicar" in its name, if an edition is bound to it; the quota
// "sas_seat" says how many editions there are. A server behind a load balancer is
// healthy while it and its listener run. Metrics are a wave that depends on the
// resource and the time alone. Bills charge by the hour, at prices of prices.go.
//
// ECS shows the default resource group as an empty text and lists what is in it whatever
// group is asked for; other products name it. Nearly all members of an answer are there,
// empty where there is nothing; the few services that leave them out are marked asIs.
// What the definitions leave open is decided as the official Terraform provider relies
// on it (test/terraform).
//
// Where an action publishes several codes for a refusal, its own is answered;
// /sim/stats notes each code that an action does not publish.
//
// # Limits
//
// Rules and access lists of ALB, IPv6, SSL VPN, DNAT, subscriptions' orders, backups and snapshot policies
// are defined and not simulated: such a call is InvalidAction.NotFound with a note.
// No data plane. Nothing outlives the process. RAM policies are kept but not evaluated:
// every key of an account may do everything.
package sim
