# SPDX-License-Identifier: MIT
"""The guest sleeps, during GPU work and while the eGPU is asleep already: S3, or its devices alone.

The guest's root is 9p, which does not come back from a sleep, with or without an eGPU. So the
program and its libraries are copied into a tmpfs and run there, and what it says is read from the
serial log.
"""

import re
import sys
import time

from guest_case import Runner, Skip, expect, find_kernel, need_device, need_module, skip_program
from kite_cli.ui import build_dir
from kite_vm.machine import Machine, Settings

ROOM = "/run/sleep"
PROGRAM = build_dir() / "tests/drm/drm_sleep"
WAYS = ("mem", "devices")  # "freeze" sleeps well, but nothing in QEMU wakes it
ENTRY = "PM: suspend entry"
SLEEPS = 2  # the program sleeps twice
SECONDS = 120.0

FURNISH = f"""set -e
mkdir -p {ROOM}/bin {ROOM}/dev {ROOM}/sys {ROOM}/proc
for f in {PROGRAM} $(ldd {PROGRAM} | grep -o '/[^ ]*'); do
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


def sleeps(kernel, how):
    """A case of its own guest: after a sleep it has no root any more."""
    def case(machine):
        machine.load_module()
        machine.plug()
        machine.wait_render_node()
        machine.check(FURNISH)
        start = len(machine.kernel_log())
        machine.start(["chroot", ROOM, "/bin/busybox", "sh", "-c", RUN, how])
        for number in range(SLEEPS):
            wait_log(machine, f"(?s)(?:{ENTRY}.*?){{{number + 1}}}", start)
            if how != "devices":
                time.sleep(2.0)
                machine.wake()
        text = wait_log(machine, r"slept: \d+", start)
        print("\n".join(filter(TELLING.search, text.splitlines())))
        expect("slept: 0" in text and f"[  PASSED  ] {SLEEPS} tests" in text, "work after the sleep failed")

    with Machine(Settings(kernel=kernel.release, vram="64M", append="no_console_suspend")) as machine:
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
