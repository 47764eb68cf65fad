# SPDX-License-Identifier: MIT
"""Command line of ./kite: parse, dispatch, and turn failures into one clear line."""

import argparse
import os
import signal
import sys

from . import bench, clients, cts, demo, doctor, enter, fuzz, igt, kernel, run, test, vm
from .build import cmd_build
from .ui import KiteError, say


def cmd_shell(args):
    """Run a command, or an interactive shell, inside the tree; replaces this process."""
    command = args.command or [os.environ.get("KITE_SHELL", "bash")]
    argv, env = enter.wrap(command)
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execvpe(argv[0], argv, env)
    except FileNotFoundError as error:
        raise KiteError(f"{argv[0]}: not found") from error


def parser():
    """The whole command line."""
    top = argparse.ArgumentParser(
        prog="./kite", description="Kite: a virtual GPU with its whole stack. Every command sets "
        "up what it needs first; the first one takes minutes, later ones seconds.")
    subs = top.add_subparsers(required=True, metavar="COMMAND")

    def add(name, run_it, text, **options):
        sub = subs.add_parser(name, help=text, description=text, **options)
        sub.set_defaults(run=run_it)
        return sub

    peers = {"choices": sorted(run.PEERS), "help": "use this driver instead of Kite"}
    sub = add("demo", demo.cmd_demo, "run vkcube on Kite and keep a frame as DIR/vkcube.png")
    sub.add_argument("--frames", type=int, default=60, metavar="N",
                     help="frames to draw; the last is kept (default 60)")
    sub.add_argument("--out", default="out", metavar="DIR", help="where to (default out/)")
    sub.add_argument("--peer", **peers)
    sub = add("test", test.cmd_test, "build and run all tests, or those with NAME in their name")
    sub.add_argument("--long", action="store_true",
                     help="the tests that take an hour instead: plug storms")
    sub.add_argument("--kernel", choices=("debug",), help="the guest tests on the kernel of "
                     "./kite kernel --debug instead; an hour")
    sub.add_argument("names", nargs="*", metavar="NAME")
    sub.add_argument("--sanitize", choices=("address", "thread"), help="a build of its own with "
                     "AddressSanitizer and UBSan, or ThreadSanitizer")
    sub = add("fuzz", fuzz.cmd_fuzz, "feed a parser damaged inputs below ASan and UBSan")
    fuzz.add_arguments(sub)
    sub = add("run", run.cmd_run, "run CMD with Kite as the only Vulkan driver; without a display "
              "it gets a private X server")
    sub.add_argument("--peer", **peers)
    sub.add_argument("command", nargs=argparse.REMAINDER, metavar="-- CMD")
    sub = add("bench", bench.cmd_bench, "measure Kite beside lavapipe and SwiftShader")
    bench.add_arguments(sub)
    sub = add("cts", cts.cmd_cts, "run VK-GL-CTS and compare with what is expected and with peers")
    cts.add_arguments(sub)
    sub = add("build", cmd_build, "bring build/ up to date")
    sub.add_argument("targets", nargs="*", metavar="TARGET", help="ninja targets (default: all)")
    sub.add_argument("--module", action="store_true",
                     help="build kite.ko instead, for all kernels with headers")
    sub.add_argument("--kernel", action="append", metavar="V",
                     help="only for this kernel (6.12, 7.3, debug or a whole release)")
    sub = add("vm", vm.cmd_vm, "run CMD in a virtual machine with the eGPU on its PCIe port")
    vm.add_arguments(sub)
    sub = add("igt", igt.cmd_igt, "run tests of IGT in a virtual machine with the eGPU")
    igt.add_arguments(sub)
    sub = add("clients", clients.cmd_clients, "run other people's programs on Kite: webgpu, ggml, "
              "pages")
    clients.add_arguments(sub)
    sub = add("kernel", kernel.cmd_kernel, "build a test kernel with KASAN, lockdep and KUnit for "
              "./kite vm --kernel debug")
    sub.add_argument("--debug", action="store_true", help="the one there is")
    sub.add_argument("--version", default="6.12", metavar="V",
                     help="from which of Debian's sources: 6.12 (default) or 7.3")
    sub.add_argument("--jobs", type=int, metavar="N", help="compilers at once (all CPUs)")
    sub = add("shell", cmd_shell, "a shell, or CMD, inside the private Debian 13 tree")
    sub.add_argument("command", nargs=argparse.REMAINDER, metavar="-- CMD")
    sub = add("doctor", doctor.cmd_doctor, "what this machine lacks, and how to mend it")
    sub.add_argument("--module", action="store_true",
                     help="instead: would kite.ko load into the running kernel, and if not, why?")
    sub.add_argument("--kernel", metavar="V", help="into this installed kernel instead "
                     "(6.12, 7.3, debug or a whole release)")
    sub.add_argument("--ko", metavar="FILE", help="this module file (default: the built kite.ko)")
    return top


def _interrupt(signum, _frame):
    # Further signals are ignored, so that the tidying up they would hit can finish.
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    raise KeyboardInterrupt(signal.Signals(signum).name)


def _catch_signals():
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if name != signal.SIGHUP or signal.getsignal(name) != signal.SIG_IGN:  # nohup stays nohup
            signal.signal(name, _interrupt)


def main(argv):
    """Entry point; returns the exit status."""
    args = parser().parse_args(argv)
    if getattr(args, "command", None) and args.command[0] == "--":
        args.command = args.command[1:]
    _catch_signals()
    try:
        if getattr(args, "out", None):
            enter.share(args.out)
        return args.run(args) or 0
    except KiteError as error:
        say(f"error: {error}")
        if error.log:
            say(f"log: {error.log}")
        return error.code
    except KeyboardInterrupt:
        say("interrupted")
        return 130
