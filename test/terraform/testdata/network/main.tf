data "alicloud_zones" "all" {
  available_resource_creation = "VSwitch"
}

resource "alicloud_vpc" "main" {
  vpc_name    = "tf-网络 1+*"
  cidr_block  = "10.20.0.0/16"
  description = "made by Terraform"
  tags        = { made = "terraform", 用途 = "试 验" }
}

resource "alicloud_vswitch" "front" {
  vpc_id       = alicloud_vpc.main.id
  vswitch_name = "front"
  cidr_block   = "10.20.1.0/24"
  zone_id      = data.alicloud_zones.all.zones[0].id
  tags         = { tier = "front" }
}

resource "alicloud_vswitch" "back" {
  vpc_id       = alicloud_vpc.main.id
  vswitch_name = "back"
  description  = "second zone"
  cidr_block   = "10.20.2.0/24"
  zone_id      = data.alicloud_zones.all.zones[1].id
}

resource "alicloud_route_table" "back" {
  vpc_id           = alicloud_vpc.main.id
  route_table_name = "back"
  description      = "of the second zone"
  associate_type   = "VSwitch"
  tags             = { tier = "back" }
}

resource "alicloud_route_table_attachment" "back" {
  vswitch_id     = alicloud_vswitch.back.id
  route_table_id = alicloud_route_table.back.id
}

resource "alicloud_security_group" "main" {
  security_group_name = "main"
  description         = "of the gateway"
  vpc_id              = alicloud_vpc.main.id
  inner_access_policy = "Drop"
}

resource "alicloud_ecs_network_interface" "gateway" {
  network_interface_name = "gateway"
  vswitch_id             = alicloud_vswitch.front.id
  security_group_ids     = [alicloud_security_group.main.id]
  primary_ip_address     = "10.20.1.77"
  private_ip_addresses   = ["10.20.1.78"]
  description            = "routes lead here"
  tags                   = { made = "terraform" }
}

resource "alicloud_route_entry" "custom" {
  route_table_id        = alicloud_route_table.back.id
  destination_cidrblock = "192.168.7.0/24"
  nexthop_type          = "NetworkInterface"
  nexthop_id            = alicloud_ecs_network_interface.gateway.id
  name                  = "to-the-office"
  description           = "through the gateway"
}

resource "alicloud_route_entry" "system" {
  route_table_id        = alicloud_vpc.main.route_table_id
  destination_cidrblock = "192.168.8.0/24"
  nexthop_type          = "NetworkInterface"
  nexthop_id            = alicloud_ecs_network_interface.gateway.id
}

resource "alicloud_eip_address" "gateway" {
  address_name         = "gateway"
  description          = "of the interface"
  bandwidth            = "7"
  internet_charge_type = "PayByTraffic"
  payment_type         = "PayAsYouGo"
  tags                 = { made = "terraform" }
}

resource "alicloud_eip_association" "gateway" {
  allocation_id = alicloud_eip_address.gateway.id
  instance_id   = alicloud_ecs_network_interface.gateway.id
  instance_type = "NetworkInterface"
}
