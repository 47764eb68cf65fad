// SPDX-License-Identifier: MIT
// Output merge of one block of one sample: blending, logic operations, format conversion, write
// masks. Included by hot.cpp only.
#pragma once

#include "device/raster/hot_advanced.hpp"
#include "device/raster/simd.hpp"

namespace kite::dev::raster {
namespace {

using namespace simd;

KITE_SIMD U16 unorm8(F16 v) {
    return reinterpret_cast<U16>(to_int(clamp(v, 0.0f, 1.0f) * 255.0f + 0.5f));
}

/// Linear to 8-bit sRGB through the piecewise linear table (at most 0.6 of a step off).
KITE_SIMD U16 srgb8(const SrgbTables& tables, F16 v) {
    constexpr uint32_t kMin = (127u - 13u) << 23; // 2^-13, which encodes to 0
    const U16 word = as_uint(min(max(v, as_float(splat(kMin))), as_float(splat(0x3f7fffffu))));
    const U16 entry = lookup<2>(tables.encode, (word - kMin) >> 20);
    return (((entry >> 16) << 9) + (entry & 0xffffu) * ((word >> 12) & 0xffu)) >> 16;
}

/// The colour factor of an equation for component c (3 = the alpha factor of that name).
KITE_SIMD F16 blend_factor(uint8_t factor, unsigned c, const F16* src, const F16* dst,
                           const F16* src1, const float* constants) {
    const F16 one = splat(1.0f);
    switch (static_cast<hw::BlendFactor>(factor)) {
    case hw::BlendFactor::zero:
        return F16{};
    case hw::BlendFactor::one:
        return one;
    case hw::BlendFactor::src_color:
        return src[c];
    case hw::BlendFactor::one_minus_src_color:
        return one - src[c];
    case hw::BlendFactor::dst_color:
        return dst[c];
    case hw::BlendFactor::one_minus_dst_color:
        return one - dst[c];
    case hw::BlendFactor::src_alpha:
        return src[3];
    case hw::BlendFactor::one_minus_src_alpha:
        return one - src[3];
    case hw::BlendFactor::dst_alpha:
        return dst[3];
    case hw::BlendFactor::one_minus_dst_alpha:
        return one - dst[3];
    case hw::BlendFactor::constant_color:
        return splat(constants[c]);
    case hw::BlendFactor::one_minus_constant_color:
        return splat(1.0f - constants[c]);
    case hw::BlendFactor::constant_alpha:
        return splat(constants[3]);
    case hw::BlendFactor::one_minus_constant_alpha:
        return splat(1.0f - constants[3]);
    case hw::BlendFactor::src_alpha_saturate:
        return c == 3 ? one : min(src[3], one - dst[3]);
    case hw::BlendFactor::src1_color:
        return src1[c];
    case hw::BlendFactor::one_minus_src1_color:
        return one - src1[c];
    case hw::BlendFactor::src1_alpha:
        return src1[3];
    case hw::BlendFactor::one_minus_src1_alpha:
        return one - src1[3];
    }
    return F16{};
}

KITE_SIMD F16 blend_op(uint8_t op, F16 src, F16 src_factor, F16 dst, F16 dst_factor) {
    switch (static_cast<hw::BlendOp>(op)) {
    case hw::BlendOp::add:
        return src * src_factor + dst * dst_factor;
    case hw::BlendOp::subtract:
        return src * src_factor - dst * dst_factor;
    case hw::BlendOp::reverse_subtract:
        return dst * dst_factor - src * src_factor;
    case hw::BlendOp::min:
        return min(src, dst);
    case hw::BlendOp::max:
        return max(src, dst);
    }
    return src;
}

/// src = the blend of src over dst. Signed: factors are limited to -1..1, as those of fixed-point
/// targets are (unsigned ones have no others).
template <bool Signed>
KITE_SIMD void blend(const BlendTarget& b, const float* constants, F16* src, const F16* dst,
                     const F16* src1) {
    const auto factor = [&](uint8_t which, unsigned c) __attribute__((always_inline)) {
        const F16 f = blend_factor(which, c, src, dst, src1, constants);
        return Signed ? clamp(f, -1.0f, 1.0f) : f;
    };
    F16 out[4];
    if (!Signed && b.src_color == static_cast<uint8_t>(hw::BlendFactor::src_alpha) &&
        b.dst_color == static_cast<uint8_t>(hw::BlendFactor::one_minus_src_alpha) &&
        b.color_op == 0) {
        const F16 rest = splat(1.0f) - src[3];
        for (unsigned c = 0; c < 3; ++c) {
            out[c] = src[c] * src[3] + dst[c] * rest;
        }
    } else {
        for (unsigned c = 0; c < 3; ++c) {
            out[c] = blend_op(b.color_op, src[c], factor(b.src_color, c), dst[c],
                              factor(b.dst_color, c));
        }
    }
    out[3] = blend_op(b.alpha_op, src[3], factor(b.src_alpha, 3), dst[3], factor(b.dst_alpha, 3));
    for (unsigned c = 0; c < 4; ++c) {
        src[c] = out[c];
    }
}

/// Four 8-bit channels, linear or sRGB, r in the lowest byte or b.
template <bool Bgra, bool Srgb>
KITE_SIMD void write_rgba8(const TileContext& t, const PixelState& s, const BlendTarget& b,
                           const uint32_t (*rows)[16], const uint32_t (*rows1)[16], std::byte* p,
                           uint32_t mask) {
    constexpr int kRed = Bgra ? 16 : 0;
    constexpr int kBlue = Bgra ? 0 : 16;
    F16 src[4];
    for (unsigned c = 0; c < 4; ++c) {
        src[c] = as_float(load(rows[c]));
    }
    const bool whole = mask == 0xffffu && b.full_write;
    U16 old{};
    if (!whole || b.enable) {
        old = load_bytes(p);
    }
    if (b.enable) {
        F16 dst[4];
        F16 src1[4] = {};
        const U16 bytes[4] = {(old >> kRed) & 255u, (old >> 8) & 255u, (old >> kBlue) & 255u,
                              old >> 24};
        for (unsigned c = 0; c < 4; ++c) {
            src[c] = clamp(src[c], 0.0f, 1.0f);
            if (rows1 != nullptr) {
                src1[c] = clamp(as_float(load(rows1[c])), 0.0f, 1.0f);
            }
            dst[c] = Srgb && c < 3
                         ? as_float(lookup<3>(t.srgb->decode, bytes[c]))
                         : to_float(reinterpret_cast<const I16&>(bytes[c])) * (1.0f / 255.0f);
        }
        blend<false>(b, s.unorm_constants, src, dst, src1);
    }
    U16 value;
    if constexpr (Srgb) {
        value = srgb8(*t.srgb, src[0]) << kRed | srgb8(*t.srgb, src[1]) << 8 |
                srgb8(*t.srgb, src[2]) << kBlue;
    } else {
        value = unorm8(src[0]) << kRed | unorm8(src[1]) << 8 | unorm8(src[2]) << kBlue;
    }
    value |= unorm8(src[3]) << 24;
    if (!b.full_write) {
        uint32_t keep;
        __builtin_memcpy(&keep, b.bytes_mask, sizeof keep);
        value = (value & keep) | (old & ~keep);
    }
    if (mask != 0xffffu) {
        value = select(lanes(mask), value, old);
    }
    store_bytes(p, value);
}

KITE_SIMD uint8_t logic_byte(uint8_t op, uint8_t src, uint8_t dst) {
    unsigned out = src;
    switch (static_cast<hw::LogicOp>(op)) {
    case hw::LogicOp::clear:
        out = 0;
        break;
    case hw::LogicOp::and_:
        out = src & dst;
        break;
    case hw::LogicOp::and_reverse:
        out = src & ~dst;
        break;
    case hw::LogicOp::copy:
        break;
    case hw::LogicOp::and_inverted:
        out = ~src & dst;
        break;
    case hw::LogicOp::no_op:
        out = dst;
        break;
    case hw::LogicOp::xor_:
        out = src ^ dst;
        break;
    case hw::LogicOp::or_:
        out = src | dst;
        break;
    case hw::LogicOp::nor:
        out = ~(src | dst);
        break;
    case hw::LogicOp::equivalent:
        out = ~(src ^ dst);
        break;
    case hw::LogicOp::invert:
        out = ~dst;
        break;
    case hw::LogicOp::or_reverse:
        out = src | ~dst;
        break;
    case hw::LogicOp::copy_inverted:
        out = ~src;
        break;
    case hw::LogicOp::or_inverted:
        out = ~src | dst;
        break;
    case hw::LogicOp::nand:
        out = ~(src & dst);
        break;
    case hw::LogicOp::set:
        out = 255;
        break;
    }
    return static_cast<uint8_t>(out);
}

/// Any format: blend in floats, encode through the codec, merge by bits.
[[gnu::noinline]] void write_generic(const PixelState& s, const Target& target,
                                     const BlendTarget& b, const uint32_t (*rows)[16],
                                     const uint32_t (*rows1)[16], std::byte* p, uint32_t mask) {
    alignas(64) std::byte encoded[16 * 16];
    if (target.color == ColorClass::integer) {
        encode_int_block(target, rows, encoded);
    } else {
        alignas(64) float value[4][16];
        F16 src[4];
        for (unsigned c = 0; c < 4; ++c) {
            src[c] = as_float(load(rows[c]));
        }
        if (b.enable) {
            const float lo = target.is_signed ? -1.0f : 0.0f;
            F16 dst[4];
            F16 src1[4] = {};
            decode_block(target, p, value);
            for (unsigned c = 0; c < 4; ++c) {
                dst[c] = load(value[c]);
                if (rows1 != nullptr) {
                    src1[c] = as_float(load(rows1[c]));
                }
                if (target.fixed_point) {
                    src[c] = clamp(src[c], lo, 1.0f);
                    src1[c] = clamp(src1[c], lo, 1.0f);
                }
            }
            if (b.advanced) {
                advanced_blend(b, src, dst);
            } else if (target.fixed_point && target.is_signed) {
                blend<true>(b, s.blend_constants, src, dst, src1);
            } else {
                blend<false>(b, target.fixed_point ? s.unorm_constants : s.blend_constants, src,
                             dst, src1);
            }
        }
        for (unsigned c = 0; c < 4; ++c) {
            store(value[c], src[c]);
        }
        encode_block(target, value, encoded);
    }
    const unsigned bytes = target.bytes;
    const bool logic = s.logic_op_enable && !target.srgb &&
                       (target.fixed_point || target.color == ColorClass::integer);
    for (unsigned lane = 0; lane < kBlockPixels; ++lane) {
        if ((mask >> lane & 1u) == 0) {
            continue;
        }
        auto* dst = reinterpret_cast<uint8_t*>(p) + lane * bytes;
        const auto* src = reinterpret_cast<const uint8_t*>(encoded) + lane * bytes;
        for (unsigned i = 0; i < bytes; ++i) {
            const uint8_t value = logic ? logic_byte(s.logic_op, src[i], dst[i]) : src[i];
            dst[i] = static_cast<uint8_t>((value & b.bytes_mask[i]) | (dst[i] & ~b.bytes_mask[i]));
        }
    }
}

/// Writes lanes of mask of one sample's block at p (block order, contiguous).
KITE_SIMD void write_color(const TileContext& t, const PixelState& s, unsigned index,
                           const uint32_t (*rows)[16], const uint32_t (*rows1)[16], std::byte* p,
                           uint32_t mask) {
    const Target& target = t.targets->color[index];
    const BlendTarget& b = s.blend[index];
    if (!b.generic) {
        switch (target.color) {
        case ColorClass::rgba8_unorm:
            write_rgba8<false, false>(t, s, b, rows, rows1, p, mask);
            return;
        case ColorClass::bgra8_unorm:
            write_rgba8<true, false>(t, s, b, rows, rows1, p, mask);
            return;
        case ColorClass::rgba8_srgb:
            write_rgba8<false, true>(t, s, b, rows, rows1, p, mask);
            return;
        case ColorClass::bgra8_srgb:
            write_rgba8<true, true>(t, s, b, rows, rows1, p, mask);
            return;
        case ColorClass::none:
            return;
        default:
            break;
        }
    }
    write_generic(s, target, b, rows, rows1, p, mask);
}

} // namespace
} // namespace kite::dev::raster
