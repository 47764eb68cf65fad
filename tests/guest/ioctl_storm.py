# SPDX-License-Identifier: MIT
"""The ioctl fuzzer in a guest: ioctl_storm.py KERNEL [--seconds N] [--seed N]; the kernel judges."""

import argparse
import contextlib
import sys

from guest_case import (Skip, expect, find_kernel, need_device, need_module, skip_program,
                        still_watched)
from kite_cli.ui import build_dir
from kite_vm.machine import Machine, Settings

SLOW_SECONDS = 240   # of one call; an emulated CPU with checkers is slow
GRACE_SECONDS = 900


def storm(machine, args):
    """Run the fuzzer and look at what the kernel says."""
    machine.load_module()
    machine.plug()
    node = machine.wait_render_node()
    job = machine.run([str(build_dir() / "tests/drm/fuzz/kite_ioctl_fuzz"), node, "--seconds",
                       str(args.seconds), "--seed", str(args.seed), "--slow", str(SLOW_SECONDS)],
                      args.seconds + GRACE_SECONDS)
    print(job.stdout, job.stderr)
    wrong = machine.splats()
    expect(not wrong, "guest kernel: " + "\n".join(wrong[:40]))
    expect(job.code == 0, f"the fuzzer's exit status is {job.code}")
    machine.unplug()
    with contextlib.suppress(Skip):
        still_watched(machine)
    machine.check("rmmod kite")
    expect(not machine.splats(), "guest kernel: " + "\n".join(machine.splats()[:40]))


def main():
    """Parse, run, report; 0, 1 or 77."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kernel")
    parser.add_argument("--seconds", type=int, default=1800)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    kernel = find_kernel(args.kernel)
    try:
        need_device()
        with Machine(Settings(kernel=kernel.release, vram="64M")) as machine:
            need_module(machine)
            print(f"kernel log: {machine.serial}", flush=True)
            storm(machine, args)
    except Skip as reason:
        skip_program(str(reason))
    print(f"{args.seconds} s of random ioctls on {kernel.release}, seed {args.seed}: clean")
    return 0


if __name__ == "__main__":
    sys.exit(main())
