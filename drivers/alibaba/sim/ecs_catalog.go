package sim

import "slices"

// zones of a region are always three.
func (s *Sim) zones(region string) []string {
	if !slices.Contains(s.opts.Regions, region) {
		return nil
	}
	return []string{region + "-h", region + "-i", region + "-j"}
}

var regionNames = map[string]string{"cn-hangzhou": "华东1（杭州）", "cn-shanghai": "华东2（上海）", "cn-beijing": "华北2（北京）"}

func regionName(id string) string {
	if name := regionNames[id]; name != "" {
		return name
	}
	return id
}

// instanceType is what can be rented; prices are the simulator's own.
type instanceType struct {
	id, family string
	cpu        int
	memory     float64 // GiB
	hourly     float64 // CNY
	interfaces int
	addresses  int // of one interface
	gpu        int
}

func instanceTypes() []instanceType {
	return []instanceType{
		{"ecs.n4.small", "ecs.n4", 1, 2, 0.10, 1, 2, 0},
		{"ecs.t6-c1m1.large", "ecs.t6", 2, 2, 0.18, 2, 2, 0},
		{"ecs.t6-c1m2.large", "ecs.t6", 2, 4, 0.26, 2, 2, 0},
		{"ecs.e-c1m1.large", "ecs.e", 2, 2, 0.17, 2, 2, 0},
		{"ecs.c7.large", "ecs.c7", 2, 4, 0.39, 3, 6, 0},
		{"ecs.c7.xlarge", "ecs.c7", 4, 8, 0.78, 4, 15, 0},
		{"ecs.c7.2xlarge", "ecs.c7", 8, 16, 1.56, 4, 15, 0},
		{"ecs.g6.large", "ecs.g6", 2, 8, 0.46, 2, 6, 0},
		{"ecs.g6.xlarge", "ecs.g6", 4, 16, 0.92, 3, 10, 0},
		{"ecs.g7.large", "ecs.g7", 2, 8, 0.50, 3, 6, 0},
		{"ecs.g7.xlarge", "ecs.g7", 4, 16, 1.00, 4, 15, 0},
		{"ecs.g7.2xlarge", "ecs.g7", 8, 32, 2.00, 4, 15, 0},
		{"ecs.r7.large", "ecs.r7", 2, 16, 0.66, 3, 6, 0},
		{"ecs.r7.xlarge", "ecs.r7", 4, 32, 1.32, 4, 15, 0},
		{"ecs.gn7i-c8g1.2xlarge", "ecs.gn7i", 8, 30, 11.63, 4, 15, 1},
	}
}

func findType(id string) (instanceType, bool) {
	for _, t := range instanceTypes() {
		if t.id == id {
			return t, true
		}
	}
	return instanceType{}, false
}

func diskCategories() []string {
	return []string{"cloud_efficiency", "cloud_ssd", "cloud_essd", "cloud_auto", "cloud_essd_entry"}
}

// publicImage is an image of the cloud's own.
type publicImage struct {
	id, platform, os, osType string
	size                     int // GiB
}

func publicImages() []publicImage {
	return []publicImage{
		{"aliyun_3_x64_20G_alibase_20240819.vhd", "Aliyun", "Alibaba Cloud Linux 3.2104 LTS 64位", "linux", 20},
		{"centos_7_9_x64_20G_alibase_20240628.vhd", "CentOS", "CentOS 7.9 64位", "linux", 20},
		{"debian_12_6_x64_20G_alibase_20240711.vhd", "Debian", "Debian 12.6 64位", "linux", 20},
		{"ubuntu_22_04_x64_20G_alibase_20240710.vhd", "Ubuntu", "Ubuntu 22.04 64位", "linux", 20},
		{"ubuntu_24_04_x64_20G_alibase_20240812.vhd", "Ubuntu", "Ubuntu 24.04 64位", "linux", 20},
		{"win2022_21H2_x64_dtc_zh-cn_40G_alibase_20240812.vhd", "Windows Server 2022", "Windows Server 2022 数据中心版 64位中文版", "windows", 40},
	}
}
