"""entry.py NAME MODULE:FUNCTION [ARGUMENT...]: runs a server of Debian's python3-*
packages, which come without their programs, and mends what keeps it from serving here.
"""
import importlib
import inspect
import os
import sys


def mend(name):
    if name == 'nova-compute':
        # Compute drivers are looked for below nova.virt only.
        import nova.virt
        nova.virt.__path__.append(os.path.dirname(os.path.abspath(__file__)))
    elif name == 'cinder-volume':
        # Debian's correction of CVE-2024-32498 also refuses the chains of files that the
        # NFS driver builds itself for snapshots; upstream lets those pass.
        from cinder.image import image_utils
        strict = image_utils.qemu_img_info
        image_utils.qemu_img_info = lambda path, run_as_root=True, force_share=False, allow_qcow2_backing_file=True: strict(
            path, run_as_root, force_share, True)
    elif name == 'trove-manage':
        inspect.getargspec = inspect.getfullargspec  # gone in Python 3.11


name, target = sys.argv[1:3]
sys.argv = [name, *sys.argv[3:]]
mend(name)
module, function = target.split(':')
sys.exit(getattr(importlib.import_module(module), function)())
