data "alicloud_db_zones" "all" {
  engine                   = "MySQL"
  engine_version           = "8.0"
  instance_charge_type     = "PostPaid"
  category                 = "Basic"
  db_instance_storage_type = "cloud_essd"
}

data "alicloud_db_instance_classes" "all" {
  zone_id                  = data.alicloud_db_zones.all.zones[0].id
  engine                   = "MySQL"
  engine_version           = "8.0"
  category                 = "Basic"
  db_instance_storage_type = "cloud_essd"
  instance_charge_type     = "PostPaid"
}

resource "alicloud_vpc" "main" {
  vpc_name   = "database"
  cidr_block = "172.16.0.0/16"
}

resource "alicloud_vswitch" "main" {
  vpc_id       = alicloud_vpc.main.id
  vswitch_name = "database"
  cidr_block   = "172.16.0.0/24"
  zone_id      = data.alicloud_db_zones.all.zones[0].id
}

resource "alicloud_security_group" "main" {
  security_group_name = "database"
  vpc_id              = alicloud_vpc.main.id
}

resource "alicloud_db_instance" "main" {
  engine                   = "MySQL"
  engine_version           = "8.0"
  instance_type            = data.alicloud_db_instance_classes.all.instance_classes[0].instance_class
  instance_storage         = data.alicloud_db_instance_classes.all.instance_classes[0].storage_range.min
  instance_charge_type     = "Postpaid"
  instance_name            = "main"
  vswitch_id               = alicloud_vswitch.main.id
  monitoring_period        = "60"
  db_instance_storage_type = "cloud_essd"
  category                 = "Basic"
  security_group_ids       = [alicloud_security_group.main.id]
  security_ips             = ["10.1.0.0/16", "172.16.0.0/16"]
  tags                     = { made = "terraform" }
}
