terraform {
  required_providers {
    alicloud = { source = "aliyun/alicloud" }
  }
}

variable "protocol" { type = string }

provider "alicloud" {
  protocol = var.protocol
}
