# SPDX-License-Identifier: MIT
"""./kite bench --vm: how long a submission takes in a guest, and how many ioctls a frame makes."""

import json
import re

from kite_vm import kernels
from kite_vm.machine import Machine, Settings

from . import build, module, run, tree
from .ui import KiteError, build_dir, say

ROUNDS = 500
FRAMES = (20, 80)  # two runs of vkcube: what the longer one has more is what frames cost
TARGETS = ("tests/drm/drm_latency", "tests/bench/kite_bench_api", "device/pci/kite-device")
WHAT = """Submit-to-fence times in one guest. "kite ioctl" is QUEUE_SUBMIT and the wait for its fence
on /dev/dri/renderD*, so it holds the guest's kernel, a trapped doorbell, the device process and an
interrupt. "virtio-gpu ioctl" is the nearest there is to it on QEMU's virtio-gpu in the same guest,
which without virgl takes no submissions: a resource of 4 KiB made and waited for, one command through
the virtqueue and its fence. "kite Vulkan" is vkQueueSubmit and vkWaitForFences on the render node;
virtio-gpu offers no Vulkan without Venus, so lavapipe stands beside it, Vulkan on the
guest's own CPU: its submissions stay in the process and meet no device. ioctls a frame are those of
vkcube on Xvfb (of the whole program, counted by strace)."""


def _ioctls(machine, variables):
    """ioctls a frame of vkcube, from the difference of two runs."""
    counts = []
    for frames in FRAMES:
        job = machine.run(["strace", "-f", "-qq", "-c", "-e", "trace=ioctl", "-o", "/tmp/ioctls",
                           "vkcube", "--c", str(frames), "--suppress_popups"],
                          600, env=variables)
        if job.code != 0:
            raise KiteError(f"vkcube in the guest: {job.stderr.strip()[-500:]}")
        match = re.search(r"^\s*\S+\s+\S+\s+\S+\s+(\d+)(?:\s+\d+)?\s+ioctl$",
                          machine.check("cat /tmp/ioctls"), re.M)
        counts.append(int(match[1]) if match else 0)
    return (counts[1] - counts[0]) / (FRAMES[1] - FRAMES[0])


def _vulkan(machine, driver):
    """Rows (case, microseconds) of the API benchmark's submit suite."""
    program = build_dir() / "tests" / "bench" / "kite_bench_api"
    text = machine.check([str(program), "submit"], 600, env=run.driver_environment(driver))
    rows = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    return [(f"{driver} Vulkan, {row['case']}", row["value"]) for row in rows]


def _measure(machine):
    rows = []
    raw = json.loads(machine.check(f"{build_dir()}/tests/drm/drm_latency {ROUNDS}", 600))
    for case in ("sync", "nop", "fill"):
        rows.append((f"kite ioctl, {case}", raw[case]["median_us"]))
        rows.append((f"kite ioctl, {case}, 99th percentile", raw[case]["p99_us"]))
    rows.append(("virtio-gpu ioctl, resource", raw["virtio_create"]["median_us"]))
    rows.append(("virtio-gpu ioctl, resource, 99th percentile", raw["virtio_create"]["p99_us"]))
    rows.append(("kite ioctl, stream of nops, each", raw["stream_us_each"]))
    for driver in ("kite", "lavapipe"):
        rows += _vulkan(machine, driver)
    display = {"DISPLAY": ":0"}
    machine.start(["Xvfb", ":0", "-screen", "0", "800x600x24", "-nolisten", "tcp", "-noreset"])
    if not machine.wait_for("[ -S /tmp/.X11-unix/X0 ]", 60):
        raise KiteError("Xvfb did not start in the guest", log=machine.serial)
    counts = [(driver, _ioctls(machine, {**display, **run.driver_environment(driver)}))
              for driver in ("kite", "lavapipe")]
    return rows, counts


def cmd_bench_vm(args):
    """Boot, measure, write DIR/bench-vm.md."""
    tree.ensure()
    build.build(*TARGETS, "icd/libvulkan_kite.so")
    module.build(kernels.find(None))
    with Machine(Settings(extra="virtio-gpu")) as machine:
        machine.check("modprobe virtio_gpu", 60)
        machine.load_module()
        machine.plug()
        machine.wait_render_node()
        say(f"guest {machine.kernel.release} ({machine.accel.upper()})")
        rows, counts = _measure(machine)
        release, accel = machine.kernel.release, machine.accel.upper()
    lines = [f"# Submissions in a guest ({release}, {accel})", "", WHAT, "",
             "| case | us |", "| --- | ---: |", *(f"| {name} | {us:.1f} |" for name, us in rows),
             "", "| driver | ioctls a frame of vkcube |", "| --- | ---: |",
             *(f"| {name} | {count:.1f} |" for name, count in counts), ""]
    out = args.out.absolute() / "bench-vm.md"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text("\n".join(lines))
    print("\n".join(lines))
    say(f"written: {out}")
    return 0
