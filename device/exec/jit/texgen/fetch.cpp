// SPDX-License-Identifier: MIT
// Texels by integer coordinates, and gathers of a bilinear footprint.
#include "device/exec/jit/texgen/builder.hpp"

namespace kite::dev::exec::jit::texgen {

void Builder::buffer_fetch() {
    const auto sub = hw::TxfSub::unpack(key_.sub);
    Value* x = next_row();
    if (sub.lodmode == hw::LodMode::lod) {
        Value* level = next_row();
        x = b_.CreateSelect(b_.CreateICmpEQ(level, ic(0)), x, ic(~0u));
    }
    if (sub.ms) {
        Value* sample = next_row();
        x = b_.CreateSelect(b_.CreateICmpEQ(sample, ic(0)), x, ic(~0u));
    }
    if (sub.offset == hw::OffsetMode::dyn) {
        x = b_.CreateAdd(x, next_row());
    } else if (sub.offset == hw::OffsetMode::imm) {
        Value* byte = b_.CreateTrunc(imm_, b_.getInt8Ty());
        x = b_.CreateAdd(x, splat(b_.CreateSExt(byte, b_.getInt32Ty())));
    }
    Value* elements = umin(image_word(9), b_.getInt32(0x7fffffff));
    Value* inside = b_.CreateICmpULT(x, splat(elements));
    Level l{};
    llvm::Type* i64 = b_.getInt64Ty();
    Value* address = b_.CreateOr(b_.CreateZExt(image_word(0), i64),
                                 b_.CreateShl(b_.CreateZExt(image_word(1), i64), 32));
    l.pointer = b_.CreateGEP(b_.getInt8Ty(), window_, b_.CreateAnd(address, va_mask_));
    const Words words = fetch(l, x_part(b_.CreateSelect(inside, x, ic(0))), nullptr, nullptr);
    Color color{};
    for (unsigned n = 0; n < 4; ++n) {
        color[n] = wanted(n) ? decode(words, n) : ic(0);
    }
    color = swizzled(color);
    for (auto*& c : color) {
        c = b_.CreateSelect(inside, as_int(c), ic(0));
    }
    store(color);
}

void Builder::txf() {
    const auto sub = hw::TxfSub::unpack(key_.sub);
    std::array<Value*, 2> at{};
    for (unsigned n = 0; n < dims_; ++n) {
        at[n] = next_row();
    }
    Value* layer = sub.arrayed ? next_row() : nullptr;
    Value* lod = sub.lodmode == hw::LodMode::lod ? next_row() : nullptr;
    Value* sample = sub.ms ? next_row() : nullptr;
    for (unsigned n = 0; n < dims_; ++n) {
        if (sub.offset == hw::OffsetMode::dyn) {
            at[n] = b_.CreateAdd(at[n], next_row());
        } else if (sub.offset == hw::OffsetMode::imm) {
            Value* byte = b_.CreateTrunc(b_.CreateLShr(imm_, 8 * n), b_.getInt8Ty());
            at[n] = b_.CreateAdd(at[n], splat(b_.CreateSExt(byte, b_.getInt32Ty())));
        }
    }
    // Level, layer and sample must exist; what does not is replaced by 0 and the result dropped.
    Value* valid = nullptr;
    const auto checked = [&](Value* x, Value* last) {
        Value* ok = b_.CreateICmpULE(x, splat(last));
        valid = valid == nullptr ? ok : b_.CreateAnd(valid, ok);
        return b_.CreateSelect(ok, x, ic(0));
    };
    Value* slices = nullptr;
    if (lod != nullptr) {
        slices = checked(lod, bits(image_word(5), 20, 4));
    }
    if (layer != nullptr) {
        Value* shifted = b_.CreateShl(checked(layer, bits(image_word(6), 16, 16)), ic(8));
        slices = slices == nullptr ? shifted : b_.CreateOr(slices, shifted);
    }
    Value* extra = nullptr;
    if (sample != nullptr) {
        Value* s = checked(sample, b_.getInt32((1u << key_.log2_samples) - 1));
        extra = key_.tiled != 0 ? b_.CreateShl(s, ic(4)) : nullptr;
    }
    const auto body = [&](Value* level_index, Value* layer_of) {
        const Level l = level(level_index, layer_of);
        Value* sizes[2] = {l.width, l.height};
        Value* inside = valid;
        std::array<Value*, 2> index{};
        for (unsigned n = 0; n < dims_; ++n) {
            Value* ok = b_.CreateICmpULT(at[n], splat(sizes[n]));
            inside = inside == nullptr ? ok : b_.CreateAnd(inside, ok);
            index[n] = umin(at[n], splat(b_.CreateSub(sizes[n], b_.getInt32(1))));
        }
        Value* y = dims_ > 1 ? y_part(index[1], l) : nullptr;
        const Words words = fetch(l, x_part(index[0]), y, extra);
        Color color{};
        for (unsigned n = 0; n < 4; ++n) {
            color[n] = wanted(n) ? decode(words, n) : ic(0);
        }
        color = swizzled(color);
        for (auto*& c : color) {
            c = b_.CreateSelect(inside, as_int(c), ic(0));
        }
        return color;
    };
    Color color{};
    if (slices == nullptr) {
        color = body(b_.getInt32(0), b_.getInt32(0));
    } else {
        loop_over(slices, body, color);
    }
    store(color);
}

void Builder::txg() {
    read_tuple();
    const auto sub = hw::TxgSub::unpack(key_.sub);
    const auto body = [&](Value* level_index, Value* layer) {
        const Level l = level(level_index, layer);
        const Filtering how{.linear = true};
        Value* s = coord_[0];
        Value* t = coord_[1];
        if (key_.unnormalized == 0) {
            s = b_.CreateFMul(s, splat(l.fwidth));
            t = b_.CreateFMul(t, splat(l.fheight));
        }
        const Axis x = axis(s, l, 0, how);
        const Axis y = axis(t, l, 1, how);
        const unsigned from = sub.ref ? 0u : (key_.swizzle >> (3 * sub.comp)) & 7u;
        constexpr bool kHigh[4][2] = {{false, true}, {true, true}, {true, false}, {false, false}};
        Color color{};
        for (unsigned n = 0; n < 4; ++n) {
            Value* xi = x_part(kHigh[n][0] ? x.high : x.low);
            Value* yi = y_part(kHigh[n][1] ? y.high : y.low, l);
            Value* x_in = kHigh[n][0] ? x.high_in : x.low_in;
            Value* y_in = kHigh[n][1] ? y.high_in : y.low_in;
            Value* inside = x_in == nullptr   ? y_in
                            : y_in == nullptr ? x_in
                                              : b_.CreateAnd(x_in, y_in);
            if (from >= 4) {
                color[n] = from == 5 ? absent(3) : ic(0);
                continue;
            }
            Value* texel = component(fetch(l, xi, yi, nullptr), inside, from);
            color[n] = as_int(sub.ref ? compared(texel) : texel);
        }
        return color;
    };
    Color color{};
    if (layer_ == nullptr) {
        color = body(b_.getInt32(0), b_.getInt32(0));
    } else {
        loop_over(b_.CreateShl(layer_index(), ic(8)), body, color);
    }
    store(color);
}

} // namespace kite::dev::exec::jit::texgen
