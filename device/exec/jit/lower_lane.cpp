// SPDX-License-Identifier: MIT
// Cross-lane operations (hw/isa/lane.toml) as vector shuffles and mask arithmetic.
#include "device/exec/jit/emitter.hpp"

#include "device/exec/interp/interp.hpp"

#include <algorithm>

namespace kite::dev::exec::jit {

using hw::Op;
using hw::ReduceOp;
using hw::Type;

llvm::Value* Emitter::combine(ReduceOp op, Type ty, Value* a, Value* b) {
    const bool f = hw::is_float(ty);
    switch (op) {
    case ReduceOp::add:
        return alu(f ? Op::fadd : Op::iadd, ty, Shape::vector, a, b, nullptr, nullptr);
    case ReduceOp::mul:
        return alu(f ? Op::fmul : Op::imul, ty, Shape::vector, a, b, nullptr, nullptr);
    case ReduceOp::min:
        return alu(f ? Op::fmin : Op::imin, ty, Shape::vector, a, b, nullptr, nullptr);
    case ReduceOp::max:
        return alu(f ? Op::fmax : Op::imax, ty, Shape::vector, a, b, nullptr, nullptr);
    case ReduceOp::and_:
        return b_.CreateAnd(a, b);
    case ReduceOp::or_:
        return b_.CreateOr(a, b);
    case ReduceOp::xor_:
        return b_.CreateXor(a, b);
    }
    return a;
}

llvm::Value* Emitter::identity_filled(const hw::Inst& inst, ReduceOp op) {
    const unsigned width = hw::type_bytes(inst.ty) * 8;
    Value* x = value(inst, inst.src0, inst.ty, Shape::vector);
    return b_.CreateSelect(exec(), x,
                           constant(interp::reduce_identity(op, inst.ty), width, Shape::vector));
}

void Emitter::reduce(const hw::Inst& inst) {
    const auto sub = hw::ReduceSub::unpack(inst.sub);
    const unsigned cluster = sub.log2c < 4 ? std::min(1u << sub.log2c, width_) : width_;
    Value* x = identity_filled(inst, sub.rop);
    for (unsigned k = 1; k < cluster; k *= 2) {
        std::vector<int> low;
        std::vector<int> high;
        for (unsigned i = 0; i < width_; ++i) {
            low.push_back(static_cast<int>(std::min(i, i ^ k)));
            high.push_back(static_cast<int>(std::max(i, i ^ k)));
        }
        x = combine(sub.rop, inst.ty, b_.CreateShuffleVector(x, low),
                    b_.CreateShuffleVector(x, high));
    }
    write_value(inst, inst.ty, x);
}

void Emitter::scan(const hw::Inst& inst) {
    const auto sub = hw::ScanSub::unpack(inst.sub);
    const unsigned bits_of = hw::type_bytes(inst.ty) * 8;
    Value* x = identity_filled(inst, sub.rop);
    for (unsigned k = 1; k < width_; k *= 2) {
        std::vector<int> from;
        for (unsigned i = 0; i < width_; ++i) {
            from.push_back(static_cast<int>(i >= k ? i - k : i));
        }
        Value* sum = combine(sub.rop, inst.ty, b_.CreateShuffleVector(x, from), x);
        Value* takes = b_.CreateICmpUGE(lane_ids_, constant(k, 32, Shape::vector));
        x = b_.CreateSelect(takes, sum, x);
    }
    if (sub.excl) {
        std::vector<int> from(width_);
        from[0] = static_cast<int>(width_); // lane 0 of the identity
        for (unsigned i = 1; i < width_; ++i) {
            from[i] = static_cast<int>(i - 1);
        }
        x = b_.CreateShuffleVector(
            x, constant(interp::reduce_identity(sub.rop, inst.ty), bits_of, Shape::vector), from);
    }
    write_value(inst, inst.ty, x);
}

void Emitter::lower_lane(const hw::Inst& inst) {
    const auto vector = [&](const hw::Operand& o) { return reg(inst, o, 0, Shape::vector); };
    const auto lane_index = [&](const hw::Operand& o) {
        return b_.CreateAnd(reg(inst, o, 0, Shape::scalar), b_.getInt32(width_ - 1));
    };
    const auto voters = [&] { return b_.CreateAnd(exec(), truth(vector(inst.src0))); };
    switch (inst.op) {
    case Op::qread: {
        const auto sub = hw::QreadSub::unpack(inst.sub);
        const unsigned source[4] = {sub.l0, sub.l1, sub.l2, sub.l3};
        std::vector<int> from;
        for (unsigned i = 0; i < width_; ++i) {
            from.push_back(static_cast<int>((i & ~3u) | source[i & 3]));
        }
        write(inst, 0, b_.CreateShuffleVector(vector(inst.src0), from));
        break;
    }
    case Op::shuffle: {
        // The permutes use the index modulo their width, as the instruction does.
        const auto id = width_ == 16 ? llvm::Intrinsic::x86_avx512_permvar_si_512
                                     : llvm::Intrinsic::x86_avx2_permd;
        write(inst, 0, b_.CreateIntrinsic(id, {}, {vector(inst.src0), vector(inst.src1)}));
        break;
    }
    case Op::readlane:
        write(inst, 0, b_.CreateExtractElement(vector(inst.src0), lane_index(inst.src1)));
        break;
    case Op::readfirst: {
        Value* first = b_.CreateBinaryIntrinsic(llvm::Intrinsic::cttz, bits(exec()), b_.getFalse());
        write(inst, 0,
              b_.CreateExtractElement(vector(inst.src0),
                                      b_.CreateAnd(first, b_.getInt32(width_ - 1))));
        break;
    }
    case Op::ballot:
        write(inst, 0, bits(voters()));
        break;
    case Op::all:
        write(inst, 0, wide_bool(b_.CreateICmpEQ(bits(voters()), bits(exec()))));
        break;
    case Op::any:
        write(inst, 0, wide_bool(any(voters())));
        break;
    case Op::reduce:
        reduce(inst);
        break;
    case Op::scan:
        scan(inst);
        break;
    case Op::insertlane:
        write(inst, 0,
              b_.CreateInsertElement(vector(inst.src0), reg(inst, inst.src1, 0, Shape::scalar),
                                     lane_index(inst.src2)));
        break;
    default:
        fail("lane instruction without a lowering");
    }
}

} // namespace kite::dev::exec::jit
