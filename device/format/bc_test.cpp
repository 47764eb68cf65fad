// SPDX-License-Identifier: MIT
#include "device/format/codec.hpp"

#include "kite_hw/formats.hpp"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <random>

namespace kite::dev::format {
namespace {

using hw::Format;
using Block = float[16][4];

void decode(Format f, std::initializer_list<uint8_t> bytes, Block& out) {
    std::byte raw[16] = {};
    std::memcpy(raw, bytes.begin(), bytes.size());
    decode_block(static_cast<uint32_t>(f), raw, out);
}

TEST(Bc, Bc1FourAndThreeColours) {
    Block t;
    // c0 = red 0xf800 > c1 = blue 0x001f; indices 0, 1, 2, 3 in the first row.
    decode(Format::bc1_rgba_unorm_block, {0x00, 0xf8, 0x1f, 0x00, 0xe4, 0, 0, 0}, t);
    EXPECT_EQ(t[0][0], 1.0f);
    EXPECT_EQ(t[1][2], 1.0f);
    EXPECT_FLOAT_EQ(t[2][0], 2.0f / 3);
    EXPECT_FLOAT_EQ(t[3][2], 2.0f / 3);
    EXPECT_EQ(t[3][3], 1.0f);
    // Swapped: three colours, index 3 is black and transparent (opaque without alpha).
    decode(Format::bc1_rgba_unorm_block, {0x1f, 0x00, 0x00, 0xf8, 0xe4, 0, 0, 0}, t);
    EXPECT_EQ(t[2][0], 0.5f);
    EXPECT_EQ(t[3][2], 0.0f);
    EXPECT_EQ(t[3][3], 0.0f);
    decode(Format::bc1_rgb_unorm_block, {0x1f, 0x00, 0x00, 0xf8, 0xe4, 0, 0, 0}, t);
    EXPECT_EQ(t[3][3], 1.0f);
}

TEST(Bc, Bc2Bc3Alpha) {
    Block t;
    decode(Format::bc2_unorm_block, {0x5f, 0, 0, 0, 0, 0, 0, 0, 0x00, 0xf8, 0x1f, 0x00, 0, 0, 0, 0},
           t);
    EXPECT_EQ(t[0][3], 1.0f);
    EXPECT_FLOAT_EQ(t[1][3], 5.0f / 15);
    EXPECT_EQ(t[0][0], 1.0f);
    decode(Format::bc3_unorm_block,
           {255, 0, 0x88, 0, 0, 0, 0, 0, 0x00, 0xf8, 0x1f, 0x00, 0, 0, 0, 0}, t);
    EXPECT_EQ(t[0][3], 1.0f);              // index 0
    EXPECT_EQ(t[1][3], 0.0f);              // index 1
    EXPECT_FLOAT_EQ(t[2][3], 6.0f / 7.0f); // index 2
}

TEST(Bc, Bc4Bc5Signed) {
    Block t;
    decode(Format::bc4_snorm_block, {0x81, 0x7f, 0x37, 0, 0, 0, 0, 0},
           t); // -1 <= 1: six values; indices 7, 6
    EXPECT_EQ(t[0][0], 1.0f);
    EXPECT_EQ(t[1][0], -1.0f);
    EXPECT_EQ(t[2][0], -1.0f);
    EXPECT_EQ(t[0][3], 1.0f);
    decode(Format::bc5_unorm_block, {255, 0, 0, 0, 0, 0, 0, 0, 51, 0, 0, 0, 0, 0, 0, 0}, t);
    EXPECT_EQ(t[5][0], 1.0f);
    EXPECT_FLOAT_EQ(t[5][1], 0.2f);
}

TEST(Bc, Bc7Mode6) {
    // Mode 6: bit 6 set; then r0 r1 g0 g1 b0 b1 a0 a1 of 7 bits, p0, p1. End point 0 all ones with
    // p = 1, end point 1 zero.
    uint64_t low = 1u << 6, high = 0;
    for (unsigned c = 0; c < 4; ++c) {
        low |= uint64_t{0x7f} << (7 + 14 * c); // alpha at 49..55
    }
    low |= uint64_t{1} << 63;  // p0
    high = uint64_t{0};        // p1 = 0; index 0 (3 bits) = 0
    high |= uint64_t{15} << 4; // texel 1: index 15
    std::byte raw[16];
    std::memcpy(raw, &low, 8);
    std::memcpy(raw + 8, &high, 8);
    Block t;
    decode_block(static_cast<uint32_t>(Format::bc7_unorm_block), raw, t);
    for (unsigned c = 0; c < 4; ++c) {
        EXPECT_EQ(t[0][c], 1.0f);
        EXPECT_EQ(t[1][c], 0.0f);
    }
}

TEST(Bc, ReservedModesAreZero) {
    Block t;
    decode(Format::bc7_unorm_block, {0}, t);
    EXPECT_EQ(t[0][3], 0.0f);
    decode(Format::bc6h_ufloat_block, {0x13, 0xff, 0xff}, t);
    EXPECT_EQ(t[0][0], 0.0f);
    EXPECT_EQ(t[0][3], 1.0f);
}

// Any block decodes to finite values inside the format's range; goldens of a fixed random sequence
// guard the tables.
TEST(Bc, RandomBlocksStayInRange) {
    std::mt19937 engine(3);
    const auto rng = [&] { return static_cast<uint32_t>(engine()); };
    uint64_t sum6 = 0, sum7 = 0;
    for (int i = 0; i < 20000; ++i) {
        uint32_t words[4] = {rng(), rng(), rng(), rng()};
        Block t;
        decode_block(static_cast<uint32_t>(Format::bc7_unorm_block),
                     reinterpret_cast<std::byte*>(words), t);
        for (const auto& texel : t) {
            for (const float v : texel) {
                ASSERT_TRUE(v >= 0.0f && v <= 1.0f);
                sum7 = sum7 * 31 + static_cast<uint64_t>(std::lround(v * 255.0f));
            }
        }
        decode_block(static_cast<uint32_t>(Format::bc6h_sfloat_block),
                     reinterpret_cast<std::byte*>(words), t);
        for (const auto& texel : t) {
            for (unsigned c = 0; c < 3; ++c) {
                ASSERT_TRUE(std::isfinite(texel[c]));
                sum6 = sum6 * 31 + float_to_half(texel[c]);
            }
        }
    }
    EXPECT_EQ(sum7, 6765497998697096032u);
    EXPECT_EQ(sum6, 10500318853691466950u);
}

} // namespace
} // namespace kite::dev::format
