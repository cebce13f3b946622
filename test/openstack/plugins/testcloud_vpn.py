"""The driver of neutron-vpnaas when no agent is there to build tunnels: everything that
is asked for counts as built. API, database and validation are the service's own."""
from neutron_vpnaas.services.vpn import service_drivers
from neutron_vpnaas.services.vpn.service_drivers import ipsec_validator


class Driver(service_drivers.VpnDriver):
    service_type = 'ipsec'

    def __init__(self, plugin):
        super().__init__(plugin, ipsec_validator.IpsecVpnValidator(self))

    def _built(self, context, service_id, *connections):
        self.service_plugin.update_status_by_agent(context.elevated(), [{
            'id': service_id, 'status': 'ACTIVE', 'updated_pending_status': True,
            'ipsec_site_connections': {c['id']: {'status': 'ACTIVE', 'updated_pending_status': True} for c in connections},
        }])

    def create_vpnservice(self, context, vpnservice):
        """The addresses that a peer dials are those of the router's gateway."""
        admin = context.elevated()
        gateway = self.l3_plugin.get_router(admin, vpnservice['router_id'])['external_gateway_info'] or {}
        addresses = [ip['ip_address'] for ip in gateway.get('external_fixed_ips', ())]
        self.service_plugin.set_external_tunnel_ips(admin, vpnservice['id'], **{
            'v6_ip' if ':' in address else 'v4_ip': address for address in addresses})
        self._built(context, vpnservice['id'])

    def update_vpnservice(self, context, old_vpnservice, vpnservice):
        self._built(context, vpnservice['id'])

    def create_ipsec_site_connection(self, context, connection):
        self._built(context, connection['vpnservice_id'], connection)

    def update_ipsec_site_connection(self, context, old, connection):
        self._built(context, connection['vpnservice_id'], connection)

    def delete_vpnservice(self, context, vpnservice):
        pass

    def delete_ipsec_site_connection(self, context, connection):
        pass
