// SPDX-License-Identifier: MIT
// Depth, depth bounds and stencil tests of one block of one sample: 16 pixels at once, for every
// depth format and comparison. Included by hot.cpp only, once per instruction set it is built for;
// everything is file-local.
#pragma once

#include "device/raster/hot.hpp"
#include "device/raster/simd.hpp"

namespace kite::dev::raster {
namespace {

using namespace simd;

/// a op b for a hw::CompareOp.
template <typename V>
KITE_SIMD I16 compare(uint8_t op, V a, V b) {
    switch (static_cast<hw::CompareOp>(op)) {
    case hw::CompareOp::never:
        return I16{};
    case hw::CompareOp::less:
        return a < b;
    case hw::CompareOp::equal:
        return a == b;
    case hw::CompareOp::less_or_equal:
        return a <= b;
    case hw::CompareOp::greater:
        return a > b;
    case hw::CompareOp::not_equal:
        return a != b;
    case hw::CompareOp::greater_or_equal:
        return a >= b;
    case hw::CompareOp::always:
        break;
    }
    return I16{} - 1;
}

using H16 = uint16_t __attribute__((vector_size(32), aligned(2), may_alias));

KITE_SIMD I16 load_d16(const std::byte* p) {
    return __builtin_convertvector(*reinterpret_cast<const H16*>(p), I16);
}
KITE_SIMD I16 load_d24(const std::byte* p) {
    return reinterpret_cast<I16>(load_bytes(p) & 0xffffffu);
}
KITE_SIMD I16 depth_fixed(F16 z, float scale) {
    return to_int(z * scale + 0.5f);
}
KITE_SIMD I16 depth_d24(F16 z) {
    // 2^24 - 1 and a half do not fit one float: round the upper part, whose step is already 1.
    const F16 scaled = z * 16777215.0f;
    const I16 rounded = select(scaled < 8388608.0f, to_int(scaled + 0.5f), to_int(scaled));
    return select(rounded > 16777215, splat(16777215), rounded);
}

/// Tests lanes of mask against the plane and stores what passes if `write`. z is clamped to 0..1
/// already for fixed point.
KITE_SIMD uint32_t depth_block(const PixelState& s, DepthClass cls, std::byte* p, F16 z,
                               uint32_t mask, bool write) {
    I16 pass;
    switch (cls) {
    case DepthClass::d32: {
        const F16 old = as_float(load_bytes(p));
        pass = compare(s.depth_compare, z, old) & lanes(mask);
        if (write) {
            store_bytes(p, as_uint(select(pass, z, old)));
        }
        break;
    }
    case DepthClass::d24: {
        const I16 old = load_d24(p);
        const I16 value = depth_d24(z);
        pass = compare(s.depth_compare, value, old) & lanes(mask);
        if (write) {
            store_bytes(p, reinterpret_cast<U16>(select(pass, value, old)));
        }
        break;
    }
    case DepthClass::d16: {
        const I16 old = load_d16(p);
        const I16 value = depth_fixed(z, 65535.0f);
        pass = compare(s.depth_compare, value, old) & lanes(mask);
        if (write) {
            *reinterpret_cast<H16*>(p) = __builtin_convertvector(select(pass, value, old), H16);
        }
        break;
    }
    case DepthClass::none:
    default:
        return mask;
    }
    return bits(pass);
}

/// Lanes whose stored depth lies inside the bounds.
KITE_SIMD uint32_t bounds_block(const PixelState& s, DepthClass cls, const std::byte* p,
                                uint32_t mask) {
    F16 old;
    switch (cls) {
    case DepthClass::d32:
        old = as_float(load_bytes(p));
        break;
    case DepthClass::d24:
        old = to_float(load_d24(p)) * (1.0f / 16777215.0f);
        break;
    case DepthClass::d16:
        old = to_float(load_d16(p)) * (1.0f / 65535.0f);
        break;
    case DepthClass::none:
    default:
        return mask;
    }
    return mask & bits((old >= s.min_bounds) & (old <= s.max_bounds));
}

using B16 = uint8_t __attribute__((vector_size(16), aligned(1), may_alias));

KITE_SIMD I16 stencil_op(uint8_t op, I16 old, I16 reference) {
    switch (static_cast<hw::StencilOp>(op)) {
    case hw::StencilOp::keep:
        return old;
    case hw::StencilOp::zero:
        return I16{};
    case hw::StencilOp::replace:
        return reference;
    case hw::StencilOp::increment_and_clamp:
        return select(old == 255, old, old + 1);
    case hw::StencilOp::decrement_and_clamp:
        return select(old == 0, old, old - 1);
    case hw::StencilOp::invert:
        return ~old & 255;
    case hw::StencilOp::increment_and_wrap:
        return (old + 1) & 255;
    case hw::StencilOp::decrement_and_wrap:
        return (old - 1) & 255;
    }
    return old;
}

/// Depth bounds, stencil and depth tests of one sample's block, in that order. Either pointer may
/// be null if its test is off.
[[gnu::noinline]] uint32_t stencil_depth_block(const PixelState& s, unsigned face, DepthClass cls,
                                               std::byte* depth, std::byte* stencil,
                                               const float* z_lanes, uint32_t mask,
                                               const uint32_t* reference) {
    const F16 z = load(z_lanes);
    if (s.depth_bounds && depth != nullptr) {
        mask = bounds_block(s, cls, depth, mask);
    }
    if (!s.stencil_test || stencil == nullptr) {
        return s.depth_test && depth != nullptr ? depth_block(s, cls, depth, z, mask, s.depth_write)
                                                : mask;
    }
    const StencilFace& f = s.stencil[face];
    const I16 old = __builtin_convertvector(*reinterpret_cast<const B16*>(stencil), I16);
    I16 ref = splat(static_cast<int32_t>(f.reference));
    if (reference != nullptr) {
        ref = reinterpret_cast<I16>(load(reference) & 255u);
    }
    const int32_t compare_mask = f.compare_mask;
    const uint32_t pass = bits(compare(f.compare, ref & compare_mask, old & compare_mask)) & mask;
    const uint32_t shown = s.depth_test && depth != nullptr
                               ? depth_block(s, cls, depth, z, pass, s.depth_write)
                               : pass;
    I16 value = old;
    value = select(lanes(mask & ~pass), stencil_op(f.fail_op, old, ref), value);
    value = select(lanes(pass & ~shown), stencil_op(f.depth_fail_op, old, ref), value);
    value = select(lanes(shown), stencil_op(f.pass_op, old, ref), value);
    const int32_t write_mask = f.write_mask;
    value = (old & ~write_mask) | (value & write_mask);
    *reinterpret_cast<B16*>(stencil) = __builtin_convertvector(value, B16);
    return shown;
}

} // namespace
} // namespace kite::dev::raster
