// SPDX-License-Identifier: MIT
// Arithmetic, comparison, logic and conversion, one component at a time.
#include "shader-compiler/spirv/math.hpp"
#include "shader-compiler/spirv/translator.hpp"

#include <limits>

namespace kite::cc::spirv {

namespace {

std::optional<hw::FCmp> float_compare(spv::Op op) {
    switch (op) {
    case spv::Op::OpFOrdEqual:
        return hw::FCmp::oeq;
    case spv::Op::OpFUnordEqual:
        return hw::FCmp::ueq;
    case spv::Op::OpFOrdNotEqual:
    case spv::Op::OpLessOrGreater:
        return hw::FCmp::one;
    case spv::Op::OpFUnordNotEqual:
        return hw::FCmp::une;
    case spv::Op::OpFOrdLessThan:
        return hw::FCmp::olt;
    case spv::Op::OpFUnordLessThan:
        return hw::FCmp::ult;
    case spv::Op::OpFOrdGreaterThan:
        return hw::FCmp::ogt;
    case spv::Op::OpFUnordGreaterThan:
        return hw::FCmp::ugt;
    case spv::Op::OpFOrdLessThanEqual:
        return hw::FCmp::ole;
    case spv::Op::OpFUnordLessThanEqual:
        return hw::FCmp::ule;
    case spv::Op::OpFOrdGreaterThanEqual:
        return hw::FCmp::oge;
    case spv::Op::OpFUnordGreaterThanEqual:
        return hw::FCmp::uge;
    case spv::Op::OpOrdered:
        return hw::FCmp::ord;
    case spv::Op::OpUnordered:
        return hw::FCmp::uno;
    default:
        return std::nullopt;
    }
}

struct IntCompare {
    hw::ICmp cc;
    bool is_signed;
};

std::optional<IntCompare> int_compare(spv::Op op) {
    switch (op) {
    case spv::Op::OpIEqual:
        return IntCompare{hw::ICmp::eq, false};
    case spv::Op::OpINotEqual:
        return IntCompare{hw::ICmp::ne, false};
    case spv::Op::OpULessThan:
        return IntCompare{hw::ICmp::lt, false};
    case spv::Op::OpSLessThan:
        return IntCompare{hw::ICmp::lt, true};
    case spv::Op::OpULessThanEqual:
        return IntCompare{hw::ICmp::le, false};
    case spv::Op::OpSLessThanEqual:
        return IntCompare{hw::ICmp::le, true};
    case spv::Op::OpUGreaterThan:
        return IntCompare{hw::ICmp::gt, false};
    case spv::Op::OpSGreaterThan:
        return IntCompare{hw::ICmp::gt, true};
    case spv::Op::OpUGreaterThanEqual:
        return IntCompare{hw::ICmp::ge, false};
    case spv::Op::OpSGreaterThanEqual:
        return IntCompare{hw::ICmp::ge, true};
    default:
        return std::nullopt;
    }
}

} // namespace

Inst* Translator::fmul(HwType ty, Inst* a, Inst* b, bool precise) {
    Inst* r = b_.alu(HwOp::fmul, ty, {a, b});
    if (precise) {
        precise_.insert(r);
    }
    return r;
}

Inst* Translator::fadd(HwType ty, Inst* a, Inst* b, bool precise) {
    const auto product = [&](const Inst* v) {
        return v->op == ir::op(HwOp::fmul) && v->ty == ty && !precise_.contains(v);
    };
    if (!precise && product(a)) {
        return b_.alu(HwOp::ffma, ty, {a->operands[0], a->operands[1], b});
    }
    if (!precise && product(b)) {
        return b_.alu(HwOp::ffma, ty, {b->operands[0], b->operands[1], a});
    }
    return b_.alu(HwOp::fadd, ty, {a, b});
}

Inst* Translator::fsub(HwType ty, Inst* a, Inst* b, bool precise) {
    const auto product = [&](const Inst* v) {
        return !precise && v->op == ir::op(HwOp::fmul) && v->ty == ty && !precise_.contains(v);
    };
    if (product(a)) {
        return b_.alu(HwOp::ffma, ty,
                      {a->operands[0], a->operands[1], b_.alu(HwOp::fneg, ty, {b})});
    }
    if (product(b)) {
        return b_.alu(HwOp::ffma, ty,
                      {b_.alu(HwOp::fneg, ty, {b->operands[0]}), b->operands[1], a});
    }
    return b_.alu(HwOp::fsub, ty, {a, b});
}

bool Translator::try_float(const Instr& i) {
    if (const auto cc = float_compare(i.op)) {
        const Leaves a = leaves(i.word(0));
        const Leaves c = leaves(i.word(1));
        const HwType ty = float_type(type_of(i.word(0)));
        Leaves out;
        for (size_t k = 0; k < a.size() && k < c.size(); ++k) {
            out.push_back(b_.fcmp(*cc, ty, a[k], c[k]));
        }
        set(i.id, std::move(out));
        return true;
    }
    const auto unary = [&](auto&& one) {
        Leaves out;
        for (Inst* a : Leaves(leaves(i.word(0)))) {
            out.push_back(one(a));
        }
        set(i.id, std::move(out));
        return true;
    };
    const auto binary = [&](auto&& one) {
        const Leaves a = leaves(i.word(0));
        const Leaves c = leaves(i.word(1));
        if (a.size() != c.size()) {
            corrupt("SPIR-V: operands of different size");
        }
        Leaves out;
        for (size_t k = 0; k < a.size(); ++k) {
            out.push_back(one(a[k], c[k]));
        }
        set(i.id, std::move(out));
        return true;
    };
    const bool exact = precise(i);
    switch (i.op) {
    case spv::Op::OpFNegate: {
        const HwType ty = float_type(i.type);
        return unary([&](Inst* a) { return b_.alu(HwOp::fneg, ty, {a}); });
    }
    case spv::Op::OpFAdd: {
        const HwType ty = float_type(i.type);
        return binary([&](Inst* a, Inst* c) { return fadd(ty, a, c, exact); });
    }
    case spv::Op::OpFSub: {
        const HwType ty = float_type(i.type);
        return binary([&](Inst* a, Inst* c) { return fsub(ty, a, c, exact); });
    }
    case spv::Op::OpFMul: {
        const HwType ty = float_type(i.type);
        return binary([&](Inst* a, Inst* c) { return fmul(ty, a, c, exact); });
    }
    case spv::Op::OpFDiv: {
        const HwType ty = float_type(i.type);
        return binary([&](Inst* a, Inst* c) { return b_.alu(HwOp::fdiv, ty, {a, c}); });
    }
    case spv::Op::OpFRem:
    case spv::Op::OpFMod: {
        const HwType ty = float_type(i.type);
        const HwOp round = i.op == spv::Op::OpFRem ? HwOp::ftrunc : HwOp::ffloor;
        return binary([&](Inst* a, Inst* c) {
            Inst* q = b_.alu(round, ty, {b_.alu(HwOp::fdiv, ty, {a, c})});
            return b_.alu(HwOp::ffma, ty, {b_.alu(HwOp::fneg, ty, {c}), q, a});
        });
    }
    case spv::Op::OpIsNan: {
        const HwType ty = float_type(type_of(i.word(0)));
        return unary([&](Inst* a) { return b_.fcmp(hw::FCmp::uno, ty, a, a); });
    }
    case spv::Op::OpIsInf: {
        const HwType ty = float_type(type_of(i.word(0)));
        return unary([&](Inst* a) {
            return b_.fcmp(hw::FCmp::oeq, ty, b_.alu(HwOp::fabs, ty, {a}),
                           b_.fconst(ty, std::numeric_limits<double>::infinity()));
        });
    }
    default:
        return false;
    }
}

bool Translator::try_integer(const Instr& i) {
    if (const auto cc = int_compare(i.op)) {
        const uint32_t type = type_of(i.word(0));
        const Leaves a = leaves(i.word(0));
        const Leaves c = leaves(i.word(1));
        const bool byte = scalar_of(type).width == 8;
        const HwType ty = int_type(type, cc->is_signed);
        Leaves out;
        for (size_t k = 0; k < a.size() && k < c.size(); ++k) {
            out.push_back(b_.icmp(cc->cc, ty, byte ? widen_int(a[k], type, cc->is_signed) : a[k],
                                  byte ? widen_int(c[k], type, cc->is_signed) : c[k]));
        }
        set(i.id, std::move(out));
        return true;
    }
    // 8-bit values are kept in 32 bits with undefined high bits: operations that look at those
    // extend first.
    const auto binary = [&](bool sensitive, bool is_signed, auto&& one) {
        const Leaves a = leaves(i.word(0));
        const Leaves c = leaves(i.word(1));
        if (a.size() != c.size()) {
            corrupt("SPIR-V: operands of different size");
        }
        const bool extend = sensitive && scalar_of(i.type).width == 8;
        Leaves out;
        for (size_t k = 0; k < a.size(); ++k) {
            out.push_back(one(extend ? widen_int(a[k], i.type, is_signed) : a[k],
                              extend ? widen_int(c[k], i.type, is_signed) : c[k]));
        }
        set(i.id, std::move(out));
        return true;
    };
    const auto plain = [&](HwOp op, bool sensitive, bool is_signed) {
        const HwType ty = int_type(i.type, is_signed);
        return binary(sensitive, is_signed,
                      [&](Inst* a, Inst* c) { return b_.alu(op, ty, {a, c}); });
    };
    switch (i.op) {
    case spv::Op::OpIAdd:
        return plain(HwOp::iadd, false, false);
    case spv::Op::OpISub:
        return plain(HwOp::isub, false, false);
    case spv::Op::OpIMul:
        return plain(HwOp::imul, false, false);
    case spv::Op::OpUDiv:
    case spv::Op::OpSDiv:
    case spv::Op::OpUMod:
    case spv::Op::OpSRem: {
        const bool is_signed = i.op == spv::Op::OpSDiv || i.op == spv::Op::OpSRem;
        const bool remainder = i.op == spv::Op::OpUMod || i.op == spv::Op::OpSRem;
        const HwType ty = int_type(i.type, is_signed);
        const bool narrow = scalar_of(i.type).width == 32;
        return binary(true, is_signed, [&](Inst* a, Inst* c) {
            uint64_t divisor = 0;
            if (!narrow || !ir::is_constant(c, divisor) || divisor == 0) {
                return b_.alu(remainder ? HwOp::irem : HwOp::idiv, ty, {a, c});
            }
            // Vector hosts have no integer division: multiply instead.
            Inst* q = is_signed ? math::divide_i32(b_, a, static_cast<int32_t>(divisor))
                                : math::divide_u32(b_, a, static_cast<uint32_t>(divisor));
            return remainder ? b_.alu(HwOp::isub, HwType::u32,
                                      {a, b_.alu(HwOp::imul, HwType::u32, {q, c})})
                             : q;
        });
    }
    case spv::Op::OpSMod: {
        const HwType ty = int_type(i.type, true);
        const HwType bits = int_type(i.type, false);
        return binary(true, true, [&](Inst* a, Inst* c) {
            Inst* r = b_.alu(HwOp::irem, ty, {a, c});
            Inst* zero = b_.iconst(ty, 0);
            Inst* apart = b_.icmp(hw::ICmp::lt, ty, b_.logic(HwOp::xor_, r, c), zero);
            Inst* fix = b_.and_(b_.icmp(hw::ICmp::ne, bits, r, zero), apart);
            return b_.sel(fix, b_.alu(HwOp::iadd, bits, {r, c}), r);
        });
    }
    case spv::Op::OpSNegate: {
        const HwType ty = int_type(i.type, false);
        Leaves out;
        for (Inst* a : Leaves(leaves(i.word(0)))) {
            out.push_back(b_.alu(HwOp::isub, ty, {b_.iconst(ty, 0), a}));
        }
        set(i.id, std::move(out));
        return true;
    }
    case spv::Op::OpNot:
    case spv::Op::OpLogicalNot: {
        Leaves out;
        for (Inst* a : Leaves(leaves(i.word(0)))) {
            out.push_back(b_.not_(a));
        }
        set(i.id, std::move(out));
        return true;
    }
    case spv::Op::OpBitwiseAnd:
    case spv::Op::OpLogicalAnd:
        return binary(false, false, [&](Inst* a, Inst* c) { return b_.logic(HwOp::and_, a, c); });
    case spv::Op::OpBitwiseOr:
    case spv::Op::OpLogicalOr:
        return binary(false, false, [&](Inst* a, Inst* c) { return b_.logic(HwOp::or_, a, c); });
    case spv::Op::OpBitwiseXor:
    case spv::Op::OpLogicalNotEqual:
        return binary(false, false, [&](Inst* a, Inst* c) { return b_.logic(HwOp::xor_, a, c); });
    case spv::Op::OpLogicalEqual:
        return binary(false, false,
                      [&](Inst* a, Inst* c) { return b_.not_(b_.logic(HwOp::xor_, a, c)); });
    case spv::Op::OpShiftLeftLogical:
    case spv::Op::OpShiftRightLogical:
    case spv::Op::OpShiftRightArithmetic: {
        const bool arithmetic = i.op == spv::Op::OpShiftRightArithmetic;
        const HwOp op = i.op == spv::Op::OpShiftLeftLogical ? HwOp::shl : HwOp::shr;
        const HwType ty = int_type(i.type, arithmetic);
        const Leaves a = leaves(i.word(0));
        const Leaves amount = leaves(i.word(1));
        const bool extend = op == HwOp::shr && scalar_of(i.type).width == 8;
        Leaves out;
        for (size_t k = 0; k < a.size() && k < amount.size(); ++k) {
            out.push_back(b_.alu(op, ty,
                                 {extend ? widen_int(a[k], i.type, arithmetic) : a[k],
                                  to_u32(amount[k], type_of(i.word(1)))}));
        }
        set(i.id, std::move(out));
        return true;
    }
    case spv::Op::OpIAddCarry:
    case spv::Op::OpISubBorrow:
    case spv::Op::OpUMulExtended:
    case spv::Op::OpSMulExtended: {
        const uint32_t type = type_of(i.word(0));
        const bool is_signed = i.op == spv::Op::OpSMulExtended;
        const bool multiply = is_signed || i.op == spv::Op::OpUMulExtended;
        if (multiply ? scalar_of(type).width != 32 : scalar_of(type).width < 32) {
            unsupported("extended arithmetic on " + std::to_string(scalar_of(type).width) +
                        "-bit integers");
        }
        const HwType ty = int_type(type, false);
        const Leaves a = leaves(i.word(0));
        const Leaves c = leaves(i.word(1));
        Leaves low;
        Leaves high;
        for (size_t k = 0; k < a.size() && k < c.size(); ++k) {
            if (multiply) {
                low.push_back(b_.alu(HwOp::imul, HwType::u32, {a[k], c[k]}));
                high.push_back(
                    b_.alu(HwOp::imulh, is_signed ? HwType::i32 : HwType::u32, {a[k], c[k]}));
                continue;
            }
            const bool add = i.op == spv::Op::OpIAddCarry;
            low.push_back(b_.alu(add ? HwOp::iadd : HwOp::isub, ty, {a[k], c[k]}));
            Inst* carry = add ? b_.icmp(hw::ICmp::lt, ty, low.back(), a[k])
                              : b_.icmp(hw::ICmp::lt, ty, a[k], c[k]);
            high.push_back(b_.sel(carry, b_.iconst(ty, 1), b_.iconst(ty, 0)));
        }
        low.insert(low.end(), high.begin(), high.end());
        set(i.id, std::move(low));
        return true;
    }
    case spv::Op::OpBitReverse: {
        const unsigned width = scalar_of(i.type).width;
        Leaves out;
        for (Inst* a : Leaves(leaves(i.word(0)))) {
            if (width == 64) {
                out.push_back(b_.pack64(b_.alu(HwOp::brev, HwType::u32, {b_.unpack64(a, 1)}),
                                        b_.alu(HwOp::brev, HwType::u32, {b_.unpack64(a, 0)})));
                continue;
            }
            Inst* r = b_.alu(HwOp::brev, HwType::u32, {widen_int(a, i.type, false)});
            r = width == 32 ? r : b_.alu(HwOp::shr, HwType::u32, {r, b_.u32(32 - width)});
            out.push_back(width == 16 ? b_.cvt(HwType::u16, HwType::u32, r) : r);
        }
        set(i.id, std::move(out));
        return true;
    }
    case spv::Op::OpBitCount: {
        const uint32_t from = type_of(i.word(0));
        Leaves out;
        for (Inst* a : Leaves(leaves(i.word(0)))) {
            const bool wide = scalar_of(from).width == 64;
            Inst* n =
                b_.alu(HwOp::bcnt, wide ? HwType::u64 : HwType::u32, {widen_int(a, from, false)});
            out.push_back(b_.cvt(int_type(i.type, false), HwType::u32, n));
        }
        set(i.id, std::move(out));
        return true;
    }
    default:
        return false;
    }
}

bool Translator::try_convert(const Instr& i) {
    const auto convert = [&](bool from_signed, bool to_signed, hw::Round rnd) {
        const Type& from = scalar_of(type_of(i.word(0)));
        const Type& to = scalar_of(i.type);
        Leaves out;
        for (Inst* a : Leaves(leaves(i.word(0)))) {
            const bool same = from.kind == to.kind && from.width == to.width;
            out.push_back(
                same ? a
                     : b_.cvt(exact_type(to, to_signed), exact_type(from, from_signed), a, rnd));
        }
        set(i.id, std::move(out));
        return true;
    };
    const auto rounding = static_cast<hw::Round>(m_.decor(i.id).rounding.value_or(0) & 3u);
    switch (i.op) {
    case spv::Op::OpConvertFToU:
        return convert(false, false, hw::Round::rtz);
    case spv::Op::OpConvertFToS:
        return convert(false, true, hw::Round::rtz);
    case spv::Op::OpConvertSToF:
        return convert(true, false, rounding);
    case spv::Op::OpConvertUToF:
        return convert(false, false, rounding);
    case spv::Op::OpUConvert:
        return convert(false, false, hw::Round::rte);
    case spv::Op::OpSConvert:
        return convert(true, true, hw::Round::rte);
    case spv::Op::OpFConvert:
        return convert(false, false, rounding);
    case spv::Op::OpQuantizeToF16: {
        Leaves out;
        for (Inst* a : Leaves(leaves(i.word(0)))) {
            Inst* h = b_.cvt(HwType::f32, HwType::f16, b_.cvt(HwType::f16, HwType::f32, a));
            Inst* tiny = b_.fcmp(hw::FCmp::olt, HwType::f32, b_.alu(HwOp::fabs, HwType::f32, {h}),
                                 b_.f32(0x1p-14f));
            out.push_back(b_.sel(tiny, b_.and_(a, b_.u32(0x80000000u)), h));
        }
        set(i.id, std::move(out));
        return true;
    }
    case spv::Op::OpExpectKHR: // a hint
        set(i.id, Leaves(leaves(i.word(0))));
        return true;
    case spv::Op::OpBitcast:
        set(i.id, bitcast(leaves(i.word(0)), type_of(i.word(0)), i.type));
        return true;
    default:
        return false;
    }
}

Translator::Leaves Translator::bitcast(const Leaves& from, uint32_t from_type, uint32_t to_type) {
    const Type& target = m_.type(to_type);
    const auto width_of = [&](const Type& t) -> unsigned {
        return t.kind == Kind::pointer ? 64 : t.width;
    };
    const unsigned from_width = width_of(scalar_of(from_type));
    const unsigned to_width = width_of(scalar_of(to_type));
    (void)target;
    if (from_width == to_width) {
        return from;
    }
    Leaves out;
    if (from_width > to_width) {
        const unsigned parts = from_width / to_width;
        for (Inst* v : from) {
            for (unsigned k = 0; k < parts; ++k) {
                Inst* word = from_width == 64 ? b_.unpack64(v, k * to_width / 32) : v;
                const unsigned shift = k * to_width % 32;
                if (from_width == 16) {
                    word = b_.cvt(HwType::u32, HwType::u16, v);
                }
                word = shift != 0 ? b_.alu(HwOp::shr, HwType::u32, {word, b_.u32(shift)}) : word;
                out.push_back(to_width == 16 ? b_.cvt(HwType::u16, HwType::u32, word) : word);
            }
        }
        return out;
    }
    const unsigned parts = to_width / from_width;
    for (size_t k = 0; k + parts <= from.size(); k += parts) {
        Inst* words[2] = {nullptr, nullptr};
        for (unsigned e = 0; e < parts; ++e) {
            Inst* v = from[k + e];
            if (from_width < 32) {
                v = b_.cvt(HwType::u32, from_width == 8 ? HwType::u8 : HwType::u16, v);
            }
            const unsigned shift = e * from_width % 32;
            v = shift != 0 ? b_.alu(HwOp::shl, HwType::u32, {v, b_.u32(shift)}) : v;
            Inst*& word = words[e * from_width / 32];
            word = word == nullptr ? v : b_.or_(word, v);
        }
        out.push_back(to_width == 64   ? b_.pack64(words[0], words[1])
                      : to_width == 16 ? b_.cvt(HwType::u16, HwType::u32, words[0])
                                       : words[0]);
    }
    return out;
}

bool Translator::try_alu(const Instr& i) {
    if (try_float(i) || try_integer(i) || try_bit_field(i) || try_convert(i)) {
        return true;
    }
    switch (i.op) {
    case spv::Op::OpSelect: {
        const Leaves c = leaves(i.word(0));
        const Leaves a = leaves(i.word(1));
        const Leaves d = leaves(i.word(2));
        if (a.size() != d.size() || (c.size() != 1 && c.size() != a.size())) {
            corrupt("SPIR-V: operands of different size");
        }
        Leaves out;
        for (size_t k = 0; k < a.size(); ++k) {
            out.push_back(b_.sel(c.size() == 1 ? c[0] : c[k], a[k], d[k]));
        }
        set(i.id, std::move(out));
        return true;
    }
    case spv::Op::OpAny:
    case spv::Op::OpAll: {
        Inst* r = nullptr;
        for (Inst* a : Leaves(leaves(i.word(0)))) {
            r = r == nullptr ? a : b_.logic(i.op == spv::Op::OpAny ? HwOp::or_ : HwOp::and_, r, a);
        }
        set(i.id, {r});
        return true;
    }
    default:
        return try_dot_product(i);
    }
}

} // namespace kite::cc::spirv
