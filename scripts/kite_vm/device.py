# SPDX-License-Identifier: MIT
"""The eGPU: one kite-device process per plugged device."""

import contextlib
import os
import pathlib
import re
import signal
import subprocess
import time

from kite_cli import enter
from kite_cli.ui import KiteError, build_dir, kill_group

BINARY = "device/pci/kite-device"
UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def parse_size(text):
    """Bytes of "256M", "1G", "4096"."""
    match = re.fullmatch(r"(\d+)([KMG]?)(?:i?B)?", text.strip(), re.IGNORECASE)
    if not match:
        raise KiteError(f"{text}: a size is a number with K, M or G behind it")
    return int(match[1]) * UNITS[match[2].upper()]


def binary():
    """Where the build leaves kite-device."""
    return build_dir() / BINARY


def listening(path):
    """True once somebody listens on that socket; a bound one may refuse connections still."""
    for line in pathlib.Path("/proc/net/unix").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[-1] == str(path) and int(fields[3], 16) & 0x10000:
            return True
    return False


class DeviceProcess:
    """kite-device listening on a socket; QEMU connects to it."""

    def __init__(self, socket, log, *, vram="256M", faults=(), options=(), env=None):
        """Start it and wait until the socket is there. The log is appended to."""
        if not binary().exists():
            raise KiteError(f"{BINARY} is not built; --no-device runs a plain guest")
        command = [str(binary()), "--socket", str(socket), "--vram", vram]
        for fault in faults:
            command += ["--inject", fault]
        argv, environment = enter.wrap([*command, *options])
        environment.update(env or {})
        self.socket = socket
        self.log = log
        with contextlib.suppress(FileNotFoundError):
            os.unlink(socket)
        with open(log, "ab") as sink:
            self.process = subprocess.Popen(argv, env=environment, stdin=subprocess.DEVNULL,
                                            stdout=sink, stderr=sink, start_new_session=True)
        end = time.monotonic() + 30
        while not listening(socket):
            if self.process.poll() is not None or time.monotonic() > end:
                self.kill()
                raise KiteError("kite-device did not start", log=log)
            time.sleep(0.01)

    @property
    def alive(self):
        """True while the process runs."""
        return self.process.poll() is None

    def _server(self):
        """Process id of kite-device itself: the process started may be the tree's wrapper."""
        for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError, IndexError, ValueError):
                head, tail = path.read_text().rsplit(")", 1)
                if int(tail.split()[2]) == self.process.pid and head.endswith("(kite-device"):
                    return int(path.parent.name)
        return None

    def vanish(self):
        """The cable is pulled: from now on every read gives ones and nothing answers.

        SIGUSR1 makes kite-device play that and keep its socket; one that knows no such thing is
        killed, which QEMU survives only while no access is under way.
        """
        server = self._server()
        if server is not None:
            status = pathlib.Path(f"/proc/{server}/status").read_text()
            # Blocked counts too: it is read through a signalfd then.
            known = [int(re.search(rf"^{name}:\s*(\w+)", status, re.MULTILINE)[1], 16)
                     for name in ("SigCgt", "SigBlk")]
            caught = known[0] | known[1]
            if caught & 1 << (signal.SIGUSR1 - 1):
                os.kill(server, signal.SIGUSR1)
                return
        self.kill()

    def kill(self):
        """Gone in an instant, with nothing said."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """An orderly end; returns the exit status."""
        if self.alive:
            kill_group(self.process)
        return self.process.wait()
