# SPDX-License-Identifier: MIT
"""The guest's initramfs: busybox, the modules that reach the root over 9p, a script, settings."""

import pathlib
import stat

from . import kernels

MODULES = ("virtio_pci", "netfs", "9pnet", "9pnet_virtio", "9p", "overlay")
INIT = pathlib.Path(__file__).parent / "guest" / "init.sh"


class Cpio:
    """A newc archive in memory."""

    def __init__(self):
        self._parts = []
        self._inode = 0

    def add(self, name, mode, data=b""):
        """Append one entry; `mode` holds the file type too."""
        self._inode += 1
        encoded = name.encode() + b"\0"
        fields = (self._inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(encoded), 0)
        entry = b"070701" + b"".join(b"%08x" % field for field in fields) + encoded
        entry += b"\0" * (-len(entry) % 4) + data
        self._parts.append(entry + b"\0" * (-len(entry) % 4))

    def bytes(self):
        """The finished archive."""
        self.add("TRAILER!!!", 0)
        return b"".join(self._parts)


def build(kernel, busybox, mounts, start):
    """The archive for `kernel`.

    `mounts` is a list of (9p tag, path in the guest, "ro" or "rw"), the root first; `start` is the
    command line that the root file system's first process runs.
    """
    cpio = Cpio()
    for name in ("bin", "dev", "proc", "sys", "kite", "lower", "over", "new"):
        cpio.add(name, stat.S_IFDIR | 0o755)
    cpio.add("bin/busybox", stat.S_IFREG | 0o755, busybox.read_bytes())
    cpio.add("init", stat.S_IFREG | 0o755, INIT.read_bytes())
    order = []
    for path in kernels.module_order(kernel.modules, MODULES):
        name = pathlib.PurePath(path).name.split(".ko")[0] + ".ko"
        cpio.add(f"kite/{name}", stat.S_IFREG | 0o644, kernels.read_module(kernel.modules / path))
        order.append(name)
    settings = {"modules": "".join(f"{name}\n" for name in order),
                "mounts": "".join(f"{tag} {mode} {path}\n" for tag, path, mode in mounts),
                "start": start}
    for name, text in settings.items():
        cpio.add(f"kite/{name}", stat.S_IFREG | 0o755, text.encode())
    return cpio.bytes()
