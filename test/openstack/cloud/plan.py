"""What is started, in which order, and what each waits for."""
import concurrent.futures
import glob
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request

from cloud import configs, paths
from cloud.paths import API, DATA, HOST, LOG, REGION, RUN, etc
from cloud.processes import alive, environment, give_up, run, start, until

PYTHON = '/usr/bin/python3'
ENTRY = os.path.join(paths.SOURCE, 'plugins', 'entry.py')
OVSDB = 'unix:%s/ovsdb.sock' % RUN

# Servers that are programs of their own: entry point and configuration.
DAEMONS = {
    'glance-api': ('glance.cmd.api:main', etc('glance')),
    'neutron-server': ('neutron.cmd.eventlet.server:main', etc('neutron')),
    'nova-conductor': ('nova.cmd.conductor:main', etc('nova')),
    'nova-scheduler': ('nova.cmd.scheduler:main', etc('nova')),
    'nova-api': ('nova.cmd.api_os_compute:main', etc('nova')),
    'nova-compute': ('nova.cmd.compute:main', etc('nova', 'compute.conf')),
    'cinder-api': ('cinder.cmd.api:main', etc('cinder')),
    'cinder-scheduler': ('cinder.cmd.scheduler:main', etc('cinder')),
    'cinder-volume': ('cinder.cmd.volume:main', etc('cinder')),
    'octavia-worker': ('octavia.cmd.octavia_worker:main', etc('octavia')),
    'trove-taskmanager': ('trove.cmd.taskmanager:main', etc('trove')),
    'trove-conductor': ('trove.cmd.conductor:main', etc('trove')),
    'trove-guests': ('testcloud_guests:main', etc('trove')),
    'gnocchi-metricd': ('gnocchi.cli.metricd:metricd', etc('gnocchi')),
}
# Servers that are applications of a web server, with their threads.
APPLICATIONS = {'keystone-api': 8, 'placement-api': 4, 'octavia-api': 6, 'trove-api': 4, 'gnocchi-api': 4}
# The server that answers at the port of each service.
ANSWERS = {
    'keystone': 'keystone-api', 'glance': 'glance-api', 'placement': 'placement-api', 'nova': 'nova-api',
    'neutron': 'neutron-server', 'cinder': 'cinder-api', 'octavia': 'octavia-api', 'trove': 'trove-api',
    'gnocchi': 'gnocchi-api',
}


def order():
    return ['database', 'names', 'broker', 'ovsdb', 'ovsdb-sb', 'vswitchd', 'northd', 'ovn-controller',
            *APPLICATIONS, *DAEMONS, *_more_computes()]


def _more_computes():
    return sorted('nova-' + os.path.basename(path).removesuffix('.conf') for path in glob.glob(etc('nova', 'compute-*.conf')))


def computes(count):
    """So many compute services in all. Each VM that one of them begins to build has it
    ask Placement for all VMs of its host, which takes seconds from some hundred on."""
    for number in range(2, count + 1):
        configs.compute(number)
    for name in _more_computes():
        _start(name)
    _seed('computes')
    _manage('nova', 'nova.cmd.manage:main', 'cell_v2', 'discover_hosts')


def up():
    began = time.monotonic()
    configs.write()
    for name in ('database', 'names', 'broker'):
        _start(name)
    network()
    until('database', 60, lambda: _sql('SELECT 1'))
    schemas = 'keystone glance placement nova_api nova nova_cell0 neutron cinder octavia trove gnocchi'.split()
    _sql(';'.join('CREATE DATABASE IF NOT EXISTS %s CHARACTER SET utf8' % name for name in schemas))
    _once('keystone', _identity)
    _start('keystone-api')
    with concurrent.futures.ThreadPoolExecutor() as pool:
        list(pool.map(lambda job: _once(*job), _SCHEMAS.items()))
    until('keystone-api', 120, lambda: _answers(API['keystone']))
    until('broker', 120, _broker_answers)
    _seed('identity')
    for name in (*APPLICATIONS, *DAEMONS, *_more_computes()):
        _start(name)
    for service, name in ANSWERS.items():
        until(name, 240, lambda port=API[service]: _answers(port))
    _seed('objects')
    _once('cells', lambda: _manage('nova', 'nova.cmd.manage:main', 'cell_v2', 'discover_hosts'))
    _chassis()
    print('up in %d s: %s (clouds: demo, admin)' % (time.monotonic() - began, os.path.join(paths.STATE, 'clouds.yaml')))


def start_again(names):
    for name in names:
        if name in ('ovsdb', 'ovsdb-sb', 'vswitchd', 'northd', 'ovn-controller'):
            network()
        else:
            _start(name)
    for service, name in ANSWERS.items():
        if name in names:
            until(name, 240, lambda port=API[service]: _answers(port))
    if 'broker' in names:
        until('broker', 120, _broker_answers)


def _start(name):
    if name == 'database':
        _once('database', lambda: run('database', [
            'mariadb-install-db', '--no-defaults', '--user=root', '--datadir=%s/mysql' % DATA,
            '--auth-root-authentication-method=normal', '--skip-test-db']))
        start(name, ['mariadbd', '--no-defaults', '--user=root', '--datadir=%s/mysql' % DATA, '--socket=%s/mysql.sock' % RUN,
                     '--pid-file=%s/mysql.own' % RUN, '--bind-address=' + HOST, '--port=%d' % paths.DATABASE, '--skip-name-resolve',
                     '--character-set-server=utf8', '--max-connections=1000', '--skip-log-bin', '--performance-schema=OFF',
                     '--innodb-buffer-pool-size=128M', '--innodb-flush-log-at-trx-commit=0', '--innodb-flush-method=nosync',
                     '--innodb-doublewrite=0', '--innodb-file-per-table=0'])
    elif name == 'names':
        start(name, ['epmd'], {'ERL_EPMD_PORT': str(paths.BROKER_NAMES), 'ERL_EPMD_ADDRESS': HOST})
    elif name == 'broker':
        # One scheduler that never spins: an idle broker must cost nothing.
        start(name, glob.glob('/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server'), {
            'ERL_EPMD_PORT': str(paths.BROKER_NAMES), 'ERL_EPMD_ADDRESS': HOST, 'RABBITMQ_NODENAME': 'testcloud@localhost',
            'RABBITMQ_NODE_IP_ADDRESS': HOST, 'RABBITMQ_NODE_PORT': str(paths.BROKER), 'RABBITMQ_DIST_PORT': str(paths.BROKER_DIST),
            'RABBITMQ_MNESIA_BASE': DATA + '/broker', 'RABBITMQ_LOGS': '-', 'RABBITMQ_LOG_BASE': LOG, 'RABBITMQ_CONF_ENV_FILE': '/dev/null',
            'RABBITMQ_ENABLED_PLUGINS_FILE': DATA + '/broker-plugins', 'RABBITMQ_PID_FILE': RUN + '/broker.own',
            'RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS': '+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}',
        })
    elif name in APPLICATIONS:
        service = name.removesuffix('-api')
        # Each connection is closed after its answer: a thread that waits for the next
        # request of an idle client would be lost to all others.
        start(name, ['uwsgi-core', '--plugin', 'python3', '--http-socket', '%s:%d' % (HOST, API[service]),
                     '--wsgi-file', os.path.join(paths.SOURCE, 'plugins', 'application.py'), '--processes', '1',
                     '--threads', str(APPLICATIONS[name]), '--enable-threads', '--need-app', '--die-on-term', '--buffer-size', '65535',
                     '--add-header', 'Connection: close', '--disable-logging', '--listen', '100'],
              {'TESTCLOUD_SERVICE': service, 'TESTCLOUD_CONFIG': etc(service)})
    else:
        target, config = DAEMONS.get(name) or (DAEMONS['nova-compute'][0], etc('nova', name.removeprefix('nova-') + '.conf'))
        start(name, [PYTHON, ENTRY, name, target, '--config-file', config])


def network():
    """OVN on the datapath of Open vSwitch that lives in user space, with no device. The
    southbound database has a server of its own: Neutron hangs where both share one."""
    vsctl = ['ovs-vsctl', '--no-wait', '--db=' + OVSDB]
    _once('ovsdb', _make_ovsdb)
    quiet = ['-vconsole:warn', '-vsyslog:off']
    start('ovsdb', ['ovsdb-server', '--remote=punix:%s/ovsdb.sock' % RUN, '--remote=ptcp:%d:%s' % (paths.NORTHBOUND, HOST),
                    '--unixctl=%s/ovsdb.ctl' % RUN, *quiet, DATA + '/switch.db', DATA + '/north.db'])
    start('ovsdb-sb', ['ovsdb-server', '--remote=punix:%s/ovsdb-sb.sock' % RUN, '--remote=ptcp:%d:%s' % (paths.SOUTHBOUND, HOST),
                       '--unixctl=%s/ovsdb-sb.ctl' % RUN, *quiet, DATA + '/south.db'])
    until('ovsdb-sb', 30, lambda: os.path.exists(RUN + '/ovsdb-sb.sock'))
    until('ovsdb', 30, lambda: subprocess.run([*vsctl, 'init'], env=environment(), capture_output=True, timeout=10).returncode == 0)
    options = {
        'system-id': 'testcloud', 'hostname': 'testcloud', 'ovn-remote': 'unix:%s/ovsdb-sb.sock' % RUN, 'ovn-encap-type': 'geneve',
        'ovn-encap-ip': HOST, 'ovn-bridge-datapath-type': 'dummy', 'ovn-bridge-mappings': 'physnet1:br-ex',
        'ovn-cms-options': 'enable-chassis-as-gw',
    }
    run('ovsdb', [*vsctl, 'set', 'Open_vSwitch', '.', *('external_ids:%s=%s' % o for o in options.items()),
                  '--', '--may-exist', 'add-br', 'br-int', '--', 'set', 'Bridge', 'br-int', 'datapath_type=dummy', 'fail-mode=secure',
                  '--', '--may-exist', 'add-br', 'br-ex', '--', 'set', 'Bridge', 'br-ex', 'datapath_type=dummy'])
    start('vswitchd', ['ovs-vswitchd', '--enable-dummy=override', '--disable-system', '--unixctl=%s/vswitchd.ctl' % RUN, *quiet, OVSDB])
    start('northd', ['ovn-northd', '--ovnnb-db=' + OVSDB, '--ovnsb-db=unix:%s/ovsdb-sb.sock' % RUN, '--unixctl=%s/northd.ctl' % RUN, *quiet])
    start('ovn-controller', ['ovn-controller', *quiet, OVSDB])


def _chassis():
    """ovn-controller has been seen to end soon after its first start; ports would then
    stay down for ever, which tests see as failed VMs."""
    for _ in range(3):
        until_alive = time.monotonic() + 2
        while alive('ovn-controller') and time.monotonic() < until_alive:
            time.sleep(0.2)
        if alive('ovn-controller'):
            return
        network()
    give_up('ovn-controller', 'ends again and again')


def _make_ovsdb():
    for name, schema in (('switch', 'openvswitch/vswitch'), ('north', 'ovn/ovn-nb'), ('south', 'ovn/ovn-sb')):
        run('ovsdb', ['ovsdb-tool', 'create', '%s/%s.db' % (DATA, name), '/usr/share/%s.ovsschema' % schema])


def _manage(service, target, *words):
    run(service + '-manage', [PYTHON, ENTRY, service + '-manage', target, '--config-file', etc(service), *words])


def _identity():
    manage = 'keystone.cmd.manage:main'
    os.makedirs(DATA + '/keystone', exist_ok=True)
    _manage('keystone', manage, 'db_sync')
    for keys in ('fernet_setup', 'credential_setup'):
        _manage('keystone', manage, keys, '--keystone-user', 'root', '--keystone-group', 'root')
    _manage('keystone', manage, 'bootstrap', '--bootstrap-username', 'admin', '--bootstrap-password', 'admin', '--bootstrap-project-name', 'admin',
            '--bootstrap-region-id', REGION, *(w for kind in ('public', 'internal', 'admin') for w in ('--bootstrap-%s-url' % kind, paths.IDENTITY)))


def _compute():
    manage = 'nova.cmd.manage:main'
    _manage('nova', manage, 'api_db', 'sync')
    _manage('nova', manage, 'cell_v2', 'map_cell0', '--database_connection', configs.database('nova_cell0')['connection'])
    _manage('nova', manage, 'cell_v2', 'create_cell', '--name', 'cell1', '--database_connection', configs.database('nova')['connection'],
            '--transport-url', configs.broker())
    _manage('nova', manage, 'db', 'sync')


def _metrics():
    """Few sacks: metricd looks into each of them once a second."""
    os.makedirs(DATA + '/gnocchi/locks', exist_ok=True)
    _manage('gnocchi', 'gnocchi.cli.manage:upgrade', '--sacks-number', '4')


_SCHEMAS = {
    'glance': lambda: _manage('glance', 'glance.cmd.manage:main', 'db_sync'),
    'placement': lambda: _manage('placement', 'placement.cmd.manage:main', 'db', 'sync'),
    'nova': _compute,
    'neutron': lambda: _manage('neutron', 'neutron.db.migration.cli:main', 'upgrade', 'heads'),
    'cinder': lambda: _manage('cinder', 'cinder.cmd.manage:main', 'db', 'sync'),
    'octavia': lambda: _manage('octavia', 'octavia.db.migration.cli:main', 'upgrade', 'head'),
    'trove': lambda: _manage('trove', 'trove.cmd.manage:main', 'db_sync'),
    'gnocchi': _metrics,
}


def _seed(part):
    path = os.path.join(paths.SOURCE, 'cloud', 'seed.py')
    run('seed', [PYTHON, path, part, paths.STATE])


def _once(mark, work):
    path = os.path.join(paths.STATE, 'done-' + mark)
    if not os.path.exists(path):
        work()
        open(path, 'w').close()


def _sql(text):
    return subprocess.run(['mariadb', '--no-defaults', '-uroot', '-S', RUN + '/mysql.sock', '-e', text], capture_output=True).returncode == 0


def _answers(port):
    """Any answer will do, a refusal too: the server is there."""
    try:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open('http://%s:%d/' % (HOST, port), timeout=5).close()
    except urllib.error.HTTPError:
        pass
    return True


def _broker_answers():
    """The broker names its protocol to a client that greets it wrongly."""
    with socket.create_connection((HOST, paths.BROKER), timeout=3) as c:
        c.sendall(b'HELLO\r\n\r\n')
        return c.recv(4) == b'AMQP'
