// SPDX-License-Identifier: MIT
// Conversions of single components between bit patterns and floats; building blocks of the codec.
//
// Header-only so that the compiler folds the widths. Everything is exact: one correctly rounded
// operation, or integer steps that round to nearest even. Pure functions: thread-safe, never fail;
// NaN becomes 0 in fixed-point forms and stays NaN in float forms.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace kite::dev::format {

/// Small unsigned float (5 exponent bits, `Mantissa` mantissa bits, no sign) to single.
template <unsigned Mantissa>
inline float ufloat_to_float(uint32_t bits) {
    const uint32_t exponent = bits >> Mantissa;
    const uint32_t mantissa = bits & ((1u << Mantissa) - 1);
    if (exponent == 31) {
        return std::bit_cast<float>(0x7f800000u | mantissa << (23 - Mantissa));
    }
    if (exponent == 0) {
        return static_cast<float>(mantissa) * std::bit_cast<float>((127u - 14 - Mantissa) << 23);
    }
    return std::bit_cast<float>((exponent + 112) << 23 | mantissa << (23 - Mantissa));
}

/// A non-negative single's magnitude bits to 5 exponent bits and `Mantissa` bits, nearest even;
/// overflow carries into infinity.
template <unsigned Mantissa>
inline uint32_t magnitude_to_small(uint32_t magnitude) {
    constexpr unsigned kDrop = 23 - Mantissa;
    if (magnitude > 0x7f800000u) {
        return 31u << Mantissa | 1u << (Mantissa - 1);
    }
    if (magnitude >= 143u << 23) { // 2^16 and more
        return 31u << Mantissa;
    }
    if (magnitude < 113u << 23) { // below 2^-14: the result is denormal; let the adder round
        constexpr uint32_t kMagic = (127u - 14 + kDrop) << 23;
        const float sum = std::bit_cast<float>(magnitude) + std::bit_cast<float>(kMagic);
        return std::bit_cast<uint32_t>(sum) - kMagic;
    }
    const uint32_t rebased = magnitude - (112u << 23);
    return (rebased + ((1u << (kDrop - 1)) - 1) + (rebased >> kDrop & 1)) >> kDrop;
}

/// Single to a small unsigned float: negative gives 0, finite values never become infinite.
template <unsigned Mantissa>
inline uint32_t float_to_ufloat(float value) {
    const uint32_t bits = std::bit_cast<uint32_t>(value);
    if ((bits & 0x7fffffffu) > 0x7f800000u) {
        return 31u << Mantissa | 1u << (Mantissa - 1);
    }
    if ((bits >> 31) != 0) {
        return 0;
    }
    const uint32_t small = magnitude_to_small<Mantissa>(bits);
    const uint32_t infinity = 31u << Mantissa;
    return small >= infinity && bits < 0x7f800000u ? infinity - 1 : small;
}

/// Unsigned normalised number of `bits` (at most 24) to float.
inline float unorm_to_float(uint32_t value, unsigned bits) {
    return static_cast<float>(value) / static_cast<float>((1u << bits) - 1);
}

/// Signed normalised number of `bits`, sign-extended, to float.
inline float snorm_to_float(int32_t value, unsigned bits) {
    const float f = static_cast<float>(value) / static_cast<float>((1 << (bits - 1)) - 1);
    return f < -1.0f ? -1.0f : f;
}

/// Float to unsigned normalised. In double, so that 24 bits round correctly.
inline uint32_t float_to_unorm(float value, unsigned bits) {
    const double top = static_cast<double>((1u << bits) - 1);
    if (!(value > 0.0f)) {
        return 0;
    }
    return value >= 1.0f ? (1u << bits) - 1
                         : static_cast<uint32_t>(std::nearbyint(static_cast<double>(value) * top));
}

/// Float to signed normalised.
inline int32_t float_to_snorm(float value, unsigned bits) {
    const double top = static_cast<double>((1 << (bits - 1)) - 1);
    if (value != value) {
        return 0;
    }
    const double clamped = value < -1.0f ? -1.0 : value > 1.0f ? 1.0 : static_cast<double>(value);
    return static_cast<int32_t>(std::nearbyint(clamped * top));
}

/// The low `bits` of a word as a signed number.
inline int32_t sign_extend(uint32_t value, unsigned bits) {
    return static_cast<int32_t>(value << (32 - bits)) >> (32 - bits);
}

} // namespace kite::dev::format
