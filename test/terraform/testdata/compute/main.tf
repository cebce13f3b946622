data "alicloud_zones" "all" {
  available_resource_creation = "VSwitch"
}

data "alicloud_images" "system" {
  owners     = "system"
  name_regex = "^ubuntu_22"
}

data "alicloud_instance_types" "small" {
  availability_zone = data.alicloud_zones.all.zones[0].id
  cpu_core_count    = 2
  memory_size       = 4
}

resource "alicloud_vpc" "main" {
  vpc_name   = "compute"
  cidr_block = "172.16.0.0/16"
}

resource "alicloud_vswitch" "main" {
  vpc_id       = alicloud_vpc.main.id
  vswitch_name = "compute"
  cidr_block   = "172.16.0.0/24"
  zone_id      = data.alicloud_zones.all.zones[0].id
}

resource "alicloud_security_group" "web" {
  security_group_name = "web"
  vpc_id              = alicloud_vpc.main.id
  tags                = { made = "terraform" }
}

resource "alicloud_security_group" "database" {
  security_group_name = "database"
  vpc_id              = alicloud_vpc.main.id
}

resource "alicloud_security_group_rule" "https" {
  type              = "ingress"
  ip_protocol       = "tcp"
  port_range        = "443/443"
  cidr_ip           = "0.0.0.0/0"
  policy            = "accept"
  priority          = 10
  security_group_id = alicloud_security_group.web.id
  description       = "web"
}

resource "alicloud_security_group_rule" "out" {
  type              = "egress"
  ip_protocol       = "all"
  port_range        = "-1/-1"
  cidr_ip           = "10.0.0.0/8"
  policy            = "drop"
  security_group_id = alicloud_security_group.web.id
}

resource "alicloud_security_group_rule" "from_web" {
  type                     = "ingress"
  ip_protocol              = "tcp"
  port_range               = "3306/3306"
  source_security_group_id = alicloud_security_group.web.id
  security_group_id        = alicloud_security_group.database.id
}

resource "alicloud_instance" "web" {
  instance_name              = "web-1"
  host_name                  = "web-1"
  description                = "made by Terraform"
  image_id                   = data.alicloud_images.system.images[0].id
  instance_type              = data.alicloud_instance_types.small.instance_types[0].id
  security_groups            = [alicloud_security_group.web.id]
  vswitch_id                 = alicloud_vswitch.main.id
  internet_max_bandwidth_out = 5
  password                   = "Not-a-secret-1"
  system_disk_category       = "cloud_essd"
  system_disk_size           = 40
  user_data                  = "#!/bin/sh\necho 你好\n"
  tags                       = { made = "terraform", role = "web" }

  data_disks {
    name        = "logs"
    size        = 30
    category    = "cloud_essd"
    description = "goes with the instance"
  }
}

resource "alicloud_ecs_disk" "data" {
  zone_id           = data.alicloud_zones.all.zones[0].id
  disk_name         = "data"
  description       = "stays"
  category          = "cloud_essd"
  performance_level = "PL1"
  size              = 50
  tags              = { made = "terraform" }
}

resource "alicloud_ecs_disk_attachment" "data" {
  disk_id     = alicloud_ecs_disk.data.id
  instance_id = alicloud_instance.web.id
}

resource "alicloud_ecs_snapshot" "data" {
  disk_id        = alicloud_ecs_disk_attachment.data.disk_id
  snapshot_name  = "data-1"
  description    = "of the data"
  retention_days = 7
  category       = "standard"
  tags           = { made = "terraform" }
}

resource "alicloud_image" "web" {
  instance_id = alicloud_instance.web.id
  image_name  = "web-1"
  description = "of the server"
  tags        = { made = "terraform" }

  # Otherwise the snapshot that the image is made of stays.
  delete_auto_snapshot = true

  # A server whose image is being made takes no disk.
  depends_on = [alicloud_ecs_disk_attachment.data]
}

resource "alicloud_ecs_network_interface" "second" {
  network_interface_name = "second"
  vswitch_id             = alicloud_vswitch.main.id
  security_group_ids     = [alicloud_security_group.database.id]
}

resource "alicloud_ecs_network_interface_attachment" "second" {
  network_interface_id = alicloud_ecs_network_interface.second.id
  instance_id          = alicloud_instance.web.id
}

resource "alicloud_instance" "plain" {
  instance_name   = "plain"
  image_id        = alicloud_image.web.id
  instance_type   = "ecs.g7.large"
  security_groups = [alicloud_security_group.web.id, alicloud_security_group.database.id]
  vswitch_id      = alicloud_vswitch.main.id
  password        = "Not-a-secret-1"
}

resource "alicloud_eip_address" "plain" {
  address_name         = "plain"
  bandwidth            = "10"
  internet_charge_type = "PayByBandwidth"
}

resource "alicloud_eip_association" "plain" {
  allocation_id = alicloud_eip_address.plain.id
  instance_id   = alicloud_instance.plain.id
}
