"""Configuration files of all services.

Only what differs from the servers' defaults is said: addresses, the common database
and broker, drivers that need no hardware, and one worker of everything.
"""
import os
import shutil
import subprocess

from cloud import paths
from cloud.paths import API, DATA, ETC, FILES, HOST, IDENTITY, REGION, RUN


def database(name, small=True):
    """Connections of a server's threads: Neutron handles many requests at a time."""
    return {
        'connection': 'mysql+pymysql://root@%s:%d/%s?charset=utf8' % (HOST, paths.DATABASE, name),
        'max_pool_size': 5 if small else 20, 'max_overflow': 20 if small else 60,
    }


def credentials():
    return {
        'auth_type': 'password', 'auth_url': IDENTITY, 'www_authenticate_uri': IDENTITY, 'username': 'services', 'password': 'services',
        'project_name': 'services', 'user_domain_name': 'Default', 'project_domain_name': 'Default',
        'region_name': REGION, 'os_region_name': REGION, 'valid_interfaces': 'public',
    }


def tokens():
    return dict(credentials(), service_token_roles='service', service_token_roles_required='true', token_cache_time=30)


def trusted():
    return dict(credentials(), send_service_user_token='true')


def broker():
    return 'rabbit://guest:guest@%s:%d/' % (HOST, paths.BROKER)


def common(service):
    """The sections that all servers with a broker have."""
    return {
        'DEFAULT': {
            'transport_url': broker(), 'state_path': os.path.join(DATA, service), 'host': 'testcloud', 'rpc_response_timeout': 60,
            'default_log_levels': 'amqp=WARN,sqlalchemy=WARN,oslo_messaging=WARN,urllib3=WARN,keystonemiddleware=WARN,stevedore=ERROR',
        },
        'oslo_concurrency': {'lock_path': os.path.join(DATA, service, 'locks')},
        'oslo_messaging_notifications': {'driver': 'noop'},
        'oslo_messaging_rabbit': {'heartbeat_in_pthread': 'false', 'rabbit_qos_prefetch_count': 8},
        'keystone_authtoken': tokens(),
    }


def keystone():
    keys = os.path.join(DATA, 'keystone')
    return {
        'database': database('keystone'),
        'token': {'provider': 'fernet', 'expiration': 86400},
        'fernet_tokens': {'key_repository': os.path.join(keys, 'fernet')},
        'credential': {'key_repository': os.path.join(keys, 'credential')},
        'identity': {'password_hash_rounds': 4},
        'cache': {'enabled': 'true', 'backend': 'oslo_cache.dict', 'expiration_time': 60},
    }


def glance():
    store = os.path.join(DATA, 'glance')
    c = common('glance')
    c['DEFAULT'].update(bind_host=HOST, bind_port=API['glance'], workers=0, enabled_backends='files:file')
    c.update({
        'database': database('glance'), 'glance_store': {'default_backend': 'files'},
        'files': {'filesystem_store_datadir': os.path.join(store, 'images')},
        'os_glance_staging_store': {'filesystem_store_datadir': os.path.join(store, 'staging')},
        'os_glance_tasks_store': {'filesystem_store_datadir': os.path.join(store, 'tasks')},
        'paste_deploy': {'flavor': 'keystone', 'config_file': paths.etc('glance', 'glance-api-paste.ini')},
    })
    return c


def placement():
    return {'placement_database': database('placement'), 'keystone_authtoken': tokens()}


def nova():
    c = common('nova')
    c['DEFAULT'].update({
        'my_ip': HOST, 'compute_driver': 'testcloud_compute.Driver', 'instances_path': os.path.join(DATA, 'nova'),
        'enabled_apis': 'osapi_compute', 'osapi_compute_listen': HOST, 'osapi_compute_workers': 1,
        'allow_resize_to_same_host': 'true', 'vif_plugging_is_fatal': 'false', 'vif_plugging_timeout': 0,
        'reserved_host_memory_mb': 0, 'resume_guests_state_on_host_boot': 'false', 'sync_power_state_interval': -1,
    })
    c.update({
        'api_database': database('nova_api'), 'database': database('nova'),
        'wsgi': {'api_paste_config': paths.etc('nova', 'api-paste.ini')},
        'conductor': {'workers': 1}, 'scheduler': {'workers': 1}, 'filter_scheduler': {'track_instance_changes': 'false'},
        'quota': {'instances': 2000, 'cores': 4000, 'ram': 16 << 20},
        'glance': {'api_servers': 'http://%s:%d' % (HOST, API['glance'])},
        'vnc': {'enabled': 'true', 'novncproxy_base_url': 'http://%s:6080/vnc_auto.html' % HOST},
        'neutron': credentials(), 'placement': credentials(), 'keystone': credentials(), 'service_user': trusted(),
        'cinder': dict(credentials(), catalog_info='volumev3::publicURL'),
    })
    return c


def nova_compute():
    """The compute service refuses to start where it is told of a database."""
    return {name: section for name, section in nova().items() if not name.endswith('database')}


def compute(number):
    """Configures one more compute service, with a host of its own."""
    c = nova_compute()
    c['DEFAULT']['host'] = 'testcloud-%d' % number
    _ini(paths.etc('nova', 'compute-%d.conf' % number), c)


def neutron():
    c = common('neutron')
    c['DEFAULT'].update({
        'bind_host': HOST, 'bind_port': API['neutron'], 'core_plugin': 'ml2', 'api_workers': 1, 'rpc_workers': 0,
        'rpc_state_report_workers': 0, 'service_plugins': 'ovn-router,qos,port_forwarding,trunk,vpnaas',
        'api_paste_config': paths.etc('neutron', 'api-paste.ini'), 'dhcp_agent_notification': 'false', 'dns_domain': 'testcloud.',
        # Every connection that is kept open takes one of these, and each compute service keeps a dozen.
        'wsgi_default_pool_size': 1000,
    })
    c.update({
        'database': database('neutron', small=False),
        'quotas': {'quota_' + kind: 3000 for kind in ('network', 'subnet', 'port', 'router', 'floatingip', 'security_group', 'security_group_rule')},
        'ml2': {
            'mechanism_drivers': 'ovn', 'type_drivers': 'geneve,flat', 'tenant_network_types': 'geneve',
            'extension_drivers': 'port_security,qos,dns', 'overlay_ip_version': 4,
        },
        'ml2_type_geneve': {'vni_ranges': '1:65536', 'max_header_size': 38},
        'ml2_type_flat': {'flat_networks': '*'},
        'securitygroup': {'enable_security_group': 'true'},
        'ovn': {
            'ovn_nb_connection': 'tcp:%s:%d' % (HOST, paths.NORTHBOUND), 'ovn_sb_connection': 'tcp:%s:%d' % (HOST, paths.SOUTHBOUND),
            'ovn_metadata_enabled': 'false',
        },
        'ovs': {'ovsdb_connection': 'unix:%s/ovsdb.sock' % RUN},
        'service_providers': {'service_provider': 'VPN:testcloud:testcloud_vpn.Driver:default'},
        'nova': credentials(), 'placement': credentials(),
    })
    return c


def cinder():
    c = common('cinder')
    c['DEFAULT'].update({
        'my_ip': HOST, 'osapi_volume_listen': HOST, 'osapi_volume_workers': 1, 'enabled_backends': 'nfs',
        'default_volume_type': 'standard', 'api_paste_config': paths.etc('cinder', 'api-paste.ini'),
        'resource_query_filters_file': paths.etc('cinder', 'resource_filters.json'),
        'glance_api_servers': 'http://%s:%d' % (HOST, API['glance']),
        'image_conversion_dir': os.path.join(DATA, 'cinder', 'conversion'), 'allow_availability_zone_fallback': 'true',
        'quota_volumes': 3000, 'quota_snapshots': 3000, 'quota_gigabytes': 100000,
    })
    c.update({
        'database': database('cinder'), 'nova': dict(credentials(), interface='public'), 'service_user': trusted(),
        'nfs': {
            'volume_driver': 'cinder.volume.drivers.nfs.NfsDriver', 'volume_backend_name': 'nfs',
            'nfs_shares_config': paths.etc('cinder', 'shares'), 'nfs_mount_point_base': os.path.join(DATA, 'cinder', 'mnt'),
            'nfs_snapshot_support': 'true', 'nfs_sparsed_volumes': 'true', 'nas_secure_file_operations': 'false',
            'nas_secure_file_permissions': 'false', 'max_over_subscription_ratio': 1000, 'reserved_percentage': 0,
        },
    })
    return c


def octavia():
    ca, key = paths.etc('octavia', 'ca.crt'), paths.etc('octavia', 'ca.key')
    c = common('octavia')
    c.update({
        'database': database('octavia'), 'service_auth': credentials(),
        'api_settings': {
            'bind_host': HOST, 'bind_port': API['octavia'], 'enabled_provider_drivers': 'amphora:no traffic passes', 'default_provider_driver': 'amphora',
            'api_base_uri': 'http://%s:%d' % (HOST, API['octavia']),
        },
        'controller_worker': {
            'amphora_driver': 'amphora_noop_driver', 'compute_driver': 'compute_noop_driver', 'network_driver': 'testcloud',
            'image_driver': 'image_noop_driver', 'volume_driver': 'volume_noop_driver', 'distributor_driver': 'distributor_noop_driver',
            'workers': 1, 'amp_flavor_id': 1, 'client_ca': ca, 'amp_boot_network_list': '00000000-0000-0000-0000-000000000001',
            'amp_active_retries': 2, 'amp_active_wait_sec': 1, 'loadbalancer_topology': 'SINGLE',
        },
        'oslo_messaging': {'topic': 'octavia'},
        'certificates': {
            'cert_generator': 'local_cert_generator', 'ca_certificate': ca, 'ca_private_key': key,
            'server_certs_key_passphrase': 'no-secret-key-of-a-test-cloud-00',
        },
        'haproxy_amphora': {'server_ca': ca, 'client_cert': ca},
        'health_manager': {'heartbeat_key': 'testcloud', 'bind_ip': HOST, 'controller_ip_port_list': HOST + ':5555'},
        'task_flow': {'jobboard_enabled': 'false'},
        'driver_agent': {kind + '_socket_path': '%s/octavia-%s.sock' % (RUN, kind) for kind in ('status', 'stats', 'get')},
        'quotas': {'default_%s_quota' % kind: -1 for kind in ('load_balancer', 'listener', 'member', 'pool', 'health_monitor')},
    })
    return c


def trove():
    c = common('trove')
    c['DEFAULT'].update({
        'host': HOST, 'bind_host': HOST, 'bind_port': API['trove'], 'trove_api_workers': 1, 'trove_conductor_workers': 1,
        'taskmanager_queue': 'taskmanager', 'api_paste_config': paths.etc('trove', 'api-paste.ini'),
        'network_driver': 'trove.network.neutron.NeutronDriver', 'guest_config': paths.etc('trove', 'guest.conf'),
        'max_accepted_volume_size': 1000, 'max_instances_per_tenant': 200, 'max_volumes_per_tenant': 20000,
        'usage_sleep_time': 1, 'agent_call_low_timeout': 2,
    })
    c.update({'database': database('trove'), 'service_credentials': credentials()})
    return c


def trove_guest():
    """What each guest gets from Trove with its user data."""
    c = common('trove')
    return {
        'DEFAULT': {'transport_url': broker(), 'report_interval': 10, 'default_log_levels': c['DEFAULT']['default_log_levels']},
        'oslo_messaging_rabbit': c['oslo_messaging_rabbit'],
    }


def gnocchi():
    folder = os.path.join(DATA, 'gnocchi')
    return {
        'DEFAULT': {'coordination_url': 'file://' + os.path.join(folder, 'locks')},
        'api': {'auth_mode': 'keystone', 'paste_config': paths.etc('gnocchi', 'api-paste.ini')},
        'indexer': {'url': database('gnocchi')['connection']},
        'storage': {'driver': 'file', 'file_basepath': folder},
        'metricd': {'workers': 1, 'metric_processing_delay': 1, 'metric_reporting_delay': -1, 'metric_cleanup_delay': 3600},
        'keystone_authtoken': tokens(),
    }


def write():
    for service in (keystone, glance, placement, nova, neutron, cinder, octavia, trove, gnocchi):
        _ini(paths.etc(service.__name__), service())
    _ini(paths.etc('nova', 'compute.conf'), nova_compute())
    _ini(paths.etc('trove', 'guest.conf'), trove_guest())
    share = os.path.join(FILES, 'usr/share')
    for package, service, name in (('nova-common', 'nova', 'api-paste.ini'), ('neutron-common', 'neutron', 'api-paste.ini'),
                                   ('cinder-common', 'cinder', 'api-paste.ini'), ('glance-common', 'glance', 'glance-api-paste.ini'),
                                   ('trove-common', 'trove', 'api-paste.ini')):
        shutil.copy(os.path.join(share, package, name), paths.etc(service, name))
    _metric_pipeline()
    _database_pipeline()
    shutil.copy(os.path.join(FILES, 'etc/cinder/resource_filters.json'), paths.etc('cinder', 'resource_filters.json'))
    with open(paths.etc('cinder', 'shares'), 'w') as f:
        f.write(HOST + ':/testcloud\n')
    os.makedirs(os.path.join(DATA, 'cinder', 'conversion'), exist_ok=True)
    if not os.path.exists(paths.etc('octavia', 'ca.key')):
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '3650', '-subj', '/CN=testcloud',
                        '-keyout', paths.etc('octavia', 'ca.key'), '-out', paths.etc('octavia', 'ca.crt')], check=True, capture_output=True)
    _stand_ins()


def _ini(path, sections):
    with open(path, 'w') as f:
        for name, options in sections.items():
            f.write('[%s]\n' % name)
            f.writelines('%s = %s\n' % option for option in options.items())


def _database_pipeline():
    """Trove alone of all services does not tell its requests' ids unless it is told to."""
    path = paths.etc('trove', 'api-paste.ini')
    with open(path) as f:
        text = f.read()
    with open(path, 'w') as f:
        f.write(text.replace('pipeline = cors ', 'pipeline = request_id cors '))
        f.write('\n[filter:request_id]\npaste.filter_factory = oslo_middleware.request_id:RequestId.factory\n')


def _metric_pipeline():
    """The check of tokens before Gnocchi looks for a configuration below /etc unless
    its paste file names one."""
    project = 'oslo_config_project = gnocchi\n'
    with open('/usr/lib/python3/dist-packages/gnocchi/rest/api-paste.ini') as f:
        text = f.read().replace(project, project + 'oslo_config_file = %s\n' % paths.etc('gnocchi'))
    with open(paths.etc('gnocchi', 'api-paste.ini'), 'w') as f:
        f.write(text)


def _stand_ins():
    """Programs of the system that servers call and that must do nothing here: we are
    root, the NFS share is a folder, and there is no firmware to ask."""
    for name, body in {
            'sudo': 'exec "$@"', 'cinder-rootwrap': 'shift; exec "$@"', 'nova-rootwrap': 'shift; exec "$@"',
            'mount': 'exit 0', 'umount': 'exit 0', 'mount.nfs': 'exit 0',
            'dmidecode': 'echo 7e57c10d-0000-4000-8000-000000000002'}.items():
        path = os.path.join(paths.BIN, name)
        with open(path, 'w') as f:
            f.write('#!/bin/sh\n%s\n' % body)
        os.chmod(path, 0o755)
    # Octavia finds its drivers by the entry points of installed distributions.
    info = os.path.join(paths.PLUGINS, 'testcloud-1.dist-info')
    os.makedirs(info, exist_ok=True)
    for name, text in (('METADATA', 'Metadata-Version: 2.1\nName: testcloud\nVersion: 1\n'),
                       ('entry_points.txt', '[octavia.network.drivers]\ntestcloud = testcloud_network:Driver\n')):
        with open(os.path.join(info, name), 'w') as f:
            f.write(text)
