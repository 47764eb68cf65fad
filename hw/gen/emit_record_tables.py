# SPDX-License-Identifier: MIT
"""Emit record_tables.cpp: the layout of packets and structures as data, for dumping and checking."""
from emit_common import HEAD, emit_enum_names_impl, ident
from load_records import snake_id

KINDS = {"u32": "u32", "i32": "i32", "f32": "f32", "u64": "u64", "va": "va"}


def values_ref(enum):
    return f"k{enum}Values" if enum else "{}"


def field_row(name, fld, trailing=False):
    kind = {"bits": "bits", "enum": "enumerator", "struct": "record"}.get(fld.kind) or KINDS[fld.base]
    record = f"&k{fld.base}Record" if fld.kind == "struct" else "nullptr"
    values = values_ref(fld.base) if fld.kind == "enum" else "{}"
    bits = f"k{name}_{fld.name}Bits" if fld.kind == "bits" else "{}"
    step = fld.dwords // fld.count if fld.count else 0
    return (f'    {{"{fld.name}", FieldKind::{kind}, {fld.at}, {fld.count}, {step}, '
            f"{str(fld.is_array or trailing).lower()}, {str(fld.must_be_zero).lower()}, {record}, {values}, {bits}}},\n")


def emit_tables(desc):
    out = HEAD + ('#include "kite_hw/descriptors.hpp"\n#include "kite_hw/packet_dump.hpp"\n'
                  '#include "kite_hw/packets.hpp"\n#include "kite_hw/registers.hpp"\n\n#include <algorithm>\n\nnamespace kite::hw {\n\nnamespace {\n\n')
    used = {f.base for r in desc.records for f in r.fields if f.kind == "enum"}
    used |= {b.enum for r in desc.records for f in r.fields for b in f.members if b.enum}
    for name in sorted(used):
        rows = ", ".join(f'{{"{k}", {v}}}' for k, v in desc.enums[name].values.items())
        out += f"constexpr EnumValue k{name}Values[] = {{{rows}}};\n"
    out += "\n"
    for record in desc.records:
        name = record.name + ("Packet" if record.kind == "packet" else "")
        for fld in record.fields:
            if fld.kind == "bits":
                rows = ", ".join(f'{{"{b.name}", {b.lo}, {b.hi}, {values_ref(b.enum)}}}' for b in fld.members)
                out += f"constexpr BitInfo k{name}_{fld.name}Bits[] = {{{rows}}};\n"
        if record.fields:
            out += f"constexpr FieldInfo k{name}Fields[] = {{\n"
            out += "".join(field_row(name, fld) for fld in record.fields) + "};\n"
        array = "nullptr"
        if record.array:
            out += f"constexpr FieldInfo k{name}Array[] = {{\n{field_row(name, record.array, True)}}};\n"
            array = f"k{name}Array"
        out += (f'constexpr RecordInfo k{name}Record = {{"{record.name}", {record.dwords}, '
                f"{f'k{name}Fields' if record.fields else '{}'}, {array}}};\n\n")
    packets = sorted((r for r in desc.records if r.kind == "packet"), key=lambda r: r.number)
    out += "constexpr PacketInfo kPackets[] = {\n"
    for record in packets:
        any_length = str("any length" in record.doc).lower()
        out += f"    {{Packet::{ident(snake_id(record.name))}, {any_length}, &k{record.name}PacketRecord}},\n"
    out += "};\n\nconstexpr const RecordInfo* kStructs[] = {\n"
    for record in desc.records:
        if record.kind == "struct":
            out += f"    &k{record.name}Record,\n"
    out += "};\n\n} // namespace\n\n"
    for enum in desc.enums.values():
        if desc.enum_home[enum.name] in ("packets", "descriptors", "registers", "rings", "mmu", "display"):
            out += emit_enum_names_impl(enum)
    out += """const PacketInfo* packet_info(Packet id) {
    const auto* it = std::lower_bound(std::begin(kPackets), std::end(kPackets), id,
                                      [](const PacketInfo& info, Packet key) { return info.id < key; });
    return it != std::end(kPackets) && it->id == id ? it : nullptr;
}

std::span<const PacketInfo> all_packets() { return kPackets; }

std::span<const RecordInfo* const> all_structs() { return kStructs; }

} // namespace kite::hw
"""
    return out
