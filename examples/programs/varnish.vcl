vcl 4.1;

# A cache of play URLs that obeys the gateway (docs/programs.md, CDN):
#   PURGE <path>                       removes a URL, and ends its redirect
#   REDIRECT <path>, Location: <url>   answers for a URL with 302, until it is purged
#   HEAD <path>, Cache-Control: only-if-cached   504 if the URL is not here

backend origin { .host = "127.0.0.1"; .port = "8080"; }

acl gateway { "127.0.0.1"; }

sub vcl_recv {
	unset req.http.X-Redirect;
	if (req.method == "PURGE" || req.method == "REDIRECT") {
		if (client.ip !~ gateway) { return (synth(403)); }
		if (req.method == "PURGE") { return (purge); }
		set req.http.X-Redirect = req.http.Location;
		set req.hash_always_miss = true;
		set req.method = "GET";
	}
	return (hash);
}

sub vcl_miss {
	if (req.http.Cache-Control ~ "only-if-cached") { return (synth(504)); }
}

sub vcl_deliver {
	if (obj.hits > 0) { set resp.http.X-Cache = "HIT"; }
}

sub vcl_backend_fetch {
	if (bereq.http.X-Redirect) { return (error(302, "Found")); }
}

# What is made here is kept in the cache as what the origin answers with.
sub vcl_backend_error {
	if (bereq.http.X-Redirect) {
		set beresp.status = 302;
		set beresp.http.Location = bereq.http.X-Redirect;
		set beresp.ttl = 365d;
		set beresp.uncacheable = false;
		return (deliver);
	}
}

sub vcl_backend_response { set beresp.ttl = 1h; }
