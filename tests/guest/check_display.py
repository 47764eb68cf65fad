# SPDX-License-Identifier: MIT
"""Guest tests of the display: modes, flips, pictures, console, hot-plug, a pull while it shows."""

import pathlib
import subprocess
import sys
import tempfile
import time

from guest_case import Skip, expect, find_kernel, run_cases
from kite_cli import enter
from kite_cli.ui import build_dir
from kite_vm import device
from kite_vm.machine import Settings
from PIL import Image

MODE = (1024, 768)
FLIPS = 60


class Outside:
    """What is seen from outside the guest: kite-device's control socket."""

    def __init__(self, folder):
        self.socket = folder / "control"
        self.folder = folder

    def ask(self, *words):
        """Ask kite-device; returns what it said."""
        argv, env = enter.wrap([str(device.binary()), "--control", str(self.socket), *words])
        done = subprocess.run(argv, env=env, capture_output=True, timeout=120, check=False)
        expect(done.returncode == 0, f"{words}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode(errors="replace")

    def screenshot(self, name):
        """The picture on head 0."""
        path = self.folder / name
        self.ask("--screenshot", str(path))
        return Image.open(path).convert("RGB")


def wait_until(condition, seconds, text):
    """Wait for a condition of the host's, or fail with `text`."""
    end = time.monotonic() + seconds
    while not condition():
        expect(time.monotonic() < end, text)
        time.sleep(0.2)


def cases(outside, out):
    """(name, function) of every case."""
    def console(machine):
        machine.load_module()
        machine.plug()
        print(machine.wait_render_node())
        machine.check("[ -e /dev/fb0 ]")
        before = outside.screenshot("before.png")
        expect(before.size == MODE, f"the console has {before.size}")
        machine.check("printf '\\033[2J\\033[HKite shows text\\n' > /dev/tty1")
        time.sleep(1)
        dots = sum(pixel != (0, 0, 0) for pixel in outside.screenshot("console.png").getdata())
        expect(200 < dots < 20000, f"{dots} bright pixels are no line of text")

    def modes(machine):
        program = build_dir() / "tests" / "drm" / "kms_show"
        if not program.exists():
            raise Skip("kms_show is not built")
        job = machine.start([str(program), "/out", str(FLIPS)])
        number = 0
        while True:
            shown = out / f"shown-{number}"
            wait_until(lambda s=shown: s.exists() or not job.running, 300, "no picture came")
            if not shown.exists():
                break
            picture = outside.screenshot(f"mode-{number}.png")
            wanted = (out / f"frame-{number}.rgb").read_bytes()
            expect(picture.tobytes() == wanted, f"mode {number}: {picture.size} differs")
            print(f"mode {number}: {picture.size} is the framebuffer bit for bit")
            (out / f"seen-{number}").touch()
            number += 1
        code = job.wait(60)
        print(job.stdout)
        expect(code == 0 and number >= 3, f"{number} modes, exit status {code}")

    def hotplug(machine):
        status = "cat /sys/class/drm/card*-Virtual-1/status"
        outside.ask("--send", "unplug 0")
        expect(machine.wait_for(f"[ $({status}) = disconnected ]", 30), "still connected")
        outside.ask("--send", "plug 0 800x600")
        expect(machine.wait_for(f"[ $({status}) = connected ]", 30), "not connected")
        expect("800x600" in machine.check("cat /sys/class/drm/card*-Virtual-1/modes"),
               "the new monitor's mode is not there")

    def crc(machine):
        # Nothing may blink meanwhile.
        machine.check("printf '\\033[?25l' > /dev/tty1; sleep 2")
        machine.check("mount -t debugfs none /sys/kernel/debug 2>/dev/null; true")
        words = machine.check(
            "cd $(ls -d /sys/kernel/debug/dri/*/crtc-0 | head -1)/crc && echo auto > control && "
            "timeout 20 head -c 200 data | sed -n 2p").split()
        said = outside.ask("--send", "crc 0").strip()
        print(f"CRC in the guest {words}, outside {said}")
        expect(len(words) == 2 and int(words[1], 16) == int(said, 16), "CRCs differ")

    def pulled(machine):
        for name in ("shown-0", "seen-0"):
            (out / name).unlink(missing_ok=True)
        job = machine.start([str(build_dir() / "tests" / "drm" / "kms_show"), "/out", "100000"])
        time.sleep(4)
        expect(job.running, f"ended early: {job.stdout}")
        machine.pull()
        code = job.wait(60)
        print(job.stdout)
        expect(code == 1, f"exit status {code}")
        machine.check("[ ! -e /sys/class/drm/card0 ]")

    yield "Console", console
    yield "Modes", modes
    yield "Hotplug", hotplug
    yield "Crc", crc
    yield "Pulled", pulled


def main(kernel_name):
    """Run all cases in one guest; returns the exit status."""
    kernel = find_kernel(kernel_name)
    with tempfile.TemporaryDirectory(prefix="kite-display-") as folder:
        folder = pathlib.Path(folder)
        folder.chmod(0o777)
        outside = Outside(folder)
        out = folder / "out"
        settings = Settings(kernel=kernel.release, out=out, vram="64M", device_options=(
            "--heads", "1", "--mode", f"{MODE[0]}x{MODE[1]}", "--control", str(outside.socket)))
        return run_cases(f"GuestDisplay{kernel.name.replace('.', '_')}", settings,
                         cases(outside, out))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
