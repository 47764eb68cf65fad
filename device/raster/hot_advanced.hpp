// SPDX-License-Identifier: MIT
// Advanced blend equations (VK_EXT_blend_operation_advanced): 16 pixels of one target at once.
//
// Names follow the Vulkan specification: s and d are source and destination, p0, p1 and p2 how much
// of the pixel both, only the source and only the destination cover, f the blend function and (X,
// Y, Z) its weights. Included by hot.cpp only, once per instruction set; everything is file-local.
// Rare, so clarity comes before speed. Nothing here fails.
#pragma once

#include "device/raster/hot.hpp"
#include "device/raster/simd.hpp"

namespace kite::dev::raster {
namespace {

using namespace simd;
using Op = hw::AdvancedBlendOp;

/// Components of a colour without alpha.
struct Rgb {
    F16 c[3];
};

KITE_SIMD F16 square_root(F16 v) {
    F16 out;
    for (unsigned i = 0; i < 16; ++i) {
        out[i] = __builtin_sqrtf(v[i] > 0.0f ? v[i] : 0.0f);
    }
    return out;
}

/// a / b where b > 0, else 0.
KITE_SIMD F16 ratio(F16 a, F16 b) {
    return select(b > 0.0f, a / select(b > 0.0f, b, splat(1.0f)), F16{});
}

KITE_SIMD F16 hard_light(F16 s, F16 d) {
    return select(s <= 0.5f, 2.0f * s * d, 1.0f - 2.0f * (1.0f - s) * (1.0f - d));
}

KITE_SIMD F16 soft_light(F16 s, F16 d) {
    const F16 light = d * ((16.0f * d - 12.0f) * d + 3.0f);
    const F16 up = (2.0f * s - 1.0f) * select(d <= 0.25f, light, square_root(d) - d);
    return d + select(s <= 0.5f, (2.0f * s - 1.0f) * d * (1.0f - d), up);
}

KITE_SIMD F16 dodge(F16 s, F16 d) {
    const F16 one = splat(1.0f);
    return select(d <= 0.0f, F16{}, select(s < 1.0f, min(one, ratio(d, one - s)), one));
}

KITE_SIMD F16 burn(F16 s, F16 d) {
    const F16 one = splat(1.0f);
    return select(d >= 1.0f, one, select(s > 0.0f, one - min(one, ratio(one - d, s)), F16{}));
}

KITE_SIMD F16 vivid_light(F16 s, F16 d) {
    const F16 one = splat(1.0f);
    const F16 dark = one - min(one, ratio(one - d, 2.0f * s));
    const F16 bright = min(one, ratio(d, 2.0f * (one - s)));
    const F16 inner = select(s < 0.5f, dark, bright);
    return select(s <= 0.0f, F16{}, select(s < 1.0f, inner, one));
}

KITE_SIMD F16 pin_light(F16 s, F16 d) {
    const F16 high = 2.0f * s - 1.0f;
    return select(high > d, select(s < 0.5f, F16{}, high), select(s < 0.5f * d, 2.0f * s, d));
}

/// f of the equations that treat components apart.
KITE_SIMD F16 separable(Op op, F16 s, F16 d) {
    const F16 one = splat(1.0f);
    switch (op) {
    case Op::src:
    case Op::src_over:
    case Op::src_in:
    case Op::src_atop:
        return s;
    case Op::dst:
    case Op::dst_over:
    case Op::dst_in:
    case Op::dst_atop:
        return d;
    case Op::multiply:
        return s * d;
    case Op::screen:
        return s + d - s * d;
    case Op::overlay:
        return hard_light(d, s);
    case Op::darken:
        return min(s, d);
    case Op::lighten:
        return max(s, d);
    case Op::color_dodge:
        return dodge(s, d);
    case Op::color_burn:
        return burn(s, d);
    case Op::hard_light:
        return hard_light(s, d);
    case Op::soft_light:
        return soft_light(s, d);
    case Op::difference:
        return max(s, d) - min(s, d);
    case Op::exclusion:
        return s + d - 2.0f * s * d;
    case Op::invert:
        return one - d;
    case Op::invert_rgb:
        return s * (one - d);
    case Op::linear_dodge:
        return min(one, s + d);
    case Op::linear_burn:
        return max(F16{}, s + d - one);
    case Op::vivid_light:
        return vivid_light(s, d);
    case Op::linear_light:
        return clamp(2.0f * s + d - one, 0.0f, 1.0f);
    case Op::pin_light:
        return pin_light(s, d);
    case Op::hard_mix:
        return select(s + d < 1.0f, F16{}, one);
    default:
        return F16{}; // zero, src_out, dst_out, xor
    }
}

KITE_SIMD F16 lowest(const Rgb& v) {
    return min(min(v.c[0], v.c[1]), v.c[2]);
}
KITE_SIMD F16 highest(const Rgb& v) {
    return max(max(v.c[0], v.c[1]), v.c[2]);
}
KITE_SIMD F16 luminosity(const Rgb& v) {
    return v.c[0] * 0.3f + v.c[1] * 0.59f + v.c[2] * 0.11f;
}

/// The colour with the luminosity of `from`, moved into 0..1.
KITE_SIMD Rgb with_luminosity(const Rgb& color, const Rgb& from) {
    const F16 lum = luminosity(from);
    const F16 step = lum - luminosity(color);
    Rgb out;
    for (unsigned i = 0; i < 3; ++i) {
        out.c[i] = color.c[i] + step;
    }
    const F16 centre = luminosity(out);
    const F16 low = lowest(out);
    const F16 high = highest(out);
    for (F16& c : out.c) {
        const F16 raised = centre + ratio((c - centre) * centre, centre - low);
        c = select(low < 0.0f, raised, c);
        const F16 lowered = centre + ratio((c - centre) * (1.0f - centre), high - centre);
        c = select(high > 1.0f, lowered, c);
    }
    return out;
}

/// The colour with one's saturation and another's luminosity.
KITE_SIMD Rgb with_saturation(const Rgb& color, const Rgb& saturation, const Rgb& lum) {
    const F16 low = lowest(color);
    const F16 own = highest(color) - low;
    const F16 wanted = highest(saturation) - lowest(saturation);
    Rgb out;
    for (unsigned i = 0; i < 3; ++i) {
        out.c[i] = ratio((color.c[i] - low) * wanted, own);
    }
    return with_luminosity(out, lum);
}

KITE_SIMD Rgb function(Op op, const Rgb& s, const Rgb& d) {
    switch (op) {
    case Op::hsl_hue:
        return with_saturation(s, d, d);
    case Op::hsl_saturation:
        return with_saturation(d, s, d);
    case Op::hsl_color:
        return with_luminosity(s, d);
    case Op::hsl_luminosity:
        return with_luminosity(d, s);
    default:
        break;
    }
    Rgb out;
    for (unsigned i = 0; i < 3; ++i) {
        out.c[i] = separable(op, s.c[i], d.c[i]);
    }
    return out;
}

/// (X, Y, Z) of an equation.
struct Weights {
    float x, y, z;
};

KITE_SIMD Weights weights(Op op) {
    switch (op) {
    case Op::zero:
        return {0, 0, 0};
    case Op::src:
    case Op::dst_atop:
        return {1, 1, 0};
    case Op::dst:
    case Op::src_atop:
    case Op::invert:
    case Op::invert_rgb:
        return {1, 0, 1};
    case Op::src_in:
    case Op::dst_in:
        return {1, 0, 0};
    case Op::src_out:
        return {0, 1, 0};
    case Op::dst_out:
        return {0, 0, 1};
    case Op::xor_:
        return {0, 1, 1};
    default:
        return {1, 1, 1};
    }
}

/// Equations of their own form, on premultiplied colours. src[3] and dst[3] are alpha.
KITE_SIMD void additional(Op op, const F16* src, const F16* dst, F16* out) {
    const F16 one = splat(1.0f);
    const F16 sum = min(one, src[3] + dst[3]);
    for (unsigned i = 0; i < 4; ++i) {
        const F16 s = src[i];
        const F16 d = dst[i];
        const bool alpha = i == 3;
        switch (op) {
        case Op::plus:
            out[i] = s + d;
            break;
        case Op::plus_clamped:
            out[i] = min(one, s + d);
            break;
        case Op::plus_clamped_alpha:
            out[i] = min(sum, s + d);
            break;
        case Op::plus_darker:
            out[i] = alpha ? sum : max(F16{}, sum - ((src[3] - s) + (dst[3] - d)));
            break;
        case Op::minus:
            out[i] = d - s;
            break;
        case Op::minus_clamped:
            out[i] = max(F16{}, d - s);
            break;
        case Op::contrast:
            out[i] = alpha ? d : dst[3] * 0.5f + 2.0f * (d - dst[3] * 0.5f) * (s - src[3] * 0.5f);
            break;
        case Op::invert_ovg:
            out[i] = alpha ? s + d - s * d : src[3] * (one - d) + (one - src[3]) * d;
            break;
        case Op::red:
            out[i] = i == 0 ? s : d;
            break;
        case Op::green:
            out[i] = i == 1 ? s : d;
            break;
        default:
            out[i] = i == 2 ? s : d;
            break;
        }
    }
}

/// src = the advanced blend of src over dst.
[[gnu::noinline]] void advanced_blend(const BlendTarget& b, F16* src, const F16* dst) {
    const Op op = static_cast<Op>(b.advanced_op);
    const F16 as = src[3];
    const F16 ad = dst[3];
    F16 out[4];
    if (op >= Op::plus) {
        F16 s[4] = {src[0], src[1], src[2], as};
        F16 d[4] = {dst[0], dst[1], dst[2], ad};
        for (unsigned i = 0; i < 3; ++i) {
            s[i] = b.src_premultiplied ? s[i] : s[i] * as;
            d[i] = b.dst_premultiplied ? d[i] : d[i] * ad;
        }
        additional(op, s, d, out);
    } else {
        Rgb s;
        Rgb d;
        for (unsigned i = 0; i < 3; ++i) {
            s.c[i] = b.src_premultiplied ? ratio(src[i], as) : src[i];
            d.c[i] = b.dst_premultiplied ? ratio(dst[i], ad) : dst[i];
        }
        F16 p0 = as * ad;
        F16 p1 = as * (1.0f - ad);
        F16 p2 = ad * (1.0f - as);
        switch (static_cast<hw::BlendOverlap>(b.overlap)) {
        case hw::BlendOverlap::uncorrelated:
            break;
        case hw::BlendOverlap::disjoint:
            p0 = max(F16{}, as + ad - 1.0f);
            p1 = min(as, 1.0f - ad);
            p2 = min(ad, 1.0f - as);
            break;
        case hw::BlendOverlap::conjoint:
            p0 = min(as, ad);
            p1 = max(F16{}, as - ad);
            p2 = max(F16{}, ad - as);
            break;
        }
        const Rgb f = function(op, s, d);
        const Weights w = weights(op);
        for (unsigned i = 0; i < 3; ++i) {
            out[i] = f.c[i] * p0 + s.c[i] * p1 * w.y + d.c[i] * p2 * w.z;
        }
        out[3] = p0 * w.x + p1 * w.y + p2 * w.z;
    }
    // Equations give premultiplied colours; the target may hold others.
    for (unsigned i = 0; i < 3 && !b.dst_premultiplied; ++i) {
        out[i] = ratio(out[i], out[3]);
    }
    for (unsigned i = 0; i < 4; ++i) {
        src[i] = b.clamp_results ? clamp(out[i], 0.0f, 1.0f) : out[i];
    }
}

} // namespace
} // namespace kite::dev::raster
