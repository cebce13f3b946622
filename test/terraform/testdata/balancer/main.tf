data "alicloud_zones" "all" {
  available_resource_creation = "VSwitch"
}

resource "alicloud_vpc" "main" {
  vpc_name   = "balancer"
  cidr_block = "172.16.0.0/16"
}

resource "alicloud_vswitch" "main" {
  vpc_id       = alicloud_vpc.main.id
  vswitch_name = "balancer"
  cidr_block   = "172.16.0.0/24"
  zone_id      = data.alicloud_zones.all.zones[0].id
}

resource "alicloud_security_group" "main" {
  security_group_name = "servers"
  vpc_id              = alicloud_vpc.main.id
}

resource "alicloud_instance" "server" {
  count           = 2
  instance_name   = "server-${count.index}"
  image_id        = "ubuntu_22_04_x64_20G_alibase_20240710.vhd"
  instance_type   = "ecs.c7.large"
  security_groups = [alicloud_security_group.main.id]
  vswitch_id      = alicloud_vswitch.main.id
}

resource "alicloud_slb_load_balancer" "inside" {
  load_balancer_name = "inside"
  vswitch_id         = alicloud_vswitch.main.id
  address_type       = "intranet"
  load_balancer_spec = "slb.s2.small"
  tags               = { made = "terraform" }
}

resource "alicloud_slb_load_balancer" "outside" {
  load_balancer_name   = "outside"
  address_type         = "internet"
  internet_charge_type = "PayByTraffic"
  instance_charge_type = "PayByCLCU"
}

resource "alicloud_slb_server_group" "web" {
  load_balancer_id = alicloud_slb_load_balancer.inside.id
  name             = "web"
}

resource "alicloud_slb_server_group_server_attachment" "web" {
  count           = 2
  server_group_id = alicloud_slb_server_group.web.id
  server_id       = alicloud_instance.server[count.index].id
  port            = 8080
  weight          = 10 * (count.index + 1)
}

resource "alicloud_slb_backend_server" "outside" {
  load_balancer_id = alicloud_slb_load_balancer.outside.id

  backend_servers {
    server_id = alicloud_instance.server[0].id
    weight    = 100
  }

  backend_servers {
    server_id = alicloud_instance.server[1].id
    weight    = 50
  }
}

resource "alicloud_slb_listener" "http" {
  load_balancer_id          = alicloud_slb_load_balancer.inside.id
  description               = "web"
  server_group_id           = alicloud_slb_server_group.web.id
  frontend_port             = 80
  protocol                  = "http"
  bandwidth                 = -1
  scheduler                 = "wlc"
  sticky_session            = "on"
  sticky_session_type       = "insert"
  cookie_timeout            = 86400
  health_check              = "on"
  health_check_uri          = "/health"
  health_check_connect_port = 8080
  health_check_http_code    = "http_2xx,http_3xx"
  healthy_threshold         = 4
  unhealthy_threshold       = 5
  health_check_timeout      = 8
  health_check_interval     = 5
  request_timeout           = 80
  idle_timeout              = 30

  x_forwarded_for {
    retrive_slb_ip = true
    retrive_slb_id = true
  }

  depends_on = [alicloud_slb_server_group_server_attachment.web]
}

resource "alicloud_slb_listener" "tcp" {
  load_balancer_id      = alicloud_slb_load_balancer.outside.id
  backend_port          = 22
  frontend_port         = 2222
  protocol              = "tcp"
  bandwidth             = 10
  health_check_type     = "tcp"
  persistence_timeout   = 3600
  healthy_threshold     = 8
  unhealthy_threshold   = 8
  health_check_timeout  = 8
  health_check_interval = 5
  established_timeout   = 600
  depends_on            = [alicloud_slb_backend_server.outside]
}

resource "alicloud_slb_listener" "udp" {
  load_balancer_id      = alicloud_slb_load_balancer.outside.id
  backend_port          = 53
  frontend_port         = 53
  protocol              = "udp"
  bandwidth             = 10
  health_check_interval = 10
  depends_on            = [alicloud_slb_backend_server.outside]
}
