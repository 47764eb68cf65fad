# SPDX-License-Identifier: MIT
"""./kite kernel: build a test kernel with KASAN, lockdep and KUnit from Debian's source package."""

import os
import re
import shutil

from kite_vm import debug_config

from . import enter, tree
from .ui import KiteError, cache_dir, locked, log_dir, run_logged, say

FETCH = r"""
set -e
mkdir -p apt/lists/partial apt/archives/partial
opts="-o Dir::State=$PWD/apt -o Dir::State::lists=$PWD/apt/lists -o Dir::Cache=$PWD/apt
      -o Dir::State::status=/var/lib/dpkg/status -o APT::Sandbox::User=root
      -o Acquire::Check-Valid-Until=false"
apt-get $opts update
apt-get $opts download linux-source-$1
dpkg-deb --fsys-tarfile linux-source-$1_*.deb | tar -xf - --wildcards --strip-components=3 \
    './usr/src/linux-source-*.tar.xz'
rm -rf linux-source-$1_*.deb apt
tar -xf linux-source-$1.tar.xz
rm linux-source-$1.tar.xz
mv linux-source-$1 build
"""


def _make(build, what, *words, jobs, echo=None):
    command, env = enter.wrap(["nice", "-n", "10", "make", "-C", str(build), f"-j{jobs}", *words])
    env.setdefault("CCACHE_DIR", str(cache_dir() / "ccache"))
    return run_logged(what, command, log_dir() / f"kernel-{words[-1].replace('/', '-')}.log",
                      env=env, cwd=cache_dir(), echo=echo, every_seconds=20.0)


def _configure(build, jobs):
    _make(build, "make x86_64_defconfig", "x86_64_defconfig", jobs=jobs)
    _make(build, "make kvm_guest.config", "kvm_guest.config", jobs=jobs)
    options = []
    for flag, names in (("--disable", debug_config.OFF), ("--enable", debug_config.ON),
                        ("--module", debug_config.MODULE)):
        for name in names:
            options += [flag, name]
    for name, value in debug_config.VALUES.items():
        verb = "--set-val" if value.isdigit() else "--set-str"
        options += [verb, name, value.strip('"')]
    command, env = enter.wrap([str(build / "scripts/config"), "--file", str(build / ".config"),
                               *options])
    run_logged("scripts/config", command, log_dir() / "kernel-config.log", env=env, cwd=cache_dir())
    _make(build, "make olddefconfig", "olddefconfig", jobs=jobs)
    config = (build / ".config").read_text()
    lost = [name for name in debug_config.MUST if f"CONFIG_{name}=y\n" not in config]
    if lost:
        raise KiteError(f"the kernel's configuration refused {', '.join(lost)}")


def _progress(line):
    match = re.match(r"\s+(?:CC|LD|AR|AS) (?:\[M\])?\s+(\S+)", line)
    return match[1] if match else None


def _recipe(final):
    """The recipe that the kernel there was built from."""
    path = final / "recipe"
    return path.read_text() if path.exists() else None


def _patch(build):
    """Change the kernel's source as debug_config says; what is changed already stays so."""
    kconfig = build / "drivers/gpu/drm/Kconfig"
    if "DRM_KITE_HELPERS" not in kconfig.read_text():
        with open(kconfig, "a", encoding="utf-8") as file:
            file.write(debug_config.KCONFIG)
    for name, old, new in debug_config.PATCHES:
        text = (build / name).read_text()
        if new not in text:
            if text.count(old) != 1:
                raise KiteError(f"{name} of this kernel does not look as debug_config.PATCHES says")
            (build / name).write_text(text.replace(old, new))


def build_debug(version, jobs):
    """Build the kernel below the cache directory; returns its folder."""
    final = cache_dir() / "kernels" / "debug"
    if version not in ("6.12", "7.3"):
        raise KiteError(f"--version {version}: it is 6.12 or 7.3")
    tree.ensure()
    with locked(final.with_suffix(".lock"), "waiting for another ./kite that builds the kernel"):
        if (final / "bzImage").exists():
            if _recipe(final) == debug_config.recipe(version):
                return final
            if (final / "version").read_text().strip() != version:
                shutil.rmtree(final)
        final.mkdir(parents=True, exist_ok=True)
        build = final / "build"
        if not (build / "Makefile").exists():
            say(f"fetching linux-source-{version}")
            command, env = enter.wrap(["sh", "-c", FETCH, "fetch", version], cwd=final)
            run_logged("fetching the kernel's source",
                       command, log_dir() / "kernel-fetch.log",
                       env=env, cwd=final)
        _patch(build)
        _configure(build, jobs)
        say("compiling; this takes 10 to 60 minutes")
        compiler = "CC=ccache gcc-14"
        seconds = _make(build, "compiling the kernel", compiler, "bzImage", "modules", jobs=jobs,
                        echo=_progress)
        modules = final / "lib/modules"
        shutil.rmtree(modules, ignore_errors=True)
        _make(build, "installing the modules", f"INSTALL_MOD_PATH={final}", "modules_install",
              jobs=jobs)
        # Enough stays to build kite.ko against: headers, scripts, symbol versions.
        for path in build.rglob("*.o"):
            if not path.is_relative_to(build / "scripts") and not path.is_relative_to(build / "tools"):
                path.unlink()
        (final / "version").write_text(version)
        (final / "recipe").write_text(debug_config.recipe(version))
        partial = final / f".bzImage.{os.getpid()}"
        shutil.copyfile(build / "arch/x86/boot/bzImage", partial)
        (build / "vmlinux").unlink(missing_ok=True)
        partial.rename(final / "bzImage")
    say(f"compiled in {seconds / 60:.0f} minutes: {final}")
    return final


def cmd_kernel(args):
    """./kite kernel --debug"""
    if not args.debug:
        raise KiteError("./kite kernel --debug is the one kernel that is built here")
    print(build_debug(args.version, args.jobs or len(os.sched_getaffinity(0))))
