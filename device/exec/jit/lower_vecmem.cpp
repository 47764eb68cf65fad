// SPDX-License-Identifier: MIT
// Memory accesses with an address per lane: gathers, scatters, consecutive lanes, scratch.
#include "device/exec/jit/emitter.hpp"

#include <algorithm>
#include <cstddef>

namespace kite::dev::exec::jit {

using hw::Space;
using hw::Type;

namespace {

constexpr unsigned kMaxDeinterleave =
    8; // more registers per lane than this are gathered one by one

// Registers an access fills, and bits of each memory element (64-bit ones count as two of 32).
struct Rows {
    unsigned count, bytes;
};

Rows rows_of(const hw::Inst& inst) {
    const unsigned n = hw::LdSub::unpack(inst.sub).n_count();
    const unsigned bytes = hw::type_bytes(inst.ty);
    return bytes == 8 ? Rows{n * 2, 4} : Rows{n, bytes};
}

} // namespace

llvm::Value* Emitter::gather32(const Place& p, uint64_t at, Value* mask) {
    Value* zero = constant(0, 32, Shape::vector);
    Value* pointers = p.index != nullptr
                          ? b_.CreateGEP(b_.getInt8Ty(), address(p.base, at), p.index)
                          : b_.CreateGEP(b_.getInt8Ty(), p.pointers, b_.getInt64(at));
    return b_.CreateMaskedGather(ity(32, Shape::vector), pointers, llvm::Align(1), mask, zero);
}

// 8- and 16-bit elements: gathers the dword around them that touches no other page.
llvm::Value* Emitter::gather_narrow(Value* base, Value* index, Value* low, unsigned bytes,
                                    Value* mask) {
    const unsigned bits_of = index->getType()->getScalarSizeInBits();
    Value* back = low; // bytes to step back
    if (bytes == 2) {
        Value* last = b_.CreateICmpEQ(low, constant(3, 32, Shape::vector));
        back = b_.CreateSelect(last, constant(2, 32, Shape::vector), low);
    }
    Value* from = b_.CreateSub(index, b_.CreateZExtOrTrunc(back, ity(bits_of, Shape::vector)));
    Value* pointers = b_.CreateGEP(b_.getInt8Ty(), base, from);
    Value* word = b_.CreateMaskedGather(ity(32, Shape::vector), pointers, llvm::Align(1), mask,
                                        constant(0, 32, Shape::vector));
    Value* shift = b_.CreateShl(back, constant(3, 32, Shape::vector));
    return b_.CreateTrunc(b_.CreateLShr(word, shift), ity(bytes * 8, Shape::vector));
}

void Emitter::lane_load(const hw::Inst& inst, const Place& p, std::vector<Value*>& rows) {
    const Rows shape = rows_of(inst);
    Value* mask = p.ok != nullptr ? b_.CreateAnd(exec(), p.ok) : exec();
    for (unsigned k = 0; k < shape.count; ++k) {
        const uint64_t at = uint64_t{k} * shape.bytes;
        if (shape.bytes == 4) {
            rows.push_back(gather32(p, at, mask));
            continue;
        }
        Value* base = p.base;
        Value* index = p.index;
        Value* low = nullptr;
        if (index != nullptr) {
            base = address(base, at);
            Value* origin =
                b_.CreateTrunc(b_.CreatePtrToInt(base, b_.getInt64Ty()), b_.getInt32Ty());
            low = b_.CreateAdd(index, splat(origin));
        } else {
            base = window_;
            Value* host = b_.CreatePtrToInt(p.pointers, ity(64, Shape::vector));
            Value* origin = b_.CreatePtrToInt(window_, b_.getInt64Ty());
            index =
                b_.CreateAdd(b_.CreateSub(host, splat(origin)), constant(at, 64, Shape::vector));
            low = b_.CreateTrunc(b_.CreateAdd(index, splat(origin)), ity(32, Shape::vector));
        }
        low = b_.CreateAnd(low, constant(3, 32, Shape::vector));
        Value* x = gather_narrow(base, index, low, shape.bytes, mask);
        rows.push_back(extend(inst.ty, x, shape.bytes * 8, Shape::vector));
    }
}

void Emitter::lane_store(const hw::Inst& inst, const Place& p) {
    const Rows shape = rows_of(inst);
    const auto rows = store_rows(inst);
    Value* mask = p.ok != nullptr ? b_.CreateAnd(storing(), p.ok) : storing();
    for (unsigned k = 0; k < shape.count; ++k) {
        const uint64_t at = uint64_t{k} * shape.bytes;
        Value* pointers = p.index != nullptr
                              ? b_.CreateGEP(b_.getInt8Ty(), address(p.base, at), p.index)
                              : b_.CreateGEP(b_.getInt8Ty(), p.pointers, b_.getInt64(at));
        Value* x = b_.CreateTrunc(rows[k], ity(shape.bytes * 8, Shape::vector));
        b_.CreateMaskedScatter(x, pointers, llvm::Align(1), mask);
    }
}

void Emitter::contiguous_load(const hw::Inst& inst, Value* ptr, std::vector<Value*>& rows) {
    const Rows shape = rows_of(inst);
    llvm::Type* element = b_.getIntNTy(shape.bytes * 8);
    Value* zero = constant(0, 32, Shape::vector);
    if (shape.count == 1 && shape.bytes == 4) {
        rows.push_back(
            b_.CreateMaskedLoad(ity(32, Shape::vector), ptr, llvm::Align(1), exec(), zero));
        return;
    }
    auto* type = llvm::FixedVectorType::get(element, width_ * shape.count);
    Value* all = b_.CreateAlignedLoad(type, ptr, llvm::Align(1));
    for (unsigned k = 0; k < shape.count; ++k) {
        std::vector<int> from;
        for (unsigned i = 0; i < width_; ++i) {
            from.push_back(static_cast<int>(i * shape.count + k));
        }
        Value* x = shape.count == 1 ? all : b_.CreateShuffleVector(all, from);
        x = extend(inst.ty, x, shape.bytes * 8, Shape::vector);
        rows.push_back(b_.CreateSelect(exec(), x, zero));
    }
}

void Emitter::contiguous_store(const hw::Inst& inst, Value* ptr) {
    const Rows shape = rows_of(inst);
    const auto rows = store_rows(inst);
    llvm::Type* narrow = ity(shape.bytes * 8, Shape::vector);
    Value* mask = storing();
    if (shape.count == 1) {
        b_.CreateMaskedStore(b_.CreateTrunc(rows[0], narrow), ptr, llvm::Align(1), mask);
        return;
    }
    const unsigned total = width_ * shape.count;
    Value* all = nullptr;
    for (unsigned k = 0; k < shape.count; ++k) {
        std::vector<int> spread(total, -1);
        std::vector<int> blend(total);
        for (unsigned i = 0; i < total; ++i) {
            const bool mine = i % shape.count == k;
            if (mine) {
                spread[i] = static_cast<int>(i / shape.count);
            }
            blend[i] = static_cast<int>(mine ? total + i : i);
        }
        Value* x = b_.CreateShuffleVector(b_.CreateTrunc(rows[k], narrow), spread);
        all = all == nullptr ? x : b_.CreateShuffleVector(all, x, blend);
    }
    std::vector<int> repeat;
    for (unsigned i = 0; i < total; ++i) {
        repeat.push_back(static_cast<int>(i / shape.count));
    }
    b_.CreateMaskedStore(all, ptr, llvm::Align(1), b_.CreateShuffleVector(mask, repeat));
}

// Lane i accesses offset + i * stride. The whole wave in bounds: one vector access; else lane by
// lane.
void Emitter::consecutive(const hw::Inst& inst, bool is_store) {
    const Rows shape = rows_of(inst);
    const uint64_t stride = uint64_t{shape.count} * shape.bytes;
    const uint64_t imm = inst.imm;
    const bool shared = hw::LdSub::unpack(inst.sub).space == Space::shared;
    const bool limited = shared || !inst.src2.is_none();
    const Shape limit_shape = shape_of(inst.src2);
    llvm::Type* i64 = b_.getInt64Ty();
    Value* offset = b_.CreateZExt(reg(inst, inst.src1, 0, Shape::scalar), i64);
    std::vector<llvm::Constant*> steps;
    std::vector<llvm::Constant*> wide_steps;
    for (unsigned i = 0; i < width_; ++i) {
        steps.push_back(b_.getInt32(static_cast<uint32_t>(i * stride)));
        wide_steps.push_back(b_.getInt64(i * stride));
    }
    Place p;
    p.shape = Shape::vector;
    Value* fast = nullptr;
    Value* first = b_.CreateAdd(offset, b_.getInt64(imm));
    if (!limited) {
        Value* sum = b_.CreateAdd(pair(inst.src0, Shape::scalar), first);
        Value* va = b_.CreateAnd(sum, va_mask_);
        fast = b_.CreateICmpULE(va, b_.CreateSub(va_mask_, b_.getInt64(width_ * stride)));
        if (!is_store && (shape.count != 1 || shape.bytes != 4)) {
            // That load is not masked: lanes that do not run must not touch a page of their own.
            fast = b_.CreateAnd(fast, b_.CreateNot(any(b_.CreateNot(exec()))));
        }
        p.base = b_.CreateGEP(b_.getInt8Ty(), window_, va);
        Value* each = b_.CreateAnd(b_.CreateAdd(splat(sum), llvm::ConstantVector::get(wide_steps)),
                                   splat(va_mask_));
        p.pointers = b_.CreateGEP(b_.getInt8Ty(), window_, each);
    } else {
        Value* base = window_;
        Value* limit = nullptr;
        if (shared) {
            base = entry_field(env_, offsetof(WaveEnv, shared), b_.getPtrTy());
            limit = b_.getInt32(program_.info.shared_bytes);
        } else {
            Value* va = b_.CreateAnd(pair(inst.src0, Shape::scalar), va_mask_);
            base = b_.CreateGEP(b_.getInt8Ty(), base, va);
            limit = reg(inst, inst.src2, 0, limit_shape);
        }
        p.base = b_.CreateGEP(b_.getInt8Ty(), base, first);
        p.index = llvm::ConstantVector::get(steps);
        limit = b_.CreateZExt(b_.CreateBinaryIntrinsic(llvm::Intrinsic::umin, limit,
                                                       constant(0x7fffffff, 32, limit_shape)),
                              ity(64, limit_shape));
        if (limit_shape == Shape::scalar) {
            Value* end = b_.CreateAdd(first, b_.getInt64(width_ * stride));
            fast = b_.CreateICmpULE(end, limit);
            limit = splat(limit);
        }
        Value* ends = b_.CreateAdd(splat(b_.CreateAdd(first, b_.getInt64(stride))),
                                   llvm::ConstantVector::get(wide_steps));
        p.ok = b_.CreateICmpULE(ends, limit);
    }
    const bool narrow8 =
        width_ == 8 && shape.bytes < 4 && is_store; // AVX2 has no such masked store
    std::vector<Value*> slow_rows;
    if (fast == nullptr || narrow8 || shape.count > kMaxDeinterleave) {
        if (is_store) {
            lane_store(inst, p);
        } else {
            lane_load(inst, p, slow_rows);
            write_rows(inst, slow_rows);
        }
        return;
    }
    Block* whole = block("whole");
    Block* partial = block("partial");
    Block* after = block("after");
    b_.CreateCondBr(fast, whole, partial, llvm::MDBuilder(context_).createBranchWeights(1000, 1));
    start(whole);
    std::vector<Value*> rows;
    if (is_store) {
        contiguous_store(inst, p.base);
    } else {
        contiguous_load(inst, p.base, rows);
    }
    Block* whole_end = b_.GetInsertBlock();
    b_.CreateBr(after);
    start(partial);
    if (is_store) {
        lane_store(inst, p);
    } else {
        lane_load(inst, p, slow_rows);
    }
    Block* partial_end = b_.GetInsertBlock();
    b_.CreateBr(after);
    start(after);
    for (unsigned k = 0; k < rows.size(); ++k) {
        llvm::PHINode* phi = b_.CreatePHI(ity(32, Shape::vector), 2);
        phi->addIncoming(rows[k], whole_end);
        phi->addIncoming(slow_rows[k], partial_end);
        rows[k] = phi;
    }
    write_rows(inst, rows);
}

// Private memory, interleaved by dword. Accesses inside one dword are direct; others go to the
// helper.
void Emitter::scratch_access(const hw::Inst& inst, bool is_store) {
    const Rows shape = rows_of(inst);
    const uint64_t bytes = uint64_t{shape.count} * shape.bytes;
    const Shape vec = Shape::vector;
    Value* base = entry_field(env_, offsetof(WaveEnv, scratch), b_.getPtrTy());
    Value* offset = reg(inst, inst.src1, 0, vec);
    Value* ok = in_bounds(offset, vec, inst.imm + bytes, b_.getInt32(program_.info.scratch_bytes),
                          Shape::scalar);
    Value* mask = b_.CreateAnd(exec(), ok); // helpers have private memory too
    Value* place = b_.CreateAdd(offset, constant(inst.imm, 32, vec));
    const auto rows = is_store ? store_rows(inst) : std::vector<Value*>{};
    std::vector<Value*> fast;
    std::vector<Value*> slow;

    Value* crossing = b_.CreateAnd(place, constant(shape.bytes - 1, 32, vec));
    Block* direct = block("direct");
    Block* helped = block("helped");
    Block* after = block("after");
    Value* odd = any(b_.CreateAnd(mask, truth(crossing)));
    b_.CreateCondBr(odd, helped, direct, llvm::MDBuilder(context_).createBranchWeights(1, 1000));

    start(direct);
    Value* lane_bytes = b_.CreateShl(lane_ids_, constant(2, 32, vec));
    for (unsigned k = 0; k < shape.count; ++k) {
        Value* at = b_.CreateAdd(place, constant(uint64_t{k} * shape.bytes, 32, vec));
        Value* word = b_.CreateAnd(at, constant(~3u, 32, vec));
        Value* index = b_.CreateAdd(b_.CreateMul(word, constant(width_, 32, vec)), lane_bytes);
        Value* low = b_.CreateAnd(at, constant(3, 32, vec));
        if (is_store) {
            Value* pointers = b_.CreateGEP(b_.getInt8Ty(), base, b_.CreateAdd(index, low));
            b_.CreateMaskedScatter(b_.CreateTrunc(rows[k], ity(shape.bytes * 8, vec)), pointers,
                                   llvm::Align(1), mask);
        } else {
            Value* pointers = b_.CreateGEP(b_.getInt8Ty(), base, index);
            Value* x = b_.CreateMaskedGather(ity(32, vec), pointers, llvm::Align(1), mask,
                                             constant(0, 32, vec));
            if (shape.bytes < 4) {
                x = b_.CreateLShr(x, b_.CreateShl(low, constant(3, 32, vec)));
                x = b_.CreateTrunc(x, ity(shape.bytes * 8, vec));
            }
            fast.push_back(extend(inst.ty, x, shape.bytes * 8, vec));
        }
    }
    Block* direct_end = b_.GetInsertBlock();
    b_.CreateBr(after);

    start(helped);
    auto*& lanes = buffers_["scratch"];
    if (lanes == nullptr) {
        lanes =
            alloca_of(llvm::ArrayType::get(b_.getInt8Ty(), sizeof(ScratchLanes)), "scratch", 64);
    }
    constexpr size_t kRow = kMaxLanes * 4;
    b_.CreateAlignedStore(place, address(lanes, offsetof(ScratchLanes, offset)), llvm::Align(4));
    b_.CreateStore(bits(mask), address(lanes, offsetof(ScratchLanes, mask)));
    b_.CreateStore(b_.getInt32(width_), address(lanes, offsetof(ScratchLanes, width)));
    for (unsigned k = 0; k < rows.size(); ++k) {
        b_.CreateAlignedStore(rows[k], address(lanes, offsetof(ScratchLanes, data) + k * kRow),
                              llvm::Align(4));
    }
    auto* type = llvm::FunctionType::get(b_.getVoidTy(),
                                         {b_.getPtrTy(), b_.getPtrTy(), b_.getPtrTy()}, false);
    b_.CreateCall(type, helper(offsetof(Helpers, scratch)), {inst_pointer(inst), base, lanes});
    for (unsigned k = 0; k < fast.size(); ++k) {
        slow.push_back(b_.CreateAlignedLoad(
            ity(32, vec), address(lanes, offsetof(ScratchLanes, data) + k * kRow), llvm::Align(4)));
    }
    Block* helped_end = b_.GetInsertBlock();
    b_.CreateBr(after);

    start(after);
    for (unsigned k = 0; k < fast.size(); ++k) {
        llvm::PHINode* phi = b_.CreatePHI(ity(32, vec), 2);
        phi->addIncoming(fast[k], direct_end);
        phi->addIncoming(slow[k], helped_end);
        fast[k] = phi;
    }
    write_rows(inst, fast);
}

} // namespace kite::dev::exec::jit
