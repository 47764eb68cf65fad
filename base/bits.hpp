// SPDX-License-Identifier: MIT
// Small integer and bit helpers. Pure, constexpr, thread-safe; preconditions are asserted.
//
// Example: size = align_up(size, 4096u);
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <limits>

namespace kite::base {

/// True for 1, 2, 4, 8 ...; false for 0.
template <std::unsigned_integral T>
constexpr bool is_pow2(T value) {
    return std::has_single_bit(value);
}

/// Largest multiple of `alignment` (a power of two) not above value.
template <std::unsigned_integral T>
constexpr T align_down(T value, std::type_identity_t<T> alignment) {
    return static_cast<T>(value & ~(alignment - 1));
}

/// Smallest multiple of `alignment` (a power of two) not below value; wraps to 0 past the type's
/// end.
template <std::unsigned_integral T>
constexpr T align_up(T value, std::type_identity_t<T> alignment) {
    return align_down(static_cast<T>(value + (alignment - 1)), alignment);
}

/// True if value is a multiple of `alignment` (a power of two).
template <std::unsigned_integral T>
constexpr bool is_aligned(T value, std::type_identity_t<T> alignment) {
    return (value & (alignment - 1)) == 0;
}

/// value / divisor, rounded up; cannot overflow.
template <std::unsigned_integral T>
constexpr T div_round_up(T value, std::type_identity_t<T> divisor) {
    return static_cast<T>(value / divisor + (value % divisor != 0 ? 1 : 0));
}

/// The lowest `count` bits set; count may be 0 to the width of T.
template <std::unsigned_integral T = uint32_t>
constexpr T low_mask(unsigned count) {
    return count == 0 ? T{0}
                      : static_cast<T>(std::numeric_limits<T>::max() >>
                                       (std::numeric_limits<T>::digits - static_cast<int>(count)));
}

/// `count` bits of value from bit `lo`.
template <std::unsigned_integral T>
constexpr T extract(T value, unsigned lo, unsigned count) {
    return static_cast<T>((value >> lo) & low_mask<T>(count));
}

/// Floor of the base-2 logarithm; 0 for 0.
template <std::unsigned_integral T>
constexpr unsigned log2_floor(T value) {
    return value == 0 ? 0 : static_cast<unsigned>(std::bit_width(value)) - 1;
}

/// True if offset + size stays within limit, without overflow.
template <std::unsigned_integral T>
constexpr bool range_fits(T offset, std::type_identity_t<T> size, std::type_identity_t<T> limit) {
    return offset <= limit && size <= limit - offset;
}

} // namespace kite::base
