// SPDX-License-Identifier: MIT
#include "kite_hw/random_inst.hpp"

#include "kite_hw/verify.hpp"

namespace kite::hw {

namespace {

// Ops with many rules between their fields need a few hundred draws.
constexpr int kTries = 20000;

// Immediates that sit on edges, beside plain random ones.
constexpr uint32_t kEdges[] = {0,          1,          0x80000000u, 0x7fffffffu, 0xffffffffu,
                               0x3f800000, 0x7f800000, 0x7fc00000,  0x80,        31};

} // namespace

uint64_t RandomInst::bits() {
    // splitmix64
    state_ += 0x9e3779b97f4a7c15u;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

Operand RandomInst::random_operand(const SlotInfo& slot) {
    File file = File::Z;
    do {
        file = static_cast<File>(below(4));
    } while (!slot.allows(file));
    if (file == File::V) {
        return Operand::v(below(vregs_));
    }
    return file == File::S ? Operand::s(below(sregs_)) : Operand{file, 0};
}

uint16_t RandomInst::random_sub(const OpInfo& info) {
    unsigned sub = 0;
    for (const SubField& field : info.subs) {
        const uint32_t span = 2u << (field.hi - field.lo);
        const uint32_t value =
            field.values.empty()
                ? below(span)
                : field.values[below(static_cast<uint32_t>(field.values.size()))].value;
        sub |= value << field.lo;
    }
    return static_cast<uint16_t>(sub);
}

uint32_t RandomInst::random_imm(const OpInfo& info, const Inst& inst) {
    switch (info.imm_kind) {
    case ImmKind::operands:
        return 0;
    case ImmKind::sysval: {
        const auto all = all_sysvals();
        const SysValInfo& sv = all[below(static_cast<uint32_t>(all.size()))];
        return static_cast<uint32_t>(sv.value) | (below(sv.indices) << 16);
    }
    case ImmKind::literal:
        for (unsigned i = 0; i < info.src_count; ++i) {
            if (inst.src(i).file == File::L) {
                return below(2) == 0 ? kEdges[below(std::size(kEdges))]
                                     : static_cast<uint32_t>(bits());
            }
        }
        return 0;
    case ImmKind::number:
        break;
    }
    switch (below(4)) {
    case 0:
        return 0;
    case 1:
        return below(32);
    case 2:
        return below(1u << 24);
    default:
        return below(1u << 31);
    }
}

std::optional<Inst> RandomInst::inst(Op op, Type ty) {
    const OpInfo* info = op_info(op);
    if (info == nullptr || !info->allows(ty)) {
        return std::nullopt;
    }
    for (int i = 0; i < kTries; ++i) {
        Inst inst{.op = op, .ty = ty};
        inst.m = below(2) != 0;
        inst.sub = random_sub(*info);
        inst.dst = random_operand(info->dst);
        for (unsigned s = 0; s < 5; ++s) {
            inst.src(s) = random_operand(info->src[s]);
        }
        inst.imm = random_imm(*info, inst);
        bool in_range = true;
        for (unsigned slot = 0; slot < 6; ++slot) {
            const Operand& o = operand(inst, static_cast<Slot>(slot));
            const unsigned count = o.file == File::V ? vregs_ : sregs_;
            in_range =
                in_range &&
                (!o.is_reg() || o.index + operand_width(inst, static_cast<Slot>(slot)) <= count);
        }
        if (in_range && check_encoding(inst.encode())) {
            return inst;
        }
    }
    return std::nullopt;
}

} // namespace kite::hw
