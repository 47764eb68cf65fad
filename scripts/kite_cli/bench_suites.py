# SPDX-License-Identifier: MIT
"""The suites of ./kite bench: how one sample of each case is taken on one driver.

Every suite is a list of jobs; a job runs one program on one driver and yields rows
(suite, case, unit, better, value). The caller interleaves the drivers within each job, so that a
slow minute of the machine hits all of them.
"""

import json
import re
import subprocess
import tempfile
import time

from . import run
from .ui import build_dir, child

VKMARK_SCENES = {
    "vertex": "vertex", "texture": "texture", "shading phong": "shading:shading=phong",
    "effect2d": "effect2d", "desktop": "desktop", "cube": "cube", "clear": "clear",
}
COMPUTE_CASES = ("saxpy", "reduction", "sgemm", "nbody", "mandelbrot", "histogram")
# lavapipe's 512-bit mode crashes in programs that draw with many formats; it takes part in compute.
NOT_512 = {"vkmark", "startup", "memory"}
TIMEOUT_SECONDS = 120


class Outcome:
    """What one child process did."""

    def __init__(self, code, stdout, stderr, started):
        self.code = code
        self.stdout = stdout
        self.stderr = stderr
        self.started = started


def execute(command, extra):
    """Run a program inside the tree with extra variables; never raises for its failure."""
    argv, env = run.command_environment(command, extra)
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        started = time.monotonic()
        with child(argv, env=env, stdout=out, stderr=err, stdin=subprocess.DEVNULL) as process:
            try:
                code = process.wait(timeout=TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                code = f"none after {TIMEOUT_SECONDS} s"
        out.seek(0)
        err.seek(0)
        return Outcome(code, out.read(), err.read(), started)


class Failed(Exception):
    """A program did not finish on a driver; the reason goes into the notes."""


def _why(outcome):
    said = (outcome.stderr.strip() or outcome.stdout.strip()).splitlines()
    return f"exit status {outcome.code}" + (f": {said[-1][:120]}" if said else "")


def _json_rows(binary, suite, argument, extra):
    outcome = execute([str(build_dir() / "tests" / "bench" / binary), *argument], extra)
    if outcome.code != 0:
        raise Failed(_why(outcome))
    for line in outcome.stdout.splitlines():
        row = json.loads(line)
        if row["suite"] == suite:
            yield suite, row["case"], row["unit"], row["better"], row["value"]


def _vkmark(scene, options):
    def job(extra):
        outcome = execute(["vkmark", "--winsys", "xcb", "-s", "800x600", "-p", "mailbox", "-b",
                           f"{options}:duration=2"], extra)
        match = re.search(r"FPS: (\d+)", outcome.stdout)
        if outcome.code != 0 or not match:
            raise Failed(_why(outcome))
        yield "vkmark", scene, "frames/s", "higher", float(match[1])
    return job


def _cube(extra, frames, cache):
    with tempfile.NamedTemporaryFile("r", suffix=".json") as stats:
        layer = run.layer_environment(KITE_FRAME_STATS=stats.name, XDG_CACHE_HOME=cache)
        outcome = execute(["vkcube", "--c", str(frames), "--present_mode", "1",
                           "--suppress_popups"], {**extra, **layer})
        text = stats.read()
    if outcome.code != 0 or not text:
        raise Failed(_why(outcome))
    return outcome, json.loads(text)


def _startup(extra):
    with tempfile.TemporaryDirectory(prefix="kite-bench-") as cache:
        for state in ("cold", "warm"):
            outcome, stats = _cube(extra, 2, cache)
            yield ("startup", f"vkcube first frame, {state}", "ms", "lower",
                   (stats["first_present"] - outcome.started) * 1e3)


def _memory(extra):
    with tempfile.TemporaryDirectory(prefix="kite-bench-") as cache:
        _, stats = _cube(extra, 60, cache)
    yield "memory", "vkcube peak", "MiB", "lower", stats["peak_mib"]
    yield from _json_rows("kite_bench_compute", "memory", ["nbody"], extra)


def _compute(case):
    return lambda extra: _json_rows("kite_bench_compute", "compute", [case], extra)


def _api(suite):
    def job(extra):
        with tempfile.TemporaryDirectory(prefix="kite-bench-") as cache:
            yield from _json_rows("kite_bench_api", suite, [suite],
                                  {**extra, "XDG_CACHE_HOME": cache})
    return job


def limits():
    """One sample of the machine's own limits."""
    return list(_json_rows("kite_bench_compute", "limits", ["--limits"], {}))


SUITES = {
    "vkmark": [_vkmark(scene, options) for scene, options in VKMARK_SCENES.items()],
    "compute": [_compute(case) for case in COMPUTE_CASES],
    "copy": [_api("copy")],
    "pipeline": [_api("pipeline")],
    "submit": [_api("submit")],
    "startup": [_startup],
    "memory": [_memory],
}
