// SPDX-License-Identifier: MIT
#include "shader-compiler/isel/select.hpp"

#include "shader-compiler/isel/selector.hpp"

#include <algorithm>

namespace kite::cc {

bool Selector::run() {
    out_.stage = f_.stage;
    out_.workgroup = f_.workgroup;
    out_.shared_bytes = f_.shared_bytes;
    out_.scratch_bytes = f_.scratch_bytes;
    out_.early_fragment_tests = f_.early_fragment_tests;
    out_.per_sample = f_.per_sample;
    out_.depth_mode = f_.depth_mode;
    find_inversions(tree_.body);
    walk(tree_.body);
    simple(hw::Op::exit);
    return !too_deep_;
}

void Selector::simple(hw::Op op, mir::Operand src, uint16_t sub) {
    emit({.op = op, .sub = sub, .src = {src}});
}

// A comparison whose only use is a negated condition is computed the other way round.
void Selector::find_inversions(const std::vector<Node>& nodes) {
    for (const Node& n : nodes) {
        const ir::Inst* v = n.cond.value;
        const bool compare =
            v != nullptr && (v->op == ir::op(hw::Op::icmp) || v->op == ir::op(hw::Op::fcmp));
        if (compare && n.cond.negate && values_.uses(*v) == 1) {
            inverted_.resize(std::max<size_t>(inverted_.size(), v->id + 1), false);
            inverted_[v->id] = true;
        }
        find_inversions(n.body);
        find_inversions(n.other);
    }
}

void Selector::walk(const std::vector<Node>& nodes) {
    scopes_.emplace_back();
    for (const Node& n : nodes) {
        switch (n.kind) {
        case NodeKind::code:
            code(*n.block);
            break;
        case NodeKind::moves:
            moves(n);
            break;
        case NodeKind::br:
            branch(n);
            break;
        default:
            construct(n);
            break;
        }
    }
    scopes_.pop_back();
}

void Selector::construct(const Node& n) {
    if (open_.size() >= hw::kMaxNesting) {
        too_deep_ = true;
        return;
    }
    const bool is_if = n.kind == NodeKind::if_;
    if (is_if) {
        block_ = n.block->id;
        simple(hw::Op::if_, condition(n.cond));
    } else {
        simple(n.kind == NodeKind::loop ? hw::Op::loop : hw::Op::block);
    }
    open_.push_back({is_if ? nullptr : n.block, n.kind == NodeKind::loop});
    walk(n.body);
    if (!n.other.empty()) {
        simple(hw::Op::else_);
        walk(n.other);
    }
    simple(hw::Op::end);
    open_.pop_back();
}

void Selector::branch(const Node& n) {
    mir::Operand src;
    if (!n.cond.always()) {
        block_ = n.from->id;
        src = condition(n.cond);
    }
    size_t depth = 0;
    for (size_t i = open_.size(); i-- > 0; ++depth) {
        if (n.block != nullptr && open_[i].label == n.block && open_[i].is_loop == n.back) {
            break;
        }
    }
    simple(hw::Op::br, src, hw::BrSub{.depth = static_cast<unsigned>(depth)}.pack());
}

mir::Operand Selector::condition(const Condition& c) {
    const hw::SlotInfo& slot = hw::op_info(hw::Op::if_)->src[0];
    mir::Operand value = use(*c.value, slot, hw::Type::u32, false, nullptr);
    if (c.negate && c.value->id < inverted_.size() && inverted_[c.value->id]) {
        return value;
    }
    if (c.negate) {
        const auto inverse = mir::Operand::of(out_.add_vreg(file_of(value), 1));
        emit({.op = hw::Op::xor_,
              .ty = hw::Type::u32,
              .imm = 0xffffffffu,
              .dst = inverse,
              .src = {value, mir::Operand::literal()}});
        return inverse;
    }
    if (c.cases.empty()) {
        return value;
    }
    const ir::Base base = c.value->type.base;
    const hw::Type type = base == ir::Base::bits64   ? hw::Type::u64
                          : base == ir::Base::bits16 ? hw::Type::u16
                                                     : hw::Type::u32;
    const uint64_t mask = base == ir::Base::bits64   ? ~0ull
                          : base == ir::Base::bits16 ? 0xffffull
                                                     : 0xffffffffull;
    mir::Operand result;
    for (uint64_t bits : c.cases) {
        bits &= mask;
        const auto equal = mir::Operand::of(out_.add_vreg(file_of(value), 1));
        mir::Inst compare{.op = hw::Op::icmp,
                          .ty = type,
                          .sub = hw::IcmpSub{.cc = hw::ICmp::eq}.pack(),
                          .dst = equal,
                          .src = {value, mir::Operand::literal()}};
        if (bits <= 0xffffffffu) {
            compare.imm = static_cast<uint32_t>(bits);
        } else {
            compare.src[1] = constant(bits, 2, false);
        }
        emit(compare);
        if (!result.is_reg()) {
            result = equal;
            continue;
        }
        const auto either = mir::Operand::of(out_.add_vreg(file_of(value), 1));
        emit({.op = hw::Op::or_, .ty = hw::Type::u32, .dst = either, .src = {result, equal}});
        result = either;
    }
    return result;
}

base::Result<mir::Function> select(const ir::Function& f, const Tree& tree,
                                   const Divergence& divergence) {
    Selector selector(f, tree, divergence);
    if (!selector.run()) {
        return base::unsupported("control flow nested deeper than 64 constructs");
    }
    return selector.take();
}

} // namespace kite::cc
