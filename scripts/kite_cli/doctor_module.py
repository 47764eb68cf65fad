# SPDX-License-Identifier: MIT
"""./kite doctor --module: would this module load into that kernel, and if not, why?"""

import os
import pathlib
import subprocess

from kite_module import checks, elf, ko, target
from kite_vm import kernels

from .ui import KiteError, build_dir


def _target(name):
    """(facts about the kernel, its release); the running kernel without a name."""
    if name is None:
        return target.running()
    return target.of(kernels.find(name))


def _default_ko(release):
    path = build_dir() / "module" / release / "kite.ko"
    if not path.exists():
        raise KiteError(f"kite.ko is not built for {release}: "
                        f"{checks.REBUILD.format(release=release)}; --ko names another file")
    return path


def _kernel_log():
    done = subprocess.run(["dmesg"], capture_output=True, text=True, errors="replace", check=False)
    return done.stdout if done.returncode == 0 else ""


def diagnose(report, kernel_name, ko_path):
    """Print every finding; returns 1 if the kernel would refuse the module."""
    facts = _target(kernel_name)
    path = pathlib.Path(ko_path) if ko_path else _default_ko(facts.release)
    where = "the running kernel" if facts.running else "kernel"
    print(f"{path} for {where} {facts.release}")
    try:
        parsed = ko.Ko(kernels.read_module(path))
    except OSError as error:
        raise KiteError(f"{path}: {error.strerror}") from error
    except elf.ElfError as error:
        report.bad(f"{path.name}: {error}", checks.REBUILD.format(release=facts.release))
        return 1
    checks.check_all(parsed, facts, report, os.stat(path).st_mtime)
    if facts.running:
        name = parsed.info("name") or path.name.split(".")[0]
        lines = [line for line in _kernel_log().splitlines() if name in line][-20:]
        for line, meaning in checks.explain("\n".join(lines), facts.release):
            report.note(f"the kernel said earlier: {line}\n         that is: {meaning}")
    if report.broken:
        print(f"{report.broken} reason{'s' if report.broken > 1 else ''} why it won't load")
    else:
        print("nothing speaks against loading it")
    return 1 if report.broken else 0
