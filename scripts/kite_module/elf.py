# SPDX-License-Identifier: MIT
"""Reading a 64-bit little-endian ELF file: sections and symbols. Every field is checked."""

import dataclasses
import struct

SHT_SYMTAB = 2
SHT_NOBITS = 8
SHN_UNDEF = 0
STB_GLOBAL = 1
STB_WEAK = 2
EM_X86_64 = 62
ET_REL = 1


class ElfError(Exception):
    """Not an ELF file of the expected kind; the text says what is wrong."""


@dataclasses.dataclass(frozen=True)
class Symbol:
    """One entry of the symbol table."""

    name: str
    binding: int
    section: int
    value: int


def _string(table, offset):
    if offset >= len(table):
        raise ElfError("a name lies outside its string table")
    end = table.find(b"\0", offset)
    return table[offset:end if end >= 0 else len(table)].decode(errors="replace")


class Elf:
    """A file's sections by name and its symbols."""

    def __init__(self, data):
        if len(data) < 64 or data[:4] != b"\x7fELF":
            raise ElfError("no ELF file")
        if data[4] != 2 or data[5] != 1:
            raise ElfError("not a 64-bit little-endian ELF file")
        self.type, self.machine = struct.unpack_from("<HH", data, 16)
        offset, = struct.unpack_from("<Q", data, 40)
        size, count, names_index = struct.unpack_from("<HHH", data, 58)
        if size != 64 or count == 0 or offset + size * count > len(data) or names_index >= count:
            raise ElfError("the section table is broken (a file cut short?)")
        raw = [struct.unpack_from("<IIQQQQIIQQ", data, offset + size * i) for i in range(count)]
        self._contents = []
        for _, kind, _, _, start, length, *_ in raw:
            if kind == SHT_NOBITS:
                start = length = 0
            if start + length > len(data):
                raise ElfError("a section lies beyond the end of the file (cut short?)")
            self._contents.append(data[start:start + length])
        names = self._contents[names_index]
        self.sections = {}
        for header, content in zip(raw, self._contents):
            self.sections.setdefault(_string(names, header[0]), content)
        self.symbols = []
        for header, content in zip(raw, self._contents):
            if header[1] != SHT_SYMTAB:
                continue
            if header[6] >= count:
                raise ElfError("the symbol table has no names")
            strings = self._contents[header[6]]
            for at in range(24, len(content) - 23, 24):
                name, info, _, section, value, _ = struct.unpack_from("<IBBHQQ", content, at)
                self.symbols.append(Symbol(_string(strings, name), info >> 4, section, value))
