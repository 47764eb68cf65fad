# SPDX-License-Identifier: MIT
"""Plug and unplug many times, at work and idle: plug_loop.py KERNEL [--cycles N] [--pulls N].

Each cycle plugs a card, waits for its render node, checks that it computes, starts work on it (in
turn: nothing, 1 MiB copies, vkcube), takes the card away (orderly in the first --cycles, by pulling
the cable in the --pulls after that) and expects the copies to end with VK_ERROR_DEVICE_LOST and
vkcube to end at all. A guest lasts for as many cards as it has ports. At the end of each guest
kernel memory must not have grown by more than LEAK_KIB a cycle since the first cycles, kmemleak (in
the debug kernel) must know nothing new, and the kernel's log must be clean.
"""

import argparse
import contextlib
import re
import sys

from guest_case import (Skip, expect, find_kernel, need_device, need_module, skip_program,
                        still_watched)
from kite_cli.ui import KiteError, build_dir
from kite_vm.machine import Machine, Settings

PORTS = 16
WARM = 3       # cycles before memory is looked at
ENOUGH = 8     # cycles after those that make an average worth judging
LEAK_KIB = 48  # what a cycle may leave behind on average: caches that grow, per-CPU stock
LOST = 3
PATIENCE_SECONDS = 90
CHECKED_PATIENCE_SECONDS = 300  # below KASAN on an emulated CPU
WORK = ("idle", "copies", "vkcube")


def start_work(machine, kind):
    """Start one kind of work; returns its job, or None."""
    copy = str(build_dir() / "tests/guest/kite_guest_copy")
    env = {"KITE_KMD": "drm"}
    if kind == "copies":
        job = machine.start([copy], env=env)
    elif kind == "vkcube":
        job = machine.start("exec vkcube --c 100000 --present_mode 1", env={**env, "DISPLAY": ":0"})
    else:
        return None
    for _ in range(200):
        if "copying" in job.stdout or "Selected GPU" in job.stdout or not job.running:
            break
        machine.run("sleep 0.2")
    machine.run("sleep 0.5")
    expect(job.running, f"{kind} ended by itself: {job.stdout} {job.stderr}")
    return job


def cycle(machine, kind, pull):
    """One card's life."""
    machine.plug()
    machine.wait_render_node()
    copy = str(build_dir() / "tests/guest/kite_guest_copy")
    machine.check([copy, "4"], env={"KITE_KMD": "drm"})
    job = start_work(machine, kind)
    patience = PATIENCE_SECONDS if machine.kernel.in_root else CHECKED_PATIENCE_SECONDS
    try:
        (machine.pull if pull else machine.unplug)(patience)
        code = job.wait(patience) if job else None
    except KiteError:
        machine.run("echo w > /proc/sysrq-trigger; sleep 3")  # who waits for what: kernel's log
        raise
    if kind == "copies":
        expect(code == LOST, f"copies ended with {code}: {job.stdout} {job.stderr}")


def memory_kib(machine):
    """Kernel memory that can't be reclaimed, in KiB."""
    text = machine.check("sync; echo 3 > /proc/sys/vm/drop_caches; sleep 1; cat /proc/meminfo")
    facts = dict(re.findall(r"^(\w+): +(\d+) kB", text, re.MULTILINE))
    return sum(int(facts[name]) for name in ("SUnreclaim", "VmallocUsed", "PageTables"))


def one_guest(kernel, lives):
    """Run cycles [(kind of work, pull)] in one guest."""
    settings = Settings(kernel=kernel.release, vram="64M", ports=len(lives))
    with Machine(settings) as machine:
        need_module(machine)
        need_device()
        machine.load_module()
        machine.start(["Xvfb", ":0", "-screen", "0", "1280x1024x24", "-nolisten", "tcp"])
        before = None
        for number, (kind, pull) in enumerate(lives):
            cycle(machine, kind, pull)
            wrong = machine.splats()
            expect(not wrong, "guest kernel: " + "\n".join(wrong[:20]))
            print(f"  {'pulled' if pull else 'unplugged'} with {kind}", flush=True)
            if number + 1 == WARM:
                before = memory_kib(machine)
        machine.check("rmmod kite")
        machine.load_module()
        if before is not None and len(lives) > WARM:
            each = (memory_kib(machine) - before) / (len(lives) - WARM)
            print(f"kernel memory grew by {each:.1f} KiB a cycle")
            expect(each < LEAK_KIB or len(lives) < WARM + ENOUGH, "the kernel's memory grows")
        with contextlib.suppress(Skip):
            still_watched(machine)
        expect(not machine.splats(), "the kernel complained")


def main():
    """Parse, run, report; 0, 1 or 77."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kernel")
    parser.add_argument("--cycles", type=int, default=3)
    parser.add_argument("--pulls", type=int, default=3)
    parser.add_argument("--work", choices=WORK, action="append",
                        help="only this kind of work; may be repeated")
    args = parser.parse_args()
    kernel = find_kernel(args.kernel)
    work = args.work or WORK
    lives = [(work[number % len(work)], False) for number in range(args.cycles)]
    lives += [(work[number % len(work)], True) for number in range(args.pulls)]
    try:
        for start in range(0, len(lives), PORTS):
            one_guest(kernel, lives[start:start + PORTS])
    except Skip as reason:
        skip_program(str(reason))
    print(f"{args.cycles} unplugged, {args.pulls} pulled on {kernel.release}: clean")
    return 0


if __name__ == "__main__":
    sys.exit(main())
