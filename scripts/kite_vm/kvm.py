# SPDX-License-Identifier: MIT
"""Which accelerator works: found by starting a guest, since /dev/kvm alone proves nothing."""

import os
import pathlib
import subprocess
import tempfile

from kite_cli import enter
from kite_cli.ui import KiteError, cache_dir, child

from . import initramfs, kernels

QEMU = "qemu-system-x86_64"
PROBE_SECONDS = 20.0


def _boots(kernel):
    """True when a guest of `kernel` under KVM reaches its first process and powers off."""
    with tempfile.TemporaryDirectory(prefix="kite-kvm-") as folder:
        image = pathlib.Path(folder) / "initramfs"
        serial = pathlib.Path(folder) / "serial"
        busybox = kernels.guest_root() / "usr/bin/busybox"
        image.write_bytes(initramfs.build(kernel, busybox, [], ""))
        argv, env = enter.wrap([
            QEMU, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-machine", "q35", "-accel", "kvm", "-cpu", "host", "-m", "256M",
            "-kernel", str(kernel.image), "-initrd", str(image), "-append",
            "console=ttyS0 panic=-1", "-serial", f"file:{serial}"])
        with child(argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL) as process:
            try:
                process.wait(PROBE_SECONDS)
            except subprocess.TimeoutExpired:
                return False
        return serial.exists() and "kite: probe ok" in serial.read_text(errors="replace")


def works(kernel):
    """True when KVM can run `kernel` here; remembered until the next boot of this machine."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    boot = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    memory = cache_dir() / "vm" / f"kvm-{boot}-{kernel.release}"
    if not memory.exists():
        memory.parent.mkdir(parents=True, exist_ok=True)
        answer = "yes" if _boots(kernel) else "no"
        partial = memory.with_suffix(f".{os.getpid()}")
        partial.write_text(answer)
        partial.rename(memory)
    return memory.read_text() == "yes"


def accelerator(wanted, kernel):
    """"kvm" or "tcg", as wanted or as found."""
    if wanted == "auto":
        return "kvm" if works(kernel) else "tcg"
    if wanted == "kvm" and not works(kernel):
        raise KiteError("KVM does not run a guest on this machine; --accel tcg does")
    return wanted
