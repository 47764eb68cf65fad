# SPDX-License-Identifier: MIT
"""A QMP client: commands, and the events that come between the answers."""

import collections
import json
import time

from kite_cli.ui import KiteError
from kite_vm.unix_socket import connect


class QmpError(KiteError):
    """QEMU refused a command; the message is QEMU's."""


class Qmp:
    """One connection to QEMU's monitor; not for use by several threads."""

    def __init__(self, path, deadline_seconds=30.0, alive=lambda: True):
        """Connect to the socket that QEMU makes at `path`; `alive()` ends the wait early."""
        self._events = collections.deque(maxlen=1000)
        self._pending = b""
        end = time.monotonic() + deadline_seconds
        self._socket = connect(path, "its monitor", alive, deadline_seconds)
        self._read(end)
        self.command("qmp_capabilities")

    def close(self):
        """Close the connection."""
        self._socket.close()

    def _read(self, end):
        """The next message, or None when `end` has passed."""
        while b"\n" not in self._pending:
            left = end - time.monotonic()
            if left <= 0:
                return None
            self._socket.settimeout(left)
            try:
                data = self._socket.recv(65536)
            except TimeoutError:
                return None
            except OSError as error:
                raise KiteError(f"QEMU's monitor: {error}") from error
            if not data:
                raise KiteError("QEMU closed its monitor")
            self._pending += data
        line, self._pending = self._pending.split(b"\n", 1)
        return json.loads(line)

    def command(self, name, timeout_seconds=30.0, **arguments):
        """Run a command; returns its result or raises QmpError."""
        message = {"execute": name}
        if arguments:
            message["arguments"] = {key.replace("_", "-"): value
                                    for key, value in arguments.items()}
        self._socket.settimeout(timeout_seconds)
        self._socket.sendall(json.dumps(message).encode() + b"\n")
        end = time.monotonic() + timeout_seconds
        while True:
            answer = self._read(end)
            if answer is None:
                raise KiteError(f"QEMU did not answer {name} in {timeout_seconds:.0f} s")
            if "event" in answer:
                self._events.append(answer)
            elif "error" in answer:
                raise QmpError(f"{name}: {answer['error'].get('desc', 'refused')}")
            elif "return" in answer:
                return answer["return"]

    def wait_event(self, name, matches=lambda data: True, timeout_seconds=30.0):
        """The data of the first event `name` that matches, seen already or to come; None if none."""
        end = time.monotonic() + timeout_seconds
        while True:
            for event in list(self._events):
                if event["event"] == name and matches(event.get("data", {})):
                    self._events.remove(event)
                    return event.get("data", {})
            answer = self._read(end)
            if answer is None:
                return None
            if "event" in answer:
                self._events.append(answer)
