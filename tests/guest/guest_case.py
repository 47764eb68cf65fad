# SPDX-License-Identifier: MIT
"""What guest tests share: a runner that reports each case the way GoogleTest does, and skips."""

import pathlib
import re
import shutil
import sys
import time
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
from kite_cli import module  # noqa: E402
from kite_cli.ui import KiteError  # noqa: E402
from kite_vm import device, kernels, kvm  # noqa: E402
from kite_vm.machine import Machine  # noqa: E402

SKIP_STATUS = 77


class Skip(Exception):
    """This case can't run here; the text says why."""


def skip_program(reason):
    """End the whole test program as skipped."""
    print(f"SKIP: {reason}")
    sys.exit(SKIP_STATUS)


def run_cases(suite, settings, cases):
    """Run (name, case) pairs in one guest with the module; returns the exit status."""
    try:
        need_device()
        with Machine(settings) as machine:
            need_module(machine)
            runner = Runner(suite, machine)
            for name, case in cases:
                runner.run(name, case)
                if not machine.alive:
                    raise KiteError("the guest is gone", log=machine.serial)
    except Skip as reason:
        skip_program(str(reason))
    print(f"guest kernel log: {machine.serial}")
    return 1 if runner.failed else 0


def find_kernel(name):
    """The kernel under test, or the end of the program as skipped."""
    if not shutil.which(kvm.QEMU):
        skip_program("no QEMU on this machine")
    try:
        return kernels.find(name)
    except KiteError as error:
        skip_program(str(error))


def need_module(machine):
    """Skip the case when kite.ko is not built for the machine's kernel."""
    if not module.built(machine.kernel).exists():
        raise Skip(f"kite.ko is not built for {machine.kernel.release}; ./kite build --module")


def need_device():
    """Skip the case when kite-device is not built."""
    if not device.binary().exists():
        raise Skip("kite-device is not built")


def kmemleak(machine):
    """What kmemleak knows, or nothing where the kernel has none."""
    return machine.run("f=/sys/kernel/debug/kmemleak; [ -w $f ] && echo scan > $f && sleep 1 && "
                       "echo scan > $f && cat $f", 900).stdout


def still_watched(machine):
    """The checkers were awake until the end, and kmemleak knows nothing about kite.ko."""
    stats = machine.run("cat /proc/lockdep_stats").stdout
    if not stats:
        raise Skip("this kernel has no lockdep")
    expect(re.search(r"debug_locks: +1$", stats, re.MULTILINE), "lockdep switched itself off")
    leaks = kmemleak(machine)
    print(leaks)
    expect("kite" not in leaks, "kmemleak found something")


class Runner:
    """Runs cases one after the other, each with the machine; a splat fails the case it came in."""

    def __init__(self, suite, machine):
        self.suite = suite
        self.machine = machine
        self.failed = 0

    def run(self, name, function):
        """Run one case; returns True unless it failed."""
        label = f"{self.suite}.{name}"
        print(f"[ RUN      ] {label}", flush=True)
        started = time.monotonic()
        before = len(self.machine.splats())
        try:
            function(self.machine)
            verdict = "      OK"
            for line in self.machine.splats()[before:][:20]:
                print(f"guest kernel: {line}")
                verdict = " FAILED "
        except Skip as reason:
            print(f"{reason}")
            verdict = " SKIPPED"
        except Exception:  # a case may fail in any way; the rest still runs
            traceback.print_exc(file=sys.stdout)
            verdict = " FAILED "
        if verdict == " FAILED ":
            self.failed += 1
        millis = int((time.monotonic() - started) * 1000)
        print(f"[ {verdict} ] {label} ({millis} ms)", flush=True)
        return verdict != " FAILED "


def expect(condition, text):
    """Fail the case with `text` unless `condition` holds."""
    if not condition:
        raise AssertionError(text)
