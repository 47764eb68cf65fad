# SPDX-License-Identifier: MIT
"""The kernels a guest may boot: those of the tree, and the ones ./kite kernel built."""

import dataclasses
import lzma
import pathlib
import re
import zlib

from kite_cli import tree
from kite_cli.ui import KiteError, cache_dir


@dataclasses.dataclass(frozen=True)
class Kernel:
    """One bootable kernel with its modules and, if installed, the headers to build against."""

    name: str              # what the user calls it: 6.12, 7.3, debug
    release: str           # what uname -r says
    image: pathlib.Path    # bzImage
    modules: pathlib.Path  # the folder lib/modules/RELEASE
    headers: pathlib.Path  # the folder `make -C` takes; may not exist
    in_root: bool          # the guest's root file system has the modules already

    @property
    def has_headers(self):
        """True when a module can be built for it."""
        return (self.headers / "Makefile").exists()


def guest_root():
    """The folder that becomes the guest's root file system."""
    root = tree.path()
    return root if root.is_dir() else pathlib.Path("/")


def _numbers(release):
    return [int(part) for part in re.findall(r"\d+", release)[:4]]


def installed(root=None):
    """All kernels, oldest first; built ones last."""
    root = pathlib.Path(root) if root is not None else guest_root()
    found = []
    for modules in (root / "usr/lib/modules").glob("*"):
        release = modules.name
        image = root / "boot" / f"vmlinuz-{release}"
        if image.exists():
            match = re.match(r"\d+\.\d+", release)
            found.append(Kernel(match[0] if match else release, release, image, modules,
                                root / "usr/src" / f"linux-headers-{release}", True))
    found.sort(key=lambda kernel: _numbers(kernel.release))
    for folder in sorted((cache_dir() / "kernels").glob("*")):
        for modules in (folder / "lib/modules").glob("*"):
            image = folder / "bzImage"
            if image.exists():
                found.append(Kernel(folder.name, modules.name, image, modules,
                                    folder / "build", False))
    return found


def find(name=None, root=None):
    """The kernel called `name`: a version's start, a whole release, or a built one's name.

    Without a name it is the oldest stock kernel, Debian 13's own.
    """
    all_of_them = installed(root)
    if name is None and all_of_them:
        return all_of_them[0]
    chosen = [item for item in all_of_them if name in (item.name, item.release)]
    if not chosen:
        known = ", ".join(f"{item.name} ({item.release})" for item in all_of_them) or "none"
        raise KiteError(f"no kernel {name} here; there are: {known}")
    return chosen[-1]


def _bare(name):
    return pathlib.PurePath(name).name.split(".ko")[0].replace("-", "_")


def module_order(modules_dir, wanted):
    """Paths below `modules_dir` to load for the modules `wanted`, dependencies first.

    What is built into the kernel is left out; what does not exist at all is a KiteError.
    """
    depends = {}
    for line in (modules_dir / "modules.dep").read_text().splitlines():
        path, _, rest = line.partition(":")
        depends[_bare(path)] = (path, [_bare(item) for item in rest.split()])
    builtin = {_bare(line) for line in (modules_dir / "modules.builtin").read_text().splitlines()}
    order = []

    def visit(name):
        if name in builtin:
            return
        if name not in depends:
            raise KiteError(f"kernel {modules_dir.name} has no module {name}")
        path, needs = depends[name]
        if path in order:
            return
        for item in reversed(needs):
            visit(item)
        if path not in order:
            order.append(path)

    for name in wanted:
        visit(_bare(name))
    return order


def read_module(path):
    """A module's ELF bytes, whatever it is compressed with."""
    data = path.read_bytes()
    if path.name.endswith(".xz"):
        return lzma.decompress(data)
    if path.name.endswith(".gz"):
        return zlib.decompress(data, wbits=31)
    if path.name.endswith(".ko"):
        return data
    raise KiteError(f"{path}: compressed in a way that is not supported here")
