// SPDX-License-Identifier: MIT
// A set of enumerators whose values are single bits, without losing the enum's type.
//
//   enum class Usage : uint32_t { read = 1, write = 2 };
//   Flags<Usage> u = Flags(Usage::read) | Usage::write;  if (u.has(Usage::write)) ...
//
// A plain value: copy it freely, thread-safe as an integer is. Nothing can fail.
#pragma once

#include <initializer_list>
#include <type_traits>

namespace kite::base {

/// A set of E.
template <typename E>
    requires std::is_enum_v<E>
class Flags {
public:
    /// The integer behind E.
    using Bits = std::make_unsigned_t<std::underlying_type_t<E>>;

    /// The empty set.
    constexpr Flags() = default;
    /// A set of one.
    // NOLINTNEXTLINE(google-explicit-constructor): an enumerator is a set of one.
    constexpr Flags(E e) : bits_(static_cast<Bits>(e)) {}
    /// A set of several.
    constexpr Flags(std::initializer_list<E> list) {
        for (E e : list) {
            bits_ = static_cast<Bits>(bits_ | static_cast<Bits>(e));
        }
    }
    /// From raw bits, unchecked.
    static constexpr Flags from_bits(Bits bits) {
        Flags f;
        f.bits_ = bits;
        return f;
    }

    /// The raw bits.
    constexpr Bits bits() const { return bits_; }
    /// True if nothing is set.
    constexpr bool empty() const { return bits_ == 0; }
    /// True if every member of `other` is in this set.
    constexpr bool has(Flags other) const { return (bits_ & other.bits_) == other.bits_; }
    /// True if some member of `other` is in this set.
    constexpr bool has_any(Flags other) const { return (bits_ & other.bits_) != 0; }
    /// Add or remove members.
    constexpr Flags& set(Flags other, bool on = true) {
        bits_ = static_cast<Bits>(on ? bits_ | other.bits_ : bits_ & ~other.bits_);
        return *this;
    }

    constexpr Flags& operator|=(Flags o) { return *this = *this | o; }
    constexpr Flags& operator&=(Flags o) { return *this = *this & o; }
    friend constexpr Flags operator|(Flags a, Flags b) {
        return from_bits(static_cast<Bits>(a.bits_ | b.bits_));
    }
    friend constexpr Flags operator&(Flags a, Flags b) {
        return from_bits(static_cast<Bits>(a.bits_ & b.bits_));
    }
    /// Members of a that are not in b.
    friend constexpr Flags operator-(Flags a, Flags b) {
        return from_bits(static_cast<Bits>(a.bits_ & ~b.bits_));
    }
    constexpr bool operator==(const Flags&) const = default;

private:
    Bits bits_ = 0;
};

} // namespace kite::base
