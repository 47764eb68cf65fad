# SPDX-License-Identifier: MIT
"""Command line of ./kite: parse, dispatch, and turn failures into one clear line."""

import argparse
import os
import sys

from . import enter
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
    top = argparse.ArgumentParser(prog="./kite", description="Kite: a virtual GPU, all of it.")
    subs = top.add_subparsers(dest="verb", required=True, metavar="COMMAND")
    shell = subs.add_parser("shell", help="a shell, or CMD, inside the private Debian 13 tree")
    shell.add_argument("command", nargs=argparse.REMAINDER, metavar="-- CMD")
    shell.set_defaults(run=cmd_shell)
    return top


def main(argv):
    """Entry point; returns the exit status."""
    args = parser().parse_args(argv)
    if getattr(args, "command", None) and args.command[0] == "--":
        args.command = args.command[1:]
    try:
        return args.run(args) or 0
    except KiteError as error:
        say(f"error: {error}")
        if error.log:
            say(f"log: {error.log}")
        return error.code
    except KeyboardInterrupt:
        say("interrupted")
        return 130
