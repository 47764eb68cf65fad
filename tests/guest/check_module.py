# SPDX-License-Identifier: MIT
"""./kite doctor --module against the kernel itself: what it says must be what insmod does."""

import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

from guest_case import Runner, Skip, expect, find_kernel, skip_program
from kite_cli import enter, doctor_module
from kite_module import ko, target
from kite_vm.machine import Machine, Settings

SOURCE = pathlib.Path(__file__).parent / "standin"


class Collected:
    """A report that keeps the reasons."""

    def __init__(self):
        self.reasons = []
        self.broken = 0

    def good(self, _what):
        """Not of interest here."""

    def note(self, _what):
        """Not of interest here."""

    def bad(self, what, _mend):
        """A reason for which the kernel should refuse the module."""
        self.broken += 1
        self.reasons.append(what)


def build(kernel, folder):
    """Compile the stand-in module; returns its path."""
    shutil.copytree(SOURCE, folder, dirs_exist_ok=True)
    headers = f"/usr/src/{kernel.headers.name}"
    argv, env = enter.wrap(["make", "-C", headers, f"M={folder}", "modules"])
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(done.stdout + done.stderr)
    return folder / "standin.ko"


def edited(data, old, new, most=1):
    """`data` with `old` replaced, which has to be there."""
    expect(old in data, f"{old!r} is not in the module")
    expect(len(old) == len(new), "the edit changes the size")
    return data.replace(old, new, most)


def broken_crc(data):
    """The module with one symbol's CRC changed."""
    crc = ko.Ko(data).versions["drm_exec_init"]
    entry = struct.pack("<Q", crc) + b"drm_exec_init\0"
    return edited(data, entry, struct.pack("<Q", crc ^ 1) + entry[8:])


class Cases:
    """The stand-in as it was built and with one fault each."""

    def __init__(self, kernel, out):
        self.kernel = kernel
        self.out = out
        self.plain = None

    def doctor(self, path):
        """The doctor's reasons for a module file."""
        report = Collected()
        doctor_module.diagnose(report, self.kernel.release, path)
        print("\n".join(report.reasons))
        return report.reasons

    def both_refuse(self, machine, data, reason, words):
        """The doctor names the reason, insmod fails, and the kernel's log has its words."""
        path = self.out / "doctored.ko"
        path.write_bytes(data)
        said = self.doctor(path)
        expect(any(reason in text for text in said), f"the doctor did not say {reason}: {said}")
        machine.check("dmesg -C; modprobe drm_exec")
        job = machine.run("insmod /out/doctored.ko")
        expect(job.code != 0, "the kernel took the module")
        log = machine.check("dmesg")
        print(log)
        expect(words in log + job.stderr, f"the kernel did not say {words}")

    def fits(self, machine):
        """Nothing said, and it loads."""
        self.plain = build(self.kernel, self.out / "standin")
        expect(self.doctor(self.plain) == [], "the doctor complains about a good module")
        machine.check("modprobe drm_exec; insmod /out/standin/standin.ko; rmmod standin")

    def vermagic(self, machine):
        """Another release, or other flags where the release does not count."""
        data = edited(self.plain.read_bytes(), b"SMP preempt mod_unload",
                      b"SMP voluntX mod_unload".ljust(22)[:22])
        self.both_refuse(machine, data, "vermagic", "version magic")

    def missing_symbol(self, machine):
        """A symbol the kernel does not have."""
        data = edited(self.plain.read_bytes(), b"\0drm_exec_fini\0", b"\0drm_exec_gone\0", 99)
        self.both_refuse(machine, data, "no symbol drm_exec_gone", "Unknown symbol")

    def licence(self, machine):
        """A licence that may not use GPL-only symbols."""
        data = edited(self.plain.read_bytes(), b"license=GPL\0", b"license=MIT\0")
        self.both_refuse(machine, data, "GPL-only", "Unknown symbol")

    def crc(self, machine):
        """Another revision of a symbol, where the kernel has versions."""
        if not target.of(self.kernel).on("MODVERSIONS"):
            raise Skip("this kernel has no symbol versions")
        self.both_refuse(machine, broken_crc(self.plain.read_bytes()), "disagrees about version",
                         "disagrees about version of symbol drm_exec_init")

    def cut_short(self, machine):
        """A copy that did not finish."""
        self.both_refuse(machine, self.plain.read_bytes()[:-3000], "cut short", "nvalid module")

    def foreign_btf(self, machine):
        """Types of another kernel: the module's own BTF without the base it carries."""
        data = self.plain.read_bytes()
        if ko.Ko(data).btf is None:
            raise Skip("the module has no BTF: no pahole here")
        facts = target.of(self.kernel)
        if facts.on("MODULE_ALLOW_BTF_MISMATCH"):
            raise Skip("this kernel tolerates BTF that does not fit")
        # Renaming the section takes the base types away from the kernel.
        self.both_refuse(machine, edited(data, b".BTF.base\0", b".BTX.base\0"), "BTF does not fit",
                         "BTF")


def main(kernel_name):
    """Run all cases in one guest; returns the exit status."""
    kernel = find_kernel(kernel_name)
    if not kernel.has_headers:
        skip_program(f"no headers of {kernel.release}")
    with tempfile.TemporaryDirectory(prefix="kite-module-") as out:
        cases = Cases(kernel, pathlib.Path(out))
        with Machine(Settings(kernel=kernel.release, out=pathlib.Path(out))) as machine:
            runner = Runner(f"Module{kernel.name.replace('.', '_')}", machine)
            for case in (cases.fits, cases.vermagic, cases.missing_symbol, cases.licence,
                         cases.crc, cases.cut_short, cases.foreign_btf):
                name = "".join(word.title() for word in case.__name__.split("_"))
                if not runner.run(name, case) and cases.plain is None:
                    break
    return 1 if runner.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
