data "alicloud_eci_zones" "all" {}

resource "alicloud_vpc" "main" {
  vpc_name   = "container"
  cidr_block = "10.0.0.0/8"
}

resource "alicloud_vswitch" "main" {
  vpc_id       = alicloud_vpc.main.id
  vswitch_name = "container"
  cidr_block   = "10.1.0.0/16"
  zone_id      = data.alicloud_eci_zones.all.zones[0].zone_ids[0]
}

resource "alicloud_security_group" "main" {
  security_group_name = "container"
  vpc_id              = alicloud_vpc.main.id
}

resource "alicloud_eci_container_group" "web" {
  container_group_name = "web"
  cpu                  = 2
  memory               = 4
  restart_policy       = "OnFailure"
  security_group_id    = alicloud_security_group.main.id
  vswitch_id           = alicloud_vswitch.main.id
  tags                 = { made = "terraform" }

  containers {
    name              = "nginx"
    image             = "registry.cn-hangzhou.aliyuncs.com/eci_open/nginx:1.14.2"
    image_pull_policy = "IfNotPresent"
    working_dir       = "/tmp/nginx"
    commands          = ["/bin/sh", "-c", "sleep 9999"]

    ports {
      port     = 80
      protocol = "TCP"
    }

    environment_vars {
      key   = "name"
      value = "nginx"
    }

    volume_mounts {
      mount_path = "/tmp/example"
      read_only  = false
      name       = "scratch"
    }

    liveness_probe {
      period_seconds        = 5
      initial_delay_seconds = 5
      success_threshold     = 1
      failure_threshold     = 3
      timeout_seconds       = 1
      exec {
        commands = ["cat /tmp/healthy"]
      }
    }
  }

  init_containers {
    name              = "prepare"
    image             = "registry.cn-hangzhou.aliyuncs.com/eci_open/busybox:1.30"
    image_pull_policy = "IfNotPresent"
    commands          = ["echo"]
    args              = ["ready"]
  }

  volumes {
    name = "scratch"
    type = "EmptyDirVolume"
  }
}
