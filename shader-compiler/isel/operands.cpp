// SPDX-License-Identifier: MIT
#include "shader-compiler/isel/selector.hpp"

namespace kite::cc {

namespace {

// The imm word that stands for `bits` in an operand of this type, if there is one.
std::optional<uint32_t> literal_for(hw::Type type, uint64_t bits) {
    if (type == hw::Type::f64) {
        const auto narrow =
            std::bit_cast<uint32_t>(static_cast<float>(std::bit_cast<double>(bits)));
        return hw::literal_value(type, narrow) == bits ? std::optional(narrow) : std::nullopt;
    }
    const auto low = static_cast<uint32_t>(bits);
    const uint64_t mask = hw::type_bytes(type) == 2 ? 0xffffu : ~0ull;
    return hw::literal_value(type, low) == (bits & mask) ? std::optional(low) : std::nullopt;
}

} // namespace

std::optional<uint64_t> Selector::constant_bits(const ir::Inst& v) {
    const Part part = Values::part_of(v);
    if (part.root->op == ir::undef) {
        return 0;
    }
    if (part.root->op != ir::constant) {
        return std::nullopt;
    }
    const uint64_t bits = part.root->constant_bits;
    if (part.root->type.base != v.type.base) {
        return (bits >> (32 * part.first)) & 0xffffffffu;
    }
    return bits;
}

mir::Operand Selector::reg_of(const ir::Inst& v) {
    return values_.find(v, block_).at();
}

mir::Operand Selector::constant(uint64_t bits, unsigned regs, bool vector) {
    const Key key{bits, regs * 2 + (vector ? 1u : 0u)};
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
        if (const auto it = scope->constants.find(key); it != scope->constants.end()) {
            return it->second;
        }
    }
    const auto o = mir::Operand::of(out_.add_vreg(vector ? hw::File::V : hw::File::S, regs));
    put_constant(o, bits, regs, false);
    scopes_.back().constants[key] = o;
    return o;
}

void Selector::put_constant(mir::Operand dst, uint64_t bits, unsigned regs, bool masked) {
    for (unsigned k = 0; k < regs; ++k) {
        const auto word = static_cast<uint32_t>(k < 2 ? bits >> (32 * k) : 0);
        emit({.op = hw::Op::mov,
              .m = masked,
              .imm = word,
              .dst = mir::Operand::of(dst.reg, dst.sub + k),
              .src = {mir::Operand::literal()}});
    }
}

void Selector::copy(mir::Operand dst, const mir::Operand& src, unsigned regs, bool masked) {
    const bool lanes_lost = file_of(dst) == hw::File::S && file_of(src) == hw::File::V;
    for (unsigned k = 0; k < regs;) {
        const bool pair = regs - k >= 2 && !lanes_lost;
        emit({.op = lanes_lost ? hw::Op::readfirst : hw::Op::mov,
              .ty = pair ? hw::Type::u64 : hw::Type::none,
              .m = masked && file_of(dst) == hw::File::V,
              .dst = mir::Operand::of(dst.reg, dst.sub + k),
              .src = {mir::Operand::of(src.reg, src.sub + k)}});
        k += pair ? 2 : 1;
    }
}

mir::Operand Selector::to_vector(mir::Operand o, unsigned regs) {
    if (file_of(o) == hw::File::V) {
        return o;
    }
    const Key key{(uint64_t{o.reg} << 8) | o.sub, regs};
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
        if (const auto it = scope->vectors.find(key); it != scope->vectors.end()) {
            return it->second;
        }
    }
    const auto v = mir::Operand::of(out_.add_vreg(hw::File::V, regs));
    copy(v, o, regs, false);
    scopes_.back().vectors[key] = v;
    return v;
}

mir::Operand Selector::to_scalar(mir::Operand o, unsigned regs) {
    if (file_of(o) == hw::File::S) {
        return o;
    }
    const auto s = mir::Operand::of(out_.add_vreg(hw::File::S, regs));
    copy(s, o, regs, false);
    return s;
}

mir::Operand Selector::use(const ir::Inst& v, const hw::SlotInfo& slot, hw::Type type,
                           bool want_scalar, std::optional<uint32_t>* literal) {
    const unsigned regs = v.type.regs();
    const bool scalar_ok = slot.allows(hw::File::S);
    const bool vector_ok = slot.allows(hw::File::V) && !want_scalar;
    if (const auto bits = constant_bits(v)) {
        if (literal != nullptr && slot.allows(hw::File::L) && regs <= 2) {
            const auto word = literal_for(type, *bits);
            if (word && (!literal->has_value() || **literal == *word)) {
                *literal = *word;
                return mir::Operand::literal();
            }
        }
        return constant(*bits, regs, !scalar_ok);
    }
    const mir::Operand o = reg_of(v);
    if (file_of(o) == hw::File::V && !vector_ok) {
        return to_scalar(o, regs);
    }
    return !scalar_ok ? to_vector(o, regs) : o;
}

} // namespace kite::cc
