// SPDX-License-Identifier: MIT
// Filtered sampling: level of detail, anisotropy, mips, bilinear filters.
#include "device/exec/jit/texgen/builder.hpp"

namespace kite::dev::exec::jit::texgen {

using hw::LodMode;
using hw::OffsetMode;

void Builder::read_tuple() {
    const auto sub = hw::TexSub::unpack(key_.sub);
    const bool gather = static_cast<hw::Op>(key_.op) == hw::Op::txg;
    const auto next_float = [&] { return as_float(next_row()); };
    for (unsigned n = 0; n < dims_; ++n) {
        coord_[n] = next_float();
    }
    layer_ = sub.arrayed ? next_float() : nullptr;
    ref_ = sub.ref ? next_float() : nullptr;
    if (!gather) {
        switch (sub.lodmode) {
        case LodMode::bias:
            bias_ = next_float();
            [[fallthrough]];
        case LodMode::implicit:
            // Differences over the quad; lanes are quad-major.
            for (unsigned n = 0; key_.implicit != 0 && n < dims_; ++n) {
                const auto pick = [&](unsigned set, unsigned clear) {
                    std::vector<int> from;
                    for (unsigned i = 0; i < width_; ++i) {
                        from.push_back(static_cast<int>((i | set) & ~clear));
                    }
                    return b_.CreateShuffleVector(coord_[n], from);
                };
                ddx_[n] = b_.CreateFSub(pick(1, 0), pick(0, 1));
                ddy_[n] = b_.CreateFSub(pick(2, 0), pick(0, 2));
            }
            break;
        case LodMode::lod:
            lod_ = next_float();
            break;
        case LodMode::grad:
            for (unsigned n = 0; n < dims_; ++n) {
                ddx_[n] = next_float();
            }
            for (unsigned n = 0; n < dims_; ++n) {
                ddy_[n] = next_float();
            }
            break;
        case LodMode::zero:
            break;
        }
        min_lod_ = sub.minlod ? next_float() : nullptr;
    }
    for (unsigned n = 0; n < dims_ && sub.offset != OffsetMode::none; ++n) {
        if (sub.offset == OffsetMode::dyn) {
            offset_[n] = next_row();
        } else {
            Value* byte = b_.CreateTrunc(b_.CreateLShr(imm_, 8 * n), b_.getInt8Ty());
            offset_[n] = splat(b_.CreateSExt(byte, b_.getInt32Ty()));
        }
    }
    if (ref_ != nullptr && format_.depth && format_.ch[0].type != hw::ChannelType::sfloat) {
        ref_ = fmin(fmax(ref_, fc(0.0f)), fc(1.0f));
    }
}

// Exact for powers of two, else at most 2.1e-6 off; 0 gives -127.
llvm::Value* Builder::log2(Value* x) {
    constexpr float kPoly[6] = {1.4425538276658931f,  -0.7182934179674934f, 0.4583321098594498f,
                                -0.2796780946557873f, 0.1235944342035717f,  -0.026511140144706735f};
    Value* pattern = as_int(x);
    Value* exponent = b_.CreateSub(b_.CreateLShr(pattern, ic(23)), ic(127));
    Value* mantissa = as_float(b_.CreateOr(b_.CreateAnd(pattern, ic(0x7fffff)), ic(0x3f800000)));
    Value* t = b_.CreateFSub(mantissa, fc(1.0f));
    Value* curve = fc(kPoly[5]);
    for (int n = 4; n >= 0; --n) {
        curve = fma(curve, t, fc(kPoly[n]));
    }
    return fma(curve, t, b_.CreateSIToFP(exponent, fvec()));
}

// log2 of the footprint, from derivatives; sets the anisotropic taps.
llvm::Value* Builder::rho(Value* const* dx, Value* const* dy) {
    Value* w4 = image_word(4);
    Value* base = bits(image_word(5), 16, 4);
    Value* squares[2] = {};
    for (unsigned n = 0; n < dims_; ++n) {
        Value* size = b_.CreateAdd(bits(w4, 16 * n, 16), b_.getInt32(1));
        size = b_.CreateBinaryIntrinsic(llvm::Intrinsic::umax, b_.CreateLShr(size, base),
                                        b_.getInt32(1));
        Value* scale = splat(b_.CreateUIToFP(size, b_.getFloatTy()));
        unsigned axis = 0;
        for (Value* derivative : {dx[n], dy[n]}) {
            Value* d = b_.CreateFMul(derivative, scale);
            squares[axis] = n == 0 ? b_.CreateFMul(d, d) : fma(d, d, squares[axis]);
            ++axis;
        }
    }
    Value* larger = fmax(squares[0], squares[1]);
    if (key_.aniso_log2 == 0) {
        return b_.CreateFMul(log2(larger), fc(0.5f));
    }
    const auto limit = static_cast<float>(1u << key_.aniso_log2);
    const auto root = [&](Value* x) { return b_.CreateUnaryIntrinsic(llvm::Intrinsic::sqrt, x); };
    Value* x_major = b_.CreateFCmpOGE(squares[0], squares[1]);
    Value* rho_max = root(larger);
    Value* rho_min = root(fmin(squares[0], squares[1]));
    Value* eta = fmin(b_.CreateFDiv(rho_max, rho_min), fc(limit)); // x / 0 gives the limit
    eta = fmax(eta, fc(1.0f));
    // A footprint of nothing or of infinity is one tap.
    Value* sane =
        b_.CreateAnd(b_.CreateFCmpOGT(rho_max, fc(0.0f)), b_.CreateFCmpOLT(rho_max, fc(3.0e38f)));
    eta = b_.CreateSelect(sane, eta, fc(1.0f));
    taps_ = b_.CreateUnaryIntrinsic(llvm::Intrinsic::ceil, eta);
    for (unsigned n = 0; n < dims_; ++n) {
        Value* step = b_.CreateSelect(x_major, dx[n], dy[n]);
        step_[n] = b_.CreateSelect(sane, step, fc(0.0f));
    }
    return log2(b_.CreateFDiv(rho_max, eta));
}

// The level of detail after all clamps.
llvm::Value* Builder::lambda() {
    Value* lambda = lod_ != nullptr ? lod_ : fc(0.0f);
    if (ddx_[0] != nullptr) {
        lambda = rho(ddx_.data(), ddy_.data());
    }
    if (key_.unnormalized != 0) {
        return fc(0.0f);
    }
    Value* bias = splat(sampler_float(1));
    if (bias_ != nullptr) {
        bias = b_.CreateFAdd(bias, bias_);
    }
    bias = fmin(fmax(bias, fc(-16.0f)), fc(16.0f));
    lambda = b_.CreateFAdd(lambda, bias);
    Value* low = splat(sampler_float(2));
    if (min_lod_ != nullptr) {
        low = fmax(low, min_lod_);
    }
    lambda = fmin(fmax(lambda, low), fmax(splat(sampler_float(3)), low));
    Value* view_min = b_.CreateBitCast(image_word(10), b_.getFloatTy());
    Value* none = llvm::ConstantFP::get(b_.getFloatTy(), 0.0);
    Value* relative =
        b_.CreateFSub(view_min, b_.CreateUIToFP(bits(image_word(5), 16, 4), b_.getFloatTy()));
    relative = b_.CreateSelect(b_.CreateFCmpOGT(view_min, none), relative,
                               llvm::ConstantFP::get(b_.getFloatTy(), -1.0e9));
    return fmax(lambda, splat(relative));
}

llvm::Value* Builder::layer_index() {
    Value* last = bits(image_word(6), 16, 16);
    Value* x = fmin(fmax(layer_, fc(0.0f)), fc(65535.0f));
    x = b_.CreateUnaryIntrinsic(llvm::Intrinsic::roundeven, x);
    return umin(b_.CreateFPToSI(x, ivec()), splat(last));
}

void Builder::tex() {
    read_tuple();
    const bool need_lod = key_.mips != 0 || key_.mag != key_.min;
    Value* lod = nullptr;
    if (need_lod) {
        lod = lambda();
    } else if (key_.aniso_log2 != 0) {
        (void)rho(ddx_.data(), ddy_.data());
    }
    Filtering how{.linear = key_.mag != 0};
    if (key_.mag != key_.min) {
        Value* magnified = b_.CreateFCmpOLE(lod, fc(0.0f));
        how = {.linear = false, .mask = key_.mag != 0 ? magnified : b_.CreateNot(magnified)};
    }
    Value *slices = nullptr, *fraction = nullptr;
    if (key_.mips != 0) {
        Value* last = splat(b_.CreateUIToFP(bits(image_word(5), 20, 4), b_.getFloatTy()));
        Value* d = fmin(fmax(lod, fc(0.0f)), last);
        if (key_.mip == 0) {
            Value* up = b_.CreateUnaryIntrinsic(llvm::Intrinsic::ceil, b_.CreateFAdd(d, fc(0.5f)));
            d = fmin(fmax(b_.CreateFSub(up, fc(1.0f)), fc(0.0f)), last);
        } else {
            Value* whole = floor(d);
            fraction = b_.CreateFSub(d, whole);
            d = whole;
        }
        slices = b_.CreateFPToSI(d, ivec());
    }
    if (layer_ != nullptr) {
        Value* layer = b_.CreateShl(layer_index(), ic(8));
        slices = slices == nullptr ? layer : b_.CreateOr(slices, layer);
    }
    if (taps_ == nullptr) {
        store(sample_coordinates(slices, fraction, how, coord_[0], coord_[1]));
        return;
    }
    // Anisotropic: the mean of taps along the longer axis. Lanes need different numbers of them.
    Value* lane_bits = b_.CreateTrunc(exec_, b_.getIntNTy(width_));
    Value* on = b_.CreateBitCast(lane_bits, llvm::FixedVectorType::get(b_.getInt1Ty(), width_));
    Value* count =
        b_.CreateIntMaxReduce(b_.CreateSelect(on, b_.CreateFPToSI(taps_, ivec()), ic(0)), false);
    Value* share = b_.CreateFDiv(fc(1.0f), taps_);
    Value* spacing = b_.CreateFDiv(fc(1.0f), b_.CreateFAdd(taps_, fc(1.0f)));
    Block* before = b_.GetInsertBlock();
    Block* loop = Block::Create(context_, "tap", function_);
    Block* done = Block::Create(context_, "taps", function_);
    b_.CreateBr(loop);
    b_.SetInsertPoint(loop);
    llvm::PHINode* tap = b_.CreatePHI(b_.getInt32Ty(), 2);
    tap->addIncoming(b_.getInt32(1), before);
    std::array<llvm::PHINode*, 4> acc{};
    for (auto*& a : acc) {
        a = b_.CreatePHI(fvec(), 2);
        a->addIncoming(fc(0.0f), before);
    }
    Value* number = splat(b_.CreateSIToFP(tap, b_.getFloatTy()));
    Value* at = fma(number, spacing, fc(-0.5f));
    Value* at_coord[2] = {};
    for (unsigned n = 0; n < dims_; ++n) {
        at_coord[n] = fma(step_[n], at, coord_[n]);
    }
    const Color color = sample_coordinates(slices, fraction, how, at_coord[0], at_coord[1]);
    Value* weight = b_.CreateSelect(b_.CreateFCmpOLE(number, taps_), share, fc(0.0f));
    Color sum{};
    Block* end = b_.GetInsertBlock();
    for (unsigned n = 0; n < 4; ++n) {
        sum[n] = fma(as_float(color[n]), weight, acc[n]);
        acc[n]->addIncoming(sum[n], end);
    }
    Value* next = b_.CreateAdd(tap, b_.getInt32(1));
    tap->addIncoming(next, end);
    b_.CreateCondBr(b_.CreateICmpUGT(next, count), done, loop);
    b_.SetInsertPoint(done);
    store(sum);
}

Builder::Color Builder::sample_coordinates(Value* slices, Value* fraction, const Filtering& how,
                                           Value* s, Value* t) {
    if (slices == nullptr) {
        return sample_level(b_.getInt32(0), b_.getInt32(0), how, s, t);
    }
    Color result{};
    loop_over(
        slices,
        [&](Value* level, Value* layer) {
            Color low = sample_level(level, layer, how, s, t);
            if (fraction == nullptr) {
                return low;
            }
            Value* between = mask_bits(b_.CreateFCmpONE(fraction, fc(0.0f)));
            between = b_.CreateICmpNE(b_.CreateAnd(between, exec_), b_.getInt32(0));
            Block* before = b_.GetInsertBlock();
            Block* second = Block::Create(context_, "second", function_);
            Block* merge = Block::Create(context_, "merge", function_);
            b_.CreateCondBr(between, second, merge);
            b_.SetInsertPoint(second);
            Value* last = bits(image_word(5), 20, 4);
            Value* next = umin(b_.CreateAdd(level, b_.getInt32(1)), last);
            Color high = sample_level(next, layer, how, s, t);
            for (unsigned n = 0; n < 4; ++n) {
                high[n] = as_int(lerp(as_float(low[n]), as_float(high[n]), fraction));
            }
            Block* end = b_.GetInsertBlock();
            b_.CreateBr(merge);
            b_.SetInsertPoint(merge);
            for (unsigned n = 0; n < 4; ++n) {
                llvm::PHINode* phi = b_.CreatePHI(ivec(), 2);
                phi->addIncoming(as_int(low[n]), before);
                phi->addIncoming(high[n], end);
                low[n] = phi;
            }
            return low;
        },
        result);
    return result;
}

Builder::Color Builder::sample_level(Value* level_index, Value* layer, const Filtering& how,
                                     Value* s, Value* t) {
    const Level l = level(level_index, layer);
    const auto scaled = [&](Value* c, Value* size) {
        return key_.unnormalized != 0 ? c : b_.CreateFMul(c, splat(size));
    };
    const Axis x = axis(scaled(s, l.fwidth), l, 0, how);
    Axis y{};
    if (dims_ > 1) {
        y = axis(scaled(t, l.fheight), l, 1, how);
    }
    if (how.linear || how.mask != nullptr) {
        Color color = filtered(l, x, y);
        for (auto*& c : color) {
            c = as_int(c);
        }
        return color;
    }
    const auto both = [&](Value* a, Value* b) {
        return a == nullptr ? b : b == nullptr ? a : b_.CreateAnd(a, b);
    };
    Value* inside = both(x.low_in, y.low_in);
    Value* yp = dims_ > 1 ? y_part(y.low, l) : nullptr;
    const Words words = fetch(l, x_part(x.low), yp, nullptr);
    Color color{};
    if (ref_ != nullptr) {
        return {as_int(compared(component(words, inside, 0))), ic(0), ic(0), ic(0x3f800000)};
    }
    for (unsigned n = 0; n < 4; ++n) {
        color[n] = wanted(n) ? component(words, inside, n) : ic(0);
    }
    return swizzled(color);
}

// All present components are unsigned bytes of one dword.
bool Builder::packed_bytes() const {
    const auto border = static_cast<uint8_t>(hw::Wrap::clamp_to_border);
    if (ref_ != nullptr || key_.wrap_u == border || key_.wrap_v == border || format_.depth) {
        return false;
    }
    for (const hw::Channel& ch : format_.ch) {
        if (ch.type != hw::ChannelType::none && ch.bits != 0 &&
            (ch.type != hw::ChannelType::unorm || ch.bits != 8 || ch.shift % 8 != 0 ||
             ch.shift >= 32)) {
            return false;
        }
    }
    return dims_ == 2;
}

// Bytes as pairs of 16-bit numbers: along x in 8.8 fixed point, along y in floats.
Builder::Color Builder::filtered_bytes(const Quad& texels, const Axis& x, const Axis& y) {
    auto* halves = llvm::FixedVectorType::get(b_.getInt16Ty(), width_ * 2);
    Value* fixed = b_.CreateFPToSI(fma(x.weight, fc(256.0f), fc(0.5f)), ivec());
    Value* weight = b_.CreateBitCast(b_.CreateOr(fixed, b_.CreateShl(fixed, ic(16))), halves);
    // Even bytes (0, 2) and odd bytes (1, 3) of each row of the footprint.
    Value* rows[2][2] = {};
    for (unsigned odd = 0; odd < 2; ++odd) {
        const auto pair = [&](Value* word) {
            Value* w = odd != 0 ? b_.CreateLShr(word, ic(8)) : word;
            return b_.CreateBitCast(b_.CreateAnd(w, ic(0x00ff00ff)), halves);
        };
        for (unsigned r = 0; r < 2; ++r) {
            Value* a = pair(texels[2 * r][0]);
            Value* b = pair(texels[2 * r + 1][0]);
            Value* shifted = b_.CreateShl(a, llvm::ConstantInt::get(halves, 8));
            Value* mix = b_.CreateAdd(shifted, b_.CreateMul(b_.CreateSub(b, a), weight));
            rows[r][odd] = b_.CreateBitCast(mix, ivec());
        }
    }
    Color color{};
    for (unsigned n = 0; n < 4; ++n) {
        const hw::Channel& ch = format_.ch[n];
        if (!wanted(n) || ch.type == hw::ChannelType::none || ch.bits == 0) {
            color[n] = absent(n);
            continue;
        }
        const unsigned byte = ch.shift / 8;
        Value* parts[2] = {};
        for (unsigned r = 0; r < 2; ++r) {
            Value* pair = rows[r][byte & 1];
            Value* part = byte >= 2 ? b_.CreateLShr(pair, ic(16)) : b_.CreateAnd(pair, ic(0xffff));
            parts[r] = b_.CreateSIToFP(part, fvec());
        }
        color[n] = b_.CreateFMul(lerp(parts[0], parts[1], y.weight), fc(1.0f / 65280.0f));
    }
    return swizzled(color);
}

Builder::Color Builder::filtered(const Level& l, const Axis& x, const Axis& y) {
    const auto both = [&](Value* a, Value* b) {
        return a == nullptr ? b : b == nullptr ? a : b_.CreateAnd(a, b);
    };
    Value* x_in[2] = {x.low_in, x.high_in};
    Value* y_in[2] = {y.low_in, y.high_in};
    const unsigned rows = dims_ > 1 ? 2 : 1;
    const Quad texels = footprint(l, x, y);
    if (packed_bytes()) {
        return filtered_bytes(texels, x, y);
    }
    const auto mix = [&](unsigned n) {
        Value* line[2] = {};
        for (unsigned r = 0; r < rows; ++r) {
            Value* ends[2] = {};
            for (unsigned c = 0; c < 2; ++c) {
                Value* inside = both(x_in[c], y_in[r]);
                Value* texel = component(texels[2 * r + c], inside, n);
                ends[c] = ref_ != nullptr ? compared(texel) : as_float(texel);
            }
            line[r] = lerp(ends[0], ends[1], x.weight);
        }
        return rows == 1 ? line[0] : lerp(line[0], line[1], y.weight);
    };
    if (ref_ != nullptr) {
        return {mix(0), fc(0.0f), fc(0.0f), fc(1.0f)};
    }
    Color color{};
    for (unsigned n = 0; n < 4; ++n) {
        color[n] = wanted(n) ? mix(n) : fc(0.0f);
    }
    return swizzled(color);
}

} // namespace kite::dev::exec::jit::texgen
