# SPDX-License-Identifier: MIT
"""./kite igt: tests of IGT (igt-gpu-tools) in a guest whose root is a Debian testing tree.

IGT is in Debian's testing suite only and needs that suite's libc, so the guest boots from a small
tree of its own (scripts/packages-igt.txt). What does not pass has to be in tests/guest/igt.txt with
its reason; anything else that does not pass, or passes although it is listed, fails the run.
"""

import collections
import pathlib
import re

from kite_vm import kernels
from kite_vm.machine import Machine, Settings

from . import build, module, tree
from .ui import REPO, KiteError, say

EXPECTED = REPO / "tests" / "guest" / "igt.txt"
PROGRAMS = "/usr/libexec/igt-gpu-tools"
PASSED_STATUS, SKIPPED_STATUS = 0, 77
# Tests of IGT that are not about one driver: name -> subtests, or all. What needs modesetting,
# which kite.ko does not have, and what is Intel's is not in it.
TESTS = {
    "core_auth": "", "core_getclient": "", "core_getstats": "", "core_getversion": "",
    "core_setmaster": "", "core_setmaster_vs_auth": "", "core_debugfs": "", "core_sysfs": "",
    "sw_sync": "", "drm_read": "", "dumb_buffer": "", "syncobj_basic": "", "syncobj_wait": "",
    "syncobj_timeline": "", "syncobj_eventfd": "", "dmabuf": "", "dmabuf_sync_file": "",
    "prime_mmap": "", "prime_self_import": "", "prime_vgem": "", "vgem_basic": "",
    "core_hotunplug": "", "device_reset": "",
}
LINE = re.compile(r"^(?:Dynamic )?[Ss]ubtest ([\w.-]+): (SUCCESS|SKIP|FAIL|CRASH|TIMEOUT)", re.MULTILINE)


def add_arguments(sub):
    """The options of ./kite igt."""
    sub.add_argument("--kernel", metavar="V", help="6.12, 7.3, debug or a whole release "
                     "(default: Debian 13's own)")
    sub.add_argument("--timeout", type=float, default=600, metavar="S",
                     help="end a test program after S seconds (600)")
    sub.add_argument("--out", default="out/igt", metavar="DIR", help="where their output goes")
    sub.add_argument("tests", nargs="*", metavar="TEST",
                     help="programs of IGT, or PROGRAM@SUBTEST (default: those that fit)")


def expected(text, release):
    """{test: (result, reason)} of the list, for one kernel.

    A line is `TEST RESULT [KERNEL] REASON`, TEST a name or a name with a * at its end; KERNEL in
    brackets is the start of a release, or a part of it.
    """
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        line = line.split("#", 1)[0].strip()
        if not line:
            continue
        match = re.match(r"(\S+) +(FAIL|SKIP|FLAKE) +(?:\[([^]]+)\] +)?(\S.*)$", line)
        if not match:
            raise KiteError(f"{EXPECTED.name}:{number}: not TEST RESULT [KERNEL] REASON: {line}")
        if match[3] is None or match[3] in release:
            found[match[1]] = (match[2], match[4])
    return found


def reason_of(name, known):
    """The (result, reason) that fits a test, or (None, None)."""
    if name in known:
        return known[name]
    for pattern, entry in known.items():
        if pattern.endswith("*") and name.startswith(pattern[:-1]):
            return entry
    return None, None


def results(program, code, text):
    """(test, result) of what a program printed; a program without subtests is one test."""
    found = [(f"{program}@{name}", result) for name, result in LINE.findall(text)]
    whole = {PASSED_STATUS: "SUCCESS", SKIPPED_STATUS: "SKIP"}.get(code, "FAIL")
    if not found or (whole == "FAIL" and all(result in ("SUCCESS", "SKIP") for _, result in found)):
        found.append((program, whole))
    return found


def _one(machine, test, args, out):
    """Run one program; returns its (test, result) pairs and prints what its kernel log says."""
    program, _, subtest = test.partition("@")
    before = len(machine.splats())
    words = [f"{PROGRAMS}/{program}", *(["--run-subtest", subtest] if subtest else [])]
    job = machine.start(words, cwd="/tmp")
    try:
        job.wait(args.timeout)
    except KiteError as error:
        if error.code != 124:
            raise
        job.kill(9)
        job.wait(60)
    (out / f"{test.replace('/', '_')}.txt").write_text(job.stdout + job.stderr)
    pairs = results(program, job.code, job.stdout)
    splats = machine.splats()[before:]
    for line in splats[:10]:
        say(f"guest kernel: {line}")
    if splats:
        pairs.append((f"{program}@kernel-log", "FAIL"))
    return pairs


def _plugged(machine):
    """See that there is an eGPU with its driver; a test that was ended may have left none."""
    if machine.devices:
        try:
            machine.wait_render_node(20)
            return
        except KiteError:
            say("the eGPU is gone: plugging another one")
    machine.plug()
    machine.wait_render_node()


def _run(machine, args, tests, out):
    """All programs; returns the (test, result) pairs."""
    machine.check("mkdir -p /run/udev /etc; modprobe vgem; true")
    machine.load_module()
    pairs = []
    for test in tests:
        _plugged(machine)
        for name, result in _one(machine, test, args, out):
            say(f"{result:8} {name}")
            pairs.append((name, result))
        if not machine.alive:
            raise KiteError("the guest is gone", log=machine.serial)
    return pairs


def judge(pairs, known):
    """Lines of a report, and how many results were not expected."""
    lines, wrong = [], 0
    for name, result in pairs:
        wanted, reason = reason_of(name, known)
        fits = result == (wanted or "SUCCESS") or wanted == "FLAKE"
        wrong += not fits
        note = reason or ""
        lines.append(f"| {name} | {result.lower()} | {note if fits else 'not expected: ' + note} |")
    return lines, wrong


def cmd_igt(args):
    """./kite igt"""
    root = tree.ensure(tree.IGT)
    build.build("device/pci/kite-device")
    kernel = kernels.find(args.kernel)
    module.build(kernel)
    tests = args.tests or list(TESTS)
    for test in tests:
        if not (root / PROGRAMS[1:] / test.partition("@")[0]).exists():
            raise KiteError(f"IGT has no program {test.partition('@')[0]}")
    out = pathlib.Path(args.out).absolute()
    out.mkdir(parents=True, exist_ok=True)
    known = expected(EXPECTED.read_text(), kernel.release)
    with Machine(Settings(kernel=args.kernel, root=root, ports=6, vram="64M")) as machine:
        say(f"{machine.kernel.release} up after {machine.boot_seconds:.1f} s "
            f"({machine.accel.upper()})")
        pairs = _run(machine, args, tests, out)
    lines, wrong = judge(pairs, known)
    report = [f"# IGT on {kernel.release}", "", "| test | result | why |", "| --- | --- | --- |",
              *lines, ""]
    (out / f"igt-{kernel.release}.md").write_text("\n".join(report))
    counts = collections.Counter(result for _, result in pairs)
    print(", ".join(f"{count} {result.lower()}" for result, count in sorted(counts.items())))
    say(f"written: {out}/igt-{kernel.release}.md; kernel log: {machine.serial}")
    if wrong:
        say(f"{wrong} results were not expected (tests/guest/igt.txt)")
    return 1 if wrong else 0
