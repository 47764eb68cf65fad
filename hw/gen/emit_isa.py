# SPDX-License-Identifier: MIT
"""Emit kite_hw/isa.hpp (types, encode, decode) and isa_tables.cpp (what the tables say per op)."""
from emit_common import (HPP_TAIL, HEAD, c_string, doc_comment, emit_enum, emit_enum_names,
                         emit_enum_names_impl, hpp_head, ident, pascal)
from load import WIDTH_DOC, WIDTHS

PURPOSE = (
    "The Kite instruction set: opcodes, operand and instruction structs with their 128-bit encoding, the "
    "sub-field structs of each op, and the tables that say what each op accepts. Plain values, no state: "
    "every function is thread-safe. Encoding a value that does not fit truncates silently here; "
    "check_encoding() in kite_hw/verify.hpp is what refuses a bad instruction. Example: "
    "Inst i{.op = Op::fadd, .ty = Type::f32, .dst = Operand::v(0), .src0 = Operand::v(1), .src1 = "
    "Operand::s(2)}; auto words = i.encode();")

INST = r"""
/// Register files an operand can name.
enum class File : uint8_t {
@FILES@};

/// One operand: 16 bits in the instruction word.
struct Operand {
    File file = File::Z;
    uint16_t index = 0;

    /// Vector register i.
    static constexpr Operand v(unsigned i) { return {File::V, static_cast<uint16_t>(i)}; }
    /// Scalar register i.
    static constexpr Operand s(unsigned i) { return {File::S, static_cast<uint16_t>(i)}; }
    /// The instruction's imm word.
    static constexpr Operand literal() { return {File::L, 0}; }
    /// Absent operand.
    static constexpr Operand none() { return {}; }

    /// True for V and S.
    constexpr bool is_reg() const { return file == File::V || file == File::S; }
    /// True for Z.
    constexpr bool is_none() const { return file == File::Z; }
    /// The 16 encoded bits.
    constexpr uint16_t pack() const {
        return static_cast<uint16_t>((static_cast<unsigned>(file) << 14) | (index & 0x3fffu));
    }
    /// From 16 encoded bits.
    static constexpr Operand unpack(uint16_t bits) {
        return {static_cast<File>(bits >> 14), static_cast<uint16_t>(bits & 0x3fffu)};
    }
    constexpr bool operator==(const Operand&) const = default;
};

/// True for ops whose imm word holds the operands src3 (low half) and src4 (high half).
constexpr bool op_has_src34(Op op) {
    @SRC34@
}

/// True for the 64-bit types, whose values take two consecutive registers.
constexpr bool is_64bit(Type ty) { return ty == Type::f64 || ty == Type::i64 || ty == Type::u64; }
/// True for f16, f32 and f64.
constexpr bool is_float(Type ty) { return ty == Type::f16 || ty == Type::f32 || ty == Type::f64; }
/// True for the signed integer types.
constexpr bool is_signed(Type ty) {
    return ty == Type::i8 || ty == Type::i16 || ty == Type::i32 || ty == Type::i64;
}
/// Bytes of one element in memory; 4 for Type::none.
constexpr unsigned type_bytes(Type ty) {
    switch (ty) {
    case Type::i8:
    case Type::u8:
        return 1;
    case Type::f16:
    case Type::i16:
    case Type::u16:
        return 2;
    case Type::f64:
    case Type::i64:
    case Type::u64:
        return 8;
    default:
        return 4;
    }
}

/// What a literal stands for in an operand of the given type (see the operand file L).
constexpr uint64_t literal_value(Type ty, uint32_t imm) {
    switch (ty) {
    case Type::f64:
        return std::bit_cast<uint64_t>(static_cast<double>(std::bit_cast<float>(imm)));
    case Type::i64:
        return static_cast<uint64_t>(static_cast<int64_t>(static_cast<int32_t>(imm)));
    case Type::f16:
    case Type::i16:
    case Type::u16:
        return imm & 0xffffu;
    default:
        return imm;
    }
}

/// One instruction, unpacked. Absent operands are Operand::none().
struct Inst {
    Op op = Op::nop;
    Type ty = Type::none;
    /// Masked write: lanes outside exec keep their value.
    bool m = false;
    /// Op-specific bits; use the op's *Sub struct to build and read them.
    uint16_t sub = 0;
    Operand dst, src0, src1, src2, src3, src4;
    /// Literal or immediate; ignored (the operands win) for ops with src3/src4.
    uint32_t imm = 0;

    /// The four little-endian words.
    constexpr std::array<uint32_t, 4> encode() const {
        const uint32_t w3 = op_has_src34(op)
                                ? static_cast<uint32_t>(src3.pack()) |
                                      (static_cast<uint32_t>(src4.pack()) << 16)
                                : imm;
        return {(static_cast<uint32_t>(op) & 0x3ffu) | ((static_cast<uint32_t>(ty) & 0xfu) << 10) |
                    (m ? 1u << 14 : 0u) | (static_cast<uint32_t>(sub) << 16),
                static_cast<uint32_t>(dst.pack()) | (static_cast<uint32_t>(src0.pack()) << 16),
                static_cast<uint32_t>(src1.pack()) | (static_cast<uint32_t>(src2.pack()) << 16),
                w3};
    }
    /// Unpack four words; false if the opcode is unknown or the must-be-zero bit is set.
    /// Success does not mean legal: see check_encoding().
    static constexpr bool decode(std::span<const uint32_t, 4> w, Inst& out) {
        out = Inst{};
        if ((w[0] & 0x8000u) != 0 || !is_op(w[0] & 0x3ffu)) {
            return false;
        }
        out.op = static_cast<Op>(w[0] & 0x3ffu);
        out.ty = static_cast<Type>((w[0] >> 10) & 0xfu);
        out.m = ((w[0] >> 14) & 1u) != 0;
        out.sub = static_cast<uint16_t>(w[0] >> 16);
        out.dst = Operand::unpack(static_cast<uint16_t>(w[1] & 0xffffu));
        out.src0 = Operand::unpack(static_cast<uint16_t>(w[1] >> 16));
        out.src1 = Operand::unpack(static_cast<uint16_t>(w[2] & 0xffffu));
        out.src2 = Operand::unpack(static_cast<uint16_t>(w[2] >> 16));
        if (op_has_src34(out.op)) {
            out.src3 = Operand::unpack(static_cast<uint16_t>(w[3] & 0xffffu));
            out.src4 = Operand::unpack(static_cast<uint16_t>(w[3] >> 16));
        } else {
            out.imm = w[3];
        }
        return true;
    }
    /// Source i (0-4).
    constexpr const Operand& src(unsigned i) const {
        return i == 0 ? src0 : i == 1 ? src1 : i == 2 ? src2 : i == 3 ? src3 : src4;
    }
    /// Source i (0-4).
    constexpr Operand& src(unsigned i) {
        return i == 0 ? src0 : i == 1 ? src1 : i == 2 ? src2 : i == 3 ? src3 : src4;
    }
    constexpr bool operator==(const Inst&) const = default;
};

/// How many consecutive registers an operand takes, as the description codes it.
enum class Width : uint8_t {
@WIDTHS@};

/// What one operand slot accepts. A slot the op does not have accepts only Z.
struct SlotInfo {
    /// Bit (1 << File) set for each file allowed.
    uint8_t files;
    Width width;

    /// True if the file is allowed here.
    constexpr bool allows(File f) const { return ((files >> static_cast<unsigned>(f)) & 1u) != 0; }
};

/// Name and value of one enumerator, for printing and parsing.
struct EnumValue {
    const char* name;
    uint32_t value;
};

/// One sub field of an op.
struct SubField {
    const char* name;
    uint8_t lo, hi;
    /// The stored value is a count minus 1; assembly text shows the count.
    bool minus_one;
    /// Names of its values; empty for a plain number.
    std::span<const EnumValue> values;

    /// The field's value inside the sub bits.
    constexpr unsigned get(uint16_t sub) const {
        return (static_cast<unsigned>(sub) >> lo) & ((2u << (hi - lo)) - 1u);
    }
};

/// What the imm word is for.
enum class ImmKind : uint8_t {
    /// Literal if an operand is in file L, else 0.
    literal,
    /// An op-specific number.
    number,
    /// SysVal in bits 0-15, index in bits 16-31.
    sysval,
    /// Operands src3 and src4.
    operands,
};

/// Everything the description says about the shape of one op.
struct OpInfo {
    const char* name;
    Op op;
    SlotInfo dst;
    std::array<SlotInfo, 5> src;
    /// Sources the op has.
    uint8_t src_count;
    /// Bit (1 << Type) for each type allowed.
    uint16_t types;
    bool has_imm;
    /// dst is read, not written (stores).
    bool dst_is_source;
    ImmKind imm_kind;
    /// Bits of `sub` that some sub field owns.
    uint16_t sub_mask;
    std::span<const SubField> subs;
    /// The description file it comes from: alu, lane, flow, mem, tex, io.
    const char* group;
    /// Semantics as the description writes them.
    const char* sem;

    /// True if the type is allowed.
    constexpr bool allows(Type ty) const { return ((types >> static_cast<unsigned>(ty)) & 1u) != 0; }
};

/// The op's entry; nullptr for an unknown op.
const OpInfo* op_info(Op op);
/// All ops in code order.
std::span<const OpInfo> all_ops();
/// The op called `name` in assembly; nullptr if none.
const OpInfo* find_op(std::string_view name);

/// What the description says about a system value.
struct SysValInfo {
    const char* name;
    SysVal value;
    /// Stages that may read it: bit (1 << Stage).
    uint8_t stages;
    bool uniform;
    /// Registers it fills.
    uint8_t width;
    /// Number of indices (1: only index 0).
    uint8_t indices;
};

/// The system value's entry; nullptr for an unknown one.
const SysValInfo* sysval_info(SysVal value);
/// All system values.
std::span<const SysValInfo> all_sysvals();

"""


def sub_type(sub):
    if sub.enum:
        return sub.enum
    return "bool" if sub.bits == 1 else "unsigned"


def emit_sub_struct(op):
    name = f"{pascal(op.name)}Sub"
    out = doc_comment(f"Sub fields of {op.name}.") + f"struct {name} {{\n"
    for sub in op.sub:
        out += doc_comment(f"{sub.doc[:1].upper()}{sub.doc[1:]}.", "    ")
        init = {"bool": "false", "unsigned": "0"}.get(sub_type(sub), f"static_cast<{sub.enum}>(0)")
        out += f"    {sub_type(sub)} {ident(sub.name)} = {init};\n"
    out += "\n    /// The encoded sub bits.\n    constexpr uint16_t pack() const {\n        return static_cast<uint16_t>("
    out += " |\n                                     ".join(
        f"((static_cast<unsigned>({ident(s.name)}) & {(1 << s.bits) - 1:#x}u) << {s.lo})" for s in op.sub)
    out += ");\n    }\n    /// From encoded sub bits.\n"
    out += f"    static constexpr {name} unpack(uint16_t bits) {{\n        const unsigned b = bits;\n        {name} r;\n"
    for sub in op.sub:
        value = f"(b >> {sub.lo}) & {(1 << sub.bits) - 1:#x}u"
        value = f"({value}) != 0" if sub_type(sub) == "bool" else (
            value if sub_type(sub) == "unsigned" else f"static_cast<{sub.enum}>({value})")
        out += f"        r.{ident(sub.name)} = {value};\n"
    out += "        return r;\n    }\n"
    for sub in op.sub:
        if sub.minus_one:
            out += f"    /// {sub.name} as a count (the field holds it minus 1).\n"
            out += f"    constexpr unsigned {sub.name}_count() const {{ return {sub.name} + 1; }}\n"
    return out + f"    constexpr bool operator==(const {name}&) const = default;\n}};\n\n"


def isa_enums(desc):
    return [e for e in desc.enums.values() if desc.enum_home[e.name] == "isa"]


def emit_header(desc):
    isa = desc.isa
    out = hpp_head(PURPOSE, ["<array>", "<bit>", "<cstdint>", "<span>", "<string_view>"])
    out += f"/// Version of the instruction set; programs name the one they were built for.\ninline constexpr uint32_t kIsaVersion = {isa.version};\n"
    for key, value in isa.consts.items():
        out += f"/// ISA limit: {key.replace('_', ' ')}.\ninline constexpr uint32_t k{pascal(key)} = {value};\n"
    out += "/// 32-bit words of an instruction.\ninline constexpr uint32_t kInstWords = 4;\n\n"
    for enum in isa_enums(desc):
        out += emit_enum(enum, "uint32_t" if enum.name in ("VertexOut", "FragmentOut") else "uint8_t")
        out += emit_enum_names(enum)
    out += "/// Opcodes.\nenum class Op : uint16_t {\n"
    for op in isa.ops:
        out += doc_comment(f"{op.sem}: {op.doc}", "    ") + f"    {ident(op.name)} = {op.code:#05x},\n"
    out += "};\n\n/// True if a code names an op.\nconstexpr bool is_op(uint32_t code) {\n    switch (code) {\n"
    for op in isa.ops:
        out += f"    case {op.code:#05x}:\n"
    out += "        return true;\n    default:\n        return false;\n    }\n}\n\n"
    out += "/// System values read by `sys`.\nenum class SysVal : uint16_t {\n"
    for sv in isa.sysvals:
        out += doc_comment(sv.doc, "    ") + f"    {ident(sv.name)} = {sv.value},\n"
    out += "};\n"
    files = "".join(doc_comment(doc, "    ") + f"    {name} = {value},\n"
                    for name, (value, doc) in isa.files.items())
    src34 = " || ".join(f"op == Op::{ident(op.name)}" for op in isa.ops if op.has_src34)
    widths = ""
    for code, name in WIDTHS.items():
        widths += doc_comment(WIDTH_DOC.get(code, "no operand"), "    ") + f"    {name},\n"
    out += (INST.replace("@FILES@", files).replace("@SRC34@", f"return {src34 or 'false'};")
            .replace("@WIDTHS@", widths))
    for op in isa.ops:
        if op.sub:
            out += emit_sub_struct(op)
    return out.rstrip("\n") + "\n" + HPP_TAIL


def files_mask(desc, files):
    return sum(1 << desc.isa.files[f][0] for f in files)


def slot(desc, width, files):
    return f"{{{files_mask(desc, files):#x}, Width::{WIDTHS[width]}}}"


def imm_kind(op):
    if op.has_src34:
        return "operands"
    if op.dst == "sys":
        return "sysval"
    return "number" if op.imm is not None else "literal"


def emit_tables(desc):
    isa = desc.isa
    out = HEAD + '#include "kite_hw/isa.hpp"\n\n#include <algorithm>\n\nnamespace kite::hw {\n\nnamespace {\n\n'
    for enum in isa_enums(desc):
        rows = ", ".join(f'{{"{k}", {v}}}' for k, v in enum.values.items())
        out += f"[[maybe_unused]] constexpr EnumValue k{enum.name}Values[] = {{{rows}}};\n"
    out += "\n"
    for op in isa.ops:
        if op.sub:
            rows = ",\n    ".join(
                f'{{"{s.name}", {s.lo}, {s.hi}, {"true" if s.minus_one else "false"}, '
                + (f"k{s.enum}Values" if s.enum else "{}") + "}" for s in op.sub)
            out += f"constexpr SubField k{pascal(op.name)}Subs[] = {{\n    {rows}}};\n"
    out += "\nconstexpr OpInfo kOps[] = {\n"
    types = desc.enums["Type"].values
    for op in isa.ops:
        srcs = [slot(desc, w, f) for w, f in zip(op.src, op.src_files)]
        srcs += [slot(desc, "0", "Z")] * (5 - len(srcs))
        mask = sum(1 << types[t] for t in op.types)
        sub_mask = sum(((1 << s.bits) - 1) << s.lo for s in op.sub)
        out += (f'    {{"{op.name}", Op::{ident(op.name)}, {slot(desc, op.dst, op.dst_files)},\n'
                f"     {{{{{', '.join(srcs)}}}}},\n"
                f"     {len(op.src)}, {mask:#x}, {str(op.imm is not None).lower()}, "
                f"{str(op.dst_is_source).lower()}, ImmKind::{imm_kind(op)}, {sub_mask:#x}, "
                + (f"k{pascal(op.name)}Subs" if op.sub else "{}")
                + f', "{op.group}",\n     {c_string(op.sem)}}},\n')
    out += "};\n\nconstexpr SysValInfo kSysVals[] = {\n"
    stages = {"v": 0, "f": 1, "c": 2, "t": 3, "e": 4, "g": 5}
    for sv in isa.sysvals:
        mask = sum(1 << stages[s] for s in sv.stages)
        out += (f'    {{"{sv.name}", SysVal::{ident(sv.name)}, {mask}, {str(sv.uniform).lower()}, '
                f"{sv.width}, {sv.indices}}},\n")
    out += "};\n\n} // namespace\n\n"
    for enum in isa_enums(desc):
        out += emit_enum_names_impl(enum)
    out += """const OpInfo* op_info(Op op) {
    const auto* it = std::lower_bound(std::begin(kOps), std::end(kOps), op,
                                      [](const OpInfo& info, Op key) { return info.op < key; });
    return it != std::end(kOps) && it->op == op ? it : nullptr;
}

std::span<const OpInfo> all_ops() { return kOps; }

const OpInfo* find_op(std::string_view name) {
    for (const OpInfo& info : kOps) {
        if (name == info.name) {
            return &info;
        }
    }
    return nullptr;
}

const SysValInfo* sysval_info(SysVal value) {
    for (const SysValInfo& info : kSysVals) {
        if (info.value == value) {
            return &info;
        }
    }
    return nullptr;
}

std::span<const SysValInfo> all_sysvals() { return kSysVals; }

} // namespace kite::hw
"""
    return out
