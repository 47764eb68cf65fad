# SPDX-License-Identifier: MIT
"""./kite doctor: what this machine lacks for Kite, and how to mend it."""

import os
import pathlib
import shutil
import subprocess
import sys

from . import doctor_module, run, tree
from .ui import build_dir, cache_dir

NEEDED_GIB = 8


class Report:
    """Prints one line a finding and remembers whether something needed is missing."""

    def __init__(self):
        self.broken = 0

    def good(self, what):
        """Something is as it should be."""
        print(f"ok       {what}")

    def note(self, what):
        """Something optional is absent."""
        print(f"note     {what}")

    def bad(self, what, mend):
        """Something needed is missing; `mend` says what to do."""
        self.broken += 1
        print(f"MISSING  {what}\n         mend: {mend}")


def _host_tools(report):
    root = os.geteuid() == 0
    for tool, package in tree.HOST_TOOLS.items():
        if shutil.which(tool):
            report.good(f"{tool} is installed")
        elif root:
            report.note(f"{tool} is not installed; ./kite installs {package} when it needs it")
        else:
            report.bad(f"{tool}", f"as root: apt-get install -y {package}")
    if tree.has_keys():
        report.good("Debian 13's archive keys are installed")
    else:
        report.bad("Debian 13's archive keys", "as root: apt-get install -y debian-archive-keyring")
    if root:
        report.good("running as root")
        return
    probe = subprocess.run(["unshare", "--user", "--map-root-user", "true"], capture_output=True,
                           check=False)
    if probe.returncode == 0:
        report.good("unprivileged user namespaces are allowed")
    else:
        report.bad("unprivileged user namespaces", "as root: sysctl "
                   "kernel.unprivileged_userns_clone=1 user.max_user_namespaces=10000, "
                   "or run ./kite as root")
    user = os.environ.get("USER") or str(os.geteuid())
    for name in ("/etc/subuid", "/etc/subgid"):
        try:
            entries = pathlib.Path(name).read_text().splitlines()
        except OSError:
            entries = []
        if not any(line.split(":")[0] in (user, str(os.geteuid())) for line in entries):
            report.bad(f"a range for {user} in {name}",
                       f"as root: usermod --add-subuids 100000-165535 --add-subgids "
                       f"100000-165535 {user}")
    if not shutil.which("newuidmap"):
        report.bad("newuidmap", "as root: apt-get install -y uidmap")


def _tree(report):
    final = tree.path()
    if final.is_dir():
        report.good(f"the private Debian 13 tree is built: {final}")
        return
    report.note(f"the private Debian 13 tree is not built yet; ./kite build makes {final}")
    at = cache_dir()
    while not at.exists():
        at = at.parent
    free = shutil.disk_usage(at).free / 2**30
    if free >= NEEDED_GIB:
        report.good(f"{free:.0f} GiB free under {at}")
    else:
        report.bad(f"disk space: {free:.1f} GiB free under {at}, {NEEDED_GIB} needed",
                   "free some, or set XDG_CACHE_HOME to a larger disk")


def _machine(report):
    try:
        flags = pathlib.Path("/proc/cpuinfo").read_text().split("flags", 1)[1].split("\n", 1)[0]
    except (OSError, IndexError):
        flags = ""
    words = set(flags.split())
    wide = {"avx512f", "avx512bw", "avx512dq", "avx512vl"}
    if wide <= words:
        report.good("AVX-512: waves of 16 lanes")
    elif {"avx2", "fma"} <= words:
        report.good("AVX2: waves of 8 lanes")
    else:
        report.bad("AVX2 and FMA", "Kite's compiled executor needs them; on this CPU only the "
                   "slow interpreter runs")
    report.good(f"{len(os.sched_getaffinity(0))} CPUs may be used")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    if memory < 4:
        report.note(f"{memory:.1f} GiB of memory; the build wants 4")
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        report.good("there is a display; programs get windows")
    else:
        report.note("no display; programs run under a private Xvfb")


def cmd_doctor(args):
    """./kite doctor"""
    if args.module or args.ko or args.kernel:
        return doctor_module.diagnose(Report(), args.kernel, args.ko)
    report = Report()
    if sys.version_info < (3, 11):
        report.bad("Python 3.11", "use Debian 12 or newer")
    if tree.native_host():
        report.good("this host is Debian 13 with every package, or KITE_NATIVE is set: "
                    "building natively")
    else:
        _host_tools(report)
        _tree(report)
    _machine(report)
    if (build_dir() / run.MANIFEST).exists():
        report.good(f"Kite is built: {build_dir() / run.MANIFEST}")
    else:
        report.note("Kite is not built yet; ./kite build")
    if report.broken:
        print(f"{report.broken} thing{'s' if report.broken > 1 else ''} to mend")
    return 1 if report.broken else 0
