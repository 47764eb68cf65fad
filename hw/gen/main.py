#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Turn the hardware description into headers, tables, docs and test vectors.

    main.py --out DIR [--only NAME...]   write every output (or those named) below DIR
    main.py --list                       print the names of the outputs
    main.py --freeze 'KIND:NAME'...      print released.toml lines for entries to freeze
"""
import argparse
import sys
from fnmatch import fnmatch
from pathlib import Path

import outputs
from check import check, release_state
from load import HwError
from load_all import load


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--depfile", type=Path, help="write a Make rule naming every input")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--freeze", nargs="*", metavar="KIND:NAME",
                        help="print released.toml lines for these entries (wildcards allowed)")
    args = parser.parse_args()
    if args.list:
        print("\n".join(outputs.OUTPUTS))
        return 0
    try:
        desc = load(args.root)
        problems = check(desc)
    except HwError as error:
        problems = [str(error)]
    if problems:
        for line in problems:
            print(f"hw: {line}", file=sys.stderr)
        print(f"hw: description refused, {len(problems)} problem(s)", file=sys.stderr)
        return 1
    if args.freeze is not None:
        for kind, entries in release_state(desc).items():
            names = [n for n in entries if any(fnmatch(f"{kind}:{n}", p) for p in args.freeze)]
            if names:
                print(f"[{kind}]")
                print("\n".join(f'"{n}" = "{entries[n]}"' for n in names))
        return 0
    if args.out is None:
        parser.error("--out is needed")
    args.out.mkdir(parents=True, exist_ok=True)
    if args.depfile is not None:
        inputs = [*sorted(args.root.rglob("*.toml")), *sorted(Path(__file__).resolve().parent.glob("*.py"))]
        target = args.out / (args.only or list(outputs.OUTPUTS))[0]
        args.depfile.write_text(f"{target}: " + " ".join(str(p) for p in inputs) + "\n")
    for name, emit in outputs.OUTPUTS.items():
        if args.only is None or name in args.only:
            path = args.out / name
            text = emit(desc)
            if not path.exists() or path.read_text() != text:
                path.write_text(text)
            else:
                path.touch()
    return 0


if __name__ == "__main__":
    sys.exit(main())
