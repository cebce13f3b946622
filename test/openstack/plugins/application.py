"""The application of a web server: that of the service in TESTCLOUD_SERVICE."""
import os
import sys

service, config = os.environ['TESTCLOUD_SERVICE'], os.environ['TESTCLOUD_CONFIG']
sys.argv = [service + '-api', '--config-file', config]

if service == 'keystone':
    from keystone.server.wsgi import initialize_public_application as make
elif service == 'octavia':
    from octavia.api.app import setup_app as make
elif service == 'trove':
    os.environ['NO_EVENTLET_MONKEYPATCH'] = '1'  # answers of guests would wait for another thread's turn

    def make():
        from trove.cmd.app_wsgi import application
        return application
elif service == 'gnocchi':
    from gnocchi.cli.api import wsgi as make
else:
    os.environ['OS_PLACEMENT_CONFIG_DIR'] = os.path.dirname(config)
    sys.argv = sys.argv[:1]
    from placement.wsgi import init_application as make

application = make()
