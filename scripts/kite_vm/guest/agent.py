# SPDX-License-Identifier: MIT
"""The guest's half of the control channel: runs the commands the host asks for.

One JSON object a line over the virtio-serial port. From the host: {"run": argv, "id", "env", "cwd"},
{"kill": id, "signal"}, {"poweroff": true}. To the host: {"hello": ...}, {"id", "stream", "data"} with
base64 data, {"id", "exit": status}. Commands run side by side, each in a session of its own.
"""

import base64
import json
import os
import pathlib
import selectors
import signal
import subprocess
import sys

PORT = "kite.agent"
CHUNK = 32768


def find_port():
    """The device node of the port; there is no udev to name it."""
    for entry in pathlib.Path("/sys/class/virtio-ports").glob("*"):
        if (entry / "name").read_text().strip() == PORT:
            return f"/dev/{entry.name}"
    raise SystemExit(f"kite: no virtio-serial port {PORT}")


class Agent:
    """The commands under way and the port."""

    def __init__(self, fd):
        self.fd = fd
        self.selector = selectors.DefaultSelector()
        self.selector.register(fd, selectors.EVENT_READ, (None, None))
        self.jobs = {}     # id -> process
        self.streams = {}  # id -> number of streams still open
        self.pending = b""

    def send(self, message):
        """Write one message whole."""
        data = json.dumps(message).encode() + b"\n"
        while data:
            data = data[os.write(self.fd, data[:CHUNK]):]

    def start(self, request):
        """Start a command; a failure to do so is exit status 127, as in a shell."""
        name = request["id"]
        env = dict(os.environ, **request.get("env", {}))
        try:
            process = subprocess.Popen(request["run"], env=env, cwd=request.get("cwd") or "/",
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, start_new_session=True)
        except OSError as error:
            text = base64.b64encode(f"{error}\n".encode()).decode()
            self.send({"id": name, "stream": "err", "data": text})
            self.send({"id": name, "exit": 127 if isinstance(error, FileNotFoundError) else 126})
            return
        self.jobs[name] = process
        self.streams[name] = 2
        for stream, pipe in (("out", process.stdout), ("err", process.stderr)):
            self.selector.register(pipe, selectors.EVENT_READ, (name, stream))

    def handle(self, message):
        """One request of the host."""
        if "run" in message:
            self.start(message)
        elif "kill" in message:
            process = self.jobs.get(message["kill"])
            if process:
                try:
                    os.killpg(process.pid, message.get("signal", signal.SIGTERM))
                except ProcessLookupError:
                    pass
        elif "poweroff" in message:
            raise SystemExit(0)

    def read_port(self):
        """Bytes from the host; none means it is not connected at the moment."""
        data = os.read(self.fd, CHUNK)
        if not data:
            raise SystemExit(0)
        self.pending += data
        while b"\n" in self.pending:
            line, self.pending = self.pending.split(b"\n", 1)
            self.handle(json.loads(line))

    def read_job(self, pipe, name, stream):
        """Output of a command, or its end."""
        data = os.read(pipe.fileno(), CHUNK)
        if data:
            text = base64.b64encode(data).decode()
            self.send({"id": name, "stream": stream, "data": text})
            return
        self.selector.unregister(pipe)
        pipe.close()
        self.streams[name] -= 1

    def reap(self):
        """Report every command that ended; what it left running may still hold its output."""
        for name, process in list(self.jobs.items()):
            if process.poll() is None:
                continue
            if self.streams[name]:
                for key in list(self.selector.get_map().values()):
                    if key.data[0] == name:
                        os.set_blocking(key.fileobj.fileno(), False)
                        try:
                            while self.streams[name] and key.fd in self.selector.get_map():
                                self.read_job(key.fileobj, *key.data)
                        except BlockingIOError:
                            self.selector.unregister(key.fileobj)
                            key.fileobj.close()
            del self.jobs[name], self.streams[name]
            code = process.returncode
            self.send({"id": name, "exit": 128 - code if code < 0 else code})

    def run(self):
        """Serve until the host says poweroff or goes away."""
        self.send({"hello": os.uname().release})
        while True:
            for key, _ in self.selector.select(timeout=0.05 if self.jobs else None):
                name, stream = key.data
                if name is None:
                    self.read_port()
                elif key.fd in self.selector.get_map():
                    self.read_job(key.fileobj, name, stream)
            self.reap()


if __name__ == "__main__":
    sys.stdout.flush()
    Agent(os.open(find_port(), os.O_RDWR)).run()
