# SPDX-License-Identifier: MIT
"""Guest tests on one kernel: boot, the module, plugging, drawing, pulling the cable."""

import math
import os
import pathlib
import subprocess
import sys
import tempfile

from guest_case import Runner, Skip, expect, find_kernel, need_device, need_module
from kite_cli.ui import REPO, build_dir
from kite_vm.machine import Machine, Settings

BOOT_SECONDS = 60.0
CYCLES = 2


def boots_quickly(machine):
    """To the agent in under a minute, under TCG too."""
    # QEMU's CPU time rather than the clock: the machine may be busy with other things.
    text = f"up after {machine.boot_seconds:.1f} s, {machine.boot_cpu_seconds:.1f} s of CPU time"
    print(f"{machine.accel}: {text}")
    # The checkers' kernel takes as long as it takes.
    limit = BOOT_SECONDS if machine.kernel.in_root else math.inf
    expect(min(machine.boot_seconds, machine.boot_cpu_seconds) < limit, text)
    expect(machine.check("uname -r").strip() == machine.kernel.release, "another kernel booted")


def commands_report(machine):
    """Exit status, both streams, files in the shared folder; the checkout stays as it is."""
    job = machine.run("echo out; echo err >&2; exit 7")
    expect((job.code, job.stdout, job.stderr) == (7, "out\n", "err\n"), f"got {vars(job)}")
    machine.check("echo made > $KITE_OUT/made")
    expect((machine.settings.out / "made").read_text() == "made\n", "no file came out")
    machine.check(f"echo x >> {REPO}/README.md && rm {REPO}/meson.build && touch /etc/new")
    expect((REPO / "meson.build").exists(), "the guest wrote into the checkout")
    expect(not (REPO / "README.md").read_text().endswith("x\n"), "the guest wrote a file")


def module_loads(machine):
    """In and out again without a device."""
    need_module(machine)
    machine.load_module()
    expect("kite" in machine.check("lsmod"), "not loaded")
    machine.check("rmmod kite")
    machine.load_module()


def enumerates(machine):
    """Every BAR has an address after hot-plug, and MSI-X is there."""
    need_device()
    machine.plug()
    text = machine.check("lspci -vv -d 1af4:10f0")
    print(text)
    expect("Region 0: Memory at" in text and "Region 2: Memory at" in text, "a BAR is missing")
    expect("unassigned" not in text and "MSI-X" in text, "BARs unassigned or no MSI-X")


def render_node(machine):
    """kite.ko takes the device."""
    need_device()
    need_module(machine)
    print(machine.wait_render_node())


def driver_smoke(machine):
    """Every ioctl of kite.ko does what it is for."""
    need_device()
    need_module(machine)
    program = build_dir() / "tests/drm/basic/drm_basic"
    if not program.exists():
        raise Skip("drm_basic is not built")
    print(machine.check(f"modprobe vgem; {program} --gtest_brief=1", 300))


def vulkaninfo(machine):
    """The ICD finds the render node and says so."""
    need_device()
    need_module(machine)
    if not (REPO / "runtime/kmd/drm").exists():
        raise Skip("this build has no runtime/kmd/drm")
    text = machine.check("vulkaninfo --summary", 300, env={"KITE_KMD": "drm"})
    print(text)
    expect("Kite" in text, "no Kite device")


def same_picture(machine):
    """vkcube's frames are the embedded device's bit for bit."""
    need_device()
    need_module(machine)
    frames = ("1", "20")
    build = build_dir()
    script = ("xvfb-run -a -s '-screen 0 1280x1024x24' env "
              f"LD_PRELOAD={build}/tests/support/step_clock/libkite_step_clock.so "
              "vkcube --c 20 --present_mode 1")
    env = {"VK_ADD_LAYER_PATH": f"{build}/tests/support/frame_capture",
           "VK_INSTANCE_LAYERS": "VK_LAYER_KITE_frame_capture",
           "KITE_FRAME_CAPTURE_AT": ",".join(frames)}
    machine.check(script, 400, env={**env, "KITE_KMD": "drm",
                                    "KITE_FRAME_CAPTURE_FILE": "/out/guest-%.png"})
    out = machine.settings.out
    host = {**os.environ, **machine.environment(), **env, "KITE_KMD": "embedded",
            "KITE_FRAME_CAPTURE_FILE": f"{out}/host-%.png"}
    subprocess.run(["sh", "-c", script], env=host, check=True, timeout=200, capture_output=True)
    for frame in frames:
        guest, embedded = (out / f"{side}-{frame}.png" for side in ("guest", "host"))
        expect(guest.read_bytes() == embedded.read_bytes(), f"frame {frame} differs")


def plug_and_unplug(machine):
    """Orderly out and in."""
    need_device()
    for _ in range(CYCLES):
        if not machine.devices:
            machine.plug()
        if module_there(machine):
            machine.wait_render_node()
        machine.unplug()
    expect(not machine.check("lspci -d 1af4:10f0").strip(), "the device is still listed")


def pull_the_cable(machine):
    """Surprise removal and return."""
    need_device()
    for _ in range(CYCLES):
        if not machine.devices:
            machine.plug()
        if module_there(machine):
            machine.wait_render_node()
        machine.pull()
    expect(not machine.check("lspci -d 1af4:10f0").strip(), "the device is still listed")


def module_there(machine):
    """True when kite.ko is loaded."""
    return machine.run("grep -q ^kite /proc/modules").code == 0


def module_unloads(machine):
    """Nothing holds the module once the devices are gone."""
    need_module(machine)
    machine.check("rmmod kite")


CASES = [boots_quickly, commands_report, module_loads, enumerates, render_node, driver_smoke,
         vulkaninfo, same_picture, plug_and_unplug, pull_the_cable, module_unloads]


def main(kernel_name):
    """Run all cases in one guest; returns the exit status."""
    kernel = find_kernel(kernel_name)
    with tempfile.TemporaryDirectory(prefix="kite-guest-") as out:
        settings = Settings(kernel=kernel.release, out=pathlib.Path(out), ports=8, vram="64M")
        with Machine(settings) as machine:
            runner = Runner(f"Guest{kernel.name.replace('.', '_')}", machine)
            for case in CASES:
                runner.run("".join(word.title() for word in case.__name__.split("_")), case)
                if not machine.alive:
                    print("the guest is gone")
                    return 1
            print(f"guest kernel log: {machine.serial}")
    return 1 if runner.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
