# SPDX-License-Identifier: MIT
"""The private Debian trees: what they hold, where they lie, and how they are built.

There is the Debian 13 tree that everything runs in, and two small ones of the testing suite, made on
demand, for programs that only that has: the guest's root file system of `./kite igt`, and the
clients of `./kite clients`, with the libraries of Debian 13 that Kite's driver is linked to.

A tree is keyed by a hash of its package list, scripts/packages*.txt, and of the recipe's version. It is built in a
temporary folder and renamed into place, so a tree that exists is complete; a lock lets several
checkouts wait for one build. As root mmdebstrap writes the folder itself; an unprivileged user gets
a tar from mmdebstrap's user-namespace mode, unpacked with the user as owner of all files, so that
the user can delete it again without privileges.
"""

import contextlib
import dataclasses
import hashlib
import os
import pathlib
import re
import shutil
import subprocess

from .ui import REPO, KiteError, cache_dir, locked, run_logged, say

RECIPE = "2"


@dataclasses.dataclass(frozen=True)
class Kind:
    """One tree: its suite, further suites, its list of packages, what to call it."""

    suite: str
    more: tuple
    list: str
    name: str


MAIN = Kind("trixie", ("trixie-backports",), "packages.txt", "the private Debian 13 tree")
CLIENTS = Kind("forky", ("trixie",), "packages-clients.txt", "a Debian testing tree with clients")
IGT = Kind("forky", (), "packages-igt.txt", "a Debian testing tree with IGT")
MIRROR = "http://deb.debian.org/debian"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
TIDY_SECONDS = 60.0  # mmdebstrap removes its own temporary files when it is stopped
HOST_TOOLS = {"mmdebstrap": "mmdebstrap", "bwrap": "bubblewrap"}


def packages(kind=MAIN):
    """The package names of a tree's list, sorted, each perhaps with /suite."""
    names = []
    for line in (REPO / "scripts" / kind.list).read_text().splitlines():
        line = line.split("#", 1)[0].strip()
        if line:
            names.append(line)
    return sorted(set(names))


def rounds(names):
    """Split names in two rounds: a suite's package whose plain name is listed too comes second."""
    plain = {name for name in names if "/" not in name}
    second = [name for name in names if "/" in name and name.split("/")[0] in plain]
    return [name for name in names if name not in second], second


def key(kind=MAIN):
    """Hash that names a tree of this checkout."""
    text = "\n".join([RECIPE, kind.suite, *packages(kind)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def path(kind=MAIN):
    """Where this checkout's tree is, or will be."""
    return cache_dir() / "trees" / key(kind)


def native_host():
    """True when the host itself is Debian 13 with every package, so no tree is needed."""
    wanted = os.environ.get("KITE_NATIVE")
    if wanted is not None:
        return wanted not in ("", "0")
    try:
        release = pathlib.Path("/etc/os-release").read_text()
    except OSError:
        return False
    if "VERSION_CODENAME=trixie" not in release:
        return False
    names = [name.split("/")[0] for name in packages()]
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *names],
                          capture_output=True, text=True, check=False)
    installed = {line.split()[0] for line in done.stdout.splitlines()
                 if line.endswith(" installed")}
    return installed.issuperset(names)


def has_keys():
    """True when the host knows the keys that Debian 13 is signed with; old Debian 12s do not."""
    keys = pathlib.Path(KEYRING).parent.glob(f"debian-archive-{MAIN.suite}-stable.*")
    return os.path.exists(KEYRING) and any(keys)


def ensure_host_tools(log):
    """Install mmdebstrap and bubblewrap when root and missing; else say how."""
    missing = [pkg for tool, pkg in HOST_TOOLS.items() if not shutil.which(tool)]
    if not has_keys():
        missing.append("debian-archive-keyring")
    if not missing:
        return
    command = f"apt-get install -y {' '.join(missing)}"
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        needed = [pkg for pkg in missing if pkg != "bubblewrap"]
        if needed or os.geteuid() != 0:
            raise KiteError(f"needed on this machine: {' '.join(missing)}. As root: {command}")
        return
    say(f"installing {' '.join(missing)} on this machine")
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    run_logged("apt-get update", ["apt-get", "update", "-q"], log, env=env)
    run_logged(command, ["apt-get", "install", "-y", "-q", "--no-install-recommends", *missing],
               log, env=env)


def _progress(line):
    match = re.match(r"(?:I|W): (.*)", line)
    if match:
        return match.group(1)
    match = re.match(r"(?:Get:\d+ \S+ \S+ \S+ (\S+)|(?:Unpacking|Setting up) ([^ :]+))", line)
    return line.split(" (")[0][:70] if match else None


def _mmdebstrap(kind, target):
    first, second = rounds(packages(kind))
    options = ["mmdebstrap", "--variant=apt", "--include=" + ",".join(first),
               "--aptopt=Acquire::Check-Valid-Until \"false\"",
               "--aptopt=Acquire::Languages \"none\"",
               "--aptopt=APT::Install-Recommends \"false\"",
               "--aptopt=Acquire::Retries \"3\"",
               "--dpkgopt=path-exclude=/usr/share/man/*",
               "--dpkgopt=path-exclude=/usr/share/doc/*",
               "--dpkgopt=path-include=/usr/share/doc/*/copyright",
               "--dpkgopt=path-exclude=/usr/share/locale/*",
               "--dpkgopt=force-unsafe-io",
               "--verbose"]
    if second:
        options.append("--customize-hook=chroot \"$1\" apt-get install -y " + " ".join(second))
    if os.geteuid() == 0:
        # A mount namespace of its own: whatever happens to mmdebstrap, its mounts of /dev and /proc
        # are gone before the unfinished tree is deleted.
        options = ["unshare", "--mount", "--propagation", "private", *options, "--mode=root"]
    else:
        options.append("--mode=unshare")
    sources = "".join(f"deb [signed-by={KEYRING}] {MIRROR} {suite} main\n"
                      for suite in (kind.suite, *kind.more))
    return [*options, kind.suite, str(target), "-"], sources.encode()


def _remove(folder):
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        raise KiteError(f"could not remove {folder}")


def _build(kind, final, log):
    staging = final.with_name(f".{final.name}.{os.getpid()}.new")
    for stale in final.parent.glob(f".{final.name}.*.new"):
        _remove(stale)
    # The kernel packages' hooks make no initramfs: ./kite vm packs its own from the modules it needs.
    env = dict(os.environ, INITRD="No")
    try:
        if os.geteuid() == 0:
            command, sources = _mmdebstrap(kind, staging)
            run_logged("building the Debian tree", command, log, echo=_progress,
                       input_bytes=sources, grace_seconds=TIDY_SECONDS, env=env)
        else:
            tar = staging.with_suffix(".tar")
            try:
                command, sources = _mmdebstrap(kind, tar)
                run_logged("building the Debian tree", command, log, echo=_progress,
                           input_bytes=sources, grace_seconds=TIDY_SECONDS, env=env)
                staging.mkdir()
                run_logged("unpacking the Debian tree",
                           ["tar", "-C", str(staging), "--no-same-owner", "--exclude=./dev/*",
                            "-xf", str(tar)], log.with_suffix(".untar.log"))
            finally:
                with contextlib.suppress(FileNotFoundError):
                    tar.unlink()
        shutil.rmtree(staging / "var" / "cache" / "apt" / "archives", ignore_errors=True)
        (staging / "etc" / "kite-tree").write_text(f"{final.name}\n")
        staging.rename(final)
    finally:
        if staging.exists():
            say("removing the unfinished tree")
            _remove(staging)


def ensure(kind=MAIN):
    """Return the tree's path, building it first when it is not there."""
    final = path(kind)
    if final.is_dir():
        return final
    final.parent.mkdir(parents=True, exist_ok=True)
    log = cache_dir() / "logs" / f"tree-{final.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with locked(final.with_suffix(".lock"), "waiting for another ./kite that builds the tree"):
        if final.is_dir():
            return final
        ensure_host_tools(log.with_name("host-tools.log"))
        say(f"building {kind.name} (once; one to six minutes); log: {log}")
        _build(kind, final, log)
    say(f"tree ready: {final}")
    return final
