# SPDX-License-Identifier: MIT
"""Guest tests of the ioctls and of the Vulkan driver on the render node; --long runs all of both.

--wraps N only lets the smallest ring wrap N times.
"""

import argparse
import pathlib
import re
import sys
import tempfile
import time

from guest_case import Skip, expect, find_kernel, run_cases, still_watched
from kite_cli.ui import REPO, build_dir
from kite_vm.machine import Settings

TOPICS = ("external", "sync")
LONG_TOPICS = ("compute", "copy", "query", "wsi", "blend", "depth", "msaa", "raster", "draw",
               "texture", "lifecycle", "robust", "harness")
PULL_AFTER_SECONDS = 5.0
DUMPS = "/sys/class/devcoredump/devcd*/data"
TOOL = REPO / "drm-driver/tools/kite-coredump"
# Case of drm_isolation -> what kite-coredump has to say about its dump.
FAULTS = {
    "AHangEndsInTimeAndAlone": ("fault: hang:", "the driver killed the ring"),
    "APageFaultEndsItsContext": ("fault: page:", "read at 0x60000000", "is not mapped for it"),
    "ABadPacketEndsItsContext": ("fault: packet:", "unknown packet 0xfffe"),
}


def gtest(machine, program, timeout_seconds, **env):
    """Run a GoogleTest program in the guest and pass its results on."""
    path = build_dir() / "tests" / program
    if not path.exists():
        raise Skip(f"{program} is not built")
    job = machine.run([str(path)], timeout_seconds, env=env)
    for line in job.stdout.splitlines():
        if line and not line.startswith(("[", "Running main")) or "FAILED" in line:
            print(line)
    passed = re.search(r"\[  PASSED  \] (\d+) tests?", job.stdout)
    print(f"{program}: {passed[1] if passed else 'no'} tests passed in the guest")
    expect(job.code == 0 and passed, f"{program}: exit status {job.code}: {job.stderr[-1000:]}")


def plugged(machine):
    """The eGPU with its driver."""
    machine.load_module()
    machine.plug()
    print(machine.wait_render_node())


def program(name, timeout_seconds=400, **env):
    """A case that runs one program."""
    def case(machine):
        gtest(machine, name, timeout_seconds, **env)
    return name.rpartition("/")[2].title().replace("_", ""), case


def kunit(machine):
    """The suites built into kite.ko ran when it was loaded, and passed."""
    text = machine.run("cat /sys/kernel/debug/kunit/kite_*/results").stdout
    if not text:
        raise Skip("this kernel has no KUnit")
    print(text)
    expect("not ok" not in text and re.search(r"^ok 1 kite_pt$", text, re.MULTILINE), "failed")


def core_dumps(machine):
    """What the kernel dumps of a fault is explained by the project's own tool."""
    path = build_dir() / "tests/drm/drm_isolation"
    if not path.exists():
        raise Skip("drm_isolation is not built")
    for test, words in FAULTS.items():
        machine.run(f"for f in {DUMPS}; do [ -e $f ] && echo 1 > $f; done")
        expect(machine.wait_for(f"! ls {DUMPS} 2> /dev/null", 30), "a dump does not go away")
        machine.check(f"{path} --gtest_filter=*.{test}", 200)
        expect(machine.wait_for(f"ls {DUMPS} 2> /dev/null", 30), f"{test}: no dump")
        text = machine.check(f"cat {DUMPS} > /tmp/dump; {TOOL} /tmp/dump")
        print(text)
        for word in (*words, "process drm_isolation", machine.kernel.release):
            expect(word in text, f"{test}: no {word!r} in the explanation")
        expect("warning" not in text, f"{test}: the dump contradicts itself")


def pulled(machine):
    """The cable is pulled while ioctls are in flight."""
    path = build_dir() / "tests" / "drm" / "drm_unplug"
    if not path.exists():
        raise Skip("drm_unplug is not built")
    job = machine.start([str(path)], env={"KITE_DRM_EXPECT_UNPLUG": "120"})
    time.sleep(PULL_AFTER_SECONDS)
    expect(job.running, "the program ended before the pull")
    machine.pull()
    code = job.wait(150)
    print(job.stdout)
    expect(code == 0 and "[  PASSED  ] 1 test" in job.stdout, f"exit status {code}")


def cases(long):
    """(name, function) of every case."""
    yield "Plugged", plugged
    yield "Kunit", kunit
    yield program("drm/drm_misuse")
    yield program("drm/drm_isolation")
    yield program("drm/drm_accounts")
    yield "CoreDumps", core_dumps
    if long:
        yield program("drm/drm_load", 3000, KITE_DRM_WRAPS="1000")
    else:
        yield program("drm/drm_load", 600, KITE_DRM_CLIENTS="8")
    for topic in TOPICS + (LONG_TOPICS if long else ()):
        yield program(f"vulkan/vulkan_{topic}", 1800, KITE_KMD="drm")
    yield "Pulled", pulled
    yield "StillWatched", still_watched


def wrapping(wraps):
    """The case of --wraps."""
    yield "Plugged", plugged
    yield program("drm/drm_load", 14000, KITE_DRM_WRAPS=str(wraps), GTEST_FILTER="*TheRingWraps")


def main():
    """Run all cases in one guest; returns the exit status."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kernel")
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--wraps", type=int)
    args = parser.parse_args()
    kernel = find_kernel(args.kernel)
    with tempfile.TemporaryDirectory(prefix="kite-guest-") as out:
        settings = Settings(kernel=kernel.release, out=pathlib.Path(out), vram="64M",
                            module_parameters=("ring_entries=16",) if args.wraps else ())
        return run_cases(f"GuestDrm{kernel.name.replace('.', '_')}", settings,
                         wrapping(args.wraps) if args.wraps else cases(args.long))


if __name__ == "__main__":
    sys.exit(main())
