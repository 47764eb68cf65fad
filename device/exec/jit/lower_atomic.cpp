// SPDX-License-Identifier: MIT
// Atomics. 32-bit integer operations run inline: one for the whole wave where all lanes add to one
// address, else a loop over the active lanes. Shared memory belongs to the thread that runs the
// workgroup, so plain loads and stores do there. Everything else goes to the helper.
#include "device/exec/jit/emitter.hpp"

#include <cstddef>

namespace kite::dev::exec::jit {

using hw::AtomicOp;

namespace {

bool inlined(const hw::Inst& inst) {
    return inst.ty == hw::Type::u32 && hw::AtomSub::unpack(inst.sub).aop <= AtomicOp::xchg;
}

llvm::AtomicRMWInst::BinOp operation(AtomicOp op) {
    using B = llvm::AtomicRMWInst::BinOp;
    constexpr B kOps[] = {B::Add, B::UMin, B::UMax, B::Min, B::Max, B::And, B::Or, B::Xor, B::Xchg};
    static_assert(static_cast<unsigned>(AtomicOp::xchg) + 1 == std::size(kOps));
    return kOps[static_cast<unsigned>(op)];
}

} // namespace

// One operation; the old value.
llvm::Value* Emitter::modify(AtomicOp op, bool shared, Value* pointer, Value* x) {
    if (!shared) {
        return b_.CreateAtomicRMW(operation(op), pointer, x, llvm::Align(4),
                                  llvm::AtomicOrdering::SequentiallyConsistent);
    }
    using I = llvm::Intrinsic::IndependentIntrinsics;
    Value* old = b_.CreateAlignedLoad(b_.getInt32Ty(), pointer, llvm::Align(4));
    const auto chosen = [&](I which) { return b_.CreateBinaryIntrinsic(which, old, x); };
    Value* made = x; // xchg
    switch (op) {
    case AtomicOp::add:
        made = b_.CreateAdd(old, x);
        break;
    case AtomicOp::umin:
        made = chosen(llvm::Intrinsic::umin);
        break;
    case AtomicOp::umax:
        made = chosen(llvm::Intrinsic::umax);
        break;
    case AtomicOp::smin:
        made = chosen(llvm::Intrinsic::smin);
        break;
    case AtomicOp::smax:
        made = chosen(llvm::Intrinsic::smax);
        break;
    case AtomicOp::and_:
        made = b_.CreateAnd(old, x);
        break;
    case AtomicOp::or_:
        made = b_.CreateOr(old, x);
        break;
    case AtomicOp::xor_:
        made = b_.CreateXor(old, x);
        break;
    default:
        break;
    }
    b_.CreateAlignedStore(made, pointer, llvm::Align(4));
    return old;
}

// All lanes of `mask` add to one dword, in ascending order.
llvm::Value* Emitter::add_to_one(bool shared, bool wants_old, Value* pointer, Value* mask,
                                 Value* x) {
    Value* zero = constant(0, 32, Shape::vector);
    Value* mine = b_.CreateSelect(mask, x, zero);
    Value* total = b_.CreateAddReduce(mine);
    Block* before = b_.GetInsertBlock();
    Block* body = block("add");
    Block* after = block("added");
    b_.CreateCondBr(any(mask), body, after);
    start(body);
    Value* old = modify(AtomicOp::add, shared, pointer, total);
    b_.CreateBr(after);
    start(after);
    if (!wants_old) {
        return nullptr;
    }
    llvm::PHINode* first = b_.CreatePHI(b_.getInt32Ty(), 2);
    first->addIncoming(b_.getInt32(0), before);
    first->addIncoming(old, body);
    // Each lane's old value counts the lanes before it.
    Value* sums = mine;
    for (unsigned step = 1; step < width_; step *= 2) {
        std::vector<int> from;
        for (unsigned i = 0; i < width_; ++i) {
            from.push_back(static_cast<int>(i < step ? width_ : i - step));
        }
        sums = b_.CreateAdd(sums, b_.CreateShuffleVector(sums, zero, from));
    }
    sums = b_.CreateSub(sums, mine);
    return b_.CreateSelect(mask, b_.CreateAdd(splat(first), sums), zero);
}

// Lane by lane; `where` are addresses as integers.
llvm::Value* Emitter::lane_atomics(AtomicOp op, bool shared, bool wants_old, Value* where,
                                   Value* mask, Value* x) {
    const auto row = [&](const char* name, llvm::Type* type) {
        auto*& a = buffers_[name];
        if (a == nullptr) {
            a = alloca_of(type, name, 64);
        }
        return a;
    };
    llvm::Type* i32 = b_.getInt32Ty();
    llvm::Type* i64 = b_.getInt64Ty();
    auto* places = row("atomic places", ity(64, Shape::vector));
    auto* values = row("atomic values", ity(32, Shape::vector));
    auto* olds = row("atomic olds", ity(32, Shape::vector));
    b_.CreateStore(where, places);
    b_.CreateStore(x, values);
    b_.CreateStore(constant(0, 32, Shape::vector), olds);
    Value* all = bits(mask);
    Block* before = b_.GetInsertBlock();
    Block* loop = block("lanes");
    Block* after = block("lanes done");
    b_.CreateCondBr(b_.CreateICmpNE(all, b_.getInt32(0)), loop, after);
    start(loop);
    llvm::PHINode* left = b_.CreatePHI(i32, 2);
    left->addIncoming(all, before);
    Value* lane = b_.CreateBinaryIntrinsic(llvm::Intrinsic::cttz, left, b_.getTrue());
    Value* index = b_.CreateZExt(lane, i64);
    Value* place = b_.CreateLoad(i64, b_.CreateGEP(i64, places, index));
    Value* value = b_.CreateLoad(i32, b_.CreateGEP(i32, values, index));
    Value* old = modify(op, shared, b_.CreateIntToPtr(place, b_.getPtrTy()), value);
    if (wants_old) {
        b_.CreateStore(old, b_.CreateGEP(i32, olds, index));
    }
    Value* rest = b_.CreateAnd(left, b_.CreateSub(left, b_.getInt32(1)));
    left->addIncoming(rest, loop);
    b_.CreateCondBr(b_.CreateICmpNE(rest, b_.getInt32(0)), loop, after);
    start(after);
    return wants_old ? b_.CreateLoad(ity(32, Shape::vector), olds) : nullptr;
}

void Emitter::atomic(const hw::Inst& inst) {
    const uint64_t bytes = hw::type_bytes(inst.ty);
    const auto sub = hw::AtomSub::unpack(inst.sub);
    const bool shared = sub.space == hw::Space::shared;
    const bool wants_old = inst.dst.is_reg();
    const Place p = locate(inst, bytes);
    Value* mask = storing();
    if (p.ok != nullptr) {
        mask = b_.CreateAnd(mask, p.ok->getType()->isVectorTy() ? p.ok : splat(p.ok));
    }
    if (inlined(inst) && sub.aop == AtomicOp::add && p.shape == Shape::scalar) {
        Value* at = b_.CreatePtrToInt(p.base, b_.getInt64Ty());
        at = b_.CreateAnd(at, b_.getInt64(~(bytes - 1)));
        Value* old = add_to_one(shared, wants_old, b_.CreateIntToPtr(at, b_.getPtrTy()), mask,
                                value(inst, inst.src3, inst.ty, Shape::vector));
        if (wants_old) {
            write_value(inst, inst.ty, old);
        }
        return;
    }
    Value* pointer = p.pointers;
    if (pointer == nullptr) {
        pointer =
            p.index != nullptr ? b_.CreateGEP(b_.getInt8Ty(), p.base, p.index) : splat(p.base);
    }
    llvm::Type* wide = ity(64, Shape::vector);
    Value* where =
        b_.CreateAnd(b_.CreatePtrToInt(pointer, wide), constant(~(bytes - 1), 64, Shape::vector));
    if (!inlined(inst)) {
        helped_atomic(inst, where, mask);
        return;
    }
    Value* old = lane_atomics(sub.aop, shared, wants_old, where, mask,
                              value(inst, inst.src3, inst.ty, Shape::vector));
    if (wants_old) {
        write_value(inst, inst.ty, old);
    }
}

void Emitter::helped_atomic(const hw::Inst& inst, Value* where, Value* mask) {
    auto*& lanes = buffers_["atomic"];
    if (lanes == nullptr) {
        lanes = alloca_of(llvm::ArrayType::get(b_.getInt8Ty(), sizeof(AtomicLanes)), "atomic", 64);
    }
    llvm::Type* wide = ity(64, Shape::vector);
    const auto put = [&](size_t offset, Value* x) {
        b_.CreateAlignedStore(x, address(lanes, offset), llvm::Align(8));
    };
    const auto operand = [&](const hw::Operand& o) {
        return b_.CreateZExt(value(inst, o, inst.ty, Shape::vector), wide);
    };
    put(offsetof(AtomicLanes, address), where);
    put(offsetof(AtomicLanes, value), operand(inst.src3));
    if (!inst.src4.is_none()) {
        put(offsetof(AtomicLanes, comparand), operand(inst.src4));
    }
    if (inst.dst.is_reg()) {
        put(offsetof(AtomicLanes, old), constant(0, 64, Shape::vector));
    }
    b_.CreateStore(bits(mask), address(lanes, offsetof(AtomicLanes, mask)));
    auto* type = llvm::FunctionType::get(b_.getVoidTy(), {b_.getPtrTy(), b_.getPtrTy()}, false);
    b_.CreateCall(type, helper(offsetof(Helpers, atomic)), {inst_pointer(inst), lanes});
    if (inst.dst.is_reg()) {
        Value* old =
            b_.CreateAlignedLoad(wide, address(lanes, offsetof(AtomicLanes, old)), llvm::Align(8));
        write_value(inst, inst.ty,
                    hw::is_64bit(inst.ty) ? old : b_.CreateTrunc(old, ity(32, Shape::vector)));
    }
}

} // namespace kite::dev::exec::jit
