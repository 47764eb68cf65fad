// SPDX-License-Identifier: MIT
// Arithmetic (hw/isa/alu.toml). No fast-math flag anywhere: every operation is the IEEE one.
#include "device/exec/jit/emitter.hpp"

#include <cstddef>

namespace kite::dev::exec::jit {

using hw::Op;
using hw::Type;
using llvm::Intrinsic::ID;

namespace {

Shape shape_of_value(const llvm::Value* x) {
    return x->getType()->isVectorTy() ? Shape::vector : Shape::scalar;
}

llvm::CmpInst::Predicate int_predicate(hw::ICmp cc, bool is_signed) {
    using P = llvm::CmpInst;
    switch (cc) {
    case hw::ICmp::eq:
        return P::ICMP_EQ;
    case hw::ICmp::ne:
        return P::ICMP_NE;
    case hw::ICmp::lt:
        return is_signed ? P::ICMP_SLT : P::ICMP_ULT;
    case hw::ICmp::le:
        return is_signed ? P::ICMP_SLE : P::ICMP_ULE;
    case hw::ICmp::gt:
        return is_signed ? P::ICMP_SGT : P::ICMP_UGT;
    case hw::ICmp::ge:
        return is_signed ? P::ICMP_SGE : P::ICMP_UGE;
    }
    return P::ICMP_EQ;
}

ID float_intrinsic(Op op) {
    switch (op) {
    case Op::fsqrt:
        return llvm::Intrinsic::sqrt;
    case Op::ffloor:
        return llvm::Intrinsic::floor;
    case Op::fceil:
        return llvm::Intrinsic::ceil;
    case Op::ftrunc:
        return llvm::Intrinsic::trunc;
    default:
        return llvm::Intrinsic::roundeven;
    }
}

} // namespace

llvm::Value* Emitter::to_float(Type ty, Value* x, Shape shape) {
    if (ty != Type::f16) {
        return b_.CreateBitCast(x, fty(ty, shape));
    }
    if (shape == Shape::scalar) {
        // Without a half register: LLVM can't select one that was a mask (a ballot) before. Scaling
        // by 2^112 moves the exponent and is exact, for subnormals too.
        llvm::Type* f = fty(ty, shape);
        Value* wide = b_.CreateZExt(x, b_.getInt32Ty());
        Value* magnitude = b_.CreateShl(b_.CreateAnd(wide, b_.getInt32(0x7fff)), b_.getInt32(13));
        Value* finite = b_.CreateFMul(b_.CreateBitCast(magnitude, f),
                                      b_.CreateBitCast(b_.getInt32(0x77800000), f));
        Value* special = b_.CreateICmpUGE(magnitude, b_.getInt32(0x0f800000));
        Value* bits_of = b_.CreateSelect(special, b_.CreateOr(magnitude, b_.getInt32(0x7f800000)),
                                         b_.CreateBitCast(finite, b_.getInt32Ty()));
        Value* sign = b_.CreateShl(b_.CreateAnd(wide, b_.getInt32(0x8000)), b_.getInt32(16));
        return b_.CreateBitCast(b_.CreateOr(bits_of, sign), f);
    }
    llvm::Type* half = llvm::FixedVectorType::get(llvm::Type::getHalfTy(context_), width_);
    return b_.CreateFPExt(b_.CreateBitCast(x, half), fty(ty, shape));
}

llvm::Value* Emitter::from_float(Type ty, Value* x, Shape shape) {
    if (ty != Type::f16) {
        return b_.CreateBitCast(x, ity(hw::type_bytes(ty) * 8, shape));
    }
    llvm::Type* half = llvm::Type::getHalfTy(context_);
    if (shape == Shape::vector) {
        half = llvm::FixedVectorType::get(half, width_);
    }
    return b_.CreateBitCast(b_.CreateFPTrunc(x, half), ity(16, shape));
}

llvm::Value* Emitter::float_alu(Op op, Type ty, Shape shape, Value* a, Value* b, Value* c,
                                const hw::Inst* inst) {
    const unsigned width = hw::type_bytes(ty) * 8;
    const uint64_t sign = 1ull << (width - 1);
    if (op == Op::fneg) {
        return b_.CreateXor(a, constant(sign, width, shape));
    }
    if (op == Op::fabs) {
        return b_.CreateAnd(a, constant(sign - 1, width, shape));
    }
    Value* x = to_float(ty, a, shape);
    Value* y = b != nullptr ? to_float(ty, b, shape) : nullptr;
    switch (op) {
    case Op::fadd:
        return from_float(ty, b_.CreateFAdd(x, y), shape);
    case Op::fsub:
        return from_float(ty, b_.CreateFSub(x, y), shape);
    case Op::fmul:
        return from_float(ty, b_.CreateFMul(x, y), shape);
    case Op::fdiv:
        return from_float(ty, b_.CreateFDiv(x, y), shape);
    case Op::ffma:
        return from_float(ty,
                          b_.CreateIntrinsic(llvm::Intrinsic::fma, {x->getType()},
                                             {x, y, to_float(ty, c, shape)}),
                          shape);
    case Op::fmin:
    case Op::fmax: {
        Value* first = op == Op::fmin ? b_.CreateFCmpOLT(x, y) : b_.CreateFCmpOGT(x, y);
        return b_.CreateSelect(b_.CreateFCmpUNO(y, y), a, b_.CreateSelect(first, a, b));
    }
    case Op::fcmp: {
        // The encoding of FCmp is LLVM's.
        const auto cc = static_cast<llvm::CmpInst::Predicate>(hw::FcmpSub::unpack(inst->sub).cc);
        return wide_bool(b_.CreateFCmp(cc, x, y));
    }
    default:
        return from_float(ty, b_.CreateUnaryIntrinsic(float_intrinsic(op), x), shape);
    }
}

// 32-bit division through doubles, which hold every operand and round every quotient to the right
// side of each integer. b is not 0, and not -1 where a is the minimum.
llvm::Value* Emitter::quotient32(Shape shape, bool is_signed, Value* a, Value* b) {
    if (shape == Shape::scalar) {
        return is_signed ? b_.CreateSDiv(a, b) : b_.CreateUDiv(a, b);
    }
    llvm::Type* f = fty(Type::f64, shape);
    if (is_signed) {
        Value* q = b_.CreateFDiv(b_.CreateSIToFP(a, f), b_.CreateSIToFP(b, f));
        return b_.CreateFPToSI(q, ity(32, shape));
    }
    Value* q = b_.CreateFDiv(b_.CreateUIToFP(a, f), b_.CreateUIToFP(b, f));
    return b_.CreateFPToUI(q, ity(32, shape));
}

llvm::Value* Emitter::divide(Type ty, Shape shape, Value* a, Value* b, bool remainder) {
    const unsigned width = hw::type_bytes(ty) * 8;
    const bool is_signed = hw::is_signed(ty);
    Value* zero = b_.CreateICmpEQ(b, constant(0, width, shape));
    Value* unfit = zero;
    if (is_signed) {
        Value* overflow =
            b_.CreateAnd(b_.CreateICmpEQ(a, constant(1ull << (width - 1), width, shape)),
                         b_.CreateICmpEQ(b, constant(~0ull, width, shape)));
        unfit = b_.CreateOr(zero, overflow);
    }
    Value* divisor = b_.CreateSelect(unfit, constant(1, width, shape), b);
    Value* q = nullptr;
    if (width == 64) {
        q = is_signed ? b_.CreateSDiv(a, divisor) : b_.CreateUDiv(a, divisor);
    } else if (width == 32) {
        q = quotient32(shape, is_signed, a, divisor);
    } else {
        const auto wide = [&](Value* x) {
            return is_signed ? b_.CreateSExt(x, ity(32, shape)) : b_.CreateZExt(x, ity(32, shape));
        };
        q = b_.CreateTrunc(quotient32(shape, is_signed, wide(a), wide(divisor)), ity(width, shape));
    }
    if (!remainder) {
        return b_.CreateSelect(zero, constant(~0ull, width, shape), q);
    }
    return b_.CreateSelect(zero, a, b_.CreateSub(a, b_.CreateMul(q, divisor)));
}

llvm::Value* Emitter::int_alu(Op op, Type ty, Shape shape, Value* a, Value* b,
                              const hw::Inst* inst) {
    const unsigned width = hw::type_bytes(ty) * 8;
    const bool is_signed = hw::is_signed(ty);
    const auto amount = [&] { // b is a 32-bit register whatever the type
        Value* masked = b_.CreateAnd(b, constant(width - 1, 32, shape));
        return b_.CreateZExtOrTrunc(masked, ity(width, shape));
    };
    Value* minus_one = constant(0xffffffffu, 32, shape);
    switch (op) {
    case Op::iadd:
        return b_.CreateAdd(a, b);
    case Op::isub:
        return b_.CreateSub(a, b);
    case Op::imul:
        return b_.CreateMul(a, b);
    case Op::imulh: {
        const auto wide = [&](Value* x) {
            return is_signed ? b_.CreateSExt(x, ity(64, shape)) : b_.CreateZExt(x, ity(64, shape));
        };
        Value* product = b_.CreateMul(wide(a), wide(b));
        return b_.CreateTrunc(b_.CreateLShr(product, constant(32, 64, shape)), ity(32, shape));
    }
    case Op::idiv:
    case Op::irem:
        return divide(ty, shape, a, b, op == Op::irem);
    case Op::imin:
        return b_.CreateBinaryIntrinsic(is_signed ? llvm::Intrinsic::smin : llvm::Intrinsic::umin,
                                        a, b);
    case Op::imax:
        return b_.CreateBinaryIntrinsic(is_signed ? llvm::Intrinsic::smax : llvm::Intrinsic::umax,
                                        a, b);
    case Op::and_:
        return b_.CreateAnd(a, b);
    case Op::or_:
        return b_.CreateOr(a, b);
    case Op::xor_:
        return b_.CreateXor(a, b);
    case Op::shl:
        return b_.CreateShl(a, amount());
    case Op::shr:
        return is_signed ? b_.CreateAShr(a, amount()) : b_.CreateLShr(a, amount());
    case Op::icmp:
        return wide_bool(
            b_.CreateICmp(int_predicate(hw::IcmpSub::unpack(inst->sub).cc, is_signed), a, b));
    case Op::bcnt:
        return b_.CreateZExtOrTrunc(b_.CreateUnaryIntrinsic(llvm::Intrinsic::ctpop, a),
                                    ity(32, shape));
    case Op::brev:
        return b_.CreateUnaryIntrinsic(llvm::Intrinsic::bitreverse, a);
    case Op::ffl: {
        Value* n = b_.CreateBinaryIntrinsic(llvm::Intrinsic::cttz, a, b_.getFalse());
        return b_.CreateSelect(b_.CreateICmpEQ(a, constant(0, width, shape)), minus_one,
                               b_.CreateZExtOrTrunc(n, ity(32, shape)));
    }
    case Op::ffm: {
        if (is_signed) {
            a = b_.CreateXor(a, b_.CreateAShr(a, constant(width - 1, width, shape)));
        }
        Value* n = b_.CreateBinaryIntrinsic(llvm::Intrinsic::ctlz, a, b_.getFalse());
        Value* index = b_.CreateSub(constant(width - 1, width, shape), n);
        // No bit at all: width - 1 - width = -1, which is the answer.
        return b_.CreateZExtOrTrunc(index, ity(32, shape));
    }
    default:
        fail("arithmetic instruction without a lowering");
        return a;
    }
}

llvm::Value* Emitter::extract_field(const hw::Inst& inst, Shape shape, Value* a, Value* b,
                                    Value* c) {
    const bool is_signed = hw::is_signed(inst.ty);
    Value* n = b_.CreateAnd(c, constant(63, 32, shape));
    Value* o = b_.CreateAnd(b, constant(31, 32, shape));
    Value* shift = b_.CreateAnd(b_.CreateSub(constant(32, 32, shape), n), constant(31, 32, shape));
    Value* field = b_.CreateShl(b_.CreateLShr(a, o), shift);
    field = is_signed ? b_.CreateAShr(field, shift) : b_.CreateLShr(field, shift);
    Value* all = is_signed ? b_.CreateAShr(a, o) : b_.CreateLShr(a, o);
    Value* x = b_.CreateSelect(b_.CreateICmpUGE(n, constant(32, 32, shape)), all, field);
    return b_.CreateSelect(b_.CreateICmpEQ(n, constant(0, 32, shape)), constant(0, 32, shape), x);
}

llvm::Value* Emitter::dot4(const hw::Inst& inst, Shape shape, Value* a, Value* b, Value* c) {
    const bool is_signed = hw::is_signed(inst.ty);
    const auto byte = [&](Value* x, unsigned k) {
        if (is_signed) {
            x = k == 3 ? x : b_.CreateShl(x, constant(24 - 8 * k, 32, shape));
            return b_.CreateAShr(x, constant(24, 32, shape));
        }
        return b_.CreateAnd(b_.CreateLShr(x, constant(8 * k, 32, shape)), constant(255, 32, shape));
    };
    for (unsigned k = 0; k < 4; ++k) {
        c = b_.CreateAdd(c, b_.CreateMul(byte(a, k), byte(b, k)));
    }
    return c;
}

llvm::Value* Emitter::alu(Op op, Type ty, Shape shape, Value* a, Value* b, Value* c,
                          const hw::Inst* inst) {
    if (op == Op::mov) {
        return a;
    }
    if (op == Op::sel) {
        return b_.CreateSelect(truth(a), b, c);
    }
    if (op == Op::bfe) {
        return extract_field(*inst, shape, a, b, c);
    }
    if (op == Op::dp4) {
        return dot4(*inst, shape, a, b, c);
    }
    return hw::is_float(ty) ? float_alu(op, ty, shape, a, b, c, inst)
                            : int_alu(op, ty, shape, a, b, inst);
}

// Rare instructions: the interpreter does them, lane by lane.
llvm::Value* Emitter::alu_helper(const hw::Inst& inst, Shape shape, Value* a, Value* b, Value* c,
                                 unsigned result_bits) {
    const unsigned count = shape == Shape::vector ? width_ : 1;
    llvm::Type* wide = ity(64, shape);
    llvm::Type* row = llvm::ArrayType::get(b_.getInt64Ty(), kMaxLanes);
    Value* args[4];
    const char* names[4] = {"alu.a", "alu.b", "alu.c", "alu.d"};
    Value* values[3] = {a, b, c};
    for (unsigned i = 0; i < 4; ++i) {
        auto*& buffer = buffers_[names[i]];
        if (buffer == nullptr) {
            buffer = alloca_of(row, names[i], 64);
        }
        args[i] = buffer;
        if (i < 3 && values[i] != nullptr) {
            b_.CreateAlignedStore(b_.CreateZExt(values[i], wide), buffer, llvm::Align(8));
        }
    }
    auto* type = llvm::FunctionType::get(b_.getVoidTy(),
                                         {b_.getPtrTy(), b_.getPtrTy(), b_.getPtrTy(),
                                          b_.getPtrTy(), b_.getPtrTy(), b_.getInt32Ty()},
                                         false);
    b_.CreateCall(type, helper(offsetof(Helpers, alu)),
                  {inst_pointer(inst), args[0], args[1], args[2], args[3], b_.getInt32(count)});
    return b_.CreateTrunc(b_.CreateAlignedLoad(wide, args[3], llvm::Align(8)),
                          ity(result_bits, shape));
}

void Emitter::lower_alu(const hw::Inst& inst) {
    const Shape shape = shape_of(inst);
    if (inst.op == Op::cvt) {
        const Type from = hw::CvtSub::unpack(inst.sub).sty;
        write_value(inst, inst.ty, convert(inst, shape, value(inst, inst.src0, from, shape)));
        return;
    }
    const auto source = [&](hw::Slot slot) -> Value* {
        const hw::Operand& o = hw::operand(inst, slot);
        return o.is_none() ? nullptr : value(inst, o, hw::operand_type(inst, slot), shape);
    };
    Value* a = source(hw::Slot::src0);
    Value* b = source(hw::Slot::src1);
    Value* c = source(hw::Slot::src2);
    const Type result = hw::operand_type(inst, hw::Slot::dst);
    Value* d = alu(inst.op, inst.ty, shape, a, b, c, &inst);
    if (shape_of_value(d) != shape) {
        fail("value of the wrong shape");
        return;
    }
    write_value(inst, result, d);
}

} // namespace kite::dev::exec::jit
