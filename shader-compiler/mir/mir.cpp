// SPDX-License-Identifier: MIT
#include "shader-compiler/mir/mir.hpp"

#include "kite_hw/verify.hpp"

#include <fmt/format.h>

namespace kite::cc::mir {

namespace {

hw::Operand to_hw(const Function& f, const Operand& o, const Places* places) {
    switch (o.kind) {
    case Operand::Kind::none:
        return hw::Operand::none();
    case Operand::Kind::literal:
        return hw::Operand::literal();
    case Operand::Kind::reg:
        break;
    }
    const unsigned index = places != nullptr ? (*places)[o.reg] + unsigned{o.sub} : 0u;
    return {f.vregs[o.reg].file, static_cast<uint16_t>(index)};
}

hw::Inst convert(const Function& f, const Inst& i, const Places* places) {
    hw::Inst out{.op = i.op, .ty = i.ty, .m = i.m, .sub = i.sub};
    out.imm = i.imm;
    out.dst = to_hw(f, i.dst, places);
    for (unsigned k = 0; k < 5; ++k) {
        out.src(k) = to_hw(f, i.src[k], places);
    }
    return out;
}

std::string operand_text(const Function& f, const Operand& o, unsigned regs, uint32_t imm) {
    if (o.kind == Operand::Kind::none) {
        return "_";
    }
    if (o.kind == Operand::Kind::literal) {
        return fmt::format("{:#x}", imm);
    }
    const char file = f.vregs[o.reg].file == hw::File::V ? 'v' : 's';
    std::string text = fmt::format("{}{}", file, o.reg);
    if (o.sub != 0 || regs != f.vregs[o.reg].regs) {
        text += fmt::format(".{}", unsigned{o.sub});
        if (regs > 1) {
            text += fmt::format("-{}", o.sub + regs - 1);
        }
    }
    return text;
}

} // namespace

hw::Inst shape_of(const Function& f, const Inst& i) {
    return convert(f, i, nullptr);
}

unsigned operand_regs(const Function& f, const Inst& i, unsigned slot) {
    const Operand& o = slot == 0 ? i.dst : i.src[slot - 1];
    if (!o.is_reg()) {
        return 0;
    }
    if (i.defines_nothing) {
        return f.vregs[o.reg].regs;
    }
    return hw::operand_width(shape_of(f, i), static_cast<hw::Slot>(slot));
}

bool writes_dst(const Inst& i) {
    if (!i.dst.is_reg()) {
        return false;
    }
    const hw::OpInfo* info = hw::op_info(i.op);
    return i.defines_nothing || (info != nullptr && !info->dst_is_source);
}

hw::Inst place(const Function& f, const Inst& i, const Places& places) {
    return convert(f, i, &places);
}

std::string print(const Function& f) {
    std::string out;
    size_t depth = 0;
    for (size_t n = 0; n < f.insts.size(); ++n) {
        const Inst& i = f.insts[n];
        if ((i.op == hw::Op::end || i.op == hw::Op::else_) && depth > 0) {
            --depth;
        }
        out += fmt::format("{:5}: {}", n, std::string(depth * 2, ' '));
        if (i.defines_nothing) {
            out += "undef";
        } else {
            out += hw::op_info(i.op)->name;
        }
        if (i.ty != hw::Type::none) {
            out += fmt::format(".{}", hw::name_of(i.ty));
        }
        out += i.m ? ".m" : "";
        for (unsigned slot = 0; slot < 6; ++slot) {
            const Operand& o = slot == 0 ? i.dst : i.src[slot - 1];
            out += (slot == 0 ? " " : ", ") + operand_text(f, o, operand_regs(f, i, slot), i.imm);
        }
        out += fmt::format(" sub={:#x} imm={:#x}\n", i.sub, i.imm);
        if (i.op == hw::Op::block || i.op == hw::Op::loop || i.op == hw::Op::if_ ||
            i.op == hw::Op::else_) {
            ++depth;
        }
    }
    return out;
}

} // namespace kite::cc::mir
