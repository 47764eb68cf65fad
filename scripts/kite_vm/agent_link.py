# SPDX-License-Identifier: MIT
"""The host's half of the control channel: commands started in the guest and their output."""

import base64
import itertools
import json
import signal
import socket
import threading
import time

from kite_cli.ui import KiteError
from kite_vm.unix_socket import connect


class Job:
    """A command under way in the guest; `wait()` from any thread."""

    def __init__(self, link, name, sink):
        self._link = link
        self._name = name
        self._sink = sink
        self._done = threading.Event()
        self.code = None
        self.output = {"out": bytearray(), "err": bytearray()}

    @property
    def stdout(self):
        """What it wrote so far, as text."""
        return bytes(self.output["out"]).decode(errors="replace")

    @property
    def stderr(self):
        """What it wrote to standard error so far, as text."""
        return bytes(self.output["err"]).decode(errors="replace")

    @property
    def running(self):
        """True until its end was reported."""
        return not self._done.is_set()

    def receive(self, stream, data):
        """Called by the link with a piece of output."""
        self.output[stream] += data
        if self._sink:
            self._sink(stream, data)

    def finish(self, code):
        """Called by the link with the exit status, or None when the guest is gone."""
        self.code = code
        self._done.set()

    def wait(self, timeout_seconds=None):
        """The exit status; raises KiteError when the time is over or the guest ended first."""
        if not self._done.wait(timeout_seconds):
            raise KiteError(f"the command did not end in {timeout_seconds:.0f} s", code=124)
        if self.code is None:
            raise KiteError("the guest ended while the command ran")
        return self.code

    def kill(self, signum=signal.SIGTERM):
        """Send a signal to the command and its children."""
        self._link.send({"kill": self._name, "signal": int(signum)})


class AgentLink:
    """The connection to the guest's agent; a thread of its own reads it."""

    def __init__(self, path, alive, deadline_seconds):
        """Connect to QEMU's socket; the guest says hello later, see wait_hello()."""
        self._socket = connect(path, "the guest's control channel", alive, deadline_seconds)
        self._send_lock = threading.Lock()
        self._jobs = {}
        self._names = itertools.count(1)
        self._hello = threading.Event()
        self._closed = threading.Event()
        self.release = None
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def wait_hello(self, timeout_seconds, alive):
        """True once the guest's agent has spoken; False when it won't."""
        end = time.monotonic() + timeout_seconds
        while not self._hello.wait(0.1):
            if time.monotonic() > end or self._closed.is_set() or not alive():
                return self._hello.is_set()
        return True

    def send(self, message):
        """Send one message; a guest that is gone is an error."""
        try:
            with self._send_lock:
                self._socket.sendall(json.dumps(message).encode() + b"\n")
        except OSError as error:
            raise KiteError(f"the guest is gone: {error}") from error

    def start(self, argv, *, env=None, cwd=None, sink=None):
        """Start a command; `sink(stream, data)` sees its output as it comes."""
        name = next(self._names)
        job = Job(self, name, sink)
        self._jobs[name] = job
        self.send({"run": list(argv), "id": name, "env": env or {}, "cwd": cwd})
        return job

    def close(self):
        """Close the connection; jobs under way end without a status."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._thread.join(5)
        self._socket.close()

    def _handle(self, message):
        if "hello" in message:
            self.release = message["hello"]
            self._hello.set()
            return
        job = self._jobs.get(message.get("id"))
        if job is None:
            return
        if "data" in message:
            job.receive(message["stream"], base64.b64decode(message["data"]))
        elif "exit" in message:
            del self._jobs[message["id"]]
            job.finish(message["exit"])

    def _read(self):
        pending = b""
        while True:
            try:
                data = self._socket.recv(65536)
            except OSError:
                data = b""
            if not data:
                break
            pending += data
            *lines, pending = pending.split(b"\n")
            for line in lines:
                try:
                    self._handle(json.loads(line))
                except (ValueError, KeyError):
                    continue  # the guest is not trusted to speak properly
        self._closed.set()
        for job in list(self._jobs.values()):
            job.finish(None)
