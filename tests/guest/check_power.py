# SPDX-License-Identifier: MIT
"""Runtime PM of kite.ko: check_power.py KERNEL [--wakes N].

The idle eGPU falls asleep and wakes for work N times; a head that shows something keeps it awake;
cards are taken away while they sleep, by pulling the cable too; runtime_pm=0 keeps it awake.
"""

import argparse
import sys
import time

from guest_case import Skip, expect, find_kernel, run_cases, still_watched
from kite_cli.ui import build_dir
from kite_vm.machine import Settings

PROGRAM = build_dir() / "tests/drm/drm_power"
PATIENCE_SECONDS = 150
BLANK = "/sys/class/graphics/fb0/blank"


def power(machine, name):
    """A file of the last card's power/ in sysfs."""
    node = machine.wait_render_node()
    return machine.check(f"cat /sys/class/drm/$(basename {node})/device/power/{name}").strip()


def becomes(machine, status):
    """Wait until the last card has a status; True if it did."""
    node = machine.wait_render_node()
    path = f"/sys/class/drm/$(basename {node})/device/power/runtime_status"
    return machine.wait_for(f'[ "$(cat {path})" = {status} ]', 30)


def wakes(count):
    """The program's own cases."""
    def case(machine):
        if not PROGRAM.exists():
            raise Skip("drm_power is not built")
        machine.load_module(parameters=["autosuspend_ms=300"])
        machine.plug()
        expect(power(machine, "autosuspend_delay_ms") == "300", "autosuspend_ms has no effect")
        expect(becomes(machine, "suspended"), "a card that nobody opened does not sleep")
        job = machine.run([str(PROGRAM)], 600, env={"KITE_DRM_WAKES": str(count)})
        print(job.stdout)
        expect(job.code == 0 and "[  PASSED  ] 2 tests" in job.stdout, job.stderr)
    return case


def gone(pull):
    """The card is taken away while it sleeps and a program has its memory mapped."""
    def case(machine):
        job = machine.start([str(PROGRAM)],
                            env={"KITE_DRM_EXPECT_UNPLUG": str(PATIENCE_SECONDS)})
        end = time.monotonic() + PATIENCE_SECONDS
        while "asleep" not in job.stdout and job.running and time.monotonic() < end:
            time.sleep(0.1)
        expect("asleep" in job.stdout, f"{job.stdout} {job.stderr}")
        (machine.pull if pull else machine.unplug)()
        code = job.wait(PATIENCE_SECONDS)
        print(job.stdout)
        expect(code == 0 and "[  PASSED  ] 1 test" in job.stdout, f"exit status {code}")
        machine.plug()
        expect(becomes(machine, "suspended"), "the next card does not sleep")
    return case


def head(machine):
    """The console keeps the device awake while it shows."""
    machine.unplug()
    machine.settings.device_options = ("--heads", "1")
    machine.plug()
    machine.wait_render_node()
    if not machine.wait_for(f"[ -e {BLANK} ]", 30):
        raise Skip("this kernel makes no console")
    time.sleep(2.0)
    expect(power(machine, "runtime_status") == "active", "sleeps while it shows the console")
    for _ in range(3):
        machine.check(f"echo 4 > {BLANK}")
        expect(becomes(machine, "suspended"), "does not sleep with its head off")
        machine.check(f"echo 0 > {BLANK}")
        expect(power(machine, "runtime_status") == "active", "the head is on and it sleeps")
    machine.check(f"echo 4 > {BLANK}")
    expect(becomes(machine, "suspended"), "does not sleep with its head off")
    before = int(power(machine, "runtime_active_time"))
    time.sleep(12.0)  # it wakes for a moment to hear about monitors
    expect(power(machine, "runtime_status") == "suspended", "polling keeps it awake")
    expect(int(power(machine, "runtime_active_time")) - before < 4000, "polling keeps it awake")


def kept_awake(machine):
    """runtime_pm=0; and a module that goes while the card sleeps."""
    expect(becomes(machine, "suspended"), "does not sleep")
    machine.check("rmmod kite")
    machine.load_module(parameters=["runtime_pm=0", "autosuspend_ms=0"])
    machine.wait_render_node()
    time.sleep(1.0)
    expect(power(machine, "control") == "on", "power/control was touched")
    expect(power(machine, "runtime_status") == "active", "sleeps with runtime_pm=0")


def main():
    """Run all cases in one guest; returns the exit status."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kernel")
    parser.add_argument("--wakes", type=int, default=20)
    args = parser.parse_args()
    kernel = find_kernel(args.kernel)
    settings = Settings(kernel=kernel.release, vram="64M", ports=6)
    return run_cases(f"GuestPower{kernel.name.replace('.', '_')}", settings, [
        ("SleepsAndWakes", wakes(args.wakes)), ("UnpluggedAsleep", gone(False)),
        ("PulledAsleep", gone(True)), ("AHeadKeepsItAwake", head), ("KeptAwake", kept_awake),
        ("StillWatched", still_watched)])


if __name__ == "__main__":
    sys.exit(main())
