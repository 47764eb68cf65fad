// SPDX-License-Identifier: MIT
#include <cstring>
#include <unordered_set>

#include <sys/mman.h>
#include <sys/stat.h>

#include <gtest/gtest.h>

#include "base/arena.hpp"
#include "base/bits.hpp"
#include "base/flags.hpp"
#include "base/function_ref.hpp"
#include "base/hash.hpp"
#include "base/mapping.hpp"
#include "base/strong_id.hpp"
#include "base/unique_fd.hpp"

namespace kite::base {
namespace {

TEST(Bits, AlignmentAndMasks) {
    EXPECT_EQ(align_up(0u, 16), 0u);
    EXPECT_EQ(align_up(17u, 16), 32u);
    EXPECT_EQ(align_up(uint64_t{1} << 40, 4096), uint64_t{1} << 40);
    EXPECT_EQ(align_down(31u, 16), 16u);
    EXPECT_TRUE(is_aligned(64u, 64));
    EXPECT_FALSE(is_aligned(65u, 64));
    EXPECT_FALSE(is_pow2(0u));
    EXPECT_EQ(div_round_up(0xffffffffu, 2u), 0x80000000u);
    EXPECT_EQ(low_mask(0), 0u);
    EXPECT_EQ(low_mask(32), 0xffffffffu);
    EXPECT_EQ(low_mask<uint64_t>(33), 0x1ffffffffull);
    EXPECT_EQ(extract(0xabcdu, 4, 8), 0xbcu);
    EXPECT_EQ(log2_floor(0u), 0u);
    EXPECT_EQ(log2_floor(4097u), 12u);
    EXPECT_TRUE(range_fits(4u, 4, 8));
    EXPECT_FALSE(range_fits(5u, 4, 8));
    EXPECT_FALSE(range_fits(8u, 0xffffffffu, 8));
}

enum class Usage : uint32_t { read = 1, write = 2, high = 0x80000000u };

TEST(Flags, BehaveAsASet) {
    Flags<Usage> f{Usage::read, Usage::high};
    EXPECT_TRUE(f.has(Usage::high));
    EXPECT_FALSE(f.has(Flags<Usage>{Usage::read, Usage::write}));
    EXPECT_TRUE(f.has_any(Flags<Usage>{Usage::read, Usage::write}));
    f.set(Usage::read, false);
    EXPECT_EQ(f, Flags(Usage::high));
    f |= Usage::write;
    EXPECT_EQ((f - Usage::high).bits(), 2u);
    EXPECT_TRUE((f & Usage::read).empty());
}

using BoHandle = StrongId<struct BoHandleTag>;
static_assert(!std::is_convertible_v<uint32_t, BoHandle>);
static_assert(!std::is_convertible_v<BoHandle, uint32_t>);

TEST(StrongId, ComparesAndHashes) {
    std::unordered_set<BoHandle> set{BoHandle(1), BoHandle(2), BoHandle(1)};
    EXPECT_EQ(set.size(), 2u);
    EXPECT_LT(BoHandle(1), BoHandle(2));
    const GpuVa base(0x1000);
    EXPECT_EQ((base + 16) - base, 16u);
    EXPECT_TRUE(GpuVa().is_null());
}

TEST(UniqueFd, ClosesOnce) {
    const int raw = ::memfd_create("test", 0);
    struct stat info;
    {
        UniqueFd a(raw);
        UniqueFd b = std::move(a);
        EXPECT_FALSE(a); // NOLINT(bugprone-use-after-move)
        EXPECT_EQ(b.get(), raw);
        UniqueFd c = b.duplicate();
        EXPECT_TRUE(c);
        EXPECT_NE(c.get(), raw);
        EXPECT_EQ(::fstat(raw, &info), 0);
    }
    EXPECT_NE(::fstat(raw, &info), 0);
}

TEST(Mapping, SharesAFile) {
    const auto fd = create_memfd("test", 8192);
    ASSERT_TRUE(fd) << fd.error().text();
    const UniqueFd owner(*fd);
    auto a = Mapping::file(owner.get(), 8192);
    auto b = Mapping::file(owner.get(), 4096, 4096, Mapping::Access::read);
    ASSERT_TRUE(a && b);
    *a->at<uint32_t>(4096) = 77;
    EXPECT_EQ(*b->at<uint32_t>(), 77u);
    Mapping moved = std::move(*a);
    EXPECT_EQ(a->data(), nullptr);
    EXPECT_EQ(moved.size_bytes(), 8192u);
    EXPECT_FALSE(Mapping::file(-1, 4096));
    EXPECT_TRUE(Mapping::reserve(size_t{1} << 40));
    auto memory = Mapping::anonymous(4096);
    ASSERT_TRUE(memory);
    EXPECT_EQ(memory->bytes()[4095], std::byte{0});
}

TEST(Hash, IsStable) {
    // Stored in caches on disk, so these values must never change.
    EXPECT_EQ(hash64(""), 0x2d06800538d394c2u);
    EXPECT_EQ(hash128({}).lo, 0x6001c324468d497fu);
    EXPECT_NE(hash64("a"), hash64("b"));
    EXPECT_NE(hash64("a", 1), hash64("a", 2));
    EXPECT_EQ(hash_value(uint32_t{5}), hash_value(uint32_t{5}));
    EXPECT_NE(hash_combine(1, 2), hash_combine(2, 1));
}

TEST(Arena, AlignsAndReuses) {
    Arena arena(256);
    std::vector<std::pair<unsigned char*, size_t>> blocks;
    for (size_t i = 1; i < 100; ++i) {
        const size_t alignment = size_t{1} << (i % 7);
        auto* p = static_cast<unsigned char*>(arena.allocate(i, alignment));
        EXPECT_EQ(reinterpret_cast<uintptr_t>(p) % alignment, 0u);
        std::memset(p, static_cast<int>(i), i);
        blocks.emplace_back(p, i);
    }
    for (const auto& [p, n] : blocks) {
        for (size_t k = 0; k < n; ++k) {
            ASSERT_EQ(p[k], n); // no block overlaps another
        }
    }
    EXPECT_GT(arena.used_bytes(), 4900u);
    arena.reset();
    EXPECT_EQ(arena.used_bytes(), 0u);
    const auto numbers = arena.make_array<int>(1000);
    EXPECT_EQ(numbers[999], 0);
    EXPECT_EQ(*arena.make<int>(5), 5);
    EXPECT_EQ(arena.copy("kite"), "kite");
    EXPECT_EQ(arena.copy(""), "");
}

int apply(FunctionRef<int(int)> f) {
    return f(20);
}

TEST(FunctionRef, CallsLambdasAndFunctions) {
    int base = 1;
    EXPECT_EQ(apply([&](int x) { return x + base; }), 21);
    const auto twice = [](int x) { return 2 * x; };
    EXPECT_EQ(apply(twice), 40);
}

} // namespace
} // namespace kite::base
