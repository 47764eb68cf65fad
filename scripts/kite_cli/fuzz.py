# SPDX-License-Identifier: MIT
"""./kite fuzz: libFuzzer on one of the targets of tests/fuzz, below ASan and UBSan."""

import os
import re
import subprocess

from . import build, enter
from .test import SANITIZER_OPTIONS
from .ui import REPO, KiteError, child, log_dir, say

# name: (ninja target, largest input in bytes)
TARGETS = {
    "spirv": ("tests/fuzz/spirv_fuzz", 12000),
    "isa": ("tests/isa/isa_program_fuzz", 4096),
    "packets": ("device/embed/packets_fuzz", 16384),
    "cache": ("tests/fuzz/cache_fuzz", 4096),
    "capture": ("tests/fuzz/capture_fuzz", 40000),
    "vfio": ("tests/fuzz/vfio_fuzz", 4096),
    "pci": ("tests/fuzz/pci_fuzz", 2048),
}


def add_arguments(parser):
    """The options of ./kite fuzz."""
    parser.add_argument("target", choices=sorted(TARGETS))
    parser.add_argument("--time", type=int, default=60, metavar="S", help="seconds (default 60)")


def summary(output):
    """One line of figures from what libFuzzer printed."""
    covered = re.findall(r"cov: (\d+) ft: (\d+) corp: (\d+)", output)
    executed = re.findall(r"number_of_executed_units: *(\d+)", output)
    return (f"{executed[-1] if executed else 0} inputs executed, "
            f"{covered[-1][0] if covered else 0} edges, "
            f"{covered[-1][2] if covered else 0} inputs kept")


def cmd_fuzz(args):
    """./kite fuzz"""
    target, largest = TARGETS[args.target]
    folder = build.build(target, flavour="address")
    work = folder / "fuzz" / args.target
    crashes = folder / "fuzz" / f"{args.target}-crashes"
    for path in (work, crashes):
        path.mkdir(parents=True, exist_ok=True)
    command, env = enter.wrap([
        str(folder / target), f"-max_total_time={args.time}", f"-max_len={largest}", "-timeout=25",
        "-rss_limit_mb=3000", "-print_final_stats=1", f"-artifact_prefix={crashes}/", str(work),
        str(REPO / "tests" / "fuzz" / "corpus" / args.target)])
    env.update(SANITIZER_OPTIONS)
    log = log_dir() / f"fuzz-{args.target}.log"
    say(f"fuzzing {args.target} for {args.time} s; log: {log}")
    before = set(os.listdir(crashes))
    with open(log, "wb") as sink, child(command, env=env, cwd=folder, stdin=subprocess.DEVNULL,
                                        stdout=sink, stderr=subprocess.STDOUT) as process:
        code = process.wait()
    found = sorted(set(os.listdir(crashes)) - before)
    print(f"{args.target}: {summary(log.read_text(errors='replace'))}")
    for name in found:
        print(f"crash: {crashes / name}")
    if code != 0:
        raise KiteError("it found something; a fixed crash becomes a file of "
                        f"tests/fuzz/corpus/{args.target}", log=log)
    return 0
