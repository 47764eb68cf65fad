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
import time

from guest_case import (Skip, expect, find_kernel, need_device, need_module, skip_program,
                        still_watched)
from kite_cli.ui import KiteError, build_dir
from kite_vm.machine import Machine, Settings

PORTS = 56
WARM = 3       # cycles before memory is looked at
ENOUGH = 8     # cycles after those that make an average worth judging
LEAK_KIB = 12   # what a cycle may leave behind on average: caches that grow
SLACK_KIB = 400  # and once: half-empty slabs, per-CPU stock
START_SECONDS = 90.0
WORK_SECONDS = 1.0  # how long work goes on before the card is taken away
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
    end = time.monotonic() + START_SECONDS
    while not re.search("copying|Selected GPU", job.stdout + job.stderr) and job.running:
        if time.monotonic() > end:
            state = machine.run("ps ax; cat /sys/kernel/debug/dri/*/rings").stdout
            raise AssertionError(f"{kind} does not start: {job.stdout} {job.stderr} {state}")
        time.sleep(0.2)
    time.sleep(WORK_SECONDS)
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
    elif kind == "vkcube":
        expect("device lost" in job.stderr, f"vkcube ended with {code}: {job.stderr}")


SNAPSHOT = """sync; echo 3 > /proc/sys/vm/drop_caches
for f in /sys/kernel/slab/*/shrink; do echo 1 > $f; done 2> /dev/null
sleep 1; cat /proc/meminfo /proc/slabinfo
grep -l 1 /sys/kernel/slab/*/reclaim_account"""


class Memory:
    """The guest kernel's memory at one moment."""

    def __init__(self, machine):
        text = machine.check(SNAPSHOT)
        facts = {name: int(size)
                 for name, size in re.findall(r"^(\w+): +(\d+) kB", text, re.MULTILINE)}
        self.available = facts["MemAvailable"]
        # What can't be reclaimed, in KiB: pages, and below objects by cache.
        self.pages = facts["SUnreclaim"] + facts["VmallocUsed"] + facts["PageTables"]
        rows = re.findall(r"^(\S+) +(\d+) +\d+ +(\d+) .*: slabdata", text, re.MULTILINE)
        reclaimable = set(re.findall(r"/slab/([^/]+)/reclaim_account", text))
        self.caches = {name: int(active) * int(size) / 1024
                       for name, active, size in rows if name not in reclaimable}
        self.caches["vmalloc"] = facts["VmallocUsed"]
        self.caches["page tables"] = facts["PageTables"]

    @property
    def objects(self):
        """What lives in all caches, in KiB."""
        return sum(self.caches.values())

    def grown(self, earlier):
        """Text of the caches that changed most since an earlier moment."""
        growth = {name: size - earlier.caches.get(name, 0) for name, size in self.caches.items()}
        most = sorted(growth.items(), key=lambda item: -abs(item[1]))[:8]
        return ", ".join(f"{name} {size:+.0f}" for name, size in most if size)


def one_guest(kernel, lives):
    """Run cycles [(kind of work, pull)] in one guest."""
    settings = Settings(kernel=kernel.release, vram="64M", ports=len(lives))
    with Machine(settings) as machine:
        need_module(machine)
        need_device()
        machine.load_module()
        machine.start(["Xvfb", ":0", "-screen", "0", "1280x1024x24", "-nolisten", "tcp",
                       "-noreset"])
        before = None
        for number, (kind, pull) in enumerate(lives):
            started = time.monotonic()
            cycle(machine, kind, pull)
            wrong = machine.splats()
            expect(not wrong, "guest kernel: " + "\n".join(wrong[:20]))
            print(f"  {'pulled' if pull else 'unplugged'} with {kind}: "
                  f"{time.monotonic() - started:.0f} s", flush=True)
            if number + 1 == WARM:
                before = Memory(machine)
        machine.check("rmmod kite")
        machine.load_module()
        if before is not None and len(lives) > WARM:
            after = Memory(machine)
            cycles = len(lives) - WARM
            objects = after.objects - before.objects
            pages = after.pages - before.pages
            print(f"  kernel memory over {cycles} cycles: objects {objects:+.0f} KiB, pages "
                  f"{pages:+.0f} KiB, available {after.available - before.available:+.0f} KiB")
            print(f"  most: {after.grown(before)}", flush=True)
            expect(max(objects, pages) < LEAK_KIB * cycles + SLACK_KIB or cycles < ENOUGH,
                   "the kernel's memory grows")
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
    # A cable is pulled while something is under way.
    busy = [kind for kind in work if kind != "idle"] or work
    lives += [(busy[number % len(busy)], True) for number in range(args.pulls)]
    try:
        for start in range(0, len(lives), PORTS):
            one_guest(kernel, lives[start:start + PORTS])
    except Skip as reason:
        skip_program(str(reason))
    print(f"{args.cycles} unplugged, {args.pulls} pulled on {kernel.release}: clean")
    return 0


if __name__ == "__main__":
    sys.exit(main())
