resource "alicloud_cloud_firewall_control_policy" "web" {
  direction        = "in"
  application_name = "ANY"
  description      = "网站 1+*"
  acl_action       = "accept"
  source           = "203.0.113.0/24"
  source_type      = "net"
  destination      = "198.51.100.7/32"
  destination_type = "net"
  proto            = "TCP"
  dest_port        = "443/443"
  dest_port_type   = "port"
}

resource "alicloud_cloud_firewall_control_policy" "out" {
  direction        = "out"
  application_name = "ANY"
  description      = "nothing else leaves"
  acl_action       = "drop"
  source           = "198.51.100.0/24"
  source_type      = "net"
  destination      = "0.0.0.0/0"
  destination_type = "net"
  proto            = "ANY"
  release          = "false"
}

resource "alicloud_wafv3_instance" "main" {}

resource "alicloud_wafv3_domain" "main" {
  instance_id = alicloud_wafv3_instance.main.id
  domain      = "www.example.com"
  access_type = "share"

  listen {
    http_ports          = [80, 8080]
    https_ports         = []
    protection_resource = "share"
    xff_header_mode     = 2
    xff_headers         = ["X-Client", "X-Real"]
  }

  redirect {
    backends           = ["198.51.100.7", "198.51.100.8"]
    loadbalance        = "iphash"
    keepalive          = true
    keepalive_requests = 80
    keepalive_timeout  = 30
    retry              = true
    connect_timeout    = 5
    read_timeout       = 120
    write_timeout      = 120

    request_headers {
      key   = "X-Through"
      value = "waf"
    }
  }
}
