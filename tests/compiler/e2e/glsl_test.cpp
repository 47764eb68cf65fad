// SPDX-License-Identifier: MIT
// GLSL compute shaders through the whole compiler, run on both executors, compared with models in
// C++. The modules are compiled by the build; KITE_TEST_SHADERS names their folder.
#include "tests/compiler/e2e/runner.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>

namespace kite::test {
namespace {

// The host side of shaders/functions.h.
namespace host {
using uint = uint32_t;
using std::abs;
using std::ceil;
using std::floor;
using std::max;
using std::min;
using std::trunc;
uint floatBitsToUint(float f) {
    return std::bit_cast<uint>(f);
}
int bitCount(uint v) {
    return std::popcount(v);
}
int findLSB(uint v) {
    return std::countr_zero(v);
}
int findMSB(uint v) {
    return 31 - std::countl_zero(v);
}
uint bitfieldExtract(uint v, int o, int n) {
    return (v >> o) & ((1u << n) - 1);
}
uint bitfieldReverse(uint v) {
    uint r = 0;
    for (int i = 0; i < 32; ++i) {
        r |= ((v >> i) & 1u) << (31 - i);
    }
    return r;
}
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wimplicit-fallthrough"
#pragma GCC diagnostic ignored "-Wconversion"
#include "tests/compiler/e2e/shaders/functions.h"
#pragma GCC diagnostic pop
constexpr uint (*kFunctions[])(uint, uint) = {f0, f1, f2,  f3,  f4,  f5,  f6,  f7,
                                              f8, f9, f10, f11, f12, f13, f14, f15};
static_assert(std::size(kFunctions) == FUNCTION_COUNT);
} // namespace host

std::vector<uint32_t> module(const std::string& name) {
    const char* folder = std::getenv("KITE_TEST_SHADERS");
    std::ifstream file(std::string(folder != nullptr ? folder : ".") + "/" + name + ".spv",
                       std::ios::binary);
    const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), {});
    std::vector<uint32_t> words(bytes.size() / 4);
    std::copy_n(bytes.begin(), words.size() * 4, reinterpret_cast<char*>(words.data()));
    return words;
}

class Glsl : public testing::TestWithParam<std::tuple<unsigned, Runner::Mode>> {
protected:
    // Runs the shader with the two storage buffers of all these tests.
    void run(const std::string& name, Runner& runner, std::array<uint32_t, 3> groups) {
        const auto words = module(name);
        ASSERT_FALSE(words.empty()) << "no module " << name;
        const cc::Binding bindings[] = {Runner::binding(0), Runner::binding(1)};
        cc::Options options;
        options.stage = hw::Stage::compute;
        options.bindings = bindings;
        options.dump = true;
        const auto program = cc::compile(words, options);
        ASSERT_TRUE(program.has_value()) << program.error().message;
        const std::string why = runner.run(*program, groups);
        ASSERT_TRUE(why.empty()) << why << program->asm_dump;
    }
};

TEST_P(Glsl, FunctionsMatchTheHost) {
    constexpr uint32_t kGroups = 8, kCount = kGroups * 40;
    Runner runner(std::get<0>(GetParam()), std::get<1>(GetParam()));
    const uint64_t in = runner.add_buffer(0, kCount * 8);
    const uint64_t out = runner.add_buffer(1, kCount * 4 * FUNCTION_COUNT);
    std::mt19937 rng(7);
    for (uint32_t i = 0; i < kCount; ++i) {
        const bool small = i % 3 == 0;
        runner.words(in)[2 * i] = static_cast<uint32_t>(rng()) & (small ? 63u : ~0u);
        runner.words(in)[2 * i + 1] = static_cast<uint32_t>(rng()) & (small ? 15u : ~0u);
    }
    ASSERT_NO_FATAL_FAILURE(run("functions.comp", runner, {kGroups, FUNCTION_COUNT, 1}));
    for (uint32_t f = 0; f < FUNCTION_COUNT; ++f) {
        for (uint32_t i = 0; i < kCount; ++i) {
            const uint32_t a = runner.words(in)[2 * i], b = runner.words(in)[2 * i + 1];
            ASSERT_EQ(runner.words(out)[f * kCount + i], host::kFunctions[f](a, b))
                << "f" << f << "(" << a << ", " << b << "), invocation " << i;
        }
    }
}

TEST_P(Glsl, SharedMemoryBarriersAndAtomics) {
    constexpr uint32_t kGroups = 4, kCount = kGroups * 64;
    Runner runner(std::get<0>(GetParam()), std::get<1>(GetParam()));
    const uint64_t in = runner.add_buffer(0, kCount * 4);
    const uint64_t out = runner.add_buffer(1, (22 + kCount) * 4);
    std::mt19937 rng(8);
    uint32_t sums[kGroups] = {}, histogram[16] = {}, smallest = ~0u, largest = 0;
    for (uint32_t i = 0; i < kCount; ++i) {
        const auto x = static_cast<uint32_t>(rng());
        runner.words(in)[i] = x;
        sums[i / 64] += x;
        ++histogram[x & 15];
        smallest = std::min(smallest, x);
        largest = std::max(largest, x);
    }
    uint32_t* r = runner.words(out);
    r[4] = ~0u;
    ASSERT_NO_FATAL_FAILURE(run("shared.comp", runner, {kGroups, 1, 1}));
    EXPECT_TRUE(std::equal(sums, sums + kGroups, r));
    EXPECT_EQ(r[4], smallest);
    EXPECT_EQ(r[5], largest);
    EXPECT_TRUE(std::equal(histogram, histogram + 16, r + 6));
    for (uint32_t i = 0; i < kCount; ++i) {
        ASSERT_EQ(r[22 + i], runner.words(in)[i / 64 * 64 + 63 - i % 64]) << i;
    }
}

TEST_P(Glsl, SubgroupsSeeTheirActiveLanes) {
    constexpr uint32_t kGroups = 3, kLanes = 24, kCount = kGroups * kLanes;
    const unsigned width = std::get<0>(GetParam());
    Runner runner(width, std::get<1>(GetParam()));
    const uint64_t in = runner.add_buffer(0, kCount * 4);
    const uint64_t out = runner.add_buffer(1, kCount * 32);
    std::mt19937 rng(9);
    for (uint32_t i = 0; i < kCount; ++i) {
        runner.words(in)[i] = static_cast<uint32_t>(rng() % 1000);
    }
    ASSERT_NO_FATAL_FAILURE(run("subgroup.comp", runner, {kGroups, 1, 1}));
    for (uint32_t g = 0; g < kGroups; ++g) {
        for (uint32_t base = 0; base < kLanes; base += width) {
            const uint32_t n = std::min(width, kLanes - base);
            const uint32_t* x = runner.words(in) + g * kLanes + base;
            const auto sum = [&](auto&& value) {
                uint32_t s = 0;
                for (uint32_t j = 0; j < n; ++j) {
                    s += value(j);
                }
                return s;
            };
            for (uint32_t i = 0; i < n; ++i) {
                const uint32_t* r = runner.words(out) + (g * kLanes + base + i) * 8;
                uint32_t first = 0;
                if ((x[i] & 1) != 0) {
                    first = sum([&](uint32_t j) { return (x[j] & 1) != 0 ? x[j] : 0; });
                    if ((x[i] & 2) != 0) {
                        first += sum([&](uint32_t j) { return (x[j] & 3) == 3 ? 1u << j : 0; })
                                 << 16;
                    }
                } else {
                    for (uint32_t j = 0; j < n; ++j) {
                        first = (x[j] & 1) == 0 ? std::max(first, x[j]) : first;
                    }
                }
                EXPECT_EQ(r[0], first) << i;
                EXPECT_EQ(r[1], sum([&](uint32_t j) { return (x[j] & 4) != 0 ? 1u << j : 0; }));
                const bool any = std::any_of(x, x + n, [](uint32_t v) { return v > 900; });
                const bool all = std::all_of(x, x + n, [](uint32_t v) { return v < 990; });
                EXPECT_EQ(r[2], (any ? 1u : 0u) + (all ? 2u : 0u));
                EXPECT_EQ(r[3], sum([&](uint32_t j) { return j < i ? x[j] : 0; }));
                EXPECT_EQ(r[4], x[0]);
                EXPECT_EQ(r[5], x[i ^ 1]);
                uint32_t left = 0;
                for (uint32_t step = 0; step <= (x[i] & 7); ++step) {
                    left += sum([&](uint32_t j) { return (x[j] & 7) >= step ? 1 : 0; });
                }
                EXPECT_EQ(r[6], left) << i;
                EXPECT_EQ(r[7], n);
            }
        }
    }
}

TEST_P(Glsl, ConsecutiveLanesAccessTheRightWords) {
    constexpr uint32_t kCount = 4 * 64;
    Runner runner(std::get<0>(GetParam()), std::get<1>(GetParam()));
    const uint64_t in = runner.add_buffer(0, kCount * 4);
    const uint64_t out = runner.add_buffer(1, kCount * 16);
    for (uint32_t i = 0; i < kCount; ++i) {
        runner.words(in)[i] = i * 7 + 1;
    }
    ASSERT_NO_FATAL_FAILURE(run("neighbours.comp", runner, {4, 1, 1}));
    const auto source = [](uint32_t i) { return i < kCount ? i * 7 + 1 : 0; };
    for (uint32_t i = 0; i < kCount; ++i) {
        const uint32_t* r = runner.words(out) + 4 * i;
        const uint32_t other = i ^ 32;
        EXPECT_EQ(r[0], source(i)) << i;
        EXPECT_EQ(r[1], source(i - 3)) << i;
        EXPECT_EQ(r[2], source(i + 190) + source(i - 1)) << i;
        EXPECT_EQ(r[3], source(other) + other / 32 % 2) << i;
    }
}

INSTANTIATE_TEST_SUITE_P(Executors, Glsl,
                         testing::Combine(testing::Values(8u, 16u),
                                          testing::Values(Runner::Mode::interpreter,
                                                          Runner::Mode::jit)));

} // namespace
} // namespace kite::test
