# SPDX-License-Identifier: MIT
"""./kite test: build, run meson's tests, and count every GoogleTest case as one test."""

import json
import re
import subprocess

from kite_vm import kernels

from . import build, enter, module
from .ui import REPO, KiteError, child, log_dir, run_logged, say

GTEST_LINE = re.compile(r"^\[ +(OK|FAILED|SKIPPED) +\] ([^\s,]+)(?:, where .*)? \(\d+ ms\)$")


# Below a sanitizer: not what runs other people's programs with our driver, whose executables lack
# the sanitizer's runtime, and what only reads sources; and more time for the rest.
SANITIZED = ["--timeout-multiplier", "6", "--no-suite", "picture", "--no-suite", "style",
             "--no-suite", "bench", "--no-suite", "guest"]
SANITIZER_OPTIONS = {
    # LLVM and the loader keep memory for the process's life, so leaks are not looked for.
    "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1:allocator_may_return_null=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1:abort_on_error=1",
    "TSAN_OPTIONS": "halt_on_error=1:abort_on_error=1:second_deadlock_stack=1:die_after_fork=0:"
                    f"suppressions={REPO}/tests/support/tsan.supp",
}


class Tally:
    """Results by name."""

    def __init__(self):
        self.passed = 0
        self.failed = []   # (name, why)
        self.skipped = []  # (name, why)

    def add_cases(self, name, stdout):
        """Count the GoogleTest cases in `stdout`; returns (cases, failed cases)."""
        cases = failures = 0
        said = []
        for line in stdout.splitlines():
            match = GTEST_LINE.match(line)
            if not match:
                if line.startswith("[ RUN "):
                    said = []
                else:
                    said.append(line.strip())
                continue
            cases += 1
            label = f"{name}: {match[2]}"
            if match[1] == "OK":
                self.passed += 1
            elif match[1] == "SKIPPED":
                reason = [text for text in said if text and not text.endswith("Skipped")]
                self.skipped.append((label, " ".join(reason) or "no reason given"))
            else:
                failures += 1
                self.failed.append((label, ""))
        return cases, failures

    def add(self, entry):
        """Count one line of meson's testlog.json."""
        name = entry["name"].split(" / ")[-1]
        result = entry["result"]
        stdout = entry.get("stdout") or ""
        cases, failures = self.add_cases(name, stdout)
        if result in ("OK", "EXPECTEDFAIL"):
            self.passed += 0 if cases else 1
        elif result == "SKIP":
            if not cases:
                lines = (stdout + "\n" + (entry.get("stderr") or "")).splitlines()
                reason = [text[5:].strip() for text in lines if text.startswith("SKIP:")]
                self.skipped.append((name, reason[-1] if reason else "no reason given"))
        elif not failures:
            self.failed.append((name, result.lower()))


def _select(folder, wanted):
    command, env = enter.wrap(["meson", "test", "-C", str(folder), "--no-rebuild", "--list"])
    log = log_dir() / "test-list.log"
    run_logged("listing the tests", command, log, env=env, cwd=REPO)
    names = [line.strip() for line in log.read_text().splitlines()
             if line.strip() and not line.startswith("ninja:")]
    chosen = []
    for part in wanted:
        found = [name for name in names if part in name]
        if not found:
            raise KiteError(f"no test has {part} in its name")
        chosen += found
    return sorted({name.split(" / ")[-1] for name in chosen})


def _build_modules(only=None):
    """kite.ko for every kernel the guest tests boot; they skip what is not there."""
    if (module.SOURCE / "Makefile").exists():
        for kernel in [kernels.find(only)] if only else kernels.installed():
            if (only or kernel.in_root) and kernel.has_headers:
                module.build(kernel)


def _suites(args, flavour):
    """meson's options that choose suites."""
    if args.kernel:
        return ["--suite", "checked"]
    return ["--suite" if args.long else "--no-suite", "long", "--no-suite", "checked",
            *(SANITIZED if flavour else [])]


def cmd_test(args):
    """./kite test"""
    flavour = args.sanitize or ""
    # Sanitizer builds are slow: with names meson builds what those tests need, and no more.
    partly = bool(flavour and args.names)
    folder = (build.configured(flavour) if partly
              else build.build("all", "meson-test-prereq", flavour=flavour))
    names = _select(folder, args.names) if args.names else []
    if not flavour and (not names or any(name.startswith("guest") for name in names)):
        _build_modules(args.kernel)  # kernel modules have sanitizers of their own: ./kite kernel --debug
    options = [*_suites(args, flavour), *([] if partly else ["--no-rebuild"])]
    command, env = enter.wrap(["meson", "test", "-C", str(folder), *options, *names])
    env.update(SANITIZER_OPTIONS if flavour else {})
    results = folder / "meson-logs" / "testlog.json"
    results.unlink(missing_ok=True)
    log = log_dir() / "test.log"
    say("testing")
    with open(log, "wb") as sink, child(command, env=env, cwd=REPO, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT) as process:
        for raw in process.stdout:
            sink.write(raw)
            line = raw.decode(errors="replace").rstrip()
            if re.match(r"\s*\d+/\d+ ", line):
                say("  " + line.strip())
        process.wait()
    if not results.exists():
        raise KiteError("meson ran no test", log=log)
    tally = Tally()
    for line in results.read_text().splitlines():
        try:
            entry = json.loads(line)
        except ValueError as error:
            raise KiteError(f"{results} is damaged: another meson test ran in this folder",
                            log=log) from error
        tally.add(entry)
        if entry["result"] in ("FAIL", "TIMEOUT", "ERROR", "INTERRUPT", "UNEXPECTEDPASS"):
            output = (entry.get("stdout") or "") + (entry.get("stderr") or "")
            print(f"--- {entry['name']}: {entry['result']}")
            print("\n".join(output.splitlines()[-60:]))
    for name, why in tally.skipped:
        print(f"skipped: {name}: {why}")
    for name, why in tally.failed:
        print(f"failed: {name}" + (f" ({why})" if why else ""))
    if tally.failed:
        say(f"log: {folder / 'meson-logs' / 'testlog.txt'}")
    print(f"{tally.passed} passed, {len(tally.failed)} failed, {len(tally.skipped)} skipped",
          flush=True)
    return 1 if tally.failed or not tally.passed else 0
