# SPDX-License-Identifier: MIT
"""What the user sees: progress lines, errors that name their log, and child processes.

Every child that ./kite starts goes through run_logged() or the context manager child(), so that
Ctrl-C or a failure ends the whole process group and leaves nothing running.
"""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import signal
import subprocess
import sys
import time

REPO = pathlib.Path(__file__).resolve().parents[2]


class KiteError(Exception):
    """A failure with a message meant for the user, and optionally the log that tells more."""

    def __init__(self, message, log=None, code=1):
        super().__init__(message)
        self.log = log
        self.code = code


def say(text):
    """Print one progress line on stderr, so that stdout stays the command's own output."""
    print(f"kite: {text}", file=sys.stderr, flush=True)


def cache_dir():
    """The per-user folder that holds the private trees and download caches."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return pathlib.Path(base) / "kite"


def log_dir():
    """The folder for this checkout's step logs."""
    name = hashlib.sha256(str(REPO).encode()).hexdigest()[:8]
    path = cache_dir() / "logs" / f"{REPO.name}-{name}"
    path.mkdir(parents=True, exist_ok=True)
    return path


def build_dir(flavour=""):
    """Where ./kite builds; KITE_BUILD_DIR overrides the checkout's build/. A flavour adds -NAME."""
    base = pathlib.Path(os.environ.get("KITE_BUILD_DIR") or REPO / "build").absolute()
    return base.with_name(f"{base.name}-{flavour}") if flavour else base


@contextlib.contextmanager
def locked(path, waiting_text):
    """Hold an exclusive lock on a file while the block runs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(waiting_text)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def kill_group(process, grace_seconds=5.0):
    """End a child's whole process group: first politely, then for good."""
    for signum, wait in ((signal.SIGTERM, grace_seconds), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signum)
        try:
            process.wait(timeout=wait)
        except subprocess.TimeoutExpired:
            continue
        break


@contextlib.contextmanager
def child(command, grace_seconds=5.0, **options):
    """Popen in its own process group, ended when the block is left in whatever way."""
    process = subprocess.Popen(command, start_new_session=True, **options)
    try:
        yield process
    finally:
        if process.poll() is None:
            kill_group(process, grace_seconds)


def run_logged(what, command, log, *, echo=None, env=None, cwd=None, input_bytes=None,
               every_seconds=2.0, grace_seconds=5.0):
    """Run a step with its output in `log`; `echo(line)` may turn a line into a progress text.

    Raises KiteError naming the log when the step fails.
    """
    started = time.monotonic()
    last_shown = started
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "wb") as sink:
        stdin = subprocess.PIPE if input_bytes is not None else subprocess.DEVNULL
        with child(command, grace_seconds, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                   stdin=stdin, env=env, cwd=cwd) as process:
            if input_bytes is not None:
                process.stdin.write(input_bytes)
                process.stdin.close()
            for raw in process.stdout:
                sink.write(raw)
                sink.flush()
                text = echo(raw.decode(errors="replace").rstrip()) if echo else None
                now = time.monotonic()
                if text and now - last_shown >= every_seconds:
                    last_shown = now
                    say(f"  [{now - started:4.0f} s] {text}")
            code = process.wait()
    if code != 0:
        tail = log.read_text(errors="replace").splitlines()[-15:]
        for line in tail:
            print(f"    | {line}", file=sys.stderr)
        raise KiteError(f"{what} failed (exit status {code})", log=log)
    return time.monotonic() - started
