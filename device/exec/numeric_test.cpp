// SPDX-License-Identifier: MIT
#include "device/exec/numeric.hpp"

#include <gtest/gtest.h>

#include <random>

namespace kite::dev::exec {
namespace {

using hw::Round;
using hw::Type;

uint32_t f32(float x) {
    return std::bit_cast<uint32_t>(x);
}
uint64_t f64(double x) {
    return std::bit_cast<uint64_t>(x);
}

TEST(Convert, RoundsFloatsToIntegers) {
    EXPECT_EQ(convert(Type::i32, Type::f32, Round::rte, f32(2.5f)), 2u);
    EXPECT_EQ(convert(Type::i32, Type::f32, Round::rte, f32(3.5f)), 4u);
    EXPECT_EQ(convert(Type::i32, Type::f32, Round::rtz, f32(-2.7f)), static_cast<uint32_t>(-2));
    EXPECT_EQ(convert(Type::i32, Type::f32, Round::rtn, f32(-2.1f)), static_cast<uint32_t>(-3));
    EXPECT_EQ(convert(Type::i32, Type::f32, Round::rtp, f32(2.1f)), 3u);
    EXPECT_EQ(convert(Type::i32, Type::f32, Round::rtn, f32(0x1p-149f)), 0u);
    EXPECT_EQ(convert(Type::i32, Type::f32, Round::rtp, f32(0x1p-149f)), 1u);
}

TEST(Convert, Saturates) {
    EXPECT_EQ(convert(Type::i32, Type::f32, Round::rtz, f32(3e9f)), 0x7fffffffu);
    EXPECT_EQ(convert(Type::i32, Type::f32, Round::rtz, f32(-3e9f)), 0x80000000u);
    EXPECT_EQ(convert(Type::u32, Type::f32, Round::rtz, f32(-1.0f)), 0u);
    EXPECT_EQ(convert(Type::u8, Type::f32, Round::rtz, f32(300.0f)), 255u);
    EXPECT_EQ(convert(Type::i8, Type::f32, Round::rtz, f32(-300.0f)), 0xffffff80u);
    EXPECT_EQ(convert(Type::u64, Type::f64, Round::rtz, f64(1e30)), ~0ull);
    EXPECT_EQ(convert(Type::i64, Type::f64, Round::rtz, f64(-HUGE_VAL)), 1ull << 63);
    EXPECT_EQ(convert(Type::i32, Type::f32, Round::rtz, 0x7fc00000u), 0u);
    EXPECT_EQ(convert(Type::u16, Type::f16, Round::rtz, 0x7c00), 0xffffu);
}

TEST(Convert, ExtendsBySource) {
    EXPECT_EQ(convert(Type::i32, Type::i8, Round::rte, 0x80), 0xffffff80u);
    EXPECT_EQ(convert(Type::i32, Type::u8, Round::rte, 0x180), 0x80u);
    EXPECT_EQ(convert(Type::i16, Type::u16, Round::rte, 0x8000), 0xffff8000u);
    EXPECT_EQ(convert(Type::u64, Type::i32, Round::rte, 0xffffffffu), ~0ull);
}

TEST(Convert, RoundsToNarrowerFloats) {
    EXPECT_EQ(convert(Type::f16, Type::f32, Round::rte, f32(65519.0f)), 0x7bffu);
    EXPECT_EQ(convert(Type::f16, Type::f32, Round::rte, f32(65520.0f)), 0x7c00u);
    EXPECT_EQ(convert(Type::f16, Type::f32, Round::rtz, f32(1e9f)), 0x7bffu);
    EXPECT_EQ(convert(Type::f16, Type::f32, Round::rtp, f32(-1e9f)), 0xfbffu);
    EXPECT_EQ(convert(Type::f16, Type::f32, Round::rte, f32(0x1p-25f)), 0u);
    EXPECT_EQ(convert(Type::f16, Type::f32, Round::rtp, f32(0x1p-25f)), 1u);
    EXPECT_EQ(convert(Type::f32, Type::u32, Round::rtz, 0xffffffffu), f32(4294967040.0f));
    EXPECT_EQ(convert(Type::f32, Type::u32, Round::rte, 0xffffffffu), f32(4294967296.0f));
}

// Where the host has the same conversion, it must give the same bits.
TEST(Convert, AgreesWithTheHost) {
    std::mt19937_64 random(7);
    for (int i = 0; i < 200000; ++i) {
        const uint64_t bits = random() >> (random() % 64);
        const auto d = std::bit_cast<double>(random());
        const auto f = std::bit_cast<float>(static_cast<uint32_t>(random()));
        ASSERT_EQ(convert(Type::f32, Type::u64, Round::rte, bits), f32(static_cast<float>(bits)));
        ASSERT_EQ(convert(Type::f64, Type::i64, Round::rte, bits),
                  f64(static_cast<double>(static_cast<int64_t>(bits))));
        if (!std::isnan(d)) {
            ASSERT_EQ(convert(Type::f32, Type::f64, Round::rte, f64(d)),
                      f32(static_cast<float>(d)));
            ASSERT_EQ(convert(Type::f16, Type::f64, Round::rte, f64(d)),
                      std::bit_cast<uint16_t>(static_cast<_Float16>(d)));
        }
        if (!std::isnan(f)) {
            ASSERT_EQ(convert(Type::f16, Type::f32, Round::rte, f32(f)), float_to_half(f));
            ASSERT_EQ(convert(Type::f64, Type::f32, Round::rte, f32(f)),
                      f64(static_cast<double>(f)));
        }
    }
}

} // namespace
} // namespace kite::dev::exec
