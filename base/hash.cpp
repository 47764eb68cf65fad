// SPDX-License-Identifier: MIT
#include "base/hash.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace kite::base {

uint64_t hash64(std::span<const std::byte> bytes, uint64_t seed) {
    return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

Hash128 hash128(std::span<const std::byte> bytes, uint64_t seed) {
    const XXH128_hash_t h = XXH3_128bits_withSeed(bytes.data(), bytes.size(), seed);
    return {h.low64, h.high64};
}

} // namespace kite::base
