# SPDX-License-Identifier: GPL-2.0 OR MIT
"""Emit kite_hw.h: plain C constants for the kernel driver and for tools in C."""
from emit_common import snake


def macro(*parts):
    return "_".join(["KITE_HW", *[snake(p).upper() for p in parts]])


def define(name, value, doc=""):
    flat = " ".join(doc.split()).replace("*/", "* /")
    comment = f" /* {flat} */" if flat else ""
    return f"#define {name} {value}{comment}\n"


def bit_defines(prefix, bit):
    mask = (1 << bit.bits) - 1
    return (define(f"{prefix}_SHIFT", bit.lo, bit.doc) + define(f"{prefix}_MASK", f"{mask:#x}u"))


def emit_registers(desc):
    out = "/* Registers: byte offsets in BAR0. */\n" if desc.registers else ""
    for reg in desc.registers:
        name = macro("reg", reg.name)
        out += define(name, f"{reg.offset:#x}", f"{reg.access}: {reg.doc}")
        if reg.count > 1:
            out += define(name + "_COUNT", reg.count) + define(name + "_STRIDE", f"{reg.stride:#x}")
        out += define(name + "_RESET", f"{reg.reset:#x}u")
        for fld in reg.fields:
            out += bit_defines(macro("reg", reg.name, fld.name), fld)
    return out + ("\n" if desc.registers else "")


def emit_records(desc):
    out = ""
    for record in desc.records:
        if record.kind == "packet":
            out += define(macro("packet", record.name), f"{record.number:#x}", record.doc)
        out += define(macro(record.name, "dwords"), record.dwords,
                      "fixed part, in dwords" + (", header included" if record.kind == "packet" else ""))
        for fld in record.fields:
            prefix = macro(record.name, fld.name)
            out += define(prefix + "_DW", fld.at, fld.doc)
            for bit in fld.members:
                out += bit_defines(macro(record.name, bit.name), bit)
        out += "\n"
    return out


def emit_header(desc):
    out = """/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Generated from the hardware description; edit that, not this file. */
#ifndef KITE_HW_H
#define KITE_HW_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdint.h>
#endif

"""
    out += define(macro("isa_version"), desc.isa.version)
    for limit in desc.limits:
        suffix = "ull" if limit.value > 0xffffffff else "u"
        out += define(macro("limit", limit.name), f"{limit.value}{suffix}", limit.doc)
    out += "\n"
    for enum in desc.enums.values():
        if enum.name == "Packet" or desc.enum_home[enum.name] == "isa" and enum.name != "Stage":
            continue
        out += f"/* {' '.join(enum.doc.split())} */\n"
        for key, value in enum.values.items():
            out += define(macro(enum.name, key), value)
        out += "\n"
    out += emit_registers(desc) + emit_records(desc)
    out += """/* Header dword of a packet of `dwords` dwords, header included. */
#define KITE_HW_PACKET_HEADER(id, dwords) ((id) | ((dwords) << 16))
/* Packet id and total length of a header dword. */
#define KITE_HW_PACKET_ID(header) ((header) & 0xffffu)
#define KITE_HW_PACKET_DWORDS(header) ((header) >> 16)

#endif /* KITE_HW_H */
"""
    return out
