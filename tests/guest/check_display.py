# SPDX-License-Identifier: MIT
"""Guest tests of the display: modes, flips, planes, console, hot-plug, a pull while it shows."""

import pathlib
import re
import statistics
import sys
import tempfile
import time

from guest_case import Skip, expect, find_kernel, run_cases
from kite_cli.ui import build_dir
from kite_vm.machine import Settings
from outside import Outside, wait_until

MODE = (1024, 768)
HEADS = 2
FLIPS = 60
# Of modetest -c: a connected connector, and a mode.
CONNECTOR = re.compile(r"^(\d+)\s+\d+\s+connected\s", re.MULTILINE)
LISTED = re.compile(r"^\s+#(\d+) (\d+)x(\d+) ([\d.]+) ", re.MULTILINE)
RATE = re.compile(r"freq: ([\d.]+)Hz")
FLIP_SECONDS = 6
COLOURS = 10  # modetest's pattern has 13, a console two
# A busy machine lets an emulated CPU miss vblanks: one of 60 flips is 1.7 %. None may be too fast.
RATE_ERROR = 0.25


def listed_modes(machine):
    """modetest's name for the first head's connector, and [(index, (width, height), rate)]."""
    text = machine.check("modetest -M kite -c")
    connectors = list(CONNECTOR.finditer(text))
    expect(connectors, f"modetest knows no monitor: {text}")
    end = connectors[1].start() if len(connectors) > 1 else len(text)
    modes = LISTED.findall(text, connectors[0].end(), end)
    return connectors[0][1], [(index, (int(w), int(h)), float(rate)) for index, w, h, rate in modes]


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

    def compare(machine, name, *words):
        """Run a program that shows pictures; returns how many were right to the last bit."""
        program = build_dir() / "tests" / "drm" / name
        if not program.exists():
            raise Skip(f"{name} is not built")
        for path in (*out.glob("shown-*"), *out.glob("seen-*")):
            path.unlink()
        job = machine.start([str(program), "/out", *words])
        number = 0
        while True:
            shown = out / f"shown-{number}"
            wait_until(lambda s=shown: (s.exists() and s.read_text()) or not job.running, 300,
                       "no picture came")
            if not shown.exists():
                break
            head = int(shown.read_text())
            picture = outside.screenshot(f"{name}-{number}.png", head)
            wanted = (out / f"frame-{number}.rgb").read_bytes()
            expect(picture.tobytes() == wanted,
                   f"picture {number}: {picture.size} on head {head} differs: {job.stdout}")
            print(f"picture {number}: {picture.size} on head {head} is right bit for bit")
            (out / f"seen-{number}").touch()
            number += 1
        code = job.wait(60)
        print(job.stdout)
        expect(code == 0, f"{number} pictures, exit status {code}")
        return number

    def modes(machine):
        expect(compare(machine, "kms_show", str(FLIPS)) >= 3, "too few modes")

    def modetest(machine):
        grab = build_dir() / "tests" / "drm" / "kms_grab"
        if not grab.exists():
            raise Skip("kms_grab is not built")
        connector, modes = listed_modes(machine)
        expect(len(modes) >= 3, f"too few modes: {modes}")
        for index, size, rate in modes:
            # modetest shows its pattern, or flips, until its standard input ends.
            words = f"modetest -M kite -s {connector}:#{index}"
            job = machine.start(f"sleep 300 | {words}")
            try:
                expect(machine.wait_for(
                    f"{grab} /out/grab.rgb | grep -q '^{size[0]} {size[1]}$'", 60),
                    f"{words}: {job.stdout} {job.stderr}")
                time.sleep(1)
                machine.check(f"{grab} /out/grab.rgb")
                picture = outside.screenshot(f"modetest-{index}.png")
            finally:
                job.kill(15)
            job.wait(30)
            expect(picture.size == size, f"{words}: the screen has {picture.size}")
            expect(picture.tobytes() == (out / "grab.rgb").read_bytes(),
                   f"{words}: the screen is not the framebuffer")
            colours = len(picture.getcolors(1 << 24))
            expect(colours >= COLOURS, f"{words}: {colours} colours are not its pattern")
            text = machine.run(f"sleep {FLIP_SECONDS} | {words} -v", 120)
            rates = [float(seen) for seen in RATE.findall(text.stdout + text.stderr)]
            expect(rates, f"{words} -v: {text.stdout} {text.stderr}")
            print(f"{size[0]}x{size[1]}: framebuffer and screen agree; flips at {rates} of {rate} Hz")
            # One second of five may be measured wrong.
            expect((1 - RATE_ERROR) * rate < max(rates) and statistics.median(rates) < 1.01 * rate,
                   f"{words} -v: {rates} Hz")

    def planes(machine):
        machine.check("modprobe vgem")
        expect(compare(machine, "kms_planes") == 6 + HEADS - 1, "too few pictures")

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

    def vulkan(machine):
        program = build_dir() / "tests" / "vulkan" / "vulkan_wsi"
        if not program.exists():
            raise Skip("vulkan_wsi is not built")
        manifest = build_dir() / "icd" / "kite_icd.x86_64.json"
        done = machine.run(f"cd /tmp; VK_DRIVER_FILES={manifest} {program} "
                           "--gtest_filter='*Display*'", 300)
        print(done.stdout)
        expect(done.code == 0, f"exit status {done.code}")
        expect("no window of Display" not in done.stdout, "there was no display")

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
    yield "Modetest", modetest
    yield "Planes", planes
    yield "Hotplug", hotplug
    yield "Crc", crc
    yield "Vulkan", vulkan
    yield "Pulled", pulled


def main(kernel_name):
    """Run all cases in one guest; returns the exit status."""
    kernel = find_kernel(kernel_name)
    with tempfile.TemporaryDirectory(prefix="kite-display-") as folder:
        folder = pathlib.Path(folder)
        folder.chmod(0o777)
        outside = Outside(folder)
        out = folder / "out"
        settings = Settings(kernel=kernel.release, out=out, vram="64M", device_options=outside.options(MODE, HEADS))
        return run_cases(f"GuestDisplay{kernel.name.replace('.', '_')}", settings,
                         cases(outside, out))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
