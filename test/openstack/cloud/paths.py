"""Where everything lies and listens. Nothing is written outside STATE."""
import os

STATE = os.environ['TESTCLOUD']
ETC, LOG, RUN, DATA, BIN, FILES, PLUGINS = (
    os.path.join(STATE, name) for name in ('etc', 'log', 'run', 'data', 'bin', 'files', 'plugins'))
SOURCE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

HOST = '127.0.0.1'
REGION = 'RegionOne'
DATABASE, BROKER, BROKER_DIST, BROKER_NAMES, NORTHBOUND, SOUTHBOUND = 13306, 13672, 13673, 13674, 16641, 16642
API = {
    'keystone': 5000, 'glance': 9292, 'placement': 8778, 'nova': 8774, 'neutron': 9696, 'cinder': 8776,
    'octavia': 9876, 'trove': 8779, 'gnocchi': 8041,
}
IDENTITY = 'http://%s:%d/v3' % (HOST, API['keystone'])


def etc(service, name=None):
    return os.path.join(ETC, service, name or service + '.conf')


def make():
    for folder in (ETC, LOG, RUN, DATA, BIN, FILES, PLUGINS):
        os.makedirs(folder, exist_ok=True)
    for service in API:
        os.makedirs(os.path.join(ETC, service), exist_ok=True)
        os.makedirs(os.path.join(DATA, service), exist_ok=True)
