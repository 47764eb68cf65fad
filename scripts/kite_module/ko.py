# SPDX-License-Identifier: MIT
"""What a module file says about itself."""

import struct

from . import elf

SIGNATURE = b"~Module signature appended~\n"


class Ko:
    """A parsed .ko; raises elf.ElfError for anything that is no x86-64 module."""

    def __init__(self, data):
        self.signed = data.endswith(SIGNATURE)
        parsed = elf.Elf(data)
        if parsed.type != elf.ET_REL or parsed.machine != elf.EM_X86_64:
            raise elf.ElfError("not an x86-64 kernel module")
        if ".modinfo" not in parsed.sections or ".gnu.linkonce.this_module" not in parsed.sections:
            raise elf.ElfError("an object file, but not a kernel module (.modinfo is missing)")
        self._info = {}
        for item in parsed.sections[".modinfo"].split(b"\0"):
            key, equals, value = item.decode(errors="replace").partition("=")
            if equals:
                self._info.setdefault(key, []).append(value)
        self.undefined = sorted({item.name for item in parsed.symbols if item.name
                                 and item.section == elf.SHN_UNDEF
                                 and item.binding == elf.STB_GLOBAL})
        self.versions = _versions(parsed.sections)
        self.btf = parsed.sections.get(".BTF")
        self.has_base_btf = ".BTF.base" in parsed.sections
        comment = parsed.sections.get(".comment", b"").split(b"\0")
        self.compiler = next((item.decode(errors="replace") for item in comment if item), None)

    def info(self, key):
        """The first value of a .modinfo field, or an empty string."""
        return self._info.get(key, [""])[0]

    def all_info(self, key):
        """Every value of a .modinfo field."""
        return self._info.get(key, [])

    @property
    def depends(self):
        """Modules it names as needed."""
        return [name for name in self.info("depends").split(",") if name]


def _versions(sections):
    """Symbol CRCs by name, or None where the module was built without."""
    found = None
    table = sections.get("__versions")
    if table:
        found = {}
        for at in range(0, len(table) - 63, 64):
            crc, = struct.unpack_from("<Q", table, at)
            name = table[at + 8:at + 64].split(b"\0", 1)[0].decode(errors="replace")
            found[name] = crc & 0xFFFFFFFF
    crcs = sections.get("__version_ext_crcs")
    if crcs:
        names = sections.get("__version_ext_names", b"").split(b"\0")
        found = found or {}
        for index, name in enumerate(names[:len(crcs) // 4]):
            found[name.decode(errors="replace")] = struct.unpack_from("<I", crcs, index * 4)[0]
    return found
