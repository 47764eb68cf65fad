# SPDX-License-Identifier: MIT
"""BTF of a module against the kernel's: would the kernel accept it?

A module's BTF continues the kernel's: type numbers and string offsets count on from the ends of
vmlinux's. Made against another vmlinux, they point into nothing. A section .BTF.base beside it
carries what the module needs of the kernel's types, and the kernel then finds them by name.
"""

import re
import struct

MAGIC = 0xEB9F
# Bytes after the common 12 of a type, by kind: fixed, and for each of its vlen members.
TAIL = {1: (4, 0), 3: (12, 0), 4: (0, 12), 5: (0, 12), 6: (0, 8), 13: (0, 8), 14: (4, 0),
        15: (0, 12), 17: (4, 0), 19: (0, 12)}
# Kinds whose third word is the number of a type.
REFERS = {2, 8, 9, 10, 11, 12, 13, 14, 17, 18}
NAME = re.compile(rb"[A-Za-z_.][A-Za-z0-9_.$]*\Z")


class BtfError(Exception):
    """Malformed BTF."""


class Btf:
    """The types of one .BTF section, as (kind, name offset, refers to) and its strings."""

    def __init__(self, data):
        if len(data) < 24:
            raise BtfError("the section is too short")
        magic, _, _, header, type_off, type_len, str_off, str_len = struct.unpack_from(
            "<HBBIIIII", data)
        if magic != MAGIC or header + max(type_off + type_len, str_off + str_len) > len(data):
            raise BtfError("the header is broken")
        types = data[header + type_off:header + type_off + type_len]
        self.strings = data[header + str_off:header + str_off + str_len]
        self.types = []
        at = 0
        while at < len(types):
            if at + 12 > len(types):
                raise BtfError("a type is cut short")
            name, info, third = struct.unpack_from("<III", types, at)
            kind, members = info >> 24 & 0x1F, info & 0xFFFF
            fixed, each = TAIL.get(kind, (0, 0))
            self.types.append((kind, name, third if kind in REFERS else 0))
            at += 12 + fixed + each * members


def problem(module, base):
    """Why the kernel with BTF `base` would refuse the module's BTF, or None. Both are bytes."""
    try:
        kernel, own = Btf(base), Btf(module)
    except BtfError as error:
        return str(error)
    first = len(kernel.types) + 1
    start = len(kernel.strings)
    for number, (kind, name, refers) in enumerate(own.types, first):
        if refers >= first + len(own.types):
            return f"type {number} refers to type {refers}, the last is {first + len(own.types) - 1}"
        table, offset = (own.strings, name - start) if name >= start else (kernel.strings, name)
        if offset >= len(table):
            return f"the name of type {number} lies beyond all strings"
        if name and kind != 18 and kind != 17:
            if offset and table[offset - 1] != 0:
                return f"the name of type {number} begins in the middle of another"
            if not NAME.match(table[offset:table.index(b"\0", offset)]):
                return f"the name of type {number} is none"
    return None
