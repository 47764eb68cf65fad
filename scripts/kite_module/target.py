# SPDX-License-Identifier: MIT
"""What a kernel offers a module: release, configuration, exports, modules, how strict it is."""

import dataclasses
import gzip
import os
import pathlib
import re

from kite_vm import kernels

from . import elf, ko


@dataclasses.dataclass(frozen=True)
class Export:
    """One line of Module.symvers."""

    crc: int
    module: str     # "vmlinux" or the module's name
    gpl: bool
    namespace: str


@dataclasses.dataclass
class Target:
    """The kernel a module is to be loaded into; unknown facts are None."""

    release: str
    vermagic: str | None = None
    config: dict | None = None       # CONFIG_ name without the prefix -> value
    exports: dict | None = None      # symbol -> Export
    available: set | None = None     # modules on disk or built in
    loaded: set | None = None        # only of the running kernel
    btf: bytes | None = None         # vmlinux's
    headers_time: float | None = None
    running: bool = False
    secure_boot: bool | None = None
    signatures_enforced: bool | None = None
    loaded_srcversion: str | None = None  # of a module of the same name that is in already

    def on(self, option):
        """True, False, or None when the configuration is not known."""
        return None if self.config is None else self.config.get(option) in ("y", "m")


def parse_config(text):
    """CONFIG_X=value lines."""
    return {match[1]: match[2].strip('"')
            for match in re.finditer(r"^CONFIG_(\w+)=(.*)$", text, re.MULTILINE)}


def parse_symvers(text):
    """Module.symvers: CRC, symbol, module, kind of export, namespace, separated by tabs."""
    found = {}
    for line in text.splitlines():
        parts = line.split("\t")
        if len(parts) >= 4:
            found[parts[1]] = Export(int(parts[0], 16), parts[2].rsplit("/", 1)[-1],
                                     parts[3].startswith("EXPORT_SYMBOL_GPL"),
                                     parts[4] if len(parts) > 4 else "")
    return found


def _read(path):
    try:
        return pathlib.Path(path).read_text(errors="replace")
    except OSError:
        return None


def bare(name):
    """A module's name as the kernel shows it: virtio_pci of kernel/drivers/virtio-pci.ko.xz."""
    return pathlib.PurePath(name).name.split(".ko")[0].replace("-", "_")


def _available(modules):
    names = set()
    for listing in ("modules.dep", "modules.builtin"):
        text = _read(modules / listing)
        if text is None:
            return None
        names |= {bare(line.split(":", 1)[0]) for line in text.splitlines() if line}
    return names


def _vermagic(modules):
    """The kernel's vermagic, taken from one of its own modules."""
    text = _read(modules / "modules.dep") or ""
    for line in text.splitlines()[:5]:
        path = modules / line.split(":", 1)[0]
        try:
            return ko.Ko(kernels.read_module(path)).info("vermagic") or None
        except (OSError, elf.ElfError):
            continue
    return None


def _vmlinux_btf(path):
    try:
        return elf.Elf(pathlib.Path(path).read_bytes()).sections.get(".BTF")
    except (OSError, elf.ElfError):
        return None


def secure_boot():
    """Whether this machine booted with Secure Boot; None when it can't be known."""
    for path in pathlib.Path("/sys/firmware/efi/efivars").glob("SecureBoot-*"):
        try:
            return path.read_bytes()[-1] == 1
        except (OSError, IndexError):
            return None
    return False if not os.path.isdir("/sys/firmware/efi") else None


def of(kernel):
    """The facts about an installed kernel (kernels.Kernel)."""
    modules = kernel.modules
    config = _read(modules / "config") or _read(kernel.headers / ".config") \
        or _read(kernel.image.parent / f"config-{kernel.release}")
    symvers = _read(kernel.headers / "Module.symvers")
    made = Target(kernel.release, vermagic=_vermagic(modules),
                  config=parse_config(config) if config else None,
                  exports=parse_symvers(symvers) if symvers else None,
                  available=_available(modules), btf=_vmlinux_btf(kernel.headers / "vmlinux"))
    if symvers:
        made.headers_time = (kernel.headers / "Module.symvers").stat().st_ctime
    return made


def running(module_name="kite"):
    """The facts about the kernel this runs on."""
    release = os.uname().release
    modules = pathlib.Path("/lib/modules") / release
    headers = modules / "build"
    made = of(kernels.Kernel("running", release, pathlib.Path("/boot"), modules, headers, True))
    made.running = True
    if made.config is None:
        try:
            made.config = parse_config(gzip.open("/proc/config.gz", "rt").read())
        except OSError:
            made.config = parse_config(_read(f"/boot/config-{release}") or "") or None
    loaded = _read("/proc/modules")
    made.loaded = {line.split()[0] for line in loaded.splitlines()} if loaded is not None else None
    if made.btf is None:
        try:
            made.btf = pathlib.Path("/sys/kernel/btf/vmlinux").read_bytes()
        except OSError:
            pass
    made.secure_boot = secure_boot()
    enforce = (_read("/sys/module/module/parameters/sig_enforce") or "").strip()
    lockdown = _read("/sys/kernel/security/lockdown") or ""
    made.signatures_enforced = enforce == "Y" or "[integrity]" in lockdown \
        or "[confidentiality]" in lockdown
    made.loaded_srcversion = (_read(f"/sys/module/{module_name}/srcversion") or "").strip() or None
    return made
