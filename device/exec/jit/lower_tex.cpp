// SPDX-License-Identifier: MIT
// Image instructions: operands to a tex::Lanes on the stack, the texture unit, results back.
#include "device/exec/jit/emitter.hpp"

#include "device/exec/jit/texgen/dispatch.hpp"

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
    const uint32_t cell = next_cell_++;
    Value* image = pair(inst.src0, Shape::scalar);
    Value* sampler = inst.op == Op::txf ? b_.getInt64(0) : pair(inst.src1, Shape::scalar);
    // A slot that served this instruction, draw and descriptors before needs no look at memory.
    Value* cells = entry_field(env_, offsetof(WaveEnv, cells), pointer);
    Value* slots = entry_field(env_, offsetof(WaveEnv, slots), pointer);
    Value* slot = address(slots, cell % texgen::kSlots * sizeof(texgen::Slot));
    const auto part = [&](size_t offset, llvm::Type* type) {
        return b_.CreateAlignedLoad(type, address(slot, offset), llvm::Align(8));
    };
    const auto differs = [&](size_t offset, Value* x) {
        return b_.CreateXor(part(offset, i64), x);
    };
    Value* id = entry_field(cells, cell * sizeof(texgen::Cell) + texgen::Cell::kIdOffset, i64);
    Value* serial = entry_field(draw_, offsetof(DrawContext, serial), i64);
    Value* difference = b_.CreateOr(differs(offsetof(texgen::Slot, cell), id),
                                    differs(offsetof(texgen::Slot, draw), serial));
    difference = b_.CreateOr(difference, differs(offsetof(texgen::Slot, image_va), image));
    difference = b_.CreateOr(difference, differs(offsetof(texgen::Slot, sampler_va), sampler));
    Block* known = block("known");
    Block* unknown = block("unknown");
    Block* after = block("sampled");
    b_.CreateCondBr(b_.CreateICmpEQ(difference, b_.getInt64(0)), known, unknown,
                    llvm::MDBuilder(context_).createBranchWeights(1000, 1));
    start(known);
    auto* direct =
        llvm::FunctionType::get(none, {pointer, pointer, i64, pointer, b_.getInt32Ty()}, false);
    b_.CreateCall(direct, part(offsetof(texgen::Slot, routine), pointer),
                  {address(slot, offsetof(texgen::Slot, prepared)), window_, va_mask_, lanes,
                   b_.getInt32(inst.imm)});
    b_.CreateBr(after);
    start(unknown);
    auto* type = llvm::FunctionType::get(
        none, {pointer, pointer, pointer, i64, i64, b_.getInt32Ty()}, false);
    b_.CreateCall(type, helper(offsetof(Helpers, tex_uniform)),
                  {env_, inst_pointer(inst), lanes, image, sampler, b_.getInt32(cell)});
    b_.CreateBr(after);
    start(after);
}

} // namespace kite::dev::exec::jit
