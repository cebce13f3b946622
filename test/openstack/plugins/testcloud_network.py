"""The network driver of Octavia: load balancers move no packet, but their VIP is a port
of Neutron, and what a request refers to is looked up there."""
import sys

from octavia.network import base
from octavia.network.drivers.neutron import allowed_address_pairs
from octavia.network.drivers.noop_driver import driver as noop

# The worker also asks for what would belong to amphorae, of which there are none.
_FORGIVING = 'worker' in sys.argv[0]
_REAL = ('get_network', 'get_subnet', 'get_port', 'get_network_by_name', 'get_subnet_by_name', 'get_port_by_name',
         'get_qos_policy', 'get_network_ip_availability', 'qos_enabled')


class Driver(noop.NoopNetworkDriver):

    def __init__(self):
        super().__init__()
        real = allowed_address_pairs.AllowedAddressPairsDriver()
        self.allocate_vip, self.deallocate_vip = real.allocate_vip, real.deallocate_vip
        for name in _REAL:
            setattr(self, name, self._first(getattr(real, name), getattr(self, name)))

    @staticmethod
    def _first(real, pretended):
        def ask(*args, **kwargs):
            try:
                return real(*args, **kwargs)
            except base.NetworkException:
                if not _FORGIVING:
                    raise
                return pretended(*args, **kwargs)
        return ask
