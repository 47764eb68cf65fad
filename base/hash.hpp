// SPDX-License-Identifier: MIT
// Fast content hashes (xxHash XXH3) for cache keys and checksums; not for secrets. The values are
// stable across machines and versions, so they may be stored. Pure functions, thread-safe.
//
// Example: const uint64_t key = hash64(std::as_bytes(std::span(words)));
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <type_traits>

namespace kite::base {

/// A 128-bit hash.
struct Hash128 {
    uint64_t lo = 0, hi = 0;
    constexpr auto operator<=>(const Hash128&) const = default;
};

/// 64-bit hash of bytes.
uint64_t hash64(std::span<const std::byte> bytes, uint64_t seed = 0);
/// 128-bit hash of bytes.
Hash128 hash128(std::span<const std::byte> bytes, uint64_t seed = 0);

/// 64-bit hash of a text.
inline uint64_t hash64(std::string_view text, uint64_t seed = 0) {
    return hash64(std::as_bytes(std::span(text.data(), text.size())), seed);
}

/// 64-bit hash of a plain value without padding.
template <typename T>
    requires std::has_unique_object_representations_v<T>
uint64_t hash_value(const T& value, uint64_t seed = 0) {
    return hash64(std::as_bytes(std::span(&value, 1)), seed);
}

/// Mix a hash into another.
constexpr uint64_t hash_combine(uint64_t a, uint64_t b) {
    return (a ^ (b + 0x9e3779b97f4a7c15u + (a << 6) + (a >> 2))) * 0xff51afd7ed558ccdu;
}

} // namespace kite::base

template <>
struct std::hash<kite::base::Hash128> {
    size_t operator()(const kite::base::Hash128& h) const noexcept { return h.lo; }
};
