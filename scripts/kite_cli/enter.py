# SPDX-License-Identifier: MIT
"""Entering the private tree: bubblewrap where it works, else chroot in a private mount namespace.

The tree is mounted read-only; writable are the checkout, the user's home, /tmp, /dev/shm and
whatever KITE_BIND=PATH[:PATH...] and --out name, each at its own path. Inside, KITE_IN_TREE is
set, and a nested ./kite runs its commands directly.
"""

import os
import pathlib
import re
import shlex
import shutil
import subprocess

from . import tree
from .ui import REPO, KiteError

# LLVM's folder comes last: it has the tools without a version suffix, llvm-symbolizer for one.
INNER_PATH = ("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
              ":/usr/lib/llvm-19/bin")
PASSED_FILES = ("/etc/resolv.conf", "/etc/hosts", "/etc/hostname", "/etc/passwd", "/etc/group",
                "/etc/machine-id")

_shared = []


def share(folder):
    """Make `folder` if need be and let everything that is entered from now on write to it, too."""
    folder = pathlib.Path(folder).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    _shared.append(str(folder))


def _writable_paths():
    wanted = [str(REPO), os.path.expanduser("~"), "/tmp", os.environ.get("TMPDIR", "/tmp"),
              os.environ.get("XDG_CACHE_HOME", ""), os.environ.get("XDG_RUNTIME_DIR", "")]
    git_dir = REPO / ".git"
    if git_dir.is_file():  # a git worktree: its repository lies elsewhere
        pointed = pathlib.Path(git_dir.read_text().split(":", 1)[1].strip())
        wanted.append(str(pointed.parents[1]))
    wanted += [*os.environ.get("KITE_BIND", "").split(":"), *_shared]
    paths = []
    wanted = {os.path.realpath(item) for item in wanted if item and os.path.isabs(item)}
    for item in sorted(wanted):
        if item == "/" or not os.path.exists(item):
            continue
        if not any(item.startswith(parent + "/") for parent in paths):
            paths.append(item)
    return paths


def _devices():
    """/dev of the inside. vkmark ends where there is no /dev/dri, so a machine without one gets an
    empty one; a folder can't be added to the machine's own /dev."""
    if os.path.isdir("/dev/dri"):
        return [("rbind", "/dev", "/dev")]
    ops = [("tmpfs", "", "/dev"), ("dir", "", "/dev/dri")]
    for name in sorted(os.listdir("/dev")):
        path = f"/dev/{name}"
        if os.path.islink(path):
            ops.append(("symlink", os.readlink(path), path))
        elif not re.fullmatch(r"(tty|vcsa?|vcsu)\d+", name):  # only time: nobody opens those
            ops.append(("rbind", path, path))
    return ops


def _operations(root):
    """The mounts of the inside as (verb, source, destination), in order."""
    ops = []
    for entry in sorted(root.iterdir()):
        inside = "/" + entry.name
        if entry.is_symlink():
            ops.append(("symlink", os.readlink(entry), inside))
        elif entry.name in ("usr", "etc", "opt"):
            ops.append(("ro-bind", str(entry), inside))
    ops.append(("dir", "", "/var"))
    for entry in sorted((root / "var").iterdir()):
        if entry.is_symlink():
            ops.append(("symlink", os.readlink(entry), f"/var/{entry.name}"))
        elif entry.name != "tmp":
            ops.append(("ro-bind", str(entry), f"/var/{entry.name}"))
    ops += [("tmpfs", "", "/var/tmp"), ("tmpfs", "", "/run"), ("dir", "", "/root"),
            *_devices(), ("rbind", "/proc", "/proc"), ("rbind", "/sys", "/sys")]
    for name in PASSED_FILES:
        target = root / name[1:]
        if os.path.isfile(name) and target.is_file() and not target.is_symlink():
            ops.append(("ro-bind", os.path.realpath(name), name))
    ops += [("rbind", item, item) for item in _writable_paths()]
    return ops


def _environment(root):
    env = dict(os.environ)
    # Build directories of one checkout share compiled objects.
    env.setdefault("CCACHE_BASEDIR", str(REPO))
    env.setdefault("CCACHE_NOHASHDIR", "1")
    env.setdefault("CCACHE_SLOPPINESS", "pch_defines,time_macros,include_file_mtime,include_file_ctime")
    for name in ("LD_LIBRARY_PATH", "LD_PRELOAD", "PYTHONHOME", "PYTHONPATH"):
        env.pop(name, None)
    env.update(PATH=INNER_PATH, LANG="C.UTF-8", LC_ALL="C.UTF-8", KITE_IN_TREE=root.name)
    return env


def _bwrap(root, command, cwd):
    verbs = {"ro-bind": "--ro-bind", "rbind": "--dev-bind"}
    args = ["bwrap", "--die-with-parent"]
    if os.geteuid() == 0:
        args += ["--cap-add", "ALL"]
    for verb, source, inside in _operations(root):
        if verb == "symlink":
            args += ["--symlink", source, inside]
        elif verb in ("dir", "tmpfs"):
            args += [f"--{verb}", inside]
        else:
            args += [verbs[verb], source, inside]
    return [*args, "--chdir", cwd, "--", *command]


def _chroot(root, command, cwd):
    base = "/run/kite-root" if os.path.isdir("/run") else "/mnt"
    lines = ["set -e", f"mkdir -p {base}", f"mount -t tmpfs -o mode=755 kite {base}"]
    for verb, source, inside in _operations(root):
        target = shlex.quote(base + inside)
        if verb == "symlink":
            lines.append(f"ln -s {shlex.quote(source)} {target}")
        elif verb == "dir":
            lines.append(f"mkdir -p {target}")
        elif verb == "tmpfs":
            lines.append(f"mkdir -p {target}; mount -t tmpfs kite {target}")
        else:
            if os.path.isdir(source):
                lines.append(f"mkdir -p {target}")
            else:
                lines.append(f"mkdir -p $(dirname {target}); [ -e {target} ] || : > {target}")
            lines.append(f"mount --rbind {shlex.quote(source)} {target}")
            if verb == "ro-bind":
                lines.append(f"mount -o remount,bind,ro {target}")
    inner = f"cd {shlex.quote(cwd)} && exec {shlex.join(command)}"
    lines.append(f"exec chroot {base} /bin/sh -c {shlex.quote(inner)}")
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", "\n".join(lines)]


def _method():
    chosen = os.environ.get("KITE_ENTER")
    if chosen in ("bwrap", "chroot"):
        return chosen
    if chosen:
        raise KiteError(f"KITE_ENTER={chosen}: it is bwrap or chroot")
    if shutil.which("bwrap"):
        probe = subprocess.run(["bwrap", "--dev-bind", "/", "/", "true"], capture_output=True,
                               check=False)
        if probe.returncode == 0:
            return "bwrap"
    if os.geteuid() == 0 and shutil.which("unshare"):
        return "chroot"
    raise KiteError("neither bubblewrap nor chroot works here; see ./kite doctor")


def wrap(command, *, cwd=None, kind=tree.MAIN):
    """Return (argv, environment) that runs `command` where Kite builds and runs, or in another tree."""
    if kind is tree.MAIN and (tree.native_host() or os.environ.get("KITE_IN_TREE")):
        return list(command), dict(os.environ)
    root = tree.ensure(kind)
    cwd = os.path.realpath(cwd or os.getcwd())
    if not any(cwd == item or cwd.startswith(item + "/") for item in _writable_paths()):
        cwd = str(REPO)
    make = _bwrap if _method() == "bwrap" else _chroot
    return make(root, list(command), cwd), _environment(root)
