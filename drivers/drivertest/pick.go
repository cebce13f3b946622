package drivertest

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/yunqiao/yunqiao/drivers/sdk"
)

func sdkCall(ctx context.Context, o *object) context.Context { return sdk.WithCall(ctx, o.call) }

// leastDatabase is the memory of the smallest database that the suite makes, in MiB.
const leastDatabase = 1024

// pick chooses what requests need of what the cloud has: the smallest image, the
// smallest flavor that carries it and the next one, an external network, a zone
// where the cloud needs one, the memory of the smallest database.
func (s *suite) pick(ctx context.Context) {
	image := smallest(s.items(ctx, "storage.image", nil), "min_disk_gib", func(m protoreflect.Message) bool {
		state := m.Descriptor().Fields().ByName("state")
		value := state.Enum().Values().ByNumber(m.Get(state).Enum())
		return value != nil && value.Name() == "IMAGE_STATE_AVAILABLE"
	})
	if len(image) > 0 {
		s.picks["image"] = text(image[0], "id")
	}
	flavors := smallest(s.items(ctx, "compute.flavor", nil), "memory_mib", func(m protoreflect.Message) bool {
		sellable := m.Descriptor().Fields().ByName("sellable")
		return m.Get(sellable).Bool() && number(m, "gpu_count") == 0 && (len(image) == 0 ||
			number(m, "memory_mib") >= number(image[0], "min_memory_mib") && s.carries(m, image[0]))
	})
	for i, name := range []string{"flavor", "other_flavor"} {
		if i < len(flavors) {
			s.picks[name] = text(flavors[i], "id")
		}
	}
	for _, network := range s.items(ctx, "network.network", nil) {
		if external := network.Descriptor().Fields().ByName("external"); network.Get(external).Bool() {
			s.picks["external_network"] = text(network, "id")
			break
		}
	}
	if zones := s.items(ctx, "compute.zone", nil); s.features["network.subnet.zonal"] && len(zones) > 0 {
		s.picks["zone"] = text(zones[0], "id")
		s.picks["other_zone"] = text(zones[len(zones)-1], "id")
	}
	for _, firewall := range s.items(ctx, "security.firewall", nil) {
		scope := firewall.Descriptor().Fields().ByName("scope")
		if firewall.Get(scope).Enum() == scope.Enum().Values().ByName("FIREWALL_SCOPE_INTERNET").Number() {
			s.picks["ips_firewall"] = text(firewall, "id")
			break
		}
	}
	sizes := smallest(s.items(ctx, "database.db_flavor", nil), "memory_mib", func(m protoreflect.Message) bool {
		sellable := m.Descriptor().Fields().ByName("sellable")
		return m.Get(sellable).Bool() && number(m, "memory_mib") >= leastDatabase
	})
	if len(sizes) > 0 {
		s.picks["db_memory"] = strconv.Itoa(int(number(sizes[0], "memory_mib")))
	}
	for name, value := range s.options.Values {
		s.picks[name] = value
	}
}

// carries tells whether a flavor has room for an image: on its local disk, or, where
// it has none, on a boot disk that the cloud makes of the right size.
func (s *suite) carries(flavor, image protoreflect.Message) bool {
	local := number(flavor, "local_disk_gib")
	return local >= number(image, "min_disk_gib") || local == 0 && s.features["compute.vm.boot_disk"]
}

// smallest are the messages that fit, by a number.
func smallest(all []protoreflect.Message, by protoreflect.Name, fits func(protoreflect.Message) bool) []protoreflect.Message {
	fitting := slices.DeleteFunc(slices.Clone(all), func(m protoreflect.Message) bool { return !fits(m) })
	slices.SortStableFunc(fitting, func(a, b protoreflect.Message) int { return cmp.Compare(number(a, by), number(b, by)) })
	return fitting
}
