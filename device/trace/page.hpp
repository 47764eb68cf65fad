// SPDX-License-Identifier: MIT
// The hash by which recorder and player know the content of a page.
//
// Zeros hash to zero whatever their number, so that a page that was never touched, one that was
// cleared and one cut off by the end of its object are the same. Pure functions, thread-safe.
//
// Example: if (page_hash(bytes) == known) { return; }
#pragma once

#include "base/hash.hpp"

#include <cstddef>
#include <cstring>
#include <span>

namespace kite::dev::trace {

/// True if all bytes are zero.
[[nodiscard]] inline bool all_zero(std::span<const std::byte> bytes) {
    return bytes.empty() || (bytes[0] == std::byte{0} &&
                             std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

/// Hash of a page's bytes.
[[nodiscard]] inline base::Hash128 page_hash(std::span<const std::byte> bytes) {
    return all_zero(bytes) ? base::Hash128{} : base::hash128(bytes);
}

} // namespace kite::dev::trace
