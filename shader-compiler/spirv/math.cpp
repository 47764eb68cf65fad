// SPDX-License-Identifier: MIT
#include "shader-compiler/spirv/math.hpp"

#include <bit>
#include <initializer_list>
#include <limits>

namespace kite::cc::spirv::math {

namespace {

using hw::Op;
using ir::Builder;
using ir::Inst;
constexpr hw::Type kF32 = hw::Type::f32;
constexpr hw::Type kU32 = hw::Type::u32;
constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr uint32_t kSign = 0x80000000u;

Inst* mul(Builder& b, Inst* x, Inst* y) {
    return b.alu(Op::fmul, kF32, {x, y});
}
Inst* add(Builder& b, Inst* x, Inst* y) {
    return b.alu(Op::fadd, kF32, {x, y});
}
Inst* sub(Builder& b, Inst* x, Inst* y) {
    return b.alu(Op::fsub, kF32, {x, y});
}
Inst* fma(Builder& b, Inst* x, Inst* y, Inst* z) {
    return b.alu(Op::ffma, kF32, {x, y, z});
}
Inst* abs(Builder& b, Inst* x) {
    return b.alu(Op::fabs, kF32, {x});
}
Inst* cmp(Builder& b, hw::FCmp cc, Inst* x, float y) {
    return b.fcmp(cc, kF32, x, b.f32(y));
}

/// c[0] + c[1] x + c[2] x^2 + ... by Horner's rule.
Inst* poly(Builder& b, Inst* x, std::initializer_list<float> c) {
    auto it = c.end();
    Inst* r = b.f32(*--it);
    while (it != c.begin()) {
        r = fma(b, r, x, b.f32(*--it));
    }
    return r;
}

Inst* with_sign_of(Builder& b, Inst* magnitude, Inst* from) {
    return b.or_(b.and_(magnitude, b.u32(~kSign)), b.and_(from, b.u32(kSign)));
}

/// 2^n for an integer n in [-126, 127].
Inst* power_of_two(Builder& b, Inst* n) {
    return b.alu(Op::shl, kU32, {b.alu(Op::iadd, kU32, {n, b.u32(127)}), b.u32(23)});
}

/// atan(q) for q in [0, 1].
Inst* atan_unit(Builder& b, Inst* q) {
    Inst* z = mul(b, q, q);
    return mul(b, q,
               poly(b, z,
                    {1.0f, -0.333332866f, 0.199983746f, -0.142630503f, 0.109477893f, -0.083939895f,
                     0.0578355864f, -0.0310854148f, 0.0108769201f, -0.00178729824f}));
}

} // namespace

Inst* exp2(Builder& b, Inst* x) {
    // 2^x = 2^n 2^f, n = round(x); 2^n is applied in two factors so that denormal results come out
    // right.
    Inst* clamped =
        b.alu(Op::fmax, kF32, {b.f32(-151.0f), b.alu(Op::fmin, kF32, {x, b.f32(129.0f)})});
    Inst* n = b.alu(Op::frne, kF32, {clamped});
    Inst* f = sub(b, clamped, n);
    Inst* p = poly(b, f,
                   {1.0f, 0.693147182f, 0.240226507f, 0.0555035695f, 0.00961803086f, 0.00133908668f,
                    0.000154697307f});
    Inst* i = b.cvt(hw::Type::i32, kF32, n, hw::Round::rtz);
    Inst* half = b.alu(Op::shr, hw::Type::i32, {i, b.u32(1)});
    Inst* rest = b.alu(Op::isub, kU32, {i, half});
    Inst* r = mul(b, mul(b, p, power_of_two(b, half)), power_of_two(b, rest));
    return b.sel(b.fcmp(hw::FCmp::uno, kF32, x, x), x, r);
}

Inst* log2(Builder& b, Inst* x) {
    // x = 2^e m with m in [sqrt(1/2), sqrt(2)); log2(x) = e + log2(m).
    Inst* tiny = cmp(b, hw::FCmp::olt, x, 0x1p-126f);
    Inst* scaled = b.sel(tiny, mul(b, x, b.f32(0x1p24f)), x);
    Inst* offset = b.alu(Op::isub, kU32, {scaled, b.u32(0x3f3504f3u)});
    Inst* e = b.alu(Op::shr, hw::Type::i32, {offset, b.u32(23)});
    Inst* m = b.alu(Op::isub, kU32, {scaled, b.alu(Op::shl, kU32, {e, b.u32(23)})});
    Inst* f = sub(b, m, b.f32(1.0f));
    Inst* p = poly(b, f,
                   {1.44269502f, -0.721347332f, 0.480897903f, -0.360696435f, 0.288585275f,
                    -0.23963657f, 0.204296157f, -0.190612882f, 0.187825918f, -0.112973377f});
    Inst* exponent = b.cvt(kF32, hw::Type::i32, e);
    exponent = b.sel(tiny, sub(b, exponent, b.f32(24.0f)), exponent);
    Inst* r = fma(b, f, p, exponent);
    Inst* edge = b.sel(cmp(b, hw::FCmp::oeq, x, 0.0f), b.f32(-kInf),
                       b.f32(std::numeric_limits<float>::quiet_NaN()));
    r = b.sel(cmp(b, hw::FCmp::ogt, x, 0.0f), r, edge);
    return b.sel(cmp(b, hw::FCmp::oeq, x, kInf), x, r);
}

Inst* pow(Builder& b, Inst* x, Inst* y) {
    return exp2(b, mul(b, y, log2(b, x)));
}

SinCos sin_cos(Builder& b, Inst* x) {
    // Cody-Waite: r = x - n pi/2 with pi/2 in three parts, exact thanks to fma.
    Inst* n = b.alu(Op::frne, kF32, {mul(b, x, b.f32(0.636619772f))});
    Inst* r = fma(b, n, b.f32(-1.57079637f), x);
    r = fma(b, n, b.f32(4.37113883e-08f), r);
    r = fma(b, n, b.f32(1.71512489e-15f), r);
    Inst* z = mul(b, r, r);
    Inst* s = poly(b, z, {-0.166666642f, 0.00833272561f, -0.000195829503f});
    s = fma(b, mul(b, s, z), r, r);
    Inst* c = poly(b, z, {0.0416666642f, -0.0013888278f, 2.45427163e-05f});
    c = fma(b, mul(b, c, z), z, fma(b, z, b.f32(-0.5f), b.f32(1.0f)));
    Inst* q = b.cvt(hw::Type::i32, kF32, n, hw::Round::rtz);
    Inst* odd = b.to_boolean(b.and_(q, b.u32(1)));
    const auto flip = [&](Inst* v, Inst* quadrant) {
        return b.xor_(v, b.alu(Op::shl, kU32, {b.and_(quadrant, b.u32(2)), b.u32(30)}));
    };
    return {flip(b.sel(odd, c, s), q),
            flip(b.sel(odd, s, c), b.alu(Op::iadd, kU32, {q, b.u32(1)}))};
}

Inst* asin(Builder& b, Inst* x) {
    Inst* a = abs(b, x);
    Inst* big = cmp(b, hw::FCmp::ogt, a, 0.5f);
    Inst* folded = fma(b, a, b.f32(-0.5f), b.f32(0.5f));
    Inst* z = b.sel(big, folded, mul(b, a, a));
    Inst* s = b.sel(big, b.alu(Op::fsqrt, kF32, {folded}), a);
    Inst* p = poly(b, z, {0.166666731f, 0.0749876201f, 0.045020178f, 0.0264335945f, 0.0383278355f});
    p = fma(b, mul(b, p, z), s, s);
    Inst* r = b.sel(big, fma(b, p, b.f32(-2.0f), b.f32(1.57079637f)), p);
    return with_sign_of(b, r, x);
}

Inst* acos(Builder& b, Inst* x) {
    Inst* a = abs(b, x);
    Inst* big = cmp(b, hw::FCmp::ogt, a, 0.5f);
    Inst* folded = fma(b, a, b.f32(-0.5f), b.f32(0.5f));
    Inst* z = b.sel(big, folded, mul(b, a, a));
    Inst* s = b.sel(big, b.alu(Op::fsqrt, kF32, {folded}), a);
    Inst* p = poly(b, z, {0.166666731f, 0.0749876201f, 0.045020178f, 0.0264335945f, 0.0383278355f});
    p = fma(b, mul(b, p, z), s, s);
    Inst* twice = add(b, p, p);
    Inst* far = b.sel(cmp(b, hw::FCmp::olt, x, 0.0f), sub(b, b.f32(3.14159274f), twice), twice);
    return b.sel(big, far, sub(b, b.f32(1.57079637f), with_sign_of(b, p, x)));
}

Inst* atan(Builder& b, Inst* x) {
    Inst* a = abs(b, x);
    Inst* big = cmp(b, hw::FCmp::ogt, a, 1.0f);
    Inst* p = atan_unit(b, b.sel(big, b.alu(Op::fdiv, kF32, {b.f32(1.0f), a}), a));
    return with_sign_of(b, b.sel(big, sub(b, b.f32(1.57079637f), p), p), x);
}

Inst* atan2(Builder& b, Inst* y, Inst* x) {
    Inst* ax = abs(b, x);
    Inst* ay = abs(b, y);
    Inst* steep = b.fcmp(hw::FCmp::ogt, kF32, ay, ax);
    Inst* high = b.sel(steep, ay, ax);
    Inst* low = b.sel(steep, ax, ay);
    Inst* q = b.alu(Op::fdiv, kF32, {low, high});
    q = b.sel(b.fcmp(hw::FCmp::oeq, kF32, low, high), b.f32(1.0f), q); // infinity / infinity
    q = b.sel(cmp(b, hw::FCmp::oeq, high, 0.0f), b.f32(0.0f), q);
    Inst* p = atan_unit(b, q);
    p = b.sel(steep, sub(b, b.f32(1.57079637f), p), p);
    Inst* left = b.icmp(hw::ICmp::lt, hw::Type::i32, x, b.u32(0));
    p = b.sel(left, sub(b, b.f32(3.14159274f), p), p);
    return with_sign_of(b, p, y);
}

Inst* tanh(Builder& b, Inst* x) {
    // Near 0 the quotient loses digits: an odd polynomial instead.
    Inst* a = b.alu(Op::fmin, kF32, {abs(b, x), b.f32(10.0f)});
    Inst* t = exp2(b, mul(b, a, b.f32(2.88539004f)));
    Inst* r = b.alu(Op::fdiv, kF32, {sub(b, t, b.f32(1.0f)), add(b, t, b.f32(1.0f))});
    Inst* z = mul(b, a, a);
    Inst* small = mul(b, a, poly(b, z, {1.0f, -0.333333343f, 0.13333334f, -0.0539682545f}));
    return with_sign_of(b, b.sel(cmp(b, hw::FCmp::olt, a, 0.25f), small, r), x);
}

Inst* divide_u32(Builder& b, Inst* n, uint32_t c) {
    if (std::has_single_bit(c)) {
        return b.alu(Op::shr, kU32, {n, b.u32(static_cast<uint32_t>(std::countr_zero(c)))});
    }
    // Granlund and Montgomery: l = ceil(log2 c), m = floor(2^32 (2^l - c) / c) + 1.
    const auto l = static_cast<unsigned>(std::bit_width(c));
    const uint64_t m = (((1ull << l) - c) << 32) / c + 1;
    Inst* high = b.alu(Op::imulh, kU32, {n, b.u32(static_cast<uint32_t>(m))});
    Inst* rest = b.alu(Op::shr, kU32, {b.alu(Op::isub, kU32, {n, high}), b.u32(1)});
    return b.alu(Op::shr, kU32, {b.alu(Op::iadd, kU32, {high, rest}), b.u32(l - 1)});
}

Inst* divide_i32(Builder& b, Inst* n, int32_t c) {
    const uint32_t magnitude = c < 0 ? 0u - static_cast<uint32_t>(c) : static_cast<uint32_t>(c);
    Inst* sign = b.alu(Op::shr, hw::Type::i32, {n, b.u32(31)}); // 0 or -1
    const auto negate_if = [&](Inst* v, Inst* mask) {
        return b.alu(Op::isub, kU32, {b.xor_(v, mask), mask});
    };
    Inst* q = divide_u32(b, negate_if(n, sign), magnitude);
    return negate_if(q, c < 0 ? b.not_(sign) : sign);
}

} // namespace kite::cc::spirv::math
