// SPDX-License-Identifier: MIT
#include "shader-compiler/ir/builder.hpp"

#include "shader-compiler/ir/fold.hpp"

#include <bit>

namespace kite::cc::ir {

namespace {

hw::Type bits_type(Base base) {
    return base == Base::bits64 ? hw::Type::u64 : hw::Type::u32;
}

uint64_t ones(Base base) {
    return base == Base::bits64 ? ~0ull : base == Base::bits16 ? 0xffffull : 0xffffffffull;
}

Type result_type(hw::Op o, hw::Type ty, Operands operands) {
    switch (o) {
    case hw::Op::icmp:
    case hw::Op::fcmp:
        return {Base::boolean};
    case hw::Op::mov:
        return operands.begin()[0]->type;
    case hw::Op::sel:
        return operands.begin()[1]->type;
    case hw::Op::and_:
    case hw::Op::or_:
    case hw::Op::xor_: {
        const Type a = operands.begin()[0]->type;
        const Type b = operands.begin()[1]->type;
        return a.base == Base::boolean ? b : a;
    }
    default:
        break;
    }
    const hw::OpInfo* info = hw::op_info(o);
    return {info != nullptr && info->dst.width == hw::Width::one ? Base::bits32 : base_of(ty)};
}

} // namespace

Base base_of(hw::Type ty) {
    switch (ty) {
    case hw::Type::f16:
    case hw::Type::i16:
    case hw::Type::u16:
        return Base::bits16;
    case hw::Type::f64:
    case hw::Type::i64:
    case hw::Type::u64:
        return Base::bits64;
    default:
        return Base::bits32;
    }
}

bool is_constant(const Inst* value, uint64_t& bits) {
    if (value == nullptr || value->op != constant) {
        return false;
    }
    bits = value->constant_bits;
    return true;
}

void Builder::finish() {
    Block& entry = *f_.blocks.front();
    std::vector<std::unique_ptr<Inst>> all;
    all.reserve(pending_.size() + entry.insts.size());
    for (auto& [key, inst] : pending_) {
        inst->block = &entry;
        all.push_back(std::move(inst));
    }
    pending_.clear();
    for (auto& inst : entry.insts) {
        all.push_back(std::move(inst));
    }
    entry.insts = std::move(all);
    f_.renumber();
}

Inst* Builder::constant(Base base, uint64_t bits) {
    bits &= ones(base);
    auto& slot = pending_[{base, bits}];
    if (slot == nullptr) {
        slot = std::make_unique<Inst>();
        slot->op = ir::constant;
        slot->type = {base};
        slot->constant_bits = bits;
        slot->block = f_.blocks.front().get();
    }
    return slot.get();
}

Inst* Builder::f32(float v) {
    return u32(std::bit_cast<uint32_t>(v));
}

Inst* Builder::fconst(hw::Type ty, double v) {
    if (ty == hw::Type::f64) {
        return u64(std::bit_cast<uint64_t>(v));
    }
    if (ty == hw::Type::f16) {
        return constant(Base::bits16, float_to_half(static_cast<float>(v)));
    }
    return f32(static_cast<float>(v));
}

Inst* Builder::iconst(hw::Type ty, uint64_t v) {
    return constant(base_of(ty), v);
}

Inst* Builder::undef(Type type) {
    return raw(ir::undef, hw::Type::none, type, {});
}

Inst* Builder::raw(Op o, hw::Type ty, Type type, std::span<Inst* const> operands, uint16_t sub,
                   uint32_t imm) {
    auto inst = std::make_unique<Inst>();
    inst->op = o;
    inst->ty = ty;
    inst->type = type;
    inst->sub = sub;
    inst->imm = imm;
    inst->operands.assign(operands.begin(), operands.end());
    inst->block = block_;
    block_->insts.push_back(std::move(inst));
    return block_->insts.back().get();
}

Inst* Builder::simplify(hw::Op o, hw::Type ty, Operands operands) {
    Inst* a = operands.begin()[0];
    Inst* b = operands.size() > 1 ? operands.begin()[1] : nullptr;
    uint64_t c = 0;
    const uint64_t all = ones(base_of(ty));
    switch (o) {
    case hw::Op::iadd:
        if (is_constant(a, c) && (c & all) == 0) {
            return b;
        }
        [[fallthrough]];
    case hw::Op::isub:
    case hw::Op::shl:
    case hw::Op::shr:
        return is_constant(b, c) && (c & all) == 0 ? a : nullptr;
    case hw::Op::imul:
        if (is_constant(a, c) && (c == 1 || c == 0)) {
            return c == 1 ? b : a;
        }
        return is_constant(b, c) && (c == 1 || c == 0) ? (c == 1 ? a : b) : nullptr;
    case hw::Op::and_:
        if (is_constant(b, c) && (c == 0 || c == ones(b->type.base))) {
            return c == 0 ? b : (a->type == b->type ? a : nullptr);
        }
        if (is_constant(a, c) && (c == 0 || c == ones(a->type.base)) && a->type == b->type) {
            return c == 0 ? a : b;
        }
        return a == b ? a : nullptr;
    case hw::Op::or_:
        if (is_constant(b, c) && c == 0 && a->type == b->type) {
            return a;
        }
        if (is_constant(a, c) && c == 0 && a->type == b->type) {
            return b;
        }
        return a == b ? a : nullptr;
    case hw::Op::sel:
        if (is_constant(a, c)) {
            return static_cast<uint32_t>(c) != 0 ? b : operands.begin()[2];
        }
        return b == operands.begin()[2] ? b : nullptr;
    default:
        return nullptr;
    }
}

Inst* Builder::alu(hw::Op o, hw::Type ty, Operands operands, uint16_t sub) {
    if (Inst* same = simplify(o, ty, operands); same != nullptr) {
        return same;
    }
    const Type type = result_type(o, ty, operands);
    uint64_t bits[3] = {};
    size_t n = 0;
    for (const Inst* operand : operands) {
        if (n == 3 || !is_constant(operand, bits[n])) {
            break;
        }
        ++n;
    }
    if (n == operands.size()) {
        if (const auto folded = fold(o, ty, sub, {bits, n})) {
            return constant(type.base, *folded);
        }
    }
    return raw(o, ty, type, operands, sub);
}

Inst* Builder::sel(Inst* condition, Inst* a, Inst* b) {
    const hw::Type ty = a->type.base == Base::bits64 ? hw::Type::u64 : hw::Type::none;
    return alu(hw::Op::sel, ty, {condition, a, b});
}

Inst* Builder::fcmp(hw::FCmp cc, hw::Type ty, Inst* a, Inst* b) {
    return alu(hw::Op::fcmp, ty, {a, b}, hw::FcmpSub{.cc = cc}.pack());
}

Inst* Builder::icmp(hw::ICmp cc, hw::Type ty, Inst* a, Inst* b) {
    return alu(hw::Op::icmp, ty, {a, b}, hw::IcmpSub{.cc = cc}.pack());
}

Inst* Builder::cvt(hw::Type to, hw::Type from, Inst* a, hw::Round rnd) {
    return to == from ? a : alu(hw::Op::cvt, to, {a}, hw::CvtSub{.sty = from, .rnd = rnd}.pack());
}

Inst* Builder::not_(Inst* a) {
    return alu(hw::Op::xor_, bits_type(a->type.base), {a, constant(a->type.base, ~0ull)});
}

Inst* Builder::logic(hw::Op o, Inst* a, Inst* b) {
    return alu(o, bits_type(a->type.base), {a, b});
}

Inst* Builder::to_boolean(Inst* a) {
    if (a->type.base == Base::boolean) {
        return a;
    }
    const hw::Type ty = a->type.base == Base::bits64   ? hw::Type::u64
                        : a->type.base == Base::bits16 ? hw::Type::u16
                                                       : hw::Type::u32;
    return icmp(hw::ICmp::ne, ty, a, constant(a->type.base, 0));
}

Inst* Builder::from_boolean(Inst* a) {
    if (a->type.base != Base::boolean) {
        return a;
    }
    uint64_t bits = 0;
    if (is_constant(a, bits)) {
        return u32(static_cast<uint32_t>(bits));
    }
    return raw(hw::Op::mov, hw::Type::none, {Base::bits32}, {a});
}

Inst* Builder::extract(Inst* tuple, unsigned i) {
    if (tuple->type.count == 1) {
        return tuple;
    }
    if (tuple->op == ir::collect) {
        return tuple->operands[i];
    }
    Inst* const operands[] = {tuple};
    return raw(ir::extract, hw::Type::none, {tuple->type.base}, operands, 0, i);
}

Inst* Builder::collect(std::span<Inst* const> elements) {
    if (elements.size() == 1) {
        return elements[0];
    }
    Base base = elements[0]->type.base;
    for (const Inst* e : elements) {
        if (e->type.base == Base::bits32) {
            base = Base::bits32;
        }
    }
    return raw(ir::collect, hw::Type::none, {base, static_cast<uint8_t>(elements.size())},
               elements);
}

Inst* Builder::pack64(Inst* low, Inst* high) {
    uint64_t a = 0;
    uint64_t b = 0;
    if (is_constant(low, a) && is_constant(high, b)) {
        return u64((a & 0xffffffffu) | (b << 32));
    }
    if (low->op == ir::unpack64 && high->op == ir::unpack64 && low->imm == 0 && high->imm == 1 &&
        low->operands[0] == high->operands[0]) {
        return low->operands[0];
    }
    Inst* const operands[] = {low, high};
    return raw(ir::pack64, hw::Type::none, {Base::bits64}, operands);
}

Inst* Builder::unpack64(Inst* value, unsigned half) {
    uint64_t bits = 0;
    if (is_constant(value, bits)) {
        return u32(static_cast<uint32_t>(half == 0 ? bits : bits >> 32));
    }
    if (value->op == ir::pack64) {
        return value->operands[half];
    }
    Inst* const operands[] = {value};
    return raw(ir::unpack64, hw::Type::none, {Base::bits32}, operands, 0, half);
}

Inst* Builder::sys(hw::SysVal value, unsigned index) {
    const hw::SysValInfo* info = hw::sysval_info(value);
    const bool truth = value == hw::SysVal::front_facing || value == hw::SysVal::helper;
    const Type type{info != nullptr && info->width == 2 ? Base::bits64
                    : truth                             ? Base::boolean
                                                        : Base::bits32};
    return raw(hw::Op::sys, hw::Type::none, type, {}, 0,
               static_cast<uint32_t>(value) | (index << 16));
}

} // namespace kite::cc::ir
