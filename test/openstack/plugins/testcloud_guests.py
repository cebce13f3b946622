"""The machines of Trove's instances, which the fake hypervisor does not run: for each VM
that Nova has booted for Trove, a process with Trove's own guest agent on the configuration
that came with the VM's user data. In place of a database, the agent has a list of the
users and databases that it was told to make."""
import base64
import contextlib
import importlib
import json
import os
import signal
import sys
import time

import sqlalchemy
import yaml
from oslo_log import log as logging
from trove import rpc
from trove.common import cfg
from trove.common.db.mysql import models
from trove.common.rpc import service as rpc_service
from trove.guestagent import api
from trove.guestagent.common import guestagent_utils
from trove.guestagent.datastore import manager, service
from trove.instance.service_status import ServiceStatuses

CONF = cfg.CONF
GUESTS = os.path.join(os.environ['TESTCLOUD'], 'data', 'trove', 'guests')
BOOTED = sqlalchemy.text(
    "SELECT v.uuid, v.user_data FROM instances v JOIN instance_metadata m ON m.instance_uuid = v.uuid AND m.key = 'trove_instance_id'"
    " WHERE v.deleted = 0 AND v.vm_state IN ('active', 'resized')")


def main():
    """Starts and ends guests as their VMs come and go."""
    cfg.parse_args(sys.argv)
    nova = sqlalchemy.create_engine(sqlalchemy.engine.make_url(CONF.database.connection).set(database='nova'),
                                    poolclass=sqlalchemy.pool.NullPool)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    guests = {}
    while True:
        time.sleep(1)
        try:
            with nova.connect() as c:
                booted = dict(tuple(row) for row in c.execute(BOOTED))
        except sqlalchemy.exc.OperationalError:
            continue  # the database is stopped; guests go on
        for vm in guests.keys() - booted.keys():
            with contextlib.suppress(ProcessLookupError):
                os.kill(guests.pop(vm), signal.SIGKILL)
        for vm in booted.keys() - guests.keys():
            guests[vm] = os.fork()
            if not guests[vm]:
                run(os.path.join(GUESTS, vm), booted[vm])
                sys.exit()


def run(folder, user_data):
    """What the program trove-guestagent does, but for its container and file system."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    importlib.import_module('trove.cmd')  # puts green threads in place, which the parent must not have
    os.makedirs(folder, exist_ok=True)
    options = []
    for f in yaml.safe_load(base64.b64decode(user_data))['write_files']:
        path = os.path.join(folder, os.path.basename(f['path']))
        with open(path, 'wb') as out:
            out.write(base64.b64decode(f['content']))
        options += ['--config-file', path]
    cfg.parse_args(['trove-guestagent', *options])
    logging.setup(CONF, None)
    rpc.init(CONF)
    Manager.folder = folder
    server = rpc_service.RpcService(key=CONF.instance_rpc_encr_key, topic='guestagent.' + CONF.guest_id, manager='testcloud_guests.Manager',
                                    host=CONF.guest_id, rpc_api_version=api.API.API_LATEST_VERSION)
    server.start()


class Status(service.BaseDbStatus):
    running = True

    def get_actual_db_status(self):
        return ServiceStatuses.HEALTHY if self.running else ServiceStatuses.SHUTDOWN


class Manager(manager.Manager):
    folder = docker_client = None

    def __init__(self):
        super().__init__(CONF.datastore_manager)
        self.status = Status(None)
        self.status.GUESTAGENT_DIR = self.folder
        self.path = os.path.join(self.folder, 'database.json')
        self.users, self.databases = {}, {}
        if os.path.exists(self.path):
            with open(self.path) as f:
                self.users, self.databases = json.load(f)

    def _keep(self):
        with open(self.path, 'w') as f:
            json.dump([self.users, self.databases], f)

    def do_prepare(self, context, *args, **kwargs):
        self._keep()

    def restart(self, context):
        self.status.running = True
        self.status.set_status(self.status.get_actual_db_status())

    def stop_db(self, context):
        self.status.running = False
        self.status.set_status(self.status.get_actual_db_status())

    def get_filesystem_stats(self, context, fs_path):
        return guestagent_utils.get_filesystem_volume_stats(self.folder)

    def create_database(self, context, databases):
        self.databases.update({d['_name']: d for d in databases})
        self._keep()

    def create_user(self, context, users):
        self.users.update({u['_name']: u for u in users})
        self._keep()

    def change_passwords(self, context, users):
        for u in users:
            self.users[u['name']]['_password'] = u['password']
        self._keep()

    def list_users(self, context, limit=None, marker=None, include_marker=False):
        users = [models.MySQLUser.deserialize(u, verify=False) for name, u in self.users.items() if name != 'root']
        return guestagent_utils.serialize_list(users, limit=limit, marker=marker, include_marker=include_marker)

    def list_databases(self, context, limit=None, marker=None, include_marker=False):
        databases = [models.MySQLSchema.deserialize(d, verify=False) for d in self.databases.values()]
        return guestagent_utils.serialize_list(databases, limit=limit, marker=marker, include_marker=include_marker)

    def enable_root_with_password(self, context, root_password=None):
        root = models.MySQLUser.root(password=root_password).serialize()
        self.create_user(context, [root])
        return root
