"""Nova's fake hypervisor, with what a user of the API would miss in it: ports that come
up and go down with their VM, images that get their bytes, snapshots of volumes in use,
and VMs that are still there after a restart of the compute service."""
import glob
import io
import json
import os

from nova.compute import power_state, task_states
from nova.image import glance
from nova.virt import fake
from nova.volume import cinder
from oslo_concurrency import processutils

_RUNS = os.path.join(os.environ['TESTCLOUD'], 'run')
_VOLUMES = os.path.join(os.environ['TESTCLOUD'], 'data', 'cinder', 'mnt')
_UNBORN = ('building', 'deleted', 'error', 'shelved_offloaded')


def _switch(*words):
    processutils.execute('ovs-vsctl', '--no-wait', '--db=unix:%s/ovsdb.sock' % _RUNS, *words)


def _device(vif):
    return vif['devname'] or 'tap' + vif['id'][:11]


def _qemu(folder, *words):
    return processutils.execute('qemu-img', *words, cwd=folder)[0]


def _image(folder, name):
    return json.loads(_qemu(folder, 'info', '-U', '--output=json', name))


class Driver(fake.FakeDriver):
    capabilities = dict(fake.FakeDriver.capabilities, supports_migrate_to_same_host=True)

    # Ports: what os-vif does for a real hypervisor, which OVN waits for.

    def plug_vifs(self, instance, network_info):
        for vif in network_info or ():
            ids = {'iface-id': vif['id'], 'attached-mac': '"%s"' % vif['address'], 'iface-status': 'active', 'vm-uuid': instance.uuid}
            _switch('--may-exist', 'add-port', 'br-int', _device(vif), '--', 'set', 'Interface', _device(vif), 'type=dummy',
                    *('external_ids:%s=%s' % item for item in ids.items()))

    def unplug_vifs(self, instance, network_info):
        for vif in network_info or ():
            _switch('--if-exists', 'del-port', 'br-int', _device(vif))

    def spawn(self, context, instance, image_meta, injected_files, admin_password, allocations, network_info=None, *args, **kwargs):
        super().spawn(context, instance, image_meta, injected_files, admin_password, allocations, network_info, *args, **kwargs)
        self.plug_vifs(instance, network_info)

    def finish_migration(self, context, migration, instance, disk_info, network_info, *args, **kwargs):
        super().finish_migration(context, migration, instance, disk_info, network_info, *args, **kwargs)
        self.plug_vifs(instance, network_info)

    def destroy(self, context, instance, network_info, *args, **kwargs):
        super().destroy(context, instance, network_info, *args, **kwargs)
        self.unplug_vifs(instance, network_info)

    def attach_interface(self, context, instance, image_meta, vif):
        super().attach_interface(context, instance, image_meta, vif)
        self.plug_vifs(instance, [vif])

    def detach_interface(self, context, instance, vif):
        super().detach_interface(context, instance, vif)
        self.unplug_vifs(instance, [vif])

    # VMs are in memory only; the first question about each after a restart brings it back.

    def get_info(self, instance, use_cache=True):
        lost = instance.uuid not in self.instances and instance.host == self._host
        if lost and instance.task_state is None and instance.vm_state not in _UNBORN:
            state = power_state.SHUTDOWN if instance.vm_state == 'stopped' else power_state.RUNNING
            self.instances[instance.uuid] = fake.FakeInstance(instance.name, state, instance.uuid)
            self._interfaces.update((vif['id'], vif) for vif in instance.get_network_info())
        return super().get_info(instance, use_cache)

    # Images.

    def snapshot(self, context, instance, image_id, update_task_state):
        update_task_state(task_state=task_states.IMAGE_PENDING_UPLOAD)
        super().snapshot(context, instance, image_id, lambda task_state: update_task_state(
            task_state=task_state, expected_state=task_states.IMAGE_PENDING_UPLOAD))
        images = glance.API()
        image = images.get(context, image_id)
        images.update(context, image_id, {
            'name': image['name'], 'status': 'active', 'disk_format': 'raw', 'container_format': 'bare',
            'properties': image.get('properties', {}),
        }, io.BytesIO(bytes(1024)))

    # Snapshots of volumes in use: Cinder's NFS driver lays the files and asks the
    # hypervisor to change over, and to merge. There is no guest that has them open.

    def volume_snapshot_create(self, context, instance, volume_id, create_info):
        cinder.API().update_snapshot_status(context, create_info['snapshot_id'], 'creating')

    def volume_snapshot_delete(self, context, instance, volume_id, snapshot_id, delete_info):
        upper, lower = delete_info['file_to_merge'], delete_info['merge_target_file']
        info = glob.glob(os.path.join(_VOLUMES, '*', 'volume-%s.info' % volume_id))[0]
        folder = os.path.dirname(info)
        if lower is None:  # the active file takes in what lies below it, down to upper
            with open(info) as f:
                active = json.load(f)['active']
            base = ['-F', _image(folder, upper)['format']] if upper else []
            _qemu(folder, 'rebase', '-f', 'qcow2', '-b', upper or '', *base, active)
        else:  # upper goes into lower, on which everything that lay on upper lies then
            _qemu(folder, 'commit', '-f', 'qcow2', '-b', lower, upper)
            for path in glob.glob(os.path.join(folder, 'volume-%s*' % volume_id)):
                name = os.path.basename(path)
                if name != upper and not name.endswith('.info') and _image(folder, name).get('backing-filename') == upper:
                    _qemu(folder, 'rebase', '-u', '-f', 'qcow2', '-b', lower, '-F', _image(folder, lower)['format'], name)
        cinder.API().update_snapshot_status(context, snapshot_id, 'deleting')
