// SPDX-License-Identifier: MIT
#include "shader-compiler/spirv/spec_fold.hpp"

#include "shader-compiler/ir/fold.hpp"
#include "shader-compiler/spirv/failure.hpp"

#include <kite_hw/isa.hpp>

#include <algorithm>
#include <optional>

namespace kite::cc::spirv {

namespace {

using HwOp = hw::Op;
using HwType = hw::Type;

/// An operation on components: what computes it and how its operands are extended.
struct Rule {
    HwOp op;
    bool is_signed = false;
    std::optional<hw::ICmp> compare = std::nullopt;
};

std::optional<Rule> rule_of(spv::Op op) {
    switch (op) {
    case spv::Op::OpIAdd:
        return Rule{HwOp::iadd};
    case spv::Op::OpISub:
        return Rule{HwOp::isub};
    case spv::Op::OpIMul:
        return Rule{HwOp::imul};
    case spv::Op::OpUDiv:
        return Rule{HwOp::idiv};
    case spv::Op::OpSDiv:
        return Rule{HwOp::idiv, true};
    case spv::Op::OpUMod:
        return Rule{HwOp::irem};
    case spv::Op::OpSRem:
        return Rule{HwOp::irem, true};
    case spv::Op::OpShiftLeftLogical:
        return Rule{HwOp::shl};
    case spv::Op::OpShiftRightLogical:
        return Rule{HwOp::shr};
    case spv::Op::OpShiftRightArithmetic:
        return Rule{HwOp::shr, true};
    case spv::Op::OpBitwiseAnd:
    case spv::Op::OpLogicalAnd:
        return Rule{HwOp::and_};
    case spv::Op::OpBitwiseOr:
    case spv::Op::OpLogicalOr:
        return Rule{HwOp::or_};
    case spv::Op::OpBitwiseXor:
    case spv::Op::OpLogicalNotEqual:
        return Rule{HwOp::xor_};
    case spv::Op::OpIEqual:
        return Rule{HwOp::icmp, false, hw::ICmp::eq};
    case spv::Op::OpINotEqual:
        return Rule{HwOp::icmp, false, hw::ICmp::ne};
    case spv::Op::OpULessThan:
        return Rule{HwOp::icmp, false, hw::ICmp::lt};
    case spv::Op::OpSLessThan:
        return Rule{HwOp::icmp, true, hw::ICmp::lt};
    case spv::Op::OpULessThanEqual:
        return Rule{HwOp::icmp, false, hw::ICmp::le};
    case spv::Op::OpSLessThanEqual:
        return Rule{HwOp::icmp, true, hw::ICmp::le};
    case spv::Op::OpUGreaterThan:
        return Rule{HwOp::icmp, false, hw::ICmp::gt};
    case spv::Op::OpSGreaterThan:
        return Rule{HwOp::icmp, true, hw::ICmp::gt};
    case spv::Op::OpUGreaterThanEqual:
        return Rule{HwOp::icmp, false, hw::ICmp::ge};
    case spv::Op::OpSGreaterThanEqual:
        return Rule{HwOp::icmp, true, hw::ICmp::ge};
    default:
        return std::nullopt;
    }
}

const Type& scalar_of(const Module& m, uint32_t type_id) {
    const Type& t = m.type(type_id);
    return t.kind == Kind::vector ? m.type(t.element) : t;
}

/// Truncates to the type's width.
uint64_t truncated(uint64_t bits, const Type& t) {
    return t.width >= 64 || t.width == 0 ? bits : bits & ((1ull << t.width) - 1);
}

/// Extends an integer of the type to 64 bits.
uint64_t extended(uint64_t bits, const Type& t, bool is_signed) {
    bits = truncated(bits, t);
    const bool negative = is_signed && t.width < 64 && (bits >> (t.width - 1) & 1) != 0;
    return negative ? bits | ~0ull << t.width : bits;
}

[[noreturn]] void refuse(spv::Op op) {
    unsupported("specialization constant operation " + std::to_string(static_cast<unsigned>(op)));
}

uint64_t convert(spv::Op op, uint64_t bits, const Type& from, const Type& to) {
    const bool is_signed = op == spv::Op::OpSConvert;
    if (op != spv::Op::OpFConvert) {
        return truncated(extended(bits, from, is_signed), to);
    }
    if (from.width == to.width) {
        return bits;
    }
    const hw::CvtSub sub{.sty = exact_type(from, false), .rnd = hw::Round::rte};
    const uint64_t operand[] = {bits};
    const auto folded = ir::fold(HwOp::cvt, exact_type(to, false), sub.pack(), operand);
    if (!folded) {
        refuse(op);
    }
    return *folded;
}

uint64_t evaluate(spv::Op op, const Rule& rule, uint64_t a, uint64_t b, const Type& operand,
                  const Type& amount) {
    const bool shift = rule.op == HwOp::shl || rule.op == HwOp::shr;
    const HwType ty = rule.is_signed ? HwType::i64 : HwType::u64;
    const uint64_t in[] = {extended(a, operand, rule.is_signed),
                           shift ? truncated(b, amount) : extended(b, operand, rule.is_signed)};
    const uint16_t sub = rule.compare ? hw::IcmpSub{.cc = *rule.compare}.pack() : uint16_t{0};
    const auto folded = ir::fold(rule.op, ty, sub, in);
    if (!folded) {
        refuse(op);
    }
    return *folded;
}

} // namespace

std::vector<uint64_t> fold_spec_constant(const Module& m, const Instr& inst) {
    const auto op = static_cast<spv::Op>(inst.word(0));
    const Type& result = scalar_of(m, inst.type);
    std::vector<const Constant*> in;
    for (size_t k = 1; k < inst.w.size(); ++k) {
        in.push_back(m.constant(inst.w[k]));
        if (in.back() == nullptr) {
            refuse(op);
        }
    }
    const bool converts =
        op == spv::Op::OpFConvert || op == spv::Op::OpSConvert || op == spv::Op::OpUConvert;
    const bool selects = op == spv::Op::OpSelect;
    const auto rule = rule_of(op);
    const size_t operands = selects ? 3 : converts ? 1 : 2;
    if ((!rule && !converts && !selects) || in.size() != operands) {
        refuse(op);
    }
    const uint32_t count = m.type(inst.type).leaves;
    std::vector<uint64_t> out;
    for (uint32_t k = 0; k < count; ++k) {
        const auto bits = [&](size_t n) {
            const auto& all = in[n]->bits;
            if (all.size() != 1 && k >= all.size()) {
                corrupt("SPIR-V: operand does not match its type");
            }
            return all.size() == 1 ? all[0] : all[k];
        };
        if (selects) {
            out.push_back(bits(0) != 0 ? bits(1) : bits(2));
        } else if (converts) {
            out.push_back(convert(op, bits(0), scalar_of(m, in[0]->type), result));
        } else {
            const uint64_t v = evaluate(op, *rule, bits(0), bits(1), scalar_of(m, in[0]->type),
                                        scalar_of(m, in[1]->type));
            out.push_back(result.kind == Kind::boolean ? (v != 0 ? 0xffffffffu : 0)
                                                       : truncated(v, result));
        }
    }
    return out;
}

} // namespace kite::cc::spirv
