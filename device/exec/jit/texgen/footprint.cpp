// SPDX-License-Identifier: MIT
// The four texels of a bilinear filter. Neighbouring pixels mostly sample neighbouring texels: if
// all of a wave's texels lie in two by two blocks, those are loaded as they are and permuted, which
// costs less than four gathers. (For the one texel of an unfiltered sample it costs as much.)
#include "device/exec/jit/texgen/builder.hpp"

namespace kite::dev::exec::jit::texgen {

// Blocks of one whole vector of dwords, and waves of as many lanes.
bool Builder::has_blocks() const {
    return key_.tiled != 0 && key_.log2_samples == 0 && format_.bytes_per_block == 4 &&
           dims_ == 2 && width_ == 16 && words_wanted() == 1;
}

// Column of blocks in the low half, row in the high half.
llvm::Value* Builder::block_of(Value* x, Value* y) {
    Value* row = b_.CreateShl(b_.CreateAnd(y, ic(0xfffc)), ic(14));
    return b_.CreateOr(b_.CreateLShr(x, ic(2)), row);
}

// The least of both halves over the lanes, in one dword.
llvm::Value* Builder::first_block(Value* blocks) {
    unsigned n = width_ * 2;
    Value* x = b_.CreateBitCast(blocks, llvm::FixedVectorType::get(b_.getInt16Ty(), n));
    for (; n > 2; n /= 2) {
        std::vector<int> low;
        std::vector<int> high;
        for (unsigned i = 0; i < n / 2; ++i) {
            low.push_back(static_cast<int>(i));
            high.push_back(static_cast<int>(i + n / 2));
        }
        x = umin(b_.CreateShuffleVector(x, low), b_.CreateShuffleVector(x, high));
    }
    return b_.CreateBitCast(x, b_.getInt32Ty());
}

Builder::Quad Builder::permuted(const Level& l, Value* first, Value* const* xs, Value* const* ys,
                                Value* const* rows) {
    Value* column = b_.CreateAnd(first, 0xffff);
    Value* row = b_.CreateLShr(first, 16);
    // Blocks beyond the level's last ones are not read; no lane asks for them.
    const auto after = [&](Value* block, Value* size) {
        Value* last = b_.CreateLShr(b_.CreateSub(size, b_.getInt32(1)), 2);
        return umin(b_.CreateAdd(block, b_.getInt32(1)), last);
    };
    Value* columns[2] = {column, after(column, l.width)};
    Value* block_rows[2] = {row, after(row, l.height)};
    Value* blocks[2][2] = {};
    for (unsigned r = 0; r < 2; ++r) {
        Value* start = b_.CreateMul(block_rows[r], l.row);
        for (unsigned c = 0; c < 2; ++c) {
            Value* texel = b_.CreateAdd(start, b_.CreateShl(columns[c], 4));
            Value* at =
                b_.CreateGEP(b_.getInt32Ty(), l.pointer, b_.CreateZExt(texel, b_.getInt64Ty()));
            blocks[r][c] = b_.CreateAlignedLoad(ivec(), at, llvm::Align(4));
        }
    }
    Value* origin = splat(b_.CreateShl(column, 4));
    Quad quad{};
    for (unsigned n = 0; n < 4; ++n) {
        const unsigned c = n & 1, r = n >> 1;
        Value* x = b_.CreateSub(x_part(xs[c]), origin);
        Value* index = b_.CreateAdd(x, y_in_block(ys[r]));
        Value* found[2] = {};
        for (unsigned half = 0; half < 2; ++half) {
            found[half] = b_.CreateIntrinsic(llvm::Intrinsic::x86_avx512_vpermi2var_d_512, {},
                                             {blocks[half][0], index, blocks[half][1]});
        }
        quad[n][0] = b_.CreateSelect(rows[r], found[1], found[0]);
    }
    return quad;
}

Builder::Quad Builder::gathered(const Level& l, Value* const* xs, Value* const* ys) {
    Quad quad{};
    for (unsigned n = 0; n < 2 * dims_; ++n) {
        Value* y = dims_ > 1 ? y_part(ys[n >> 1], l) : nullptr;
        quad[n] = fetch(l, x_part(xs[n & 1]), y, nullptr);
    }
    return quad;
}

// By row, then column; the words of a texel that its format needs.
Builder::Quad Builder::footprint(const Level& l, const Axis& x, const Axis& y) {
    Value* xs[2] = {x.low, x.high};
    Value* ys[2] = {y.low, y.high};
    if (!has_blocks()) {
        return gathered(l, xs, ys);
    }
    Value* lane_bits = b_.CreateTrunc(exec_, b_.getIntNTy(width_));
    Value* on = b_.CreateBitCast(lane_bits, llvm::FixedVectorType::get(b_.getInt1Ty(), width_));
    Value* blocks[2] = {};
    for (unsigned n = 0; n < 2; ++n) {
        blocks[n] = block_of(xs[n], ys[n]);
    }
    Value* first = first_block(b_.CreateSelect(on, blocks[0], ic(~0u)));
    auto* halves = llvm::FixedVectorType::get(b_.getInt16Ty(), width_ * 2);
    Value* origin = b_.CreateBitCast(splat(first), halves);
    Value* rows[2] = {};
    Value* distances = ic(0);
    for (unsigned n = 0; n < 2; ++n) {
        Value* distance = b_.CreateSub(b_.CreateBitCast(blocks[n], halves), origin);
        distance = b_.CreateBitCast(distance, ivec());
        rows[n] = b_.CreateICmpNE(b_.CreateAnd(distance, ic(0x10000)), ic(0));
        distances = b_.CreateOr(distances, distance);
    }
    Value* far_off = b_.CreateICmpNE(b_.CreateAnd(distances, ic(0xfffefffe)), ic(0));
    Value* outside = mask_bits(b_.CreateAnd(far_off, on));
    Block* inside = Block::Create(context_, "inside", function_);
    Block* scattered = Block::Create(context_, "scattered", function_);
    Block* merge = Block::Create(context_, "texels", function_);
    b_.CreateCondBr(b_.CreateICmpEQ(outside, b_.getInt32(0)), inside, scattered);
    b_.SetInsertPoint(inside);
    const Quad near = permuted(l, first, xs, ys, rows);
    b_.CreateBr(merge);
    b_.SetInsertPoint(scattered);
    const Quad far = gathered(l, xs, ys);
    b_.CreateBr(merge);
    b_.SetInsertPoint(merge);
    Quad quad{};
    for (unsigned n = 0; n < 4; ++n) {
        llvm::PHINode* phi = b_.CreatePHI(ivec(), 2);
        phi->addIncoming(near[n][0], inside);
        phi->addIncoming(far[n][0], scattered);
        quad[n][0] = phi;
    }
    return quad;
}

} // namespace kite::dev::exec::jit::texgen
