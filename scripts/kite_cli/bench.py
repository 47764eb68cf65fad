# SPDX-License-Identifier: MIT
"""./kite bench: the same programs on Kite and its peers, interleaved, and what came out."""

import pathlib

from . import bench_report, bench_suites, bench_vm, build, run
from .ui import KiteError, say

DEFAULT_DRIVERS = "kite,lavapipe,lavapipe-512,swiftshader"


def add_arguments(sub):
    """Options of ./kite bench."""
    sub.add_argument("suites", nargs="*", metavar="SUITE",
                     help=f"of {', '.join(bench_suites.SUITES)} (default: all)")
    sub.add_argument("--vm", action="store_true",
                     help="instead: submit-to-fence times and ioctls a frame in a guest")
    sub.add_argument("--rounds", type=int, default=3, help="samples of each case (default 3)")
    sub.add_argument("--drivers", default=DEFAULT_DRIVERS, metavar="A,B,...",
                     help=f"the first is compared with lavapipe (default {DEFAULT_DRIVERS})")
    sub.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write the results here too")
    sub.add_argument("--out", type=pathlib.Path, default=pathlib.Path("out"), metavar="DIR",
                     help="where bench.md, bench.json and bench.png go (default out/)")


def _measure(suites, drivers, rounds, variables):
    samples = {}
    notes = []

    def keep(driver, rows):
        for suite, case, unit, better, value in rows:
            samples.setdefault((suite, case, driver), (unit, better, []))[2].append(value)

    failed = set()
    for turn in range(rounds):
        say(f"round {turn + 1} of {rounds}")
        if "compute" in suites or "copy" in suites:
            keep("machine", bench_suites.limits())
        for suite in suites:
            say(f"  {suite}")
            for index, job in enumerate(bench_suites.SUITES[suite]):
                order = drivers[turn % len(drivers):] + drivers[:turn % len(drivers)]
                for driver in order:
                    skip = driver == "lavapipe-512" and suite in bench_suites.NOT_512
                    if skip or (suite, index, driver) in failed:
                        continue
                    try:
                        keep(driver, list(job({**run.driver_environment(driver), **variables})))
                    except bench_suites.Failed as error:
                        failed.add((suite, index, driver))
                        notes.append(f"{driver} failed in {suite} (job {index + 1}): {error}")
                        say(f"    {notes[-1]}")
    return samples, notes


def cmd_bench(args):
    """./kite bench"""
    if args.vm:
        return bench_vm.cmd_bench_vm(args)
    suites = args.suites or list(bench_suites.SUITES)
    for suite in suites:
        if suite not in bench_suites.SUITES:
            raise KiteError(f"no suite {suite}; there are {', '.join(bench_suites.SUITES)}")
    if args.rounds < 1:
        raise KiteError("--rounds is at least 1")
    drivers = [name for name in args.drivers.split(",") if name]
    for driver in drivers:
        run.driver_environment(driver)
        if driver == "kite":
            run.ensure_driver(driver)
    if "kite" not in drivers:
        build.build(run.LAYER_TARGET, "tests/bench/kite_bench_compute",
                    "tests/bench/kite_bench_api")
    with run.display() as variables:
        samples, notes = _measure(suites, drivers, args.rounds, variables)
    results = bench_report.summarise(samples)
    if not results:
        raise KiteError("no driver finished any case")
    text = bench_report.write(results, drivers, notes, args.out.absolute(),
                              args.json.absolute() if args.json else None)
    print(text)
    say(f"written: {args.out}/bench.md, {args.out}/bench.png, "
        f"{args.json or args.out / 'bench.json'}")
    return 0
