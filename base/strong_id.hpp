// SPDX-License-Identifier: MIT
// Integers that mean different things and therefore do not mix: GPU addresses, handles, indices.
//
//   using BoHandle = StrongId<struct BoHandleTag, uint32_t>;
//   BoHandle bo{7};  bo.value();
//
// A plain value: comparable, hashable, no arithmetic. For addresses use StrongAddress, which adds
// offsets and subtracts to a distance. Thread-safe as an integer is; nothing can fail.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace kite::base {

/// An integer with a meaning of its own.
template <typename Tag, typename Int = uint32_t>
class StrongId {
public:
    using Value = Int;

    constexpr StrongId() = default;
    /// From a plain integer, on purpose.
    constexpr explicit StrongId(Int value) : value_(value) {}
    /// The plain integer.
    constexpr Int value() const { return value_; }
    constexpr auto operator<=>(const StrongId&) const = default;

private:
    Int value_ = 0;
};

/// An address: adds byte offsets; the difference of two is a byte count.
template <typename Tag>
class StrongAddress {
public:
    using Value = uint64_t;

    constexpr StrongAddress() = default;
    /// From a plain integer, on purpose.
    constexpr explicit StrongAddress(uint64_t value) : value_(value) {}
    /// The plain integer.
    constexpr uint64_t value() const { return value_; }
    /// True for the null address.
    constexpr bool is_null() const { return value_ == 0; }
    friend constexpr StrongAddress operator+(StrongAddress a, uint64_t bytes) {
        return StrongAddress(a.value_ + bytes);
    }
    friend constexpr uint64_t operator-(StrongAddress a, StrongAddress b) {
        return a.value_ - b.value_;
    }
    constexpr auto operator<=>(const StrongAddress&) const = default;

private:
    uint64_t value_ = 0;
};

/// Address in a GPU address space.
using GpuVa = StrongAddress<struct GpuVaTag>;

} // namespace kite::base

template <typename Tag, typename Int>
struct std::hash<kite::base::StrongId<Tag, Int>> {
    size_t operator()(const kite::base::StrongId<Tag, Int>& id) const noexcept {
        return std::hash<Int>{}(id.value());
    }
};

template <typename Tag>
struct std::hash<kite::base::StrongAddress<Tag>> {
    size_t operator()(const kite::base::StrongAddress<Tag>& address) const noexcept {
        return std::hash<uint64_t>{}(address.value());
    }
};
