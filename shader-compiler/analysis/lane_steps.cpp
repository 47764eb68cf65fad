// SPDX-License-Identifier: MIT
#include "shader-compiler/analysis/lane_steps.hpp"

#include "shader-compiler/analysis/divergence.hpp"

#include <algorithm>
#include <bit>

namespace kite::cc {

namespace {

constexpr unsigned kBudget = 48;
constexpr unsigned kZero = 32; // alignment of 0
constexpr unsigned kLog2Lanes[] = {3, 4};

unsigned alignment_of(uint32_t x) {
    return static_cast<unsigned>(std::countr_zero(x));
}

std::optional<uint32_t> constant_of(const ir::Inst& v) {
    return v.op == ir::constant ? std::optional(static_cast<uint32_t>(v.constant_bits))
                                : std::nullopt;
}

} // namespace

std::optional<uint32_t> LaneSteps::step(const ir::Inst& v, uint32_t use) const {
    std::optional<uint32_t> result;
    for (const unsigned log2_lanes : kLog2Lanes) {
        Query q{log2_lanes, kBudget};
        const auto known = fact(v, use, q);
        if (!known || (result && *result != known->step)) {
            return std::nullopt;
        }
        result = known->step;
    }
    return result;
}

bool LaneSteps::evens_out(const ir::Inst& v) const {
    if (v.op != ir::op(hw::Op::shr) && v.op != ir::op(hw::Op::and_)) {
        return false;
    }
    return std::all_of(std::begin(kLog2Lanes), std::end(kLog2Lanes), [&](unsigned log2_lanes) {
        Query q{log2_lanes, kBudget};
        const auto known = binary(v, q);
        return known && known->step == 0;
    });
}

std::optional<LaneSteps::Fact> LaneSteps::fact(const ir::Inst& v, uint32_t use, Query& q) const {
    if (const auto bits = constant_of(v)) {
        return Fact{0, alignment_of(*bits)};
    }
    if (q.budget == 0) {
        return std::nullopt;
    }
    --q.budget;
    const bool varies = varying_[v.id] || leaves_divergent_loop(tree_, v.block->id, use) >= 0;
    const bool excluded = varies && exclude_ && exclude_(v);
    std::optional<Fact> known;
    if (!excluded && ir::is_hw(v.op)) {
        known = ir::hw_op(v.op) == hw::Op::sys ? system_value(v, q) : binary(v, q);
    }
    if (varies) {
        // What lanes computed in different iterations has no common first value.
        return leaves_divergent_loop(tree_, v.block->id, use) >= 0 ? std::nullopt : known;
    }
    return Fact{0, known && known->step == 0 ? known->align : 0};
}

std::optional<LaneSteps::Fact> LaneSteps::system_value(const ir::Inst& v, const Query& q) const {
    const auto& size = f_.workgroup;
    switch (static_cast<hw::SysVal>(v.imm & 0xffffu)) {
    case hw::SysVal::lane_id:
        return Fact{1, kZero};
    case hw::SysVal::local_index:
        return Fact{1, q.log2_lanes};
    case hw::SysVal::local_x:
        if (size[0] % kWidestWave == 0 || (size[1] == 1 && size[2] == 1)) {
            return Fact{1, q.log2_lanes};
        }
        return std::nullopt;
    default:
        return std::nullopt;
    }
}

std::optional<LaneSteps::Fact> LaneSteps::binary(const ir::Inst& v, Query& q) const {
    if (v.ty != hw::Type::u32 || v.operands.size() != 2) {
        return std::nullopt;
    }
    const hw::Op op = ir::hw_op(v.op);
    const bool known_op = op == hw::Op::iadd || op == hw::Op::isub || op == hw::Op::imul ||
                          op == hw::Op::shl || op == hw::Op::shr || op == hw::Op::and_;
    const ir::Inst &first = *v.operands[0], &second = *v.operands[1];
    const auto by = constant_of(second);
    if (!known_op || ((op == hw::Op::shl || op == hw::Op::shr) && !by)) {
        return std::nullopt;
    }
    const auto a = fact(first, v.block->id, q);
    const auto b = a ? fact(second, v.block->id, q) : std::nullopt;
    if (!b) {
        return std::nullopt;
    }
    // True if no carry leaves the low `n` bits anywhere in the wave.
    const auto within = [&](unsigned n) {
        const uint64_t span = uint64_t{a->step} * ((1u << q.log2_lanes) - 1);
        return a->step == 0 || span < (uint64_t{1} << std::min(a->align, n));
    };
    switch (op) {
    case hw::Op::iadd:
        return Fact{a->step + b->step, std::min(a->align, b->align)};
    case hw::Op::isub:
        return Fact{a->step - b->step, std::min(a->align, b->align)};
    case hw::Op::imul: {
        const auto factor = by ? by : constant_of(first);
        const uint32_t step = by ? a->step : b->step;
        if (!factor && (a->step != 0 || b->step != 0)) {
            return std::nullopt;
        }
        return Fact{factor ? step * *factor : 0, std::min(a->align + b->align, kZero)};
    }
    case hw::Op::shl:
        return Fact{a->step << (*by & 31), std::min(a->align + (*by & 31), kZero)};
    case hw::Op::shr: {
        const unsigned n = *by & 31;
        if (!within(n)) {
            return std::nullopt;
        }
        return Fact{0, a->align == kZero ? kZero : a->align - std::min(a->align, n)};
    }
    default:
        break;
    }
    // and: keeps the low bits, or the high ones.
    if (a->step == 0 && b->step == 0) {
        return Fact{0, std::max(a->align, b->align)};
    }
    if (!by) {
        return std::nullopt;
    }
    const auto low = static_cast<unsigned>(std::countr_one(*by));
    if (low < 32 && *by == (1u << low) - 1 && within(low)) {
        return Fact{a->step, a->align >= low ? kZero : a->align};
    }
    const unsigned cleared = alignment_of(*by);
    if (*by != 0 && (*by | ((1u << cleared) - 1)) == ~0u && within(cleared)) {
        return Fact{0, std::max(a->align, cleared)};
    }
    return std::nullopt;
}

} // namespace kite::cc
