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
    const bool uniform = has_texture_cell(inst);
    if (!uniform) {
        put_row(offsetof(tex::Lanes, image_va), pair(inst.src0, Shape::vector));
    }
    if (!uniform && sampled && inst.src1.is_reg()) {
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
    call_texture_unit(inst, lanes);
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

// Uniform descriptors go through the instruction's cell to a generated routine, others to the
// reference.
void Emitter::call_texture_unit(const hw::Inst& inst, Value* lanes) {
    llvm::Type* pointer = b_.getPtrTy();
    llvm::Type* none = b_.getVoidTy();
    if (!has_texture_cell(inst)) {
        auto* type = llvm::FunctionType::get(none, {pointer, pointer, pointer}, false);
        b_.CreateCall(type, helper(offsetof(Helpers, tex)), {inst_pointer(inst), draw_, lanes});
        return;
    }
    llvm::Type* i64 = b_.getInt64Ty();
    auto* type = llvm::FunctionType::get(
        none, {pointer, pointer, pointer, i64, i64, b_.getInt32Ty()}, false);
    Value* image = pair(inst.src0, Shape::scalar);
    Value* sampler = inst.op == Op::txf ? b_.getInt64(0) : pair(inst.src1, Shape::scalar);
    b_.CreateCall(type, helper(offsetof(Helpers, tex_uniform)),
                  {env_, inst_pointer(inst), lanes, image, sampler, b_.getInt32(next_cell_++)});
}

} // namespace kite::dev::exec::jit
