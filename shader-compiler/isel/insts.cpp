// SPDX-License-Identifier: MIT
#include "kite_hw/verify.hpp"
#include "shader-compiler/isel/selector.hpp"

namespace kite::cc {

namespace {

// The predicate that holds exactly where this one does not, NaN included.
uint16_t opposite(hw::Op op, uint16_t sub) {
    if (op == hw::Op::fcmp) {
        const auto cc = static_cast<unsigned>(hw::FcmpSub::unpack(sub).cc);
        return hw::FcmpSub{.cc = static_cast<hw::FCmp>(15 - cc)}.pack();
    }
    const auto cc = static_cast<unsigned>(hw::IcmpSub::unpack(sub).cc);
    return hw::IcmpSub{.cc = static_cast<hw::ICmp>(cc <= 1 ? 1 - cc : 7 - cc)}.pack();
}

} // namespace

void Selector::code(const ir::Block& b) {
    block_ = b.id;
    for (const auto& i : b.insts) {
        inst(*i);
    }
}

void Selector::inst(const ir::Inst& i) {
    if (ir::is_hw(i.op)) {
        hardware(i);
    } else if (i.op == ir::collect || i.op == ir::pack64) {
        collect(i);
    } else if (i.op != ir::phi) {
        return; // constants and parts have no code of their own
    }
    finish(i);
}

// The escape copy of a scalar that some lanes take out of a loop earlier than others.
void Selector::finish(const ir::Inst& i) {
    const Home& escape = values_.escape(i);
    if (escape.valid()) {
        copy(escape.at(), values_.home(i).at(), i.type.regs(), true);
    }
}

void Selector::collect(const ir::Inst& i) {
    const Home& home = values_.home(i);
    unsigned at = 0;
    for (const ir::Inst* element : i.operands) {
        const unsigned regs = element->type.regs();
        const mir::Operand dst = home.at(at);
        at += regs;
        if (const auto bits = constant_bits(*element)) {
            put_constant(dst, *bits, regs, values_.masked(i));
            continue;
        }
        const mir::Operand src = reg_of(*element);
        if (src != dst) {
            copy(dst, src, regs, values_.masked(i));
        }
    }
}

// Constant offsets go to the imm word, where they cost nothing.
void Selector::fold_offset(const ir::Inst& i, size_t first_source, mir::Inst& m,
                           bool& offset_done) {
    const ir::Inst* offset =
        i.operands.size() > first_source + 1 ? i.operands[first_source + 1] : nullptr;
    const auto bits = offset != nullptr ? constant_bits(*offset) : std::nullopt;
    if (bits && (*bits & 0xffffffffu) + m.imm < 0x80000000u) {
        m.imm += static_cast<uint32_t>(*bits);
        offset_done = true;
    }
}

void Selector::hardware(const ir::Inst& i) {
    const hw::Op op = ir::hw_op(i.op);
    const hw::OpInfo& info = *hw::op_info(op);
    mir::Inst m{.op = op, .ty = i.ty, .sub = i.sub, .imm = i.imm};
    const size_t first_source = info.dst_is_source ? 1 : 0;

    const bool has_result = i.type.regs() != 0 && !info.dst_is_source &&
                            (values_.uses(i) != 0 || !info.dst.allows(hw::File::Z));
    bool want_scalar = false;
    if (has_result) {
        const Home& home = values_.home(i);
        m.dst = home.at();
        const bool vector = file_of(m.dst) == hw::File::V;
        m.m = vector && values_.masked(i);
        want_scalar = !vector && info.dst.allows(hw::File::V);
    }

    const hw::Inst shape{.op = op, .ty = i.ty, .sub = i.sub, .imm = i.imm};
    std::optional<uint32_t> literal;
    if (info.dst_is_source) {
        m.dst =
            use(*i.operands[0], info.dst, hw::operand_type(shape, hw::Slot::dst), false, nullptr);
    }
    bool offset_done = false;
    if (op == hw::Op::ld || op == hw::Op::st) {
        fold_offset(i, first_source, m, offset_done);
    }
    for (size_t k = first_source; k < i.operands.size(); ++k) {
        const size_t source = k - first_source;
        if (i.operands[k] == nullptr || (offset_done && source == 1)) {
            continue;
        }
        const auto slot = static_cast<hw::Slot>(source + 1);
        m.src[source] =
            use(*i.operands[k], info.src[source], hw::operand_type(shape, slot), want_scalar,
                info.imm_kind == hw::ImmKind::literal ? &literal : nullptr);
    }
    if (literal) {
        m.imm = *literal;
    }
    if (i.id < inverted_.size() && inverted_[i.id]) {
        m.sub = opposite(op, i.sub);
    }
    if (op == hw::Op::ld || op == hw::Op::st) {
        memory(m, i.operands.size() > first_source + 1 ? i.operands[first_source + 1] : nullptr);
        return;
    }
    if (op == hw::Op::sys && m.dst.is_reg() && file_of(m.dst) == hw::File::S &&
        !hw::sysval_info(static_cast<hw::SysVal>(m.imm & 0xffffu))->uniform) {
        // Uniform by the shape of the workgroup, but the ISA offers it as a vector only.
        const mir::Operand scalar = m.dst;
        m.dst = mir::Operand::of(out_.add_vreg(hw::File::V, 1));
        emit(m);
        copy(scalar, m.dst, 1, false);
        return;
    }
    emit(m);
}

} // namespace kite::cc
