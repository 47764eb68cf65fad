# SPDX-License-Identifier: MIT
"""./kite cts: VK-GL-CTS cases on Kite or a peer, over all cores, and what came of them.

The binary (deqp-vk) is the user's. A run is a folder DIR/DRIVER with one line a finished case
(results.jsonl), so that an interrupted run goes on where it stopped; the lists of what is expected
lie in piglit-profiles/. A case that crashes or takes too long ends its process only.
"""

import hashlib
import json
import os
import pathlib
import re
import selectors
import shutil
import subprocess
import threading
import time
import zlib

from . import cts_report, enter, run
from .ui import REPO, KiteError, child, kill_group, say

LISTS = REPO / "piglit-profiles"
# Modules that are about what Kite leaves out.
LEFT_OUT = ("video", "ray_tracing_pipeline", "ray_query", "mesh_shader", "sc")
STARTED = re.compile(r"Test case '(.+)'\.\.$")
ENDED = re.compile(r"  (Pass|Fail|NotSupported|QualityWarning|CompatibilityWarning|InternalError|"
                   r"ResourceError|Waiver|Pending|DeviceLost)\b ?\(?(.*?)\)?$")


def add_arguments(sub):
    """Options of ./kite cts."""
    sub.add_argument("--deqp", required=True, type=pathlib.Path, metavar="PATH",
                     help="deqp-vk, where its build left it (beside its data)")
    sub.add_argument("--fraction", metavar="I,N", help="the I-th (from 0) of N shares of the cases, "
                     "chosen by a hash of their names")
    sub.add_argument("--list", type=pathlib.Path, metavar="FILE",
                     help="cases, one a line (default: all that deqp-vk has, but for the modules "
                     f"{', '.join(LEFT_OUT)})")
    sub.add_argument("--peer", choices=sorted(run.PEERS), help="use this driver instead of Kite")
    sub.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), metavar="N",
                     help="processes at once (all CPUs)")
    sub.add_argument("--timeout", type=float, default=60, metavar="S",
                     help="end a case after S seconds (60)")
    sub.add_argument("--fresh", action="store_true", help="forget what an earlier run has done")
    sub.add_argument("--out", default="out/cts", metavar="DIR", help="where results go (out/cts)")
    sub.add_argument("cases", nargs="*", metavar="PATTERN",
                     help="only cases whose name contains one of these")


def fraction_of(cases, text):
    """The cases of share "I,N"; adding cases elsewhere does not move the others."""
    match = re.fullmatch(r"(\d+),(\d+)", text)
    share, shares = (int(match[1]), int(match[2])) if match else (0, 0)
    if share >= shares:
        raise KiteError(f"--fraction {text}: not I,N with I below N")
    return [name for name in cases if zlib.crc32(name.encode()) % shares == share]


def expectations(text):
    """{case: (result, reason)} of a list `case,result  # reason`."""
    found = {}
    for line in text.splitlines():
        entry, _, reason = line.partition("#")
        name, _, result = entry.strip().partition(",")
        if name:
            found[name] = (result.strip(), reason.strip())
    return found


def load_results(path):
    """{case: (result, text, seconds)} of a results file; a torn last line is dropped."""
    found = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                name, result, text, seconds = json.loads(line)
            except ValueError:
                continue
            found[name] = (result, text, seconds)
    return found


class Parser:
    """Reads what deqp-vk prints; tells which case runs and collects what ended."""

    def __init__(self):
        self.case, self.since, self.rest = None, time.monotonic(), ""

    def feed(self, text):
        """Yield (case, result, text, seconds) of the cases that ended in this piece of output."""
        self.rest += text
        *lines, self.rest = self.rest.split("\n")
        for line in lines:
            if match := STARTED.match(line):
                self.case, self.since = match[1], time.monotonic()
            elif self.case and (match := ENDED.match(line)):
                yield self.case, match[1], match[2], time.monotonic() - self.since
                self.case = None


class Runner:
    """Workers that share a list of cases and write results as they come."""

    def __init__(self, deqp, environment, folder, timeout, todo):
        self.deqp, self.environment, self.folder = deqp, environment, folder
        self.timeout, self.todo = timeout, todo
        self.total, self.done, self.bad = len(todo), 0, 0
        self.lock, self.started = threading.Lock(), time.monotonic()
        self.stop = threading.Event()
        self.sink = open(folder / "results.jsonl", "a", encoding="utf-8")

    def _take(self):
        with self.lock:
            # Starting deqp-vk takes a second; towards the end lists get shorter, so that no worker
            # is left alone with a long one.
            count = max(25, min(500, len(self.todo) // 8))
            part, self.todo = self.todo[:count], self.todo[count:]
            return part

    def _put(self, case, result, text, seconds):
        with self.lock:
            self.sink.write(json.dumps([case, result, text, round(seconds, 3)]) + "\n")
            self.sink.flush()
            self.done += 1
            self.bad += cts_report.is_bad(result)

    def _run_part(self, worker, part):
        """Run cases until one process has ended; return those that are left."""
        base = self.folder / f"worker{worker}"
        base.with_suffix(".txt").write_text("\n".join(part) + "\n", encoding="utf-8")
        errors = base.with_suffix(".err")
        argv, env = run.command_environment(
            [str(self.deqp), f"--deqp-caselist-file={base}.txt", "--deqp-log-images=disable",
             "--deqp-log-shader-sources=disable", f"--deqp-log-filename={base}.qpa",
             "--deqp-shadercache=disable"], self.environment, cwd=str(self.deqp.parent))
        parser, ended, why = Parser(), set(), "Crash"
        with open(errors, "wb") as sink, \
                child(argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                      stderr=sink) as process, selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while not self.stop.is_set():
                if selector.select(timeout=0.5):
                    data = os.read(process.stdout.fileno(), 65536)
                    if not data:
                        break
                    for case, *rest in parser.feed(data.decode("latin-1")):
                        ended.add(case)
                        self._put(case, *rest)
                elif parser.case and time.monotonic() - parser.since > self.timeout:
                    why = "Timeout"
                    kill_group(process, grace_seconds=0.1)
                    break
        if self.stop.is_set():
            return []
        left = [case for case in part if case not in ended]
        if left and (parser.case or not ended):
            last = parser.case or left[0]
            text = errors.read_text(errors="replace")[-300:].replace("\n", " | ")
            self._put(last, why, text, time.monotonic() - parser.since)
            left = [case for case in left if case != last]
        return left

    def _work(self, worker):
        while not self.stop.is_set() and (part := self._take()):
            while part and not self.stop.is_set():
                part = self._run_part(worker, part)

    def run(self, jobs):
        """Run everything; progress every few seconds."""
        threads = [threading.Thread(target=self._work, args=(i,)) for i in range(jobs)]
        for thread in threads:
            thread.start()
        try:
            shown = time.monotonic()
            while any(thread.is_alive() for thread in threads):
                time.sleep(0.2)
                now = time.monotonic()
                if now - shown >= 5:
                    shown = now
                    rate = self.done / (now - self.started)
                    left = (self.total - self.done) / rate if rate else 0
                    say(f"  [{now - self.started:5.0f} s] {self.done} of {self.total}, "
                        f"{self.bad} bad, {rate:.1f} cases/s, {left:.0f} s to go")
        finally:
            self.stop.set()
            for thread in threads:
                thread.join()
            self.sink.close()


def _case_list(deqp, args, folder):
    """The cases asked for, in a fixed order that mixes the modules."""
    if args.list:
        names = args.list.read_text(encoding="utf-8").split()
    else:
        stamp = f"{deqp.stat().st_size}-{deqp.stat().st_mtime_ns}"
        kept = folder / f"cases-{hashlib.sha256(stamp.encode()).hexdigest()[:12]}.txt"
        if not kept.exists():
            say("asking deqp-vk for its cases")
            argv, env = run.command_environment([str(deqp), "--deqp-runmode=txt-caselist"], {},
                                                cwd=str(deqp.parent))
            subprocess.run(argv, env=env, check=True, stdout=subprocess.DEVNULL)
            shutil.copyfile(deqp.parent / "dEQP-VK-cases.txt", kept)
        names = [line[6:].strip() for line in kept.read_text(encoding="utf-8").splitlines()
                 if line.startswith("TEST: ")]
        names = [name for name in names if name.split(".")[1] not in LEFT_OUT]
    if args.fraction:
        names = fraction_of(names, args.fraction)
    if args.cases:
        names = [name for name in names if any(part in name for part in args.cases)]
    skips = expectations((LISTS / "skips.txt").read_text(encoding="utf-8"))
    names = [name for name in dict.fromkeys(names) if name not in skips]
    return sorted(names, key=lambda name: zlib.crc32(b"order" + name.encode()))


def _prove(deqp, driver, environment, folder):
    """What deqp-vk says about the device it runs on; fails if that is not the driver asked for."""
    log = folder / "device.qpa"
    argv, env = run.command_environment(
        [str(deqp), "-n", "dEQP-VK.info.device", f"--deqp-log-filename={log}"], environment,
        cwd=str(deqp.parent))
    done = subprocess.run(argv, env=env, capture_output=True, timeout=120, check=False)
    text = log.read_text(errors="replace") if log.exists() else ""
    (folder / "device.err").write_bytes(done.stderr)
    name = re.search(r'deviceName[^\n]*?[">: ]+([^"<\n]+)', text)
    found = name[1].strip() if name else ""
    wanted = {"kite": "Kite", "swiftshader": "SwiftShader"}.get(driver, "llvmpipe")
    if wanted not in text:
        raise KiteError(f"deqp-vk runs on {found or 'nothing'}, not on {driver}",
                        log=folder / "device.err")
    return found or wanted


def cmd_cts(args):
    """./kite cts"""
    deqp = args.deqp.absolute()
    if deqp.is_dir():
        deqp = deqp / "deqp-vk"
    if not deqp.exists():
        raise KiteError(f"no deqp-vk at {deqp}; it comes from a build of VK-GL-CTS")
    enter.share(deqp.parent)
    driver = args.peer or "kite"
    run.ensure_driver(driver)
    environment = run.driver_environment(driver)
    out = pathlib.Path(args.out).absolute()
    folder = out / driver
    folder.mkdir(parents=True, exist_ok=True)
    device = _prove(deqp, driver, environment, folder)
    say(f"deqp-vk runs on {device}")
    cases = _case_list(deqp, args, out)
    if not cases:
        raise KiteError("no case fits")
    results = folder / "results.jsonl"
    if args.fresh and results.exists():
        results.replace(folder / "last.jsonl")
    have = load_results(results)
    todo = [name for name in cases if name not in have]
    say(f"{len(cases)} cases, {len(todo)} of them to run; results: {results}")
    if todo:
        Runner(deqp, environment, folder, args.timeout, todo).run(max(1, args.jobs))
    wanted = set(cases)

    def chosen(path):
        return {name: row for name, row in load_results(path).items() if name in wanted}

    peers = {name: chosen(out / name / "results.jsonl") for name in ("kite", *sorted(run.PEERS))
             if name != driver}
    report = cts_report.Report(
        device, chosen(results), chosen(folder / "last.jsonl"),
        {name: rows for name, rows in peers.items() if rows},
        *(expectations((LISTS / name).read_text(encoding="utf-8"))
          for name in ("fails.txt", "flakes.txt")) if driver == "kite" else ({}, {}))
    text = report.markdown()
    (folder / "summary.md").write_text(text, encoding="utf-8")
    print(text)
    say(f"written: {folder / 'summary.md'}")
    return 1 if report.unexpected else 0
