// SPDX-License-Identifier: MIT
#include "device/format/codec.hpp"

#include "kite_hw/formats.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>
#include <vector>

namespace kite::dev::format {
namespace {

using hw::Format;

constexpr uint32_t id(Format f) {
    return static_cast<uint32_t>(f);
}

struct Rgba {
    float v[4];
};

Rgba decode(Format f, std::vector<uint8_t> bytes) {
    bytes.resize(32);
    Rgba r{};
    decode_float(id(f), reinterpret_cast<const std::byte*>(bytes.data()), r.v);
    return r;
}

std::vector<uint8_t> encode(Format f, float r, float g = 0, float b = 0, float a = 0) {
    std::vector<uint8_t> bytes(hw::format_info(id(f))->bytes_per_block);
    const float in[4] = {r, g, b, a};
    encode_float(id(f), in, reinterpret_cast<std::byte*>(bytes.data()));
    return bytes;
}

void expect(const Rgba& got, float r, float g, float b, float a) {
    EXPECT_EQ(got.v[0], r);
    EXPECT_EQ(got.v[1], g);
    EXPECT_EQ(got.v[2], b);
    EXPECT_EQ(got.v[3], a);
}

using Bytes = std::vector<uint8_t>;

TEST(Codec, DecodesUnormAndOrder) {
    expect(decode(Format::r8g8b8a8_unorm, {255, 0, 51, 102}), 1.0f, 0.0f, 0.2f, 0.4f);
    expect(decode(Format::b8g8r8a8_unorm, {255, 0, 51, 102}), 0.2f, 0.0f, 1.0f, 0.4f);
    expect(decode(Format::r8_unorm, {51}), 0.2f, 0, 0, 1);
    expect(decode(Format::a8_unorm, {51}), 0, 0, 0, 0.2f);
    expect(decode(Format::r5g6b5_unorm_pack16, {0x1f, 0xf8}), 1, 0, 1, 1);
    expect(decode(Format::a2b10g10r10_unorm_pack32, {0xff, 0x03, 0, 0xc0}), 1, 0, 0, 1);
    expect(decode(Format::r16_unorm, {0xff, 0xff}), 1, 0, 0, 1);
}

TEST(Codec, DecodesSnormWithTwoMinusOnes) {
    expect(decode(Format::r8g8_snorm, {0x80, 0x81}), -1, -1, 0, 1);
    expect(decode(Format::r8_snorm, {127}), 1, 0, 0, 1);
    expect(decode(Format::r16_snorm, {0x00, 0x80}), -1, 0, 0, 1);
}

TEST(Codec, DecodesFloats) {
    expect(decode(Format::r16g16_sfloat, {0x00, 0x3c, 0x00, 0xc0}), 1, -2, 0, 1);
    expect(decode(Format::r16_sfloat, {0x01, 0x00}), 0x1p-24f, 0, 0, 1);
    EXPECT_TRUE(std::isinf(decode(Format::r16_sfloat, {0x00, 0x7c}).v[0]));
    // 1.0 is exponent 15: 0x3c0 in 11 bits, 0x1e0 in 10 bits.
    const uint32_t ones = 0x3c0u | 0x3c0u << 11 | 0x1e0u << 22;
    Bytes raw(4);
    std::memcpy(raw.data(), &ones, 4);
    expect(decode(Format::b10g11r11_ufloat_pack32, raw), 1, 1, 1, 1);
    // Shared exponent 16: mantissa 256 is 256 * 2^(16 - 24) = 1.
    const uint32_t shared = 256u | 128u << 9 | 16u << 27;
    std::memcpy(raw.data(), &shared, 4);
    expect(decode(Format::e5b9g9r9_ufloat_pack32, raw), 1, 0.5f, 0, 1);
}

TEST(Codec, EncodesRoundToNearest) {
    EXPECT_EQ(encode(Format::r8g8b8a8_unorm, 0.5f, -1, 2, std::nanf("")), (Bytes{128, 0, 255, 0}));
    EXPECT_EQ(encode(Format::r8_snorm, -0.5f), (Bytes{0xc0})); // -63.5 to even: -64
    EXPECT_EQ(encode(Format::d16_unorm, 1.0f), (Bytes{0xff, 0xff}));
    EXPECT_EQ(encode(Format::x8_d24_unorm_pack32, 0.5f), (Bytes{0x00, 0x00, 0x80, 0x00}));
    EXPECT_EQ(encode(Format::r5g6b5_unorm_pack16, 1, 0, 1), (Bytes{0x1f, 0xf8}));
    EXPECT_EQ(encode(Format::e5b9g9r9_ufloat_pack32, 1.0f), (Bytes{0x00, 0x01, 0x00, 0x80}));
    EXPECT_EQ(encode(Format::r16_sfloat, 65520.0f), (Bytes{0x00, 0x7c}));
    EXPECT_EQ(encode(Format::r16_sfloat, 65519.0f), (Bytes{0xff, 0x7b}));
}

TEST(Codec, HalfRoundTripsEveryValue) {
    for (uint32_t h = 0; h < 0x10000; ++h) {
        const float f = half_to_float(static_cast<uint16_t>(h));
        if (f == f) {
            ASSERT_EQ(float_to_half(f), h);
        } else {
            ASSERT_NE(float_to_half(f) & 0x3ff, 0);
        }
    }
    EXPECT_EQ(float_to_half(1.0f + 0x1p-11f), 0x3c00);     // tie to even
    EXPECT_EQ(float_to_half(1.0f + 3 * 0x1p-11f), 0x3c02); // tie to even, up
    EXPECT_EQ(float_to_half(0x1p-25f), 0);                 // half the smallest denormal
    EXPECT_EQ(float_to_half(std::nextafter(0x1p-25f, 1.0f)), 1);
}

TEST(Codec, SrgbRoundTripsEveryCode) {
    for (unsigned c = 0; c < 256; ++c) {
        EXPECT_EQ(linear_to_srgb(srgb_to_linear(static_cast<uint8_t>(c))), c);
    }
    EXPECT_EQ(linear_to_srgb(0.2158605f), 128);
    EXPECT_EQ(linear_to_srgb(5.0f), 255);
    expect(decode(Format::r8g8b8a8_srgb, {255, 0, 0, 51}), 1, 0, 0, 0.2f);
}

// Every code of every float-like format with at most 16 bits survives decode and encode.
TEST(Codec, SmallFormatsRoundTrip) {
    for (const hw::FormatInfo& info : hw::all_formats()) {
        if (info.compressed || info.bytes_per_block > 2 || info.is_integer() || info.two_planes() ||
            info.stencil) {
            continue;
        }
        for (uint32_t code = 0; code < (info.bytes_per_block == 1 ? 256u : 65536u); ++code) {
            uint32_t raw = code, again = 0, twice = 0;
            float v[4], w[4];
            decode_float(info.id, reinterpret_cast<std::byte*>(&raw), v);
            encode_float(info.id, v, reinterpret_cast<std::byte*>(&again));
            decode_float(info.id, reinterpret_cast<std::byte*>(&again), w);
            encode_float(info.id, w, reinterpret_cast<std::byte*>(&twice));
            ASSERT_EQ(again, twice) << info.name << " " << code;
            if (v[0] == v[0]) {
                ASSERT_EQ(0, std::memcmp(v, w, sizeof(v))) << info.name << " " << code;
            }
        }
    }
}

TEST(Codec, IntegersClampAndExtend) {
    const uint32_t in[4] = {300, 0xffffffffu, 5, 6};
    uint8_t raw[4] = {};
    encode_int(id(Format::r8g8b8a8_uint), in, reinterpret_cast<std::byte*>(raw));
    EXPECT_EQ((Bytes{raw, raw + 4}), (Bytes{255, 255, 5, 6}));
    encode_int(id(Format::r8g8b8a8_sint), in, reinterpret_cast<std::byte*>(raw));
    EXPECT_EQ((Bytes{raw, raw + 4}), (Bytes{127, 0xff, 5, 6}));
    uint32_t out[4];
    decode_int(id(Format::r8g8b8a8_sint), reinterpret_cast<std::byte*>(raw), out);
    EXPECT_EQ(out[1], 0xffffffffu);
    decode_int(id(Format::s8_uint), reinterpret_cast<std::byte*>(raw), out);
    EXPECT_EQ(out[0], 127u);
    EXPECT_TRUE(is_integer(id(Format::s8_uint)));
    EXPECT_FALSE(is_integer(id(Format::d32_sfloat)));
    EXPECT_FALSE(is_integer(9999));
}

TEST(Codec, WideFormats) {
    const float in[4] = {1.5f, -2.0f, 3.0f, 4.0f};
    float out[4];
    alignas(8) std::byte raw[32];
    for (const Format f :
         {Format::r32g32b32a32_sfloat, Format::r16g16b16a16_sfloat, Format::r64g64b64a64_sfloat}) {
        encode_float(id(f), in, raw);
        decode_float(id(f), raw, out);
        EXPECT_EQ(0, std::memcmp(in, out, sizeof(in))) << id(f);
    }
    decode_float(9999, raw, out);
    EXPECT_EQ(out[3], 1.0f);
}

} // namespace
} // namespace kite::dev::format
