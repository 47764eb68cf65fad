# SPDX-License-Identifier: MIT
"""The guest sleeps, during GPU work, while the eGPU is asleep already, and while it shows a picture.

The guest's root is 9p, which does not come back from a sleep, with or without an eGPU. So the
program and its libraries are copied into a tmpfs and run there, and what it says is read from the
serial log. The picture is looked at from outside.
"""

import pathlib
import re
import sys
import tempfile
import time

from check_display import COLOURS, listed_modes
from guest_case import Runner, Skip, expect, find_kernel, need_device, need_module, skip_program
from kite_cli.ui import build_dir
from kite_vm.machine import Machine, Settings
from outside import Outside, wait_until

ROOM = "/run/sleep"
PROGRAM = build_dir() / "tests/drm/drm_sleep"
MODETEST = "/usr/bin/modetest"
MODE = (800, 600)
WAYS = ("mem", "devices", "picture")  # "freeze" sleeps well, but nothing in QEMU wakes it
ENTRY = "PM: suspend entry"
SLEEPS = 2  # the program sleeps twice
SECONDS = 120.0

FURNISH = f"""set -e
mkdir -p {ROOM}/bin {ROOM}/dev {ROOM}/sys {ROOM}/proc
for f in $0 $(ldd $0 | grep -o '/[^ ]*'); do
    mkdir -p {ROOM}$(dirname $f); cp -L $f {ROOM}$f
done
cp /usr/bin/busybox {ROOM}/bin/
for d in dev sys proc; do mount --rbind /$d {ROOM}/$d; done
"""
RUN = f"""KITE_DRM_SLEEP=$0 {PROGRAM} --gtest_color=no > /dev/console 2>&1; echo "slept: $?" > /dev/console"""
TELLING = re.compile(r"PM: |\] +Drm|slept|Fail|sleep_test")


def wait_log(machine, pattern, start, seconds=SECONDS):
    """Wait for a pattern in the serial log behind `start`; returns the text there."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and machine.alive:
        text = machine.kernel_log()[start:]
        if re.search(pattern, text):
            return text
        time.sleep(0.2)
    raise AssertionError(f"no {pattern!r} in the guest's log: {machine.kernel_log()[-3000:]}")


def furnish(machine, program):
    """Make the tmpfs a root for a program."""
    machine.check(["sh", "-c", FURNISH, str(program)])


def start_inside(machine, script, *words):
    """Start a shell script there."""
    return machine.start(["chroot", ROOM, "/bin/busybox", "sh", "-c", script, *words])


def shows_again(outside):
    """The case of a picture that comes back after S3 as it was."""
    def colourful():
        return len(outside.screenshot("now.png").getcolors(1 << 24)) >= COLOURS

    def case(machine):
        machine.load_module()
        machine.plug()
        machine.wait_render_node()
        connector, _ = listed_modes(machine)
        furnish(machine, MODETEST)
        start_inside(machine, f"busybox sleep 900 | {MODETEST} -M kite -s {connector}:#0")
        wait_until(colourful, 60, "modetest shows nothing")
        before = outside.screenshot("before.png")
        expect(before.size == MODE, f"the screen has {before.size}")
        start = len(machine.kernel_log())
        start_inside(machine, "echo mem > /sys/power/state; echo slept: $? > /dev/console")
        wait_log(machine, ENTRY, start)
        time.sleep(3.0)
        asleep = outside.ask("--send", "status").strip()
        machine.wake()
        text = wait_log(machine, r"slept: \d+", start)
        print(f"asleep: {asleep}; awake: {outside.ask('--send', 'status').strip()}")
        expect("slept: 0" in text, "the guest did not sleep")
        expect(" off" in asleep, "the head was on while the guest slept")
        wait_until(lambda: outside.screenshot("after.png").tobytes() == before.tobytes(), 60,
                   "the picture did not come back")

    return case


def sleeps(kernel, how):
    """A case of its own guest: after a sleep it has no root any more."""
    def work(machine):
        machine.load_module()
        machine.plug()
        machine.wait_render_node()
        furnish(machine, PROGRAM)
        start = len(machine.kernel_log())
        start_inside(machine, RUN, how)
        for number in range(SLEEPS):
            wait_log(machine, f"(?s)(?:{ENTRY}.*?){{{number + 1}}}", start)
            if how != "devices":
                time.sleep(2.0)
                machine.wake()
        text = wait_log(machine, r"slept: \d+", start)
        print("\n".join(filter(TELLING.search, text.splitlines())))
        expect("slept: 0" in text and f"[  PASSED  ] {SLEEPS} tests" in text, "work after the sleep failed")

    with tempfile.TemporaryDirectory(prefix="kite-sleep-") as folder:
        folder = pathlib.Path(folder)
        folder.chmod(0o777)
        settings = Settings(kernel=kernel.release, vram="64M", append="no_console_suspend")
        case = work
        if how == "picture":
            outside = Outside(folder)
            settings.device_options = outside.options(MODE)
            case = shows_again(outside)
        with Machine(settings) as machine:
            need_module(machine)
            runner = Runner(f"GuestSleep{kernel.name.replace('.', '_')}", machine)
            runner.run(how.title(), case)
            return runner.failed


def main(name, ways):
    """One guest for each way; returns the exit status."""
    kernel = find_kernel(name)
    try:
        need_device()
        if not PROGRAM.exists():
            raise Skip("drm_sleep is not built")
        failed = sum(sleeps(kernel, how) for how in ways)
    except Skip as reason:
        skip_program(str(reason))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:] or WAYS))
