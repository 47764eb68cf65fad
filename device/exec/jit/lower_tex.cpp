// SPDX-License-Identifier: MIT
// Image instructions: operands to a tex::Lanes on the stack, the texture unit, results back.
#include "device/exec/jit/emitter.hpp"

#include <cstddef>

namespace kite::dev::exec::jit {

using hw::Op;

void Emitter::lower_tex(const hw::Inst& inst) {
    auto*& lanes = buffers_["tex"];
    if (lanes == nullptr) {
        lanes = alloca_of(llvm::ArrayType::get(b_.getInt8Ty(), sizeof(tex::Lanes)), "tex", 64);
    }
    const bool scalar = inst.dst.file == hw::File::S;
    const bool sampled = inst.op == Op::tex || inst.op == Op::txg || inst.op == Op::txq;
    const auto put32 = [&](size_t offset, Value* x) { b_.CreateStore(x, address(lanes, offset)); };
    const auto put_row = [&](size_t offset, Value* x) {
        b_.CreateAlignedStore(x, address(lanes, offset), llvm::Align(4));
    };
    put32(offsetof(tex::Lanes, exec), scalar ? b_.getInt32(1) : bits(exec()));
    put32(offsetof(tex::Lanes, store), scalar ? b_.getInt32(0) : bits(storing()));
    put32(offsetof(tex::Lanes, width), b_.getInt32(width_));
    b_.CreateStore(b_.getInt8(program_.info.stage == hw::Stage::fragment ? 1 : 0),
                   address(lanes, offsetof(tex::Lanes, fragment)));
    put_row(offsetof(tex::Lanes, image_va), pair(inst.src0, Shape::vector));
    if (sampled && inst.src1.is_reg()) {
        put_row(offsetof(tex::Lanes, sampler_va), pair(inst.src1, Shape::vector));
    }
    constexpr size_t kRow = kMaxLanes * 4;
    const hw::Slot slot = sampled ? hw::Slot::src2 : hw::Slot::src1;
    for (unsigned k = 0; k < hw::operand_width(inst, slot); ++k) {
        put_row(offsetof(tex::Lanes, coord) + k * kRow,
                reg(inst, hw::operand(inst, slot), k, Shape::vector));
    }
    if (inst.op == Op::txq && inst.src2.is_none()) {
        put_row(offsetof(tex::Lanes, coord), constant(0, 32, Shape::vector));
    }
    if (inst.op == Op::imgst) {
        for (unsigned k = 0; k < hw::operand_width(inst, hw::Slot::dst); ++k) {
            put_row(offsetof(tex::Lanes, data) + k * kRow, reg(inst, inst.dst, k, Shape::vector));
        }
    }
    if (inst.op == Op::imgatom) {
        const auto put_value = [&](unsigned row, const hw::Operand& o) {
            Value* x = o.is_none() ? constant(0, 64, Shape::vector)
                                   : value(inst, o, inst.ty, Shape::vector);
            x = b_.CreateZExt(x, ity(64, Shape::vector));
            Value* high = b_.CreateLShr(x, constant(32, 64, Shape::vector));
            put_row(offsetof(tex::Lanes, data) + row * kRow,
                    b_.CreateTrunc(x, ity(32, Shape::vector)));
            put_row(offsetof(tex::Lanes, data) + (row + 1) * kRow,
                    b_.CreateTrunc(high, ity(32, Shape::vector)));
        };
        put_value(0, inst.src3);
        put_value(2, inst.src4);
    }
    auto* type = llvm::FunctionType::get(b_.getVoidTy(),
                                         {b_.getPtrTy(), b_.getPtrTy(), b_.getPtrTy()}, false);
    b_.CreateCall(type, helper(offsetof(Helpers, tex)), {inst_pointer(inst), draw_, lanes});
    if (inst.op == Op::imgst || inst.dst.is_none()) {
        return;
    }
    for (unsigned k = 0; k < hw::operand_width(inst, hw::Slot::dst); ++k) {
        Value* row = address(lanes, offsetof(tex::Lanes, result) + k * kRow);
        if (scalar) {
            write(inst, k, b_.CreateLoad(b_.getInt32Ty(), row));
            continue;
        }
        Value* x = b_.CreateAlignedLoad(ity(32, Shape::vector), row, llvm::Align(4));
        write(inst, k, b_.CreateSelect(exec(), x, constant(0, 32, Shape::vector)));
    }
}

} // namespace kite::dev::exec::jit
