// SPDX-License-Identifier: MIT
// Number formats: half precision, rounding, and exact conversion between any of them.
//
// Pure functions, thread-safe, never fail, independent of the floating-point environment:
// conversions with a rounding mode are done on integers. Half arithmetic is float arithmetic
// between half_to_float() and float_to_half().
#pragma once

#include "kite_hw/isa.hpp"

#include <bit>
#include <cmath>
#include <cstdint>

namespace kite::dev::exec {

/// binary16 bits to float, exact.
inline float half_to_float(uint16_t bits) {
    return static_cast<float>(std::bit_cast<_Float16>(bits));
}

/// Float to binary16 bits, nearest even.
inline uint16_t float_to_half(float x) {
    return std::bit_cast<uint16_t>(static_cast<_Float16>(x));
}

/// Nearest integer, ties to even, whatever the rounding mode is.
inline float round_even(float x) {
    return __builtin_roundevenf(x);
}
/// Nearest integer, ties to even.
inline double round_even(double x) {
    return __builtin_roundeven(x);
}

/// Bit pattern to the computing type; 16-bit patterns are halves.
template <typename F, typename Bits>
F float_from_bits(Bits bits) {
    if constexpr (sizeof(Bits) == 2) {
        return half_to_float(bits);
    } else {
        return std::bit_cast<F>(bits);
    }
}

/// Computing type to bit pattern.
template <typename Bits, typename F>
Bits bits_from_float(F x) {
    if constexpr (sizeof(Bits) == 2) {
        return float_to_half(x);
    } else {
        return std::bit_cast<Bits>(x);
    }
}

/// A float format: how many fraction bits, and the exponent bias.
struct FloatFormat {
    unsigned fraction_bits; ///< stored fraction bits
    int bias;               ///< exponent bias
    unsigned bits;          ///< all bits
};
/// binary16.
inline constexpr FloatFormat kHalf{10, 15, 16};
/// binary32.
inline constexpr FloatFormat kFloat{23, 127, 32};
/// binary64.
inline constexpr FloatFormat kDouble{52, 1023, 64};

/// The number (-1)^negative * magnitude * 2^exponent, rounded once to a format.
uint64_t pack_float(bool negative, uint64_t magnitude, int exponent, const FloatFormat& format,
                    hw::Round round);

/// The cvt instruction on one value (hw/isa/alu.toml): 16-bit results zero-extended unless the text
/// says otherwise.
uint64_t convert(hw::Type to, hw::Type from, hw::Round round, uint64_t value);

} // namespace kite::dev::exec
