// SPDX-License-Identifier: MIT
#include "kite_hw/disasm.hpp"

#include <cstdio>

#include "kite_hw/verify.hpp"

namespace kite::hw {

namespace {

std::string hex(uint32_t value) {
    char text[16];
    std::snprintf(text, sizeof text, "0x%x", value);
    return text;
}

std::string words_line(std::span<const uint32_t, 4> w) {
    return ".word " + hex(w[0]) + ", " + hex(w[1]) + ", " + hex(w[2]) + ", " + hex(w[3]);
}

std::string operand_text(const Inst& inst, Slot slot) {
    const Operand& o = operand(inst, slot);
    if (o.file == File::Z) {
        return "_";
    }
    if (o.file == File::L) {
        return hex(inst.imm);
    }
    const std::string file = o.file == File::V ? "v" : "s";
    const unsigned width = operand_width(inst, slot);
    if (width <= 1) {
        return file + std::to_string(o.index);
    }
    return file + "[" + std::to_string(o.index) + ":" + std::to_string(o.index + width - 1) + "]";
}

std::string imm_text(const Inst& inst, const OpInfo& info) {
    if (info.imm_kind == ImmKind::sysval) {
        const SysValInfo* sv = sysval_info(static_cast<SysVal>(inst.imm & 0xffffu));
        const std::string name = sv != nullptr ? sv->name : hex(inst.imm & 0xffffu);
        return inst.imm >> 16 != 0 ? name + "[" + std::to_string(inst.imm >> 16) + "]" : name;
    }
    if (info.imm_kind == ImmKind::number && inst.imm != 0) {
        return "+" + std::to_string(inst.imm);
    }
    return "";
}

std::string sub_text(const Inst& inst, const OpInfo& info) {
    if (info.subs.empty()) {
        return "";
    }
    std::string out = " {";
    for (const SubField& field : info.subs) {
        const unsigned value = field.get(inst.sub);
        const char* name = nullptr;
        for (const EnumValue& v : field.values) {
            name = v.value == value ? v.name : name;
        }
        out += out.size() > 2 ? "," : "";
        out += std::string(field.name) + "=";
        out += name != nullptr ? name : std::to_string(field.minus_one ? value + 1 : value);
    }
    return out + "}";
}

// True if the text form holds everything the words hold.
bool printable(const Inst& inst, const OpInfo& info) {
    const bool literal_ok = info.imm_kind != ImmKind::literal;
    bool uses_literal = false;
    for (unsigned slot = 0; slot < 6; ++slot) {
        const Operand& o = operand(inst, static_cast<Slot>(slot));
        const bool has_slot = slot == 0 ? info.dst.width != Width::zero : slot <= info.src_count;
        if (!has_slot ? o != Operand::none() : !o.is_reg() && o.index != 0) {
            return false;
        }
        uses_literal = uses_literal || o.file == File::L;
    }
    return name_of(inst.ty) != nullptr && (inst.sub & ~info.sub_mask) == 0 &&
           (literal_ok ? !uses_literal : uses_literal || inst.imm == 0);
}

} // namespace

std::string disassemble(const Inst& inst) {
    const OpInfo* info = op_info(inst.op);
    if (info == nullptr || !printable(inst, *info)) {
        return words_line(inst.encode());
    }
    std::string out = info->name;
    if (inst.ty != Type::none) {
        out += std::string(".") + name_of(inst.ty);
    }
    out += inst.m ? ".m" : "";
    const char* separator = " ";
    const auto add = [&](const std::string& text) {
        out += separator + text;
        separator = ", ";
    };
    if (info->dst.width != Width::zero) {
        add(operand_text(inst, Slot::dst));
    }
    for (unsigned i = 0; i < info->src_count; ++i) {
        add(operand_text(inst, static_cast<Slot>(i + 1)));
    }
    if (const std::string imm = imm_text(inst, *info); !imm.empty()) {
        add(imm);
    }
    return out + sub_text(inst, *info);
}

std::string disassemble_program(std::span<const uint32_t> words) {
    std::string out;
    unsigned depth = 0;
    for (size_t i = 0; i + kInstWords <= words.size(); i += kInstWords) {
        const auto w = words.subspan(i).first<4>();
        Inst inst;
        const bool known = Inst::decode(w, inst);
        const bool closes = known && (inst.op == Op::end || inst.op == Op::else_);
        const bool opens = known && (inst.op == Op::block || inst.op == Op::loop ||
                                     inst.op == Op::if_ || inst.op == Op::else_);
        depth -= closes && depth > 0 ? 1 : 0;
        char number[24];
        std::snprintf(number, sizeof number, "%5zu: ", i / kInstWords);
        out += number + std::string(2 * size_t{depth}, ' ');
        out += (known ? disassemble(inst) : words_line(w)) + "\n";
        depth += opens && depth < kMaxNesting ? 1 : 0;
    }
    return out;
}

} // namespace kite::hw
