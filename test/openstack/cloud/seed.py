"""seed.py identity|objects|computes STATE: what the cloud has when a test begins. Safe to repeat.

identity needs keystone only: the catalogue, users and roles. objects are flavors, an
image, the external network, a volume type; then it waits for the services' workers.
computes only waits, for all compute services.
"""
import glob
import os
import sys
import time

import keystoneauth1.adapter
import openstack

IDENTITY = 'http://127.0.0.1:5000/v3'
CATALOG = {
    'image': ('glance', ':9292'), 'placement': ('placement', ':8778'), 'compute': ('nova', ':8774/v2.1'), 'network': ('neutron', ':9696'),
    'volumev3': ('cinderv3', ':8776/v3/%(project_id)s'), 'load-balancer': ('octavia', ':9876'), 'database': ('trove', ':8779/v1.0/%(project_id)s'),
    'metric': ('gnocchi', ':8041'),
}
GRANTS = {
    ('services', 'services'): ('admin', 'service'),
    ('demo', 'demo'): ('member', 'load-balancer_member'),
    ('admin', 'admin'): ('load-balancer_member',),
}
ENTRY = '''\
  {name}:
    auth:
      auth_url: {url}
      username: {name}
      password: {name}
      project_name: {name}
      user_domain_name: Default
      project_domain_name: Default
    region_name: RegionOne
    interface: public
    identity_api_version: 3
'''


def connect(name='admin'):
    return openstack.connect(auth_url=IDENTITY, username=name, password=name, project_name=name, user_domain_name='Default',
                             project_domain_name='Default', region_name='RegionOne', identity_api_version='3', interface='public')


def identity(cloud):
    services = {s.type: s for s in cloud.identity.services()}
    for kind, (name, place) in CATALOG.items():
        service = services.get(kind) or cloud.identity.create_service(type=kind, name=name)
        present = {e.interface for e in cloud.identity.endpoints(service_id=service.id)}
        for interface in {'public', 'internal', 'admin'} - present:
            cloud.identity.create_endpoint(service_id=service.id, url='http://127.0.0.1' + place, interface=interface, region_id='RegionOne')
    roles = {r.name: r for r in cloud.identity.roles()}
    for (user_name, project_name), names in GRANTS.items():
        project = cloud.identity.find_project(project_name) or cloud.identity.create_project(name=project_name, domain_id='default')
        user = cloud.identity.find_user(user_name) or cloud.identity.create_user(name=user_name, password=user_name, domain_id='default')
        for name in names:
            if name not in roles:
                roles[name] = cloud.identity.create_role(name=name)
            cloud.identity.assign_project_role_to_user(project, user, roles[name])


def objects(cloud):
    flavors = {f.name for f in cloud.compute.flavors(is_public=None)}
    for number, (name, ram, vcpus, disk) in enumerate((('m1.tiny', 512, 1, 1), ('m1.small', 2048, 1, 10),
                                                       ('m1.medium', 4096, 2, 20), ('m1.large', 8192, 4, 40)), 1):
        if name not in flavors:
            cloud.compute.create_flavor(id=str(number), name=name, ram=ram, vcpus=vcpus, disk=disk)
    if not list(cloud.image.images(name='tiny', status='active')):
        cloud.image.create_image(name='tiny', disk_format='raw', container_format='bare', visibility='public', min_disk=0, min_ram=0,
                                 os_distro='linux', architecture='x86_64', data=os.urandom(1 << 20))
    public = cloud.network.find_network('public') or cloud.network.create_network(
        name='public', is_router_external=True, provider_network_type='flat', provider_physical_network='physnet1')
    if not list(cloud.network.subnets(network_id=public.id)):
        cloud.network.create_subnet(name='public-v4', network_id=public.id, ip_version=4, cidr='203.0.113.0/24', gateway_ip='203.0.113.1',
                                    is_dhcp_enabled=False, allocation_pools=[{'start': '203.0.113.10', 'end': '203.0.113.250'}])
    if 'standard' not in {t.name for t in cloud.block_storage.types()}:
        cloud.block_storage.create_type(name='standard', extra_specs={'volume_backend_name': 'nfs'})
    databases(cloud)
    metrics(cloud)
    until('compute', lambda: {'nova-compute', 'nova-conductor', 'nova-scheduler'} <= {
        s.binary for s in cloud.compute.services() if s.state == 'up'})
    until('volumes', lambda: {'cinder-volume', 'cinder-scheduler'} <= {
        s['binary'] for s in cloud.block_storage.get('/os-services').json()['services'] if s['state'] == 'up'})
    until('network', lambda: any(a.is_alive and a.binary == 'ovn-controller' for a in cloud.network.agents()))


def computes(cloud, state):
    """Waits for all compute services that are configured."""
    wanted = len(glob.glob(os.path.join(state, 'etc', 'nova', 'compute*.conf')))
    until('computes', lambda: wanted <= sum(s.binary == 'nova-compute' and s.state == 'up' for s in cloud.compute.services()))


def metrics(cloud):
    """What Ceilometer makes at Gnocchi before it sends measures."""
    api = keystoneauth1.adapter.Adapter(cloud.session, service_type='metric', interface='public', version=1)
    if 'ceilometer-low' in {policy['name'] for policy in api.get('/archive_policy').json()}:
        return
    for name, methods in {'ceilometer-low-rate': ['mean', 'rate:mean'], 'ceilometer-low': ['mean']}.items():
        api.post('/archive_policy', json={'name': name, 'aggregation_methods': methods, 'back_window': 0, 'definition': [
            {'granularity': '5 minutes', 'timespan': '30 days'}]})
    text, of_instance = {'type': 'string', 'required': True}, {'type': 'uuid', 'required': True}
    for kind, attributes in {
            'instance': {'display_name': text, 'host': text, 'flavor_id': text},
            'instance_disk': {'name': text, 'instance_id': of_instance},
            'instance_network_interface': {'name': text, 'instance_id': of_instance}}.items():
        api.post('/resource_type', json={'name': kind, 'attributes': attributes})


def databases(cloud):
    """What Trove offers; the image stands for one with the guest agent in it."""
    image = cloud.image.find_image('tiny').id
    present = {(store['name'], version['version']) for store in cloud.database.get('/datastores').json()['datastores'] for version in store['versions']}
    for store, versions in {'mysql': ('5.7.29', '8.0'), 'mariadb': ('10.4.18',), 'postgresql': ('12.4',)}.items():
        for version in versions:
            if (store, version) not in present:
                cloud.database.post('/mgmt/datastore-versions', json={'version': {
                    'datastore_name': store, 'datastore_manager': store, 'name': version, 'version': version, 'image': image, 'packages': [],
                    'active': True, 'default': version == versions[-1]}}).raise_for_status()


def until(what, ready, seconds=180):
    end = time.monotonic() + seconds
    while not _quietly(ready):
        if time.monotonic() > end:
            sys.exit('%s: its workers did not report in %d s' % (what, seconds))
        time.sleep(0.5)


def _quietly(ready):
    """A service that is just starting may also fail to answer."""
    try:
        return ready()
    except Exception:  # noqa: B902
        return False


def main(part, state):
    if part == 'computes':
        return computes(connect(), state)
    {'identity': identity, 'objects': objects}[part](connect())
    if part == 'objects':
        with open(os.path.join(state, 'clouds.yaml'), 'w') as f:
            f.write('clouds:\n' + ''.join(ENTRY.format(name=name, url=IDENTITY) for name in ('demo', 'admin')))


main(*sys.argv[1:])
