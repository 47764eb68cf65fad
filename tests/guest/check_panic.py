# SPDX-License-Identifier: MIT
"""A kernel's last words on the eGPU's screen: check_panic.py KERNEL [--keep DIR].

The guest is made to panic; from outside the screen has to show the kernel's panic screen (two
colours, a large part of it bright: a code to scan or a message). Kernels without one are skipped.
"""

import argparse
import contextlib
import pathlib
import sys
import tempfile

from guest_case import Skip, expect, find_kernel, need_device, need_module, skip_program
from kite_vm.machine import Machine, Settings
from outside import Outside, wait_until

MODE = (1024, 768)
SECONDS = 60
BRIGHT = (0.03, 0.7)  # share of the panic screen's pixels


def bright_share(picture):
    """How much of a picture is white."""
    colours = {colour: count for count, colour in picture.getcolors(1 << 24)}
    return colours.get((255, 255, 255), 0) / (picture.width * picture.height)


def panic(machine, outside):
    """Panic and look."""
    machine.load_module()
    machine.plug()
    machine.wait_render_node()
    machine.check("[ -e /dev/fb0 ] && printf '\\033[2J\\033[H' > /dev/tty1")
    wait_until(lambda: outside.screenshot("before.png").size == MODE, SECONDS, "no console")
    before = bright_share(outside.screenshot("before.png"))
    expect(before < BRIGHT[0], f"the console is bright already: {before:.3f}")
    machine.start("echo c > /proc/sysrq-trigger")
    wait_until(lambda: BRIGHT[0] < bright_share(outside.screenshot("panic.png")) < BRIGHT[1],
               SECONDS, "no panic screen")
    share = bright_share(outside.screenshot("panic.png"))
    print(f"the panic screen: {share:.0%} of it is bright, {before:.0%} before")
    expect("Kernel panic" in machine.kernel_log(), "the kernel did not panic")


def main():
    """Parse, run, report; 0, 1 or 77."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kernel")
    parser.add_argument("--keep", type=pathlib.Path, help="folder for the screenshots")
    args = parser.parse_args()
    kernel = find_kernel(args.kernel)
    try:
        need_device()
        with contextlib.ExitStack() as stack:
            folder = args.keep or pathlib.Path(stack.enter_context(
                tempfile.TemporaryDirectory(prefix="kite-panic-")))
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o777)
            outside = Outside(folder)
            # It stays where it is instead of booting again.
            settings = Settings(kernel=kernel.release, vram="64M", append="panic=0",
                                device_options=outside.options(MODE))
            machine = stack.enter_context(Machine(settings))
            need_module(machine)
            if machine.run("grep -q ^CONFIG_DRM_PANIC=y /boot/config-$(uname -r)").code != 0:
                raise Skip(f"{kernel.release} has no panic screen")
            panic(machine, outside)
    except Skip as reason:
        skip_program(str(reason))
    return 0


if __name__ == "__main__":
    sys.exit(main())
