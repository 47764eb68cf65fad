// SPDX-License-Identifier: MIT
// Where texels are: levels, wrap modes, and byte offsets in both layouts (docs/image-layout.md).
#include "device/exec/jit/texgen/builder.hpp"

#include "device/exec/jit/texgen/prepared.hpp"

#include <cstddef>

namespace kite::dev::exec::jit::texgen {

// Level 0 of layer 0, already worked out.
Builder::Level Builder::first_level() {
    const auto load = [&](size_t offset, llvm::Type* type) -> Value* {
        Value* at = b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), prepared_, offset);
        llvm::LoadInst* x = b_.CreateAlignedLoad(type, at, llvm::Align(4));
        x->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(context_, {}));
        return x;
    };
    llvm::Type* i32 = b_.getInt32Ty();
    llvm::Type* f32 = b_.getFloatTy();
    Level l{};
    l.pointer = load(offsetof(Prepared, pointer), b_.getPtrTy());
    l.width = load(offsetof(Prepared, width), i32);
    l.height = load(offsetof(Prepared, height), i32);
    l.fwidth = load(offsetof(Prepared, fwidth), f32);
    l.fheight = load(offsetof(Prepared, fheight), f32);
    l.inv_width = load(offsetof(Prepared, inv_width), f32);
    l.inv_height = load(offsetof(Prepared, inv_height), f32);
    l.row = load(offsetof(Prepared, row), i32);
    return l;
}

Builder::Level Builder::level(Value* level, Value* layer) {
    const auto* number = llvm::dyn_cast<llvm::ConstantInt>(level);
    const auto* layer_number = llvm::dyn_cast<llvm::ConstantInt>(layer);
    if (number != nullptr && number->isZero() && layer_number != nullptr &&
        layer_number->isZero()) {
        return first_level();
    }
    const uint32_t bytes = format_.bytes_per_block;
    Value* w4 = image_word(4);
    Value* w5 = image_word(5);
    Value* absolute = b_.CreateAdd(level, bits(w5, 16, 4));
    const auto minified = [&](Value* minus_1) {
        Value* size = b_.CreateLShr(b_.CreateAdd(minus_1, b_.getInt32(1)), absolute);
        return b_.CreateBinaryIntrinsic(llvm::Intrinsic::umax, size, b_.getInt32(1));
    };
    Level l{};
    l.width = minified(bits(w4, 0, 16));
    l.height = minified(bits(w4, 16, 16));
    l.fwidth = b_.CreateUIToFP(l.width, b_.getFloatTy());
    l.fheight = b_.CreateUIToFP(l.height, b_.getFloatTy());
    Value* one = llvm::ConstantFP::get(b_.getFloatTy(), 1.0);
    l.inv_width = b_.CreateFDiv(one, l.fwidth);
    l.inv_height = b_.CreateFDiv(one, l.fheight);
    llvm::Type* i64 = b_.getInt64Ty();
    Value* slice = nullptr;
    if (key_.tiled != 0) {
        const auto blocks = [&](Value* size) {
            return b_.CreateLShr(b_.CreateAdd(size, b_.getInt32(3)), 2);
        };
        l.row = b_.CreateShl(blocks(l.width), 4 + key_.log2_samples);
        slice = b_.CreateMul(b_.CreateZExt(b_.CreateMul(l.row, blocks(l.height)), i64),
                             b_.getInt64(bytes));
    } else {
        Value* aligned = b_.CreateAnd(
            b_.CreateAdd(b_.CreateMul(l.width, b_.getInt32(bytes)), b_.getInt32(63)), ~63u);
        Value* is_first = b_.CreateICmpEQ(absolute, b_.getInt32(0));
        l.row = b_.CreateSelect(is_first, image_word(7), aligned);
        slice = b_.CreateMul(b_.CreateZExt(l.height, i64), b_.CreateZExt(l.row, i64));
        Value* own = b_.CreateShl(b_.CreateZExt(image_word(11), i64), 6);
        Value* use_own = b_.CreateAnd(is_first, b_.CreateICmpNE(own, b_.getInt64(0)));
        slice = b_.CreateSelect(use_own, own, slice);
    }
    Value* stride = key_.image_3d != 0 ? slice : b_.CreateShl(b_.CreateZExt(image_word(8), i64), 6);
    Value* absolute_layer = b_.CreateAdd(layer, bits(image_word(6), 0, 16));
    Value* address = b_.CreateOr(b_.CreateZExt(image_word(0), i64),
                                 b_.CreateShl(b_.CreateZExt(image_word(1), i64), 32));
    address = b_.CreateAdd(address, b_.CreateMul(b_.CreateZExt(absolute_layer, i64), stride));
    Value* index = b_.CreateAnd(absolute, 15);
    Value* table = b_.CreateConstInBoundsGEP1_64(b_.getInt32Ty(), image_, 16);
    Value* start = b_.CreateAlignedLoad(
        b_.getInt32Ty(), b_.CreateInBoundsGEP(b_.getInt32Ty(), table, b_.CreateZExt(index, i64)),
        llvm::Align(4));
    address = b_.CreateAdd(address, b_.CreateShl(b_.CreateZExt(start, i64), 6));
    l.pointer = b_.CreateGEP(b_.getInt8Ty(), window_, b_.CreateAnd(address, va_mask_));
    return l;
}

// Texel index of any value to one inside [0, size).
llvm::Value* Builder::wrapped(Value* index, Value* size, hw::Wrap wrap) {
    Value* last = b_.CreateSub(size, ic(1));
    if (wrap == hw::Wrap::mirror_clamp_to_edge) {
        Value* sign = b_.CreateAShr(index, ic(31));
        return umin(b_.CreateXor(index, sign), last);
    }
    Value* x = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smax, index, ic(0));
    return b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, x, last);
}

Builder::Axis Builder::axis(Value* position, const Level& l, unsigned dimension,
                            const Filtering& how) {
    constexpr float kFar = 1.0e9f;
    Value* size = dimension == 0 ? l.width : l.height;
    Value* fsize = dimension == 0 ? l.fwidth : l.fheight;
    Value* inverse = dimension == 0 ? l.inv_width : l.inv_height;
    Value* offset = offset_[dimension];
    const auto wrap = static_cast<hw::Wrap>(dimension == 0 ? key_.wrap_u : key_.wrap_v);
    Value* q = position;
    if (how.mask != nullptr) {
        q = b_.CreateFSub(q, b_.CreateSelect(how.mask, fc(0.5f), fc(0.0f)));
    } else if (how.linear) {
        q = b_.CreateFSub(q, fc(0.5f));
    }
    q = fmin(fmax(q, fc(-kFar)), fc(kFar)); // NaN becomes -kFar
    Value* whole = floor(q);
    Axis a{};
    const bool two = how.linear || how.mask != nullptr;
    if (two) {
        a.weight = b_.CreateFSub(q, whole);
        if (how.mask != nullptr) {
            a.weight = b_.CreateSelect(how.mask, a.weight, fc(0.0f));
        }
    }
    Value* vsize = splat(size);
    const bool mirror = wrap == hw::Wrap::mirrored_repeat;
    if (wrap == hw::Wrap::repeat || mirror) {
        // Remainder by the period in floats, then corrected by at most one period each way.
        Value* period =
            mirror ? b_.CreateFMul(fsize, llvm::ConstantFP::get(b_.getFloatTy(), 2.0)) : fsize;
        Value* iperiod = mirror ? b_.CreateShl(vsize, 1) : vsize;
        if (offset != nullptr) {
            whole = b_.CreateFAdd(whole, b_.CreateSIToFP(offset, fvec()));
        }
        if (mirror) {
            inverse = b_.CreateFMul(inverse, llvm::ConstantFP::get(b_.getFloatTy(), 0.5));
        }
        Value* turns = floor(b_.CreateFMul(whole, splat(inverse)));
        Value* rest = fma(b_.CreateFNeg(turns), splat(period), whole);
        Value* index = b_.CreateFPToSI(rest, ivec());
        index = umin(index, b_.CreateAdd(index, iperiod));
        index = umin(index, b_.CreateSub(index, iperiod));
        index = umin(index, b_.CreateSub(iperiod, ic(1)));
        const auto fold = [&](Value* i) {
            return mirror ? umin(i, b_.CreateSub(b_.CreateSub(iperiod, ic(1)), i)) : i;
        };
        a.low = fold(index);
        if (two) {
            Value* next = b_.CreateAdd(index, ic(1));
            next = b_.CreateSelect(b_.CreateICmpEQ(next, iperiod), ic(0), next);
            a.high = fold(next);
        }
        return a;
    }
    Value* index = b_.CreateFPToSI(whole, ivec());
    if (offset != nullptr) {
        index = b_.CreateAdd(index, offset);
    }
    Value* next = b_.CreateAdd(index, ic(1));
    a.low = wrapped(index, vsize, wrap);
    if (two) {
        a.high = wrapped(next, vsize, wrap);
    }
    if (wrap == hw::Wrap::clamp_to_border) {
        a.low_in = b_.CreateICmpULT(index, vsize);
        a.high_in = two ? b_.CreateICmpULT(next, vsize) : nullptr;
    }
    return a;
}

// Tiled: texel index bits of x inside the slice; linear: bytes.
llvm::Value* Builder::x_part(Value* x) {
    if (key_.tiled == 0) {
        return b_.CreateMul(x, ic(format_.bytes_per_block));
    }
    // Bits x0 -> 0, x1 -> 2, the block -> 4 and up (+ samples).
    if (key_.log2_samples == 0) {
        Value* twice = b_.CreateAdd(x, b_.CreateAnd(x, ic(~1u)));
        return b_.CreateAdd(twice, b_.CreateShl(b_.CreateAnd(x, ic(~3u)), ic(1)));
    }
    Value* low = b_.CreateAdd(b_.CreateAnd(x, ic(3)), b_.CreateAnd(x, ic(2)));
    Value* block = b_.CreateLShr(x, ic(2));
    return b_.CreateAdd(low, b_.CreateShl(block, ic(4u + key_.log2_samples)));
}

// Bits y0 -> 1, y1 -> 3.
llvm::Value* Builder::y_in_block(Value* y) {
    Value* low = b_.CreateAnd(y, ic(3));
    return b_.CreateShl(b_.CreateAdd(low, b_.CreateAnd(y, ic(2))), ic(1));
}

llvm::Value* Builder::y_part(Value* y, const Level& l) {
    if (key_.tiled == 0) {
        return b_.CreateMul(y, splat(l.row));
    }
    // The row of blocks times its length.
    return b_.CreateAdd(y_in_block(y), b_.CreateMul(b_.CreateLShr(y, ic(2)), splat(l.row)));
}

llvm::Value* Builder::gather(const Level& l, Value* x, Value* y, Value* extra, unsigned word) {
    Value* index = y == nullptr ? x : b_.CreateAdd(x, y);
    if (extra != nullptr) {
        index = b_.CreateAdd(index, extra);
    }
    uint32_t bytes = format_.bytes_per_block;
    llvm::Type* unit = b_.getInt8Ty();
    if (key_.tiled != 0) {
        if (bytes == 16) {
            index = b_.CreateShl(index, ic(1));
            bytes = 8;
        }
        if (bytes == 2 || bytes == 4 || bytes == 8) {
            unit = b_.getIntNTy(bytes * 8);
        } else if (bytes != 1) {
            index = b_.CreateMul(index, ic(bytes));
        }
    }
    Value* base = b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), l.pointer, uint64_t{word} * 4);
    Value* pointers = b_.CreateGEP(unit, base, index);
    auto* every =
        llvm::Constant::getAllOnesValue(llvm::FixedVectorType::get(b_.getInt1Ty(), width_));
    return b_.CreateMaskedGather(ivec(), pointers, llvm::Align(1), every, ic(0));
}

} // namespace kite::dev::exec::jit::texgen
