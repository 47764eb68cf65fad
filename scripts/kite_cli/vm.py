# SPDX-License-Identifier: MIT
"""./kite vm: boot a guest, plug the eGPU in, run a command there, bring its exit status back."""

import os
import pathlib
import sys
import threading
import time

from kite_vm import device, kernels
from kite_vm.machine import EXTRA_DEVICES, Machine, Settings

from . import build, module, tree
from .ui import KiteError, say

SPLAT_STATUS = 125  # the command was content, the guest's kernel was not
PASSED_ON = ("KITE_",)
NOT_PASSED_ON = ("KITE_IN_TREE", "KITE_BUILD_DIR", "KITE_BIND", "KITE_NATIVE", "KITE_ENTER",
                 "KITE_SHELL", "KITE_CACHE_DIR", "KITE_LOG_FILE")


def add_arguments(sub):
    """The options of ./kite vm."""
    sub.add_argument("--kernel", metavar="V", help="6.12, 7.3, debug or a whole release "
                     "(default: Debian 13's own)")
    sub.add_argument("--vram", default="256M", metavar="SIZE", help="memory of the eGPU (256M)")
    sub.add_argument("--fault", action="append", default=[], metavar="SPEC",
                     help="make the device misbehave: kite-device --inject SPEC")
    sub.add_argument("--device-option", action="append", default=[], metavar="OPTION",
                     help="one more option for kite-device")
    sub.add_argument("--param", action="append", default=[], metavar="NAME=VALUE",
                     help="module parameter of kite.ko")
    sub.add_argument("--eject-after", type=float, metavar="S",
                     help="S seconds into CMD unplug the eGPU in an orderly way")
    sub.add_argument("--unplug-after", type=float, metavar="S",
                     help="S seconds into CMD pull the cable")
    sub.add_argument("--replug-after", type=float, metavar="S",
                     help="S seconds after that plug a new eGPU in")
    sub.add_argument("--no-device", action="store_true", help="a plain guest: no eGPU, no module")
    sub.add_argument("--no-module", action="store_true", help="plug the eGPU, load no driver")
    sub.add_argument("--device", choices=["kite", *EXTRA_DEVICES], default="kite",
                     help="a display device of QEMU's own instead, for comparison")
    sub.add_argument("--memory", default="2G", metavar="SIZE", help="memory of the guest (2G)")
    sub.add_argument("--cpus", type=int, default=2, metavar="N", help="CPUs of the guest (2)")
    sub.add_argument("--accel", choices=["auto", "kvm", "tcg"], default="auto",
                     help="auto takes KVM where a guest really starts under it")
    sub.add_argument("--append", default="", metavar="WORDS", help="for the kernel command line")
    sub.add_argument("--out", default="out/vm", metavar="DIR",
                     help="folder the guest sees as /out and $KITE_OUT, writable (out/vm)")
    sub.add_argument("--env", action="append", default=[], metavar="NAME=VALUE",
                     help="variable for CMD; KITE_* ones of the driver are passed on anyway")
    sub.add_argument("--display", choices=["auto", "none"], default="auto",
                     help="auto gives CMD a private X server")
    sub.add_argument("--timeout", type=float, default=600, metavar="S",
                     help="end CMD after S seconds with status 124 (600)")
    sub.add_argument("--serial", metavar="FILE", help="where the guest's kernel log goes")
    sub.add_argument("command", nargs="...", metavar="-- CMD")


def settings(args):
    """A machine's settings out of the command line."""
    env = {name: value for name, value in os.environ.items()
           if name.startswith(PASSED_ON) and name not in NOT_PASSED_ON}
    for pair in args.env:
        name, equals, value = pair.partition("=")
        if not equals:
            raise KiteError(f"--env {pair}: NAME=VALUE is wanted")
        env[name] = value
    device.parse_size(args.vram)
    return Settings(
        kernel=args.kernel, memory=args.memory, cpus=args.cpus, accel=args.accel, vram=args.vram,
        faults=tuple(args.fault), device_options=tuple(args.device_option),
        extra=None if args.device == "kite" else args.device,
        out=pathlib.Path(args.out).absolute(),
        serial=pathlib.Path(args.serial).absolute() if args.serial else None,
        append=args.append, module_parameters=tuple(args.param), env=env)


def _prepare(args):
    """Build what the guest needs; returns whether it gets the eGPU and the module."""
    tree.ensure()
    with_device = not args.no_device and args.device == "kite"
    with_module = with_device and not args.no_module
    if with_device:
        build.build()
    if with_module:
        module.build(kernels.find(args.kernel))
    return with_device, with_module


def _unplugging(args):
    """What to do while CMD runs: a list of (seconds, name of a Machine's method)."""
    steps = []
    for seconds, verb in ((args.eject_after, "unplug"), (args.unplug_after, "pull")):
        if seconds is not None:
            steps.append((seconds, verb))
    if len(steps) > 1:
        raise KiteError("--eject-after and --unplug-after exclude each other")
    if args.replug_after is not None:
        if not steps:
            raise KiteError("--replug-after needs --unplug-after or --eject-after")
        steps.append((args.replug_after, "plug"))
    return steps


def _display(machine):
    """Start an X server in the guest; returns the variables that name it."""
    machine.start(["Xvfb", ":0", "-screen", "0", "1280x1024x24", "-nolisten", "tcp", "-noreset"])
    if not machine.wait_for("[ -S /tmp/.X11-unix/X0 ]", 60):
        raise KiteError("Xvfb did not start in the guest", log=machine.serial)
    return {"DISPLAY": ":0"}


def _write(stream, data):
    target = sys.stdout if stream == "out" else sys.stderr
    target.buffer.write(data)
    target.flush()


def _disturb(machine, job, steps):
    """Carry out the steps of _unplugging() while the command runs."""
    for seconds, verb in steps:
        end = time.monotonic() + seconds
        while job.running and time.monotonic() < end:
            time.sleep(0.02)
        if not job.running and verb != "plug":
            say(f"the command ended before the {verb}")
            return
        say(f"{verb} after {seconds:g} s")
        getattr(machine, verb)()


def _run(machine, args, steps):
    """Run the command; returns its exit status."""
    deadline = time.monotonic() + args.timeout
    job = machine.start(args.command, env=getattr(machine, "display", None), sink=_write,
                        cwd=os.getcwd())
    timer = threading.Timer(args.timeout, job.kill, args=[9])
    timer.daemon = True
    timer.start()
    try:
        _disturb(machine, job, steps)
        code = job.wait(max(1.0, deadline - time.monotonic()) + 30.0)
    finally:
        timer.cancel()
    if code == 137 and time.monotonic() >= deadline:
        say(f"ended after {args.timeout:g} s (--timeout)")
        return 124
    return code


def cmd_vm(args):
    """./kite vm"""
    if not args.command:
        raise KiteError("nothing to run: ./kite vm [OPTIONS] -- CMD...")
    steps = _unplugging(args)
    chosen = settings(args)
    with_device, with_module = _prepare(args)
    if steps and not with_device:
        raise KiteError("there is no eGPU to unplug: --no-device or --device was given")
    machine = Machine(chosen)
    with machine:
        say(f"{machine.kernel.release} up after {machine.boot_seconds:.1f} s "
            f"({machine.accel.upper()})")
        machine.display = _display(machine) if args.display == "auto" else {}
        if with_module:
            machine.load_module()
        if with_device:
            machine.plug()
        if with_module:
            say(f"eGPU plugged: {machine.wait_render_node()}")
        code = _run(machine, args, steps)
    wrong = machine.splats()
    for line in wrong[:20]:
        say(f"guest kernel: {line}")
    if wrong:
        say(f"the guest's kernel complained {len(wrong)} times")
    if code or wrong:
        say(f"guest's kernel log: {machine.serial}")
        if with_device:
            say(f"device's log: {machine.device_log}")
    else:
        for log in (machine.qemu_log, machine.device_log,
                    *(() if args.serial else (machine.serial,))):
            log.unlink(missing_ok=True)
    return code or (SPLAT_STATUS if wrong else 0)
