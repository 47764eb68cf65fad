# SPDX-License-Identifier: MIT
"""./kite build --module: kite.ko for the kernels whose headers are installed."""

import os
import pathlib

from . import enter
from .ui import REPO, KiteError, build_dir, locked, log_dir, run_logged, say

SOURCE = REPO / "drm-driver"


def folder(kernel):
    """Where kite.ko for `kernel` is built."""
    return build_dir() / "module" / kernel.release


def built(kernel):
    """The path of kite.ko for `kernel`, there or not."""
    return folder(kernel) / "kite.ko"


def build(kernel):
    """Build kite.ko for one kernel; returns its path."""
    if not (SOURCE / "Makefile").exists():
        raise KiteError("this checkout has no drm-driver/Makefile, so there is no module to build")
    if not kernel.has_headers:
        raise KiteError(f"no headers of {kernel.release} in the tree, so nothing can be built for it")
    target = folder(kernel)
    with locked(log_dir() / f"module-{kernel.release}.lock", "waiting for another ./kite that "
                "builds this module"):
        # Inside the tree the headers lie at their usual place.
        headers = f"/usr/src/{kernel.headers.name}" if kernel.in_root else str(kernel.headers)
        command, env = enter.wrap(["make", "-C", str(SOURCE), f"KDIR={headers}", f"DEST={target}",
                                   f"-j{len(os.sched_getaffinity(0))}"])
        for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "CFLAGS", "LDFLAGS", "ARCH"):
            env.pop(name, None)
        log = log_dir() / f"module-{kernel.release}.log"
        seconds = run_logged(f"building kite.ko for {kernel.release}", command, log, env=env,
                             cwd=REPO)
    if not built(kernel).exists():
        raise KiteError("make left no kite.ko", log=log)
    warnings = [line for line in pathlib.Path(log).read_text(errors="replace").splitlines()
                if "warning:" in line.lower()]
    for line in warnings:
        say(line)
    if seconds > 2:
        say(f"kite.ko for {kernel.release} built in {seconds:.0f} s")
    return built(kernel)
