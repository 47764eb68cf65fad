// SPDX-License-Identifier: MIT
#include "runtime/memory/va_allocator.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace kite::rt {
namespace {

constexpr uint64_t kStart = 0x10000, kEnd = kStart + (uint64_t{64} << 20);

TEST(VaAllocator, LargeRangesAreAlignedForLargeMappings) {
    VaAllocator a(kStart, kEnd);
    auto small = a.allocate(100);
    auto large = a.allocate(2 << 20);
    ASSERT_TRUE(small && large);
    EXPECT_EQ(*small % kVaGranule, 0u);
    EXPECT_EQ(*large % (2 << 20), 0u);
}

TEST(VaAllocator, RefusesWhatDoesNotFit) {
    VaAllocator a(kStart, kEnd);
    EXPECT_FALSE(a.allocate(0));
    EXPECT_FALSE(a.allocate(uint64_t{65} << 20));
    EXPECT_FALSE(a.allocate(UINT64_MAX));
    EXPECT_FALSE(a.allocate(kVaGranule, kEnd));
}

TEST(VaAllocator, FixedAddresses) {
    VaAllocator a(kStart, kEnd);
    EXPECT_EQ(a.allocate(kVaGranule, 0x100000).value_or(0), 0x100000u);
    EXPECT_FALSE(a.allocate(kVaGranule, 0x100000));
}

TEST(VaAllocator, RandomUseNeverOverlapsAndAllComesBack) {
    VaAllocator a(kStart, kEnd);
    uint64_t all = a.free_bytes();
    std::mt19937 rng(1);
    std::vector<std::pair<uint64_t, uint64_t>> live;
    for (int i = 0; i < 5000; ++i) {
        if (live.empty() || rng() % 2) {
            uint64_t size = 1 + rng() % (3u << 20);
            auto at = a.allocate(size);
            if (!at)
                continue;
            uint64_t end = *at + (size + kVaGranule - 1) / kVaGranule * kVaGranule;
            for (auto [s, n] : live)
                ASSERT_TRUE(end <= s || *at >= s + (n + kVaGranule - 1) / kVaGranule * kVaGranule);
            live.emplace_back(*at, size);
        } else {
            size_t k = rng() % live.size();
            a.release(live[k].first, live[k].second);
            live[k] = live.back();
            live.pop_back();
        }
    }
    for (auto [s, n] : live)
        a.release(s, n);
    EXPECT_EQ(a.free_bytes(), all);
    EXPECT_TRUE(a.allocate(all - (2 << 20)));
}

} // namespace
} // namespace kite::rt
