# SPDX-License-Identifier: MIT
"""Configure and build Kite in build/, inside the private tree or natively."""

import re
import shutil

from kite_vm import kernels

from . import enter, module, tree
from .ui import REPO, KiteError, build_dir, locked, log_dir, run_logged, say

STAMP = ".kite-tree"

# Builds besides the ordinary one: name: (compilers, meson options). Clang, because it has the
# fuzzing engine and the race detector that understands our threads; one build serves
# `./kite test --sanitize address` and `./kite fuzz`. No precompiled headers: clang's name the folder
# they were made in, and ccache hands them to other checkouts.
CLANG = {"CC": "ccache clang-19", "CXX": "ccache clang++-19"}
FLAVOURS = {
    "": ({}, ["--buildtype=debugoptimized"]),
    "address": (CLANG, ["-Doptimization=1", "-Ddebug=false", "-Db_sanitize=address,undefined",
                        "-Db_lundef=false", "-Db_pch=false", "-Dfuzzing=true",
                        "-Dcpp_args=-fsanitize=fuzzer-no-link -gline-tables-only",
                        "-Dc_args=-fsanitize=fuzzer-no-link -gline-tables-only",
                        "-Dcpp_link_args=-fsanitize=address,undefined"]),
    "thread": (CLANG, ["-Doptimization=1", "-Ddebug=false", "-Db_sanitize=thread",
                       "-Db_lundef=false", "-Db_pch=false",
                       "-Dcpp_args=-gline-tables-only"]),
}


def _where():
    return "native" if tree.native_host() else tree.key()


def _configure(folder, flavour):
    compilers, options = FLAVOURS[flavour]
    stamp = folder / STAMP
    if (folder / "build.ninja").exists():
        if not stamp.exists() or stamp.read_text() == _where():
            return
        say(f"{folder.name}/ was made with another tree; making it anew")
        shutil.rmtree(folder)
    say("configuring")
    command, env = enter.wrap(["meson", "setup", str(folder), str(REPO), *options])
    env.update(compilers)
    try:
        run_logged("meson setup", command, log_dir() / "setup.log", env=env, cwd=REPO)
        stamp.write_text(_where())
    finally:
        if not (folder / "build.ninja").exists():
            shutil.rmtree(folder, ignore_errors=True)


def _progress(line):
    match = re.match(r"\[(\d+)/(\d+)\] (?:\S+ )*?(\S+)$", line)
    return f"{match[1]} of {match[2]}: {match[3]}" if match else None


def configured(flavour=""):
    """The build folder, set up but not built."""
    folder = build_dir(flavour)
    with locked(log_dir() / "build.lock", "waiting for another ./kite that builds here"):
        _configure(folder, flavour)
    return folder


def build(*targets, flavour=""):
    """Bring a build up to date, or only the named targets of it; returns the build folder."""
    if not (REPO / "meson.build").exists():
        raise KiteError("no meson.build here: this checkout is not complete")
    folder = build_dir(flavour)
    with locked(log_dir() / "build.lock", "waiting for another ./kite that builds here"):
        _configure(folder, flavour)
        command, env = enter.wrap(["ninja", "-C", str(folder), *targets])
        seconds = run_logged("the build", command, log_dir() / "build.log", echo=_progress,
                             env=env, cwd=REPO, every_seconds=5.0)
    if seconds > 5:
        say(f"built in {seconds:.0f} s")
    return folder


def cmd_build(args):
    """./kite build [--module [--kernel V]]"""
    if args.module or args.kernel:
        tree.ensure()
        names = args.kernel or [item.release for item in kernels.installed() if item.has_headers]
        if not names:
            raise KiteError("no kernel headers are installed")
        for name in names:
            say(f"up to date: {module.build(kernels.find(name))}")
        return
    folder = build(*args.targets)
    say(f"up to date: {folder}")
