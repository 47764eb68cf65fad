// SPDX-License-Identifier: MIT
// Finds loads and stores whose lanes access consecutive memory, the difference between one vector
// access and a gather. An offset that is a uniform value plus lane number times element size is
// known by its value in lane 0.
#include "kite_hw/limits.hpp"
#include "shader-compiler/isel/selector.hpp"

#include <algorithm>

namespace kite::cc {

namespace {

constexpr unsigned kMaxDepth = 12;
// Wider tuples are not worth de-interleaving.
constexpr unsigned kMaxConsecutive = 4;
constexpr uint64_t kUnknown = 0xffffffffu;

hw::SysVal sysval_of(const ir::Inst& v) {
    return static_cast<hw::SysVal>(v.imm & 0xffffu);
}

} // namespace

// The bound of a loop counter: from a constant, by a constant step, while below a constant.
uint64_t Selector::counter_bound(const ir::Inst& phi) const {
    const ir::Block& header = *phi.block;
    const int32_t loop = tree_.header_loop[header.id];
    const ir::Inst* test = header.condition;
    if (loop < 0 || phi.operands.size() != 2 || header.term != ir::Term::branch ||
        test->op != ir::op(hw::Op::icmp) || test->operands[0] != &phi ||
        hw::IcmpSub::unpack(test->sub).cc != hw::ICmp::lt ||
        tree_.inside(loop, header.succs[1]->id)) {
        return kUnknown;
    }
    const bool first_enters = !tree_.inside(loop, header.preds[0]->id);
    const auto start = constant_bits(*phi.operands[first_enters ? 0 : 1]);
    const ir::Inst& next = *phi.operands[first_enters ? 1 : 0];
    const auto limit = constant_bits(*test->operands[1]);
    if (!start || !limit || next.op != ir::op(hw::Op::iadd) || next.operands[0] != &phi) {
        return kUnknown;
    }
    const auto step = constant_bits(*next.operands[1]);
    // Small enough that neither signedness nor wrapping matters.
    constexpr uint64_t kSmall = 1u << 30;
    return step && *start < kSmall && *limit < kSmall && *step < kSmall
               ? std::max(*start, *limit + *step)
               : kUnknown;
}

// An upper bound of a 32-bit value read as unsigned; kUnknown if nothing is known or it may wrap.
uint64_t Selector::bound(const ir::Inst& v, unsigned depth) const {
    if (const auto bits = constant_bits(v)) {
        return *bits & 0xffffffffu;
    }
    if (v.op == ir::phi) {
        return counter_bound(v);
    }
    if (!ir::is_hw(v.op) || depth == kMaxDepth) {
        return kUnknown;
    }
    const hw::Op op = ir::hw_op(v.op);
    const auto& size = f_.workgroup;
    if (op == hw::Op::sys) {
        switch (sysval_of(v)) {
        case hw::SysVal::lane_id:
            return kWidestWave - 1;
        case hw::SysVal::local_x:
            return size[0] - 1;
        case hw::SysVal::local_y:
            return size[1] - 1;
        case hw::SysVal::local_z:
            return size[2] - 1;
        case hw::SysVal::group_id:
            return hw::limits::kMaxWorkgroupCount;
        case hw::SysVal::local_index:
            return uint64_t{size[0]} * size[1] * size[2] - 1;
        default:
            return kUnknown;
        }
    }
    if (v.ty != hw::Type::u32 || v.operands.size() != 2) {
        return kUnknown;
    }
    const uint64_t a = bound(*v.operands[0], depth + 1);
    const uint64_t b = bound(*v.operands[1], depth + 1);
    const auto shift = constant_bits(*v.operands[1]);
    switch (op) {
    case hw::Op::iadd:
        return std::min(a + b, kUnknown);
    case hw::Op::imul:
        return std::min(a * b, kUnknown);
    case hw::Op::and_:
        return std::min(a, b);
    case hw::Op::shl:
        return shift ? std::min(a << (*shift & 31), kUnknown) : kUnknown;
    case hw::Op::shr:
        return shift ? a >> (*shift & 31) : a;
    default:
        return kUnknown;
    }
}

// Emits a load or store, as one access of consecutive lanes where the offset allows.
void Selector::memory(const mir::Inst& m, const ir::Inst* offset) {
    const hw::LdSub sub = hw::LdSub::unpack(m.sub);
    const auto uniform = [&](const mir::Operand& o) {
        return !o.is_reg() || file_of(o) == hw::File::S;
    };
    const uint32_t bytes = hw::type_bytes(m.ty) * sub.n_count();
    const bool candidate = offset != nullptr && m.src[1].is_reg() &&
                           file_of(m.src[1]) == hw::File::V && sub.space != hw::Space::scratch &&
                           !sub.vol && uniform(m.src[0]) && uniform(m.src[2]) &&
                           mir::operand_regs(out_, m, 0) <= kMaxConsecutive;
    if (!candidate || steps_.step(*offset, block_) != bytes ||
        open_.size() >= hw::kMaxNesting - 1) {
        emit(m);
        return;
    }
    const Key key{(uint64_t{m.src[1].reg} << 8) | m.src[1].sub, 0};
    mir::Operand first;
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend() && !first.is_reg(); ++scope) {
        if (const auto it = scope->first_lanes.find(key); it != scope->first_lanes.end()) {
            first = it->second;
        }
    }
    if (!first.is_reg()) {
        first = mir::Operand::of(out_.add_vreg(hw::File::S, 1));
        emit({.op = hw::Op::readlane, .dst = first, .src = {m.src[1], mir::Operand::literal()}});
        scopes_.back().first_lanes[key] = first;
    }
    mir::Inst wide = m;
    hw::LdSub wide_sub = sub;
    wide_sub.mode = hw::AddrMode::consecutive;
    wide.sub = wide_sub.pack();
    wide.src[1] = first;
    if (mir::writes_dst(m)) {
        emit_either(wide, m, first, bound(*offset, 0) < 0x80000000u);
        return;
    }
    wide.dst = to_vector(wide.dst, mir::operand_regs(out_, m, 0));
    emit_either(wide, m, first, bound(*offset, 0) < 0x80000000u);
}

// Lane offsets are taken modulo 2^32, consecutive ones are not: a wave that starts below zero and
// ends above it needs the general form.
void Selector::emit_either(const mir::Inst& wide, const mir::Inst& general,
                           const mir::Operand& first, bool surely_wide) {
    if (surely_wide) {
        emit(wide);
        return;
    }
    const auto low = mir::Operand::of(out_.add_vreg(hw::File::S, 1));
    emit({.op = hw::Op::icmp,
          .ty = hw::Type::u32,
          .sub = hw::IcmpSub{.cc = hw::ICmp::lt}.pack(),
          .imm = 0x80000000u,
          .dst = low,
          .src = {first, mir::Operand::literal()}});
    simple(hw::Op::if_, low);
    emit(wide);
    simple(hw::Op::else_);
    emit(general);
    simple(hw::Op::end);
}

} // namespace kite::cc
