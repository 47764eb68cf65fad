# SPDX-License-Identifier: MIT
"""Every mismatch between a module and a kernel, provoked with doctored module files."""

import pathlib
import random
import struct
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from kite_module import btf, checks, elf, ko, target  # noqa: E402

RELEASE = "6.12.1-test"
VERMAGIC = f"{RELEASE} SMP preempt mod_unload modversions "
GCC = "GCC: (Debian 14.2.0-19) 14.2.0"


def make_elf(sections, undefined=(), machine=elf.EM_X86_64):
    """An ELF file of type REL with those sections and undefined global symbols."""
    strings, table = b"\0", bytes(24)
    for name in undefined:
        table += struct.pack("<IBBHQQ", len(strings), elf.STB_GLOBAL << 4, 0, 0, 0, 0)
        strings += name.encode() + b"\0"
    entries = [("", 0, b""), *((name, 1, data) for name, data in sections.items()),
               (".symtab", elf.SHT_SYMTAB, table), (".strtab", 3, strings)]
    names = b"".join(name.encode() + b"\0" for name, _, _ in entries) + b".shstrtab\0"
    entries.append((".shstrtab", 3, names))
    body, headers, at_name = b"", b"", 0
    for name, kind, data in entries:
        link = len(entries) - 2 if kind == elf.SHT_SYMTAB else 0
        headers += struct.pack("<IIQQQQIIQQ", at_name, kind, 0, 0, 64 + len(body), len(data), link,
                               0, 1, 24)
        at_name += len(name) + 1
        body += data
    start = struct.pack("<4sBBBBQHHIQQQIHHHHHH", b"\x7fELF", 2, 1, 1, 0, 0, elf.ET_REL, machine, 1,
                        0, 0, 64 + len(body), 0, 64, 0, 0, 64, len(entries), len(entries) - 1)
    return start + body + headers


def make_btf(types, strings):
    """A .BTF section."""
    return struct.pack("<HBBIIIII", btf.MAGIC, 1, 0, 24, 0, len(types), len(types), len(strings)) \
        + types + strings


def int_type(name):
    """BTF of an int."""
    return struct.pack("<IIII", name, 1 << 24, 4, 32)


def pointer_to(number):
    """BTF of a pointer."""
    return struct.pack("<III", 0, 2 << 24, number)


KERNEL_BTF = make_btf(int_type(1), b"\0int\0")


def make_module(*, vermagic=VERMAGIC, licence="GPL v2", versions=None, undefined=("kmalloc", "ttm"),
                depends="ttm", spaces=(), compiler=GCC, own_btf=None, extra=None):
    """A module's file; without arguments it fits make_target()."""
    fields = [f"vermagic={vermagic}", f"license={licence}", f"depends={depends}", "name=kite",
              "srcversion=AAAA", "retpoline=Y", *(f"import_ns={name}" for name in spaces)]
    if versions is None:
        versions = {"module_layout": 1, "kmalloc": 2, "ttm": 3}
    sections = {".modinfo": b"".join(item.encode() + b"\0" for item in fields),
                ".gnu.linkonce.this_module": bytes(64),
                ".comment": b"\0" + compiler.encode() + b"\0", **(extra or {})}
    if versions:
        sections["__versions"] = b"".join(struct.pack("<Q56s", crc, name.encode())
                                          for name, crc in versions.items())
    if own_btf:
        sections[".BTF"] = own_btf
    return make_elf(sections, undefined)


def make_target(**changes):
    """A kernel; `changes` to its facts, config_X for options."""
    config = {"MODVERSIONS": "y", "DEBUG_INFO_BTF_MODULES": "y", "MITIGATION_RETPOLINE": "y",
              "CC_VERSION_TEXT": "gcc-14 (Debian 14.2.0-19) 14.2.0"}
    config.update({key[7:]: value for key, value in changes.items() if key.startswith("config_")})
    facts = {"vermagic": VERMAGIC, "config": config, "btf": KERNEL_BTF,
             "available": {"ttm", "kite"}, "signatures_enforced": False, "secure_boot": False,
             "exports": {"module_layout": target.Export(1, "vmlinux", False, ""),
                         "kmalloc": target.Export(2, "vmlinux", False, ""),
                         "ttm": target.Export(3, "ttm", True, "")}}
    facts.update({key: value for key, value in changes.items() if not key.startswith("config_")})
    return target.Target(RELEASE, **facts)


class Collected:
    """A report that remembers."""

    def __init__(self):
        self.lines = {"good": [], "note": [], "bad": []}

    def good(self, what):
        """As doctor.Report."""
        self.lines["good"].append(what)

    def note(self, what):
        """As doctor.Report."""
        self.lines["note"].append(what)

    def bad(self, what, mend):
        """As doctor.Report."""
        self.lines["bad"].append(f"{what} -> {mend}")


def diagnose(module=None, kernel=None, time=None):
    """The findings for a module file in a kernel."""
    report = Collected()
    checks.check_all(ko.Ko(module or make_module()), kernel or make_target(), report, time)
    return report.lines


class ChecksTest(unittest.TestCase):
    """One mismatch a test; the untouched module passes them all."""

    def one(self, lines, text):
        """Exactly one reason, which says `text`."""
        self.assertEqual(len(lines["bad"]), 1, lines["bad"])
        self.assertRegex(lines["bad"][0], text)

    def test_fits(self):
        """Nothing to complain about."""
        lines = diagnose()
        self.assertEqual(lines["bad"], [])
        self.assertTrue(any("all 3 CRCs match" in line for line in lines["good"]))

    def test_vermagic(self):
        """Another release, other flags; with symbol versions the release alone does not count."""
        old = VERMAGIC.replace("6.12.1", "6.12.0")
        plain = make_target(config_MODVERSIONS="n", vermagic=VERMAGIC)
        self.one(diagnose(make_module(vermagic=old), plain), "built for 6.12.0-test.*--module")
        self.assertEqual(diagnose(make_module(vermagic=old))["bad"], [])
        self.one(diagnose(make_module(vermagic=VERMAGIC.replace("preempt ", ""))),
                 "differs in preempt")

    def test_compiler(self):
        """Another major version and another kind."""
        self.one(diagnose(make_module(compiler="GCC: (Debian 12.2.0-14) 12.2.0")),
                 "gcc 12.*gcc 14.*install gcc-14")
        self.one(diagnose(make_module(compiler="Debian clang version 19.1.7 (3)")), "clang 19")

    def test_symbols(self):
        """One the kernel lacks; one for GPL modules only; one in a namespace."""
        self.one(diagnose(make_module(undefined=("kmalloc", "ttm", "gone"))),
                 "no symbol gone.*Unknown symbol")
        self.one(diagnose(make_module(licence="Proprietary")), "GPL-only")
        kernel = make_target()
        kernel.exports["kmalloc"] = target.Export(2, "vmlinux", False, "DMA_BUF")
        self.one(diagnose(kernel=kernel), "namespace DMA_BUF.*MODULE_IMPORT_NS")
        self.assertEqual(diagnose(make_module(spaces=("DMA_BUF",)), kernel)["bad"], [])

    def test_versions(self):
        """A CRC, the module layout, a missing one, none at all, the long form of 7.x."""
        self.one(diagnose(make_module(versions={"module_layout": 1, "kmalloc": 9, "ttm": 3})),
                 "disagrees about version of symbol.*kmalloc")
        self.one(diagnose(make_module(versions={"module_layout": 7, "kmalloc": 2, "ttm": 3})),
                 "module_layout differs")
        self.one(diagnose(make_module(versions={"module_layout": 1, "ttm": 3})), "none for kmalloc")
        self.one(diagnose(make_module(versions={})), "the module has none")
        names = b"module_layout\0kmalloc\0ttm\0"
        extended = {"__version_ext_names": names,
                    "__version_ext_crcs": struct.pack("<III", 1, 2, 8)}
        self.one(diagnose(make_module(versions={}, extra=extended)), "symbol.*ttm")

    def test_staleness(self):
        """Without symbol versions only the clock can tell."""
        kernel = make_target(config_MODVERSIONS="n", headers_time=100.0)
        lines = diagnose(make_module(versions={}), kernel, 50.0)
        self.assertTrue(any("older than the installed headers" in line for line in lines["note"]))
        lines = diagnose(make_module(versions={}), kernel, 150.0)
        self.assertFalse(any("older" in line for line in lines["note"]))

    def test_btf(self):
        """Made against another vmlinux: refused, or tolerated where the kernel says so."""
        fits = make_btf(pointer_to(1) + int_type(5), b"mine\0")
        self.assertEqual(diagnose(make_module(own_btf=fits))["bad"], [])
        for wrong in (make_btf(pointer_to(9), b"mine\0"), make_btf(int_type(99), b"mine\0"),
                      make_btf(int_type(2), b"mine\0"), b"\x9f\xeb"):
            self.one(diagnose(make_module(own_btf=wrong)), "BTF does not fit")
            lines = diagnose(make_module(own_btf=wrong),
                             make_target(config_MODULE_ALLOW_BTF_MISMATCH="y"))
            self.assertEqual(lines["bad"], [])
        carried = make_module(own_btf=b"any", extra={".BTF.base": b"base"})
        self.assertEqual(diagnose(carried)["bad"], [])

    def test_dependencies(self):
        """Not on disk is a reason, not loaded is a hint."""
        self.one(diagnose(kernel=make_target(available={"kite"})), "no module ttm.*cloud")
        lines = diagnose(kernel=make_target(loaded=set()))
        self.assertTrue(any("modprobe -a ttm" in line for line in lines["note"]))

    def test_signature(self):
        """Unsigned under Secure Boot, under enforcement, by configuration; signed; neither."""
        self.one(diagnose(kernel=make_target(secure_boot=True)), "Secure Boot is on.*mokutil")
        self.one(diagnose(kernel=make_target(signatures_enforced=True)), "enforces signatures")
        self.one(diagnose(kernel=make_target(config_MODULE_SIG_FORCE="y")), "enforces")
        signed = make_module() + b"pkcs7" + bytes(12) + ko.SIGNATURE
        self.assertEqual(diagnose(signed, make_target(secure_boot=True))["bad"], [])

    def test_loaded_already(self):
        """Another build is in the way."""
        self.one(diagnose(kernel=make_target(loaded_srcversion="BBBB")), "another build.*rmmod")
        self.assertEqual(diagnose(kernel=make_target(loaded_srcversion="AAAA"))["bad"], [])

    def test_no_facts(self):
        """A kernel of which nothing is known is no reason to complain."""
        bare = target.Target(RELEASE)
        self.assertEqual(diagnose(kernel=bare)["bad"], [])


class FilesTest(unittest.TestCase):
    """Files that are no module, and the kernel's own words."""

    def test_refused(self):
        """Each kind of wrong file is named."""
        for data, text in ((b"hello", "no ELF"), (make_elf({}), "not a kernel module"),
                           (make_elf({}, machine=183), "not an x86-64"),
                           (make_module()[:-40], "cut short"),
                           (b"\x7fELF\x01\x01" + bytes(64), "64-bit")):
            with self.assertRaisesRegex(elf.ElfError, text):
                ko.Ko(data)

    def test_hostile(self):
        """Random damage is an ElfError or a module, never another exception."""
        chance = random.Random(1)
        whole = make_module(own_btf=make_btf(pointer_to(1), b"mine\0"))
        for _ in range(3000):
            data = bytearray(whole)
            for _ in range(chance.randint(1, 8)):
                data[chance.randrange(len(data))] = chance.randrange(256)
            try:
                module = ko.Ko(bytes(data[:chance.randint(1, len(data))]
                                     if chance.random() < 0.3 else data))
            except elf.ElfError:
                continue
            checks.check_all(module, make_target(), Collected())

    def test_kernel_log(self):
        """What insmod leaves in the log is explained."""
        log = ("[1.0] kite: version magic 'a' should be 'b'\n[2.0] fine\n"
               "[3.0] kite: disagrees about version of symbol kmalloc\n"
               "[4.0] kite: Unknown symbol ttm (err -2)\n")
        meanings = [meaning for _, meaning in checks.explain(log, RELEASE)]
        self.assertEqual(len(meanings), 3)
        self.assertIn("another kernel", meanings[0])
        self.assertIn(f"--kernel {RELEASE}", meanings[1])
        self.assertIn("modprobe", meanings[2])


if __name__ == "__main__":
    unittest.main()
