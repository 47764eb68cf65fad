# SPDX-License-Identifier: MIT
"""Emit packets.hpp, descriptors.hpp and limits.hpp: structs with pack and unpack, and constants."""
from emit_common import HPP_TAIL, doc_comment, emit_enum, emit_enum_names, hpp_head, ident, pascal
from load_records import snake_id

C_TYPES = {"u32": "uint32_t", "i32": "int32_t", "f32": "float", "u64": "uint64_t", "va": "uint64_t"}

DESCRIPTORS_PURPOSE = (
    "Structures the device reads from GPU memory: descriptors, the program header, query slots. Each struct "
    "holds the unpacked fields; pack() writes kDwords little-endian dwords and unpack() reads them back, "
    "ignoring reserved bits (reserved_zero() says whether they are clear). Plain values, thread-safe. Packing "
    "a value that does not fit its bits aborts in builds with assertions. Example: BufferDescriptor d{.address = "
    "va, .size_bytes = n}; d.pack(dwords);")

PACKETS_PURPOSE = (
    "The command stream: packet ids, one struct per packet, and the structures inside them. A packet is a "
    "header dword (id and total length), its fields, and for some a trailing array. pack() writes the header and "
    "the fixed fields; pack_element() the array. Readers first check the length with packet_length_ok() or "
    "everything with check_packet() (kite_hw/packet_dump.hpp); unpack() then reads kDwords dwords. Plain values, "
    "thread-safe. Example: DrawPacket{.vertex_count = 3, .instance_count = 1}.pack(out); out += DrawPacket::kDwords;")

REGISTERS_PURPOSE = (
    "BAR0 of the PCIe device (byte offsets and fields of registers and doorbells) and what driver and device exchange in "
    "VRAM: ring entries, write-backs, fault records, page-table entries. Structs pack and unpack as in descriptors.hpp. "
    "Plain values, thread-safe. Example: RingEntry{.op = RingOp::submit, .context = 1}.pack(dwords);")

DETAIL = """namespace detail {
/// Place a value of `bits` bits at bit `lo`; a value that does not fit is our bug.
constexpr uint32_t put_bits(uint32_t value, unsigned bits, unsigned lo) {
#ifndef NDEBUG
    if (bits < 32 && (value >> bits) != 0) {
        std::abort();
    }
#endif
    return value << lo;
}
/// The value of `bits` bits at bit `lo`.
constexpr uint32_t get_bits(uint32_t word, unsigned bits, unsigned lo) {
    return (word >> lo) & (bits < 32 ? (1u << bits) - 1u : ~0u);
}
constexpr void put_u64(uint32_t* out, uint64_t value) {
    out[0] = static_cast<uint32_t>(value);
    out[1] = static_cast<uint32_t>(value >> 32);
}
constexpr uint64_t get_u64(const uint32_t* in) {
    return in[0] | (static_cast<uint64_t>(in[1]) << 32);
}
} // namespace detail

"""

PACKET_HELPERS = """/// Header dword of a packet of `dwords` dwords, header included.
constexpr uint32_t packet_header(Packet id, uint32_t dwords) {
    return detail::put_bits(static_cast<uint32_t>(id), 16, 0) | detail::put_bits(dwords, 16, 16);
}
/// Packet id of a header; may be unknown.
constexpr Packet packet_id(uint32_t header) { return static_cast<Packet>(header & 0xffffu); }
/// Length in dwords that a header states, itself included; 0 is malformed.
constexpr uint32_t packet_dwords(uint32_t header) { return header >> 16; }

"""


def elem_type(fld):
    if fld.kind == "enum" or fld.kind == "struct":
        return fld.base
    return C_TYPES[fld.base]


def member_decl(fld):
    base = elem_type(fld)
    if fld.is_array:
        return f"std::array<{base}, {fld.count}> {ident(fld.name)} = {{}};"
    if fld.kind == "struct":
        return f"{base} {ident(fld.name)} = {{}};"
    if fld.kind == "enum":
        return f"{base} {ident(fld.name)} = static_cast<{base}>(0);"
    return f"{base} {ident(fld.name)} = 0;"


def bit_type(bit):
    return bit.enum or ("bool" if bit.bits == 1 else "uint32_t")


def pack_value(fld, expr, at):
    """Statement writing one element at out[at]."""
    if fld.kind == "struct":
        return f"{expr}.pack(out + {at});"
    if fld.kind == "enum":
        return f"out[{at}] = static_cast<uint32_t>({expr});"
    return {"u32": f"out[{at}] = {expr};", "i32": f"out[{at}] = static_cast<uint32_t>({expr});",
            "f32": f"out[{at}] = std::bit_cast<uint32_t>({expr});",
            "u64": f"detail::put_u64(out + {at}, {expr});",
            "va": f"detail::put_u64(out + {at}, {expr});"}[fld.base]


def unpack_value(fld, at):
    if fld.kind == "struct":
        return f"{fld.base}::unpack(in + {at})"
    if fld.kind == "enum":
        return f"static_cast<{fld.base}>(in[{at}])"
    return {"u32": f"in[{at}]", "i32": f"static_cast<int32_t>(in[{at}])",
            "f32": f"std::bit_cast<float>(in[{at}])", "u64": f"detail::get_u64(in + {at})",
            "va": f"detail::get_u64(in + {at})"}[fld.base]


def emit_members(record):
    out = ""
    for fld in record.fields:
        if fld.kind == "bits":
            for bit in fld.members:
                out += doc_comment(bit.doc[:1].upper() + bit.doc[1:] + ".", "    ")
                init = {"bool": "false", "uint32_t": "0"}.get(bit_type(bit), f"static_cast<{bit.enum}>(0)")
                out += f"    {bit_type(bit)} {ident(bit.name)} = {init};\n"
        elif not fld.must_be_zero:
            out += doc_comment(fld.doc[:1].upper() + fld.doc[1:] + ".", "    ")
            out += f"    {member_decl(fld)}\n"
    return out


def emit_pack(record):
    out = ""
    for fld in record.fields:
        step = fld.dwords // fld.count if fld.count else 0
        if fld.kind == "bits":
            parts = [f"detail::put_bits(static_cast<uint32_t>({ident(b.name)}), {b.bits}, {b.lo})"
                     for b in fld.members]
            out += f"        out[{fld.at}] = " + " |\n            ".join(parts) + ";\n"
        elif fld.must_be_zero:
            for i in range(fld.dwords):
                out += f"        out[{fld.at + i}] = 0;\n"
        elif fld.is_array:
            loop = pack_value(fld, f"{ident(fld.name)}[i]", f"{fld.at} + i * {step}")
            out += f"        for (uint32_t i = 0; i < {fld.count}; ++i) {{\n            {loop}\n        }}\n"
        else:
            out += f"        {pack_value(fld, ident(fld.name), fld.at)}\n"
    return out


def emit_unpack(record):
    out = ""
    for fld in record.fields:
        step = fld.dwords // fld.count if fld.count else 0
        if fld.kind == "bits":
            for bit in fld.members:
                value = f"detail::get_bits(in[{fld.at}], {bit.bits}, {bit.lo})"
                value = {"bool": f"{value} != 0", "uint32_t": value}.get(
                    bit_type(bit), f"static_cast<{bit.enum}>({value})")
                out += f"        r.{ident(bit.name)} = {value};\n"
        elif fld.must_be_zero:
            continue
        elif fld.is_array:
            loop = unpack_value(fld, f"{fld.at} + i * {step}")
            out += (f"        for (uint32_t i = 0; i < {fld.count}; ++i) {{\n"
                    f"            r.{ident(fld.name)}[i] = {loop};\n        }}\n")
        else:
            out += f"        r.{ident(fld.name)} = {unpack_value(fld, fld.at)};\n"
    return out


def emit_reserved(record):
    """Terms that are true when bits without an owner are clear."""
    terms = []
    for fld in record.fields:
        if fld.kind == "bits":
            free = 0xffffffff
            for bit in fld.members:
                free &= ~(((1 << bit.bits) - 1) << bit.lo)
            if free:
                terms.append(f"(in[{fld.at}] & {free:#x}u) == 0")
        elif fld.must_be_zero:
            terms += [f"in[{fld.at + i}] == 0" for i in range(fld.dwords)]
        elif fld.kind == "struct":
            step = fld.dwords // fld.count
            terms += [f"{fld.base}::reserved_zero(in + {fld.at + i * step})" for i in range(fld.count)]
    return " &&\n               ".join(terms) or "true"


def emit_array(record):
    arr = record.array
    elem = elem_type(arr)
    name = record.name + "Packet"
    return f"""
    /// Element of the trailing array: {arr.doc}.
    using Element = {elem};
    /// Dwords of an element.
    static constexpr uint32_t kElementDwords = {arr.dwords};
    /// Dwords of a packet with `count` elements.
    static constexpr uint32_t dwords(uint32_t count) {{ return kDwords + count * kElementDwords; }}
    /// Elements of a packet whose header states `length` dwords.
    static constexpr uint32_t count(uint32_t length) {{
        return length < kDwords ? 0 : (length - kDwords) / kElementDwords;
    }}
    /// Write element i; `packet` is the packet's first dword.
    static constexpr void pack_element(uint32_t* packet, uint32_t i, const Element& value) {{
        uint32_t* out = packet + kDwords + i * kElementDwords;
        {pack_value(arr, "value", 0)}
    }}
    /// Read element i; `packet` is the packet's first dword.
    static constexpr Element unpack_element(const uint32_t* packet, uint32_t i) {{
        const uint32_t* in = packet + kDwords + i * kElementDwords;
        return {unpack_value(arr, 0)};
    }}
""" if name else ""


def emit_record(record):
    packet = record.kind == "packet"
    name = record.name + ("Packet" if packet else "")
    out = doc_comment(record.doc[:1].upper() + record.doc[1:] + ".") + f"struct {name} {{\n"
    if packet:
        out += f"    static constexpr Packet kId = Packet::{ident(snake_id(record.name))};\n"
    out += f"    /// Dwords of the {'header and ' if packet else ''}fixed fields.\n"
    out += f"    static constexpr uint32_t kDwords = {record.dwords};\n"
    if not packet:
        out += "    /// Bytes in memory.\n    static constexpr uint32_t kBytes = kDwords * 4;\n"
    out += "\n" + emit_members(record) + "\n"
    if packet and record.array:
        out += "    /// Write header and fixed fields of a packet with `elements` array elements.\n"
        out += "    constexpr void pack(uint32_t* out, uint32_t elements) const {\n"
        out += "        out[0] = packet_header(kId, dwords(elements));\n"
    elif packet:
        out += "    /// Write header and fields: kDwords dwords.\n    constexpr void pack(uint32_t* out) const {\n"
        out += "        out[0] = packet_header(kId, kDwords);\n"
    else:
        out += "    /// Write kDwords dwords.\n    constexpr void pack(uint32_t* out) const {\n"
    out += emit_pack(record) + "    }\n"
    out += f"    /// Read kDwords dwords.\n    static constexpr {name} unpack(const uint32_t* in) {{\n        {name} r;\n"
    body = emit_unpack(record)
    out += (body or "        static_cast<void>(in);\n") + "        return r;\n    }\n"
    terms = emit_reserved(record)
    out += "    /// True if every reserved bit and dword among the fixed fields is 0.\n"
    out += ("    static constexpr bool reserved_zero([[maybe_unused]] const uint32_t* in) {\n"
            f"        return {terms};\n    }}\n")
    if packet and record.array:
        out += emit_array(record)
    return out + f"    constexpr bool operator==(const {name}&) const = default;\n}};\n\n"


def emit_home(desc, home, purpose, includes, prologue):
    out = hpp_head(purpose, includes) + prologue
    for enum in desc.enums.values():
        if desc.enum_home[enum.name] == home:
            out += emit_enum(enum) + emit_enum_names(enum)
            if enum.name == "Packet":
                out += PACKET_HELPERS
    for record in desc.records:
        if record.home == home:
            out += emit_record(record)
    return out.rstrip("\n") + "\n" + HPP_TAIL


STD = ["<array>", "<bit>", "<cstdint>", "<cstdlib>"]


def emit_descriptors(desc):
    return emit_home(desc, "descriptors", DESCRIPTORS_PURPOSE, STD + ['"kite_hw/isa.hpp"'], DETAIL)


def emit_packets(desc):
    return emit_home(desc, "packets", PACKETS_PURPOSE, STD + ['"kite_hw/descriptors.hpp"'], "")


def emit_registers(desc):
    """Offsets and fields of BAR0, and the structures driver and device exchange in VRAM."""
    out = hpp_head(REGISTERS_PURPOSE, STD + ['"kite_hw/descriptors.hpp"']) + "/// Byte offsets in BAR0, counts, strides and field masks.\nnamespace reg {\n"
    for reg in desc.registers:
        name = "k" + pascal(reg.name)
        out += doc_comment(f"{reg.doc[:1].upper()}{reg.doc[1:]}. Access {reg.access}.")
        out += f"inline constexpr uint32_t {name} = {reg.offset:#x};\n"
        if reg.count > 1:
            out += f"inline constexpr uint32_t {name}Count = {reg.count};\n"
            out += f"inline constexpr uint32_t {name}Stride = {reg.stride:#x};\n"
        out += f"inline constexpr uint32_t {name}ResetValue = {reg.reset:#x};\n"
        for fld in reg.fields:
            mask = ((1 << fld.bits) - 1) << fld.lo
            out += doc_comment(fld.doc[:1].upper() + fld.doc[1:] + ".")
            out += f"inline constexpr uint32_t {name}{pascal(fld.name)} = {mask:#x};\n"
    out += "} // namespace reg\n\n"
    for enum in desc.enums.values():
        if desc.enum_home[enum.name] in ("registers", "rings", "mmu", "display"):
            out += emit_enum(enum) + emit_enum_names(enum)
    for record in desc.records:
        if record.home in ("rings", "mmu", "display"):
            out += emit_record(record)
    return out.rstrip("\n") + "\n" + HPP_TAIL


def emit_limits(desc):
    out = hpp_head("Numbers a driver may rely on: compile-time constants of the hardware description.",
                   ["<cstdint>"])
    out += "/// Device limits.\nnamespace limits {\n"
    for limit in desc.limits:
        kind = "uint64_t" if limit.value > 0xffffffff else "uint32_t"
        out += doc_comment(limit.doc[:1].upper() + limit.doc[1:] + ".")
        out += f"inline constexpr {kind} k{pascal(limit.name)} = {limit.value};\n"
    return out + "} // namespace limits\n" + HPP_TAIL
