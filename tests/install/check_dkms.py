# SPDX-License-Identifier: MIT
"""DKMS adds, builds, installs and removes kite.ko for every kernel whose headers are here.

All trees (sources, DKMS's own, the modules' folder) lie in a scratch folder, so nothing on the
machine changes. Usage: check_dkms.py SOURCE_ROOT.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SKIP_STATUS = 77
NAME, VERSION = "kite", "1.0"
HEADERS = pathlib.Path("/usr/src")


def skip(reason):
    """End as skipped."""
    print(f"SKIP: {reason}")
    sys.exit(SKIP_STATUS)


def run(command, **options):
    """Run a command that has to succeed; returns what it printed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode:
        raise AssertionError(f"{' '.join(map(str, command))}: {done.stdout}{done.stderr}")
    return done.stdout


class Dkms:
    """dkms with all its trees in one folder."""

    def __init__(self, folder):
        self.sources, self.state, self.modules = (folder / n for n in ("src", "dkms", "modules"))
        for path in (self.sources, self.state, self.modules):
            path.mkdir()

    def __call__(self, action, *options):
        """Run an action on kite; returns what it printed."""
        env = {name: value for name, value in os.environ.items()
               if not name.startswith(("MAKE", "MFLAGS", "CFLAGS", "LDFLAGS"))}
        return run(["dkms", action, "-m", NAME, "-v", VERSION,
                    "--dkmstree", self.state, "--sourcetree", self.sources,
                    "--installtree", self.modules, *options], env=env, timeout=900)


def check(dkms, headers):
    """Build and install for one kernel, look at the module, and remove it."""
    release = headers.name.removeprefix("linux-headers-")
    kernel = ["-k", release, "--kernelsourcedir", str(headers), "--no-depmod", "-j", "2"]
    # What depmod and DKMS expect to be there of an installed kernel.
    (dkms.modules / release).mkdir()
    (dkms.modules / release / "build").symlink_to(headers)
    dkms("build", *kernel)
    dkms("install", *kernel)
    status = dkms("status")
    print(status.strip())
    assert re.search(rf"{NAME}/{VERSION}, {re.escape(release)}, \S+: installed", status), status
    found = list((dkms.modules / release).rglob("kite.ko*"))
    assert len(found) == 1 and found[0].parent.name == "dkms", found
    facts = run(["modinfo", found[0]])
    print("\n".join(line for line in facts.splitlines()
                    if line.startswith(("version", "vermagic", "depends", "license"))))
    assert re.search(rf"^vermagic: +{re.escape(release)} ", facts, re.MULTILINE), facts
    assert re.search(r"^alias: +pci:v00001AF4d000010F0", facts, re.MULTILINE), facts
    assert re.search(r"^depends: .*drm_gpuvm", facts, re.MULTILINE), facts
    dkms("remove", "-k", release, "--no-depmod")
    assert not list((dkms.modules / release).rglob("kite.ko*")), "remove left the module"


def main():
    """All kernels; returns the exit status."""
    if not shutil.which("dkms"):
        skip("no dkms on this machine")
    kernels = [path for path in sorted(HEADERS.glob("linux-headers-*"))
               if (path / ".config").exists() and (path / "Module.symvers").exists()]
    if not kernels:
        skip(f"no kernel headers in {HEADERS}")
    driver = pathlib.Path(sys.argv[1]) / "drm-driver"
    with tempfile.TemporaryDirectory(prefix="kite-dkms-") as scratch:
        dkms = Dkms(pathlib.Path(scratch))
        run(["make", "-C", driver, "dkms", f"DEST={dkms.sources / f'{NAME}-{VERSION}'}"])
        dkms("add")
        for headers in kernels:
            check(dkms, headers)
    print(f"DKMS built kite.ko for {len(kernels)} kernels")
    return 0


if __name__ == "__main__":
    sys.exit(main())
