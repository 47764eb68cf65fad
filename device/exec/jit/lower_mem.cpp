// SPDX-License-Identifier: MIT
// Loads and stores: where they (and atomics) go, and the cases with one address for the whole wave.
//
// Three shapes of access, cheapest first: one address (scalar load or store), consecutive lanes
// (one vector load or store when the whole wave is in bounds), and per-lane addresses (gather,
// scatter) with 32-bit offsets from a scalar base wherever a limit guarantees them to be below
// 2^31.
#include "device/exec/jit/emitter.hpp"

#include <algorithm>
#include <cstddef>

namespace kite::dev::exec::jit {

using hw::Space;
using hw::Type;

namespace {

Space space_of(const hw::Inst& inst) {
    return inst.op == hw::Op::atom ? hw::AtomSub::unpack(inst.sub).space
                                   : hw::LdSub::unpack(inst.sub).space;
}

} // namespace

// A compile-time fence: volatile accesses are neither hoisted nor merged.
void Emitter::barrier_for(bool is_volatile) {
    if (is_volatile) {
        b_.CreateFence(llvm::AtomicOrdering::SequentiallyConsistent, llvm::SyncScope::SingleThread);
    }
}

// offset + extra <= min(limit, 2^31 - 1), without overflow; extra < 2^32.
llvm::Value* Emitter::in_bounds(Value* offset, Shape shape, uint64_t extra, Value* limit,
                                Shape limit_shape) {
    Value* most = constant(0x7fffffff, 32, limit_shape);
    Value* clamped = b_.CreateBinaryIntrinsic(llvm::Intrinsic::umin, limit, most);
    Value* need = constant(extra, 32, limit_shape);
    // Offsets below `count` are in bounds.
    Value* count =
        b_.CreateSelect(b_.CreateICmpUGE(clamped, need),
                        b_.CreateAdd(b_.CreateSub(clamped, need), constant(1, 32, limit_shape)),
                        constant(0, 32, limit_shape));
    if (shape == Shape::vector && limit_shape == Shape::scalar) {
        count = splat(count);
    } else if (shape == Shape::scalar && limit_shape == Shape::vector) {
        offset = splat(offset);
    }
    return b_.CreateICmpULT(offset, count);
}

Emitter::Place Emitter::locate(const hw::Inst& inst, uint64_t bytes) {
    const Space space = space_of(inst);
    const uint64_t imm = inst.op == hw::Op::atom ? 0 : inst.imm;
    const Shape offset_shape = shape_of(inst.src1);
    Value* offset = reg(inst, inst.src1, 0, offset_shape);
    Place p;
    if (space == Space::shared) {
        Value* base = entry_field(env_, offsetof(WaveEnv, shared), b_.getPtrTy());
        p.shape = offset_shape;
        p.ok = in_bounds(offset, offset_shape, imm + bytes, b_.getInt32(program_.info.shared_bytes),
                         Shape::scalar);
        p.base = address(base, imm);
        if (offset_shape == Shape::vector) {
            p.index = offset;
        } else {
            p.base = b_.CreateGEP(b_.getInt8Ty(), p.base, b_.CreateZExt(offset, b_.getInt64Ty()));
        }
        return p;
    }
    const bool limited = !inst.src2.is_none();
    const Shape base_shape = shape_of(inst.src0);
    const Shape limit_shape = limited ? shape_of(inst.src2) : Shape::scalar;
    const bool vector = base_shape == Shape::vector || offset_shape == Shape::vector ||
                        limit_shape == Shape::vector;
    p.shape = vector ? Shape::vector : Shape::scalar;
    if (limited) {
        p.ok = in_bounds(offset, offset_shape, imm + bytes, reg(inst, inst.src2, 0, limit_shape),
                         limit_shape);
        if (vector && !p.ok->getType()->isVectorTy()) {
            p.ok = splat(p.ok);
        }
    }
    const auto mask = [&](Shape shape) {
        return shape == Shape::vector ? splat(va_mask_) : va_mask_;
    };
    if (base_shape == Shape::scalar && limited) {
        Value* va = b_.CreateAnd(pair(inst.src0, Shape::scalar), va_mask_);
        p.base = address(b_.CreateGEP(b_.getInt8Ty(), window_, va), imm);
        if (offset_shape == Shape::vector) {
            p.index = offset;
        } else if (vector) {
            p.index = splat(offset);
        } else {
            p.base = b_.CreateGEP(b_.getInt8Ty(), p.base, b_.CreateZExt(offset, b_.getInt64Ty()));
        }
        return p;
    }
    Value* va = pair(inst.src0, p.shape);
    if (limited) {
        va = b_.CreateAnd(va, mask(p.shape));
    }
    Value* wide = b_.CreateZExt(offset, ity(64, offset_shape));
    if (vector && offset_shape == Shape::scalar) {
        wide = splat(wide);
    }
    va = b_.CreateAdd(b_.CreateAdd(va, wide), constant(imm, 64, p.shape));
    if (!limited) {
        va = b_.CreateAnd(va, mask(p.shape));
    }
    Value* host = b_.CreateGEP(b_.getInt8Ty(), window_, va);
    (vector ? p.pointers : p.base) = host;
    return p;
}

llvm::Value* Emitter::extend(Type ty, Value* x, unsigned from_bits, Shape shape) {
    if (from_bits == 32) {
        return x;
    }
    return ty == Type::i8 || ty == Type::i16 ? b_.CreateSExt(x, ity(32, shape))
                                             : b_.CreateZExt(x, ity(32, shape));
}

std::vector<llvm::Value*> Emitter::store_rows(const hw::Inst& inst) {
    const unsigned words = hw::is_64bit(inst.ty) ? 2 : 1;
    std::vector<Value*> rows;
    for (unsigned k = 0; k < hw::StSub::unpack(inst.sub).n_count() * words; ++k) {
        rows.push_back(reg(inst, inst.dst, k, Shape::vector));
    }
    return rows;
}

void Emitter::write_rows(const hw::Inst& inst, const std::vector<Value*>& rows) {
    for (unsigned k = 0; k < rows.size(); ++k) {
        write(inst, k, rows[k]);
    }
}

// One address: a scalar load of all elements; out of bounds it reads zeros instead.
void Emitter::uniform_load(const hw::Inst& inst, const Place& p) {
    const unsigned bits_of = std::min(hw::type_bytes(inst.ty), 4u) * 8;
    const unsigned count = hw::LdSub::unpack(inst.sub).n_count() * (hw::is_64bit(inst.ty) ? 2 : 1);
    Value* zeros = entry_field(env_, offsetof(WaveEnv, zeros), b_.getPtrTy());
    Value* ptr = p.ok != nullptr ? b_.CreateSelect(p.ok, p.base, zeros) : p.base;
    llvm::Type* element = b_.getIntNTy(bits_of);
    llvm::Type* type = count == 1 ? element : llvm::FixedVectorType::get(element, count);
    Value* all = b_.CreateAlignedLoad(type, ptr, llvm::Align(1));
    std::vector<Value*> rows;
    for (unsigned k = 0; k < count; ++k) {
        Value* x = count == 1 ? all : b_.CreateExtractElement(all, k);
        x = extend(inst.ty, x, bits_of, Shape::scalar);
        if (inst.dst.file == hw::File::V) {
            x = b_.CreateSelect(exec(), splat(x), constant(0, 32, Shape::vector));
        }
        rows.push_back(x);
    }
    write_rows(inst, rows);
}

// One address: of all lanes that store there the last one stays.
void Emitter::uniform_store(const hw::Inst& inst, const Place& p) {
    const unsigned bytes = std::min(hw::type_bytes(inst.ty), 4u);
    Value* mask = storing();
    Value* does = any(mask);
    if (p.ok != nullptr) {
        does = b_.CreateAnd(does, p.ok);
    }
    const auto rows = store_rows(inst);
    Block* body = block("store");
    Block* after = block("stored");
    b_.CreateCondBr(does, body, after);
    start(body);
    Value* zeros = b_.CreateBinaryIntrinsic(llvm::Intrinsic::ctlz, bits(mask), b_.getTrue());
    Value* last = b_.CreateXor(zeros, b_.getInt32(31));
    for (unsigned k = 0; k < rows.size(); ++k) {
        Value* x = b_.CreateTrunc(b_.CreateExtractElement(rows[k], last), b_.getIntNTy(bytes * 8));
        b_.CreateAlignedStore(x, address(p.base, uint64_t{k} * bytes), llvm::Align(1));
    }
    b_.CreateBr(after);
    start(after);
}

void Emitter::load(const hw::Inst& inst) {
    const auto sub = hw::LdSub::unpack(inst.sub);
    barrier_for(sub.vol);
    if (sub.space == Space::scratch) {
        scratch_access(inst, false);
        return;
    }
    if (sub.mode == hw::AddrMode::consecutive) {
        consecutive(inst, false);
        return;
    }
    const Place p = locate(inst, uint64_t{hw::type_bytes(inst.ty)} * sub.n_count());
    if (p.shape == Shape::scalar) {
        uniform_load(inst, p);
        return;
    }
    std::vector<Value*> rows;
    lane_load(inst, p, rows);
    write_rows(inst, rows);
}

void Emitter::store(const hw::Inst& inst) {
    const auto sub = hw::StSub::unpack(inst.sub);
    barrier_for(sub.vol);
    if (sub.space == Space::scratch) {
        scratch_access(inst, true);
        return;
    }
    if (sub.mode == hw::AddrMode::consecutive) {
        consecutive(inst, true);
        return;
    }
    const Place p = locate(inst, uint64_t{hw::type_bytes(inst.ty)} * sub.n_count());
    if (p.shape == Shape::scalar) {
        uniform_store(inst, p);
    } else {
        lane_store(inst, p);
    }
}

void Emitter::lower_mem(const hw::Inst& inst) {
    switch (inst.op) {
    case hw::Op::ld:
        load(inst);
        break;
    case hw::Op::st:
        store(inst);
        break;
    case hw::Op::atom:
        atomic(inst);
        break;
    default:
        fail("memory instruction without a lowering");
    }
}

} // namespace kite::dev::exec::jit
