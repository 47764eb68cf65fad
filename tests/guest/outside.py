# SPDX-License-Identifier: MIT
"""What is seen of an eGPU's display from outside the guest: kite-device's control socket."""

import subprocess
import time

from guest_case import expect
from kite_cli import enter
from kite_vm import device
from PIL import Image


class Outside:
    """The control socket of one kite-device, in a folder that it may write to."""

    def __init__(self, folder, name="control"):
        self.socket = folder / name
        self.folder = folder

    def options(self, mode, heads=1):
        """Options of a kite-device with heads that are seen from here."""
        return ("--heads", str(heads), "--mode", f"{mode[0]}x{mode[1]}",
                "--control", str(self.socket))

    def ask(self, *words):
        """Ask kite-device; returns what it said."""
        argv, env = enter.wrap([str(device.binary()), "--control", str(self.socket), *words])
        done = subprocess.run(argv, env=env, capture_output=True, timeout=120, check=False)
        expect(done.returncode == 0, f"{words}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode(errors="replace")

    def screenshot(self, name, head=0):
        """The picture on a head."""
        path = self.folder / name
        self.ask("--screenshot", str(path), "--head", str(head))
        return Image.open(path).convert("RGB")


def wait_until(condition, seconds, text):
    """Wait for a condition of the host's, or fail with `text`."""
    end = time.monotonic() + seconds
    while not condition():
        expect(time.monotonic() < end, text)
        time.sleep(0.2)
