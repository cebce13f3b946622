data "alicloud_zones" "all" {
  available_resource_creation = "VSwitch"
}

resource "alicloud_vpc" "main" {
  vpc_name   = "vpn"
  cidr_block = "172.16.0.0/16"
}

resource "alicloud_vswitch" "main" {
  count        = 2
  vpc_id       = alicloud_vpc.main.id
  vswitch_name = "vpn-${count.index}"
  cidr_block   = "172.16.${count.index}.0/24"
  zone_id      = data.alicloud_zones.all.zones[count.index].id
}

resource "alicloud_vpn_gateway" "two_tunnels" {
  vpn_type                     = "Normal"
  vpn_gateway_name             = "two-tunnels"
  description                  = "in two zones"
  vpc_id                       = alicloud_vpc.main.id
  vswitch_id                   = alicloud_vswitch.main[0].id
  disaster_recovery_vswitch_id = alicloud_vswitch.main[1].id
  network_type                 = "public"
  payment_type                 = "PayAsYouGo"
  enable_ipsec                 = true
  bandwidth                    = 10
  tags                         = { made = "terraform" }
}

resource "alicloud_vpn_customer_gateway" "office" {
  customer_gateway_name = "office"
  description           = "the other end"
  ip_address            = "203.0.113.9"
}

resource "alicloud_vpn_customer_gateway" "branch" {
  customer_gateway_name = "branch"
  ip_address            = "203.0.113.10"
  asn                   = "65010"
}

resource "alicloud_vpn_connection" "two_tunnels" {
  vpn_gateway_id      = alicloud_vpn_gateway.two_tunnels.id
  vpn_connection_name = "two-tunnels"
  local_subnet        = ["172.16.0.0/16"]
  remote_subnet       = ["10.0.0.0/24", "10.0.1.0/24"]
  effect_immediately  = true
  tags                = { made = "terraform" }

  tunnel_options_specification {
    role                 = "master"
    customer_gateway_id  = alicloud_vpn_customer_gateway.office.id
    enable_dpd           = true
    enable_nat_traversal = true

    tunnel_ike_config {
      ike_version  = "ikev2"
      ike_mode     = "main"
      ike_enc_alg  = "aes256"
      ike_auth_alg = "sha256"
      ike_pfs      = "group14"
      ike_lifetime = 3600
      local_id     = "gateway-1"
      remote_id    = "office-1"
      psk          = "not-a-secret-1"
    }

    tunnel_ipsec_config {
      ipsec_enc_alg  = "aes256"
      ipsec_auth_alg = "sha256"
      ipsec_pfs      = "group14"
      ipsec_lifetime = 16400
    }
  }

  tunnel_options_specification {
    role                 = "slave"
    customer_gateway_id  = alicloud_vpn_customer_gateway.branch.id
    enable_dpd           = true
    enable_nat_traversal = true

    tunnel_ike_config {
      ike_version  = "ikev2"
      ike_mode     = "main"
      ike_enc_alg  = "aes256"
      ike_auth_alg = "sha256"
      ike_pfs      = "group14"
      ike_lifetime = 3600
      local_id     = "gateway-2"
      remote_id    = "office-2"
      psk          = "not-a-secret-2"
    }

    tunnel_ipsec_config {
      ipsec_enc_alg  = "aes256"
      ipsec_auth_alg = "sha256"
      ipsec_pfs      = "group14"
      ipsec_lifetime = 16400
    }
  }
}

resource "alicloud_vpn_gateway" "one_tunnel" {
  vpn_type         = "Normal"
  vpn_gateway_name = "one-tunnel"
  vpc_id           = alicloud_vpc.main.id
  vswitch_id       = alicloud_vswitch.main[0].id
  network_type     = "public"
  payment_type     = "PayAsYouGo"
  enable_ipsec     = true
  bandwidth        = 10
}

resource "alicloud_vpn_connection" "one_tunnel" {
  vpn_gateway_id      = alicloud_vpn_gateway.one_tunnel.id
  customer_gateway_id = alicloud_vpn_customer_gateway.office.id
  vpn_connection_name = "one-tunnel"
  local_subnet        = ["172.16.0.0/16"]
  remote_subnet       = ["10.9.0.0/24"]
  effect_immediately  = true

  ike_config {
    ike_version  = "ikev2"
    ike_mode     = "main"
    ike_enc_alg  = "aes"
    ike_auth_alg = "sha1"
    ike_pfs      = "group2"
    ike_lifetime = 9000
    psk          = "not-a-secret-3"
  }

  ipsec_config {
    ipsec_enc_alg  = "aes"
    ipsec_auth_alg = "sha1"
    ipsec_pfs      = "group2"
    ipsec_lifetime = 8640
  }
}
