# SPDX-License-Identifier: MIT
"""./kite igt: tests of IGT (igt-gpu-tools) in a guest whose root is a Debian testing tree.

IGT is in Debian's testing suite only and needs that suite's libc, so the guest boots from a small
tree of its own (scripts/packages-igt.txt). What does not pass has to be in tests/guest/igt.txt with
its reason; anything else that does not pass, or passes although it is listed, fails the run.
With --kms the eGPU has a display head and tests of modesetting are run; with --device the same runs
on a display device of QEMU's own, for comparison, where nothing is expected.
"""

import collections
import fnmatch
import pathlib
import re
import time

from kite_vm import kernels
from kite_vm.machine import EXTRA_DEVICES, Machine, Settings

from . import build, module, tree
from .ui import REPO, KiteError, say

EXPECTED = REPO / "tests" / "guest" / "igt.txt"
PROGRAMS = "/usr/libexec/igt-gpu-tools"
PASSED_STATUS, SKIPPED_STATUS, NOTHING_STATUS = 0, 77, 79
# Tests of IGT that are not about one driver: name -> subtests, or all, as --run-subtest has them.
TESTS = {
    "core_auth": "", "core_getclient": "", "core_getstats": "", "core_getversion": "",
    "core_setmaster": "", "core_setmaster_vs_auth": "", "core_debugfs": "", "core_sysfs": "",
    "sw_sync": "", "dumb_buffer": "", "syncobj_basic": "", "syncobj_wait": "",
    "syncobj_timeline": "", "syncobj_eventfd": "", "dmabuf": "", "dmabuf_sync_file": "",
    "prime_mmap": "", "prime_self_import": "", "prime_vgem": "", "vgem_basic": "",
    "core_hotunplug": "", "device_reset": "",
}
# The same about modesetting. The guest's root is 9p, which does not outlive a suspend (tests/guest/
# check_sleep.py does that); what hangs a GPU on purpose is Intel's; what moves a cursor over a whole
# screen a hundred times is long below an emulator, so a few of its sizes do.
KMS_TESTS = {
    "core_setmaster": "", "drm_read": "", "kms_addfb_basic": "", "kms_properties": "",
    "kms_prop_blob": "", "kms_getfb": "", "kms_rmfb": "", "kms_invalid_mode": "",
    "kms_sysfs_edid_timing": "", "kms_hdr": "*,!*suspend*", "kms_prime": "",
    "kms_atomic": "", "kms_writeback": "", "kms_pipe_crc_basic": "*,!*suspend*,!*hang*",
    "kms_plane": "*,!*suspend*,!*tiled*", "kms_vblank": "*,!*suspend*,!*hang*",
    "kms_async_flips": "*,!*suspend*,!*hang*", "kms_setmode": "",
    "kms_cursor_crc": "cursor-size-*,cursor-alpha-*,cursor-tearing-*,cursor-dpms,*-64x64,*-64x21,"
                      "*-256x256,*-max-size",
    "kms_flip": "*,!*suspend*,!*hang*,!*interruptible*,!*2x-*",
}
KMS_MODE = "800x600"
# Of a device: its kernel module, and what DRM calls the driver.
DRIVERS = {"kite": ("kite", "kite"), "virtio-gpu": ("virtio-gpu", "virtio_gpu"),
           "bochs": ("bochs", "bochs-drm")}
# Dynamic subtests are parts of those that are counted.
STARTED = re.compile(r"^Starting subtest: ([\w.-]+)", re.MULTILINE)
LINE = re.compile(r"^Subtest ([\w.-]+): (SUCCESS|SKIP|FAIL|CRASH|TIMEOUT)", re.MULTILINE)


def add_arguments(sub):
    """The options of ./kite igt."""
    sub.add_argument("--kernel", metavar="V", help="6.12, 7.3, debug or a whole release "
                     "(default: Debian 13's own)")
    sub.add_argument("--kms", action="store_true",
                     help="with display heads, and by default the tests of modesetting")
    sub.add_argument("--heads", type=int, default=1, metavar="N", help="with --kms: how many (1)")
    sub.add_argument("--rate", type=int, default=60, metavar="HZ",
                     help="with --kms: of the monitors; below 60 for an emulated CPU that is late")
    sub.add_argument("--device", choices=["kite", *EXTRA_DEVICES], default="kite",
                     help="a display device of QEMU's own instead, for comparison")
    sub.add_argument("--timeout", type=float, default=240, metavar="S",
                     help="end a subtest after S seconds (240)")
    sub.add_argument("--out", default="out/igt", metavar="DIR", help="where their output goes")
    sub.add_argument("tests", nargs="*", metavar="TEST",
                     help="programs of IGT, or PROGRAM@SUBTEST (default: those that fit)")


def expected(text, release):
    """{test: (result, reason)} of the list, for one kernel.

    A line is `TEST RESULT [KERNEL] REASON`, TEST a name in which a * stands for anything; KERNEL in
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
        if "*" in pattern and fnmatch.fnmatchcase(name, pattern):
            return entry
    return None, None


def results(program, code, text):
    """(test, result) of what a program printed; a program without subtests is one test."""
    found = [(f"{program}@{name}", result) for name, result in LINE.findall(text)]
    whole = {PASSED_STATUS: "SUCCESS", SKIPPED_STATUS: "SKIP"}.get(code, "FAIL")
    if not found or (whole == "FAIL" and all(result in ("SUCCESS", "SKIP") for _, result in found)):
        found.append((program, whole))
    return found


def _attempt(machine, words, limit):
    """Run a program until it ends or a subtest of it takes too long; returns (job, that subtest)."""
    job = machine.start(words, cwd="/tmp")
    begun, since = 0, time.monotonic()
    while job.running:
        time.sleep(0.2)
        started = len(STARTED.findall(job.stdout))
        if started != begun:
            begun, since = started, time.monotonic()
        elif time.monotonic() - since > limit:
            job.kill(9)
            job.wait(60)
            names = STARTED.findall(job.stdout)
            return job, names[-1] if names else ""
    job.wait(1)
    return job, None


def _one(machine, test, subtests, args, out):
    """Run one program; returns its (test, result) pairs and prints what its kernel log says.

    A subtest that takes too long is ended with its program, and the program run again without those
    that it has done.
    """
    program, _, subtest = test.partition("@")
    chosen = subtest or subtests
    before = len(machine.splats())
    pairs, text = [], ""
    while True:
        words = [f"{PROGRAMS}/{program}", *(["--run-subtest", chosen] if chosen else [])]
        job, slow = _attempt(machine, words, args.timeout)
        text += job.stdout + job.stderr
        if pairs and job.code == NOTHING_STATUS:
            break
        if not slow:
            pairs += results(program, job.code, job.stdout) if slow is None else [(program, "TIMEOUT")]
            break
        pairs += [*results(program, PASSED_STATUS, job.stdout), (f"{program}@{slow}", "TIMEOUT")]
        done = STARTED.findall(job.stdout) + [name for name, _ in LINE.findall(job.stdout)]
        chosen = ",".join([chosen or "*", *dict.fromkeys(f"!{name}" for name in done)])
    (out / f"{test.replace('/', '_')}.txt").write_text(text)
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
    kite = args.device == "kite"
    if kite:
        machine.load_module()
    else:
        machine.check(f"modprobe {DRIVERS[args.device][0]}")
    pairs = []
    for test in tests:
        if kite:
            _plugged(machine)
        started = time.monotonic()
        for name, result in _one(machine, test, tests[test], args, out):
            say(f"{result:8} {name}")
            pairs.append((name, result))
        say(f"{test}: {time.monotonic() - started:.0f} s")
        if not machine.alive:
            raise KiteError("the guest is gone", log=machine.serial)
    return pairs


def judge(pairs, known):
    """Lines of a report, and how many results were not expected; a time-out is a failure."""
    lines, wrong = [], 0
    for name, result in pairs:
        wanted, reason = reason_of(name, known)
        told = "FAIL" if result in ("CRASH", "TIMEOUT") else result
        fits = told == (wanted or "SUCCESS") or wanted == "FLAKE"
        wrong += not fits
        note = reason or ""
        lines.append(f"| {name} | {result.lower()} | {note if fits else 'not expected: ' + note} |")
    return lines, wrong


def _report(pairs, known, path, serial):
    """Write the table, say the sums; returns the exit status. Without a list nothing is wrong."""
    lines, wrong = judge(pairs, known or {})
    report = [f"# IGT: {path.stem}", "", "| test | result | why |", "| --- | --- | --- |",
              *lines, ""]
    path.write_text("\n".join(report))
    counts = collections.Counter(result for _, result in pairs)
    print(", ".join(f"{count} {result.lower()}" for result, count in sorted(counts.items())))
    say(f"written: {path}; kernel log: {serial}")
    if wrong and known is not None:
        say(f"{wrong} results were not expected (tests/guest/igt.txt)")
    return 1 if wrong and known is not None else 0


def cmd_igt(args):
    """./kite igt"""
    root = tree.ensure(tree.IGT)
    kernel = kernels.find(args.kernel)
    kite = args.device == "kite"
    if kite:
        build.build("device/pci/kite-device")
        module.build(kernel)
    chosen = KMS_TESTS if args.kms or not kite else TESTS
    tests = {test: chosen.get(test, "") for test in args.tests or chosen}
    for test in tests:
        if not (root / PROGRAMS[1:] / test.partition("@")[0]).exists():
            raise KiteError(f"IGT has no program {test.partition('@')[0]}")
    out = pathlib.Path(args.out).absolute()
    out.mkdir(parents=True, exist_ok=True)
    # Without this IGT loads every DRM driver there is before its first subtest: minutes, emulated.
    settings = Settings(kernel=args.kernel, root=root, ports=6, vram="64M",
                        env={"IGT_FORCE_DRIVER": DRIVERS[args.device][1]})
    if not kite:
        settings.extra = args.device
    elif args.kms:
        settings.vram = "256M"
        settings.device_options = ("--heads", str(args.heads), "--mode",
                                   f"{KMS_MODE}@{args.rate}")
    with Machine(settings) as machine:
        say(f"{machine.kernel.release} up after {machine.boot_seconds:.1f} s "
            f"({machine.accel.upper()})")
        pairs = _run(machine, args, tests, out)
    known = expected(EXPECTED.read_text(), kernel.release) if kite else None
    return _report(pairs, known, out / f"igt-{args.device}-{kernel.release}.md", machine.serial)
