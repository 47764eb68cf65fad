// SPDX-License-Identifier: MIT
#include "device/format/bc.hpp"

#include "device/format/codec.hpp"
#include "device/format/numbers.hpp"
#include "kite_hw/formats.hpp"

#include <cstring>

namespace kite::dev::format {

namespace {

uint64_t load64(const std::byte* p) {
    uint64_t v;
    std::memcpy(&v, p, 8);
    return v;
}

void expand_565(uint32_t c, float rgb[3]) {
    rgb[0] = static_cast<float>(c >> 11) / 31.0f;
    rgb[1] = static_cast<float>(c >> 5 & 63) / 63.0f;
    rgb[2] = static_cast<float>(c & 31) / 31.0f;
}

/// The colour half of BC1-3. `punch_through`: the order of the end points selects the three-colour
/// mode.
void decode_color(const std::byte* p, bool punch_through, bool transparent, float (*rgba)[4]) {
    const uint64_t bits = load64(p);
    const auto c0 = static_cast<uint32_t>(bits & 0xffff),
               c1 = static_cast<uint32_t>(bits >> 16 & 0xffff);
    float palette[4][4] = {{0, 0, 0, 1}, {0, 0, 0, 1}, {0, 0, 0, 1}, {0, 0, 0, 1}};
    expand_565(c0, palette[0]);
    expand_565(c1, palette[1]);
    for (unsigned i = 0; i < 3; ++i) {
        if (!punch_through || c0 > c1) {
            palette[2][i] = (2.0f * palette[0][i] + palette[1][i]) / 3.0f;
            palette[3][i] = (palette[0][i] + 2.0f * palette[1][i]) / 3.0f;
        } else {
            palette[2][i] = (palette[0][i] + palette[1][i]) / 2.0f;
        }
    }
    if (punch_through && c0 <= c1 && transparent) {
        palette[3][3] = 0.0f;
    }
    for (unsigned t = 0; t < 16; ++t) {
        std::memcpy(rgba[t], palette[bits >> (32 + 2 * t) & 3], sizeof(palette[0]));
    }
}

/// One BC4-like channel into component `comp`.
void decode_channel(const std::byte* p, bool is_signed, unsigned comp, float (*rgba)[4]) {
    const uint64_t bits = load64(p);
    const auto b0 = static_cast<uint32_t>(bits & 0xff),
               b1 = static_cast<uint32_t>(bits >> 8 & 0xff);
    float palette[8];
    const bool eight = is_signed ? sign_extend(b0, 8) > sign_extend(b1, 8) : b0 > b1;
    palette[0] = is_signed ? snorm_to_float(sign_extend(b0, 8), 8) : unorm_to_float(b0, 8);
    palette[1] = is_signed ? snorm_to_float(sign_extend(b1, 8), 8) : unorm_to_float(b1, 8);
    const unsigned steps = eight ? 7 : 5;
    for (unsigned i = 1; i < steps; ++i) {
        palette[i + 1] =
            (static_cast<float>(steps - i) * palette[0] + static_cast<float>(i) * palette[1]) /
            static_cast<float>(steps);
    }
    if (!eight) {
        palette[6] = is_signed ? -1.0f : 0.0f;
        palette[7] = 1.0f;
    }
    for (unsigned t = 0; t < 16; ++t) {
        rgba[t][comp] = palette[bits >> (16 + 3 * t) & 7];
    }
}

void to_linear(float (*rgba)[4]) {
    // The specification decodes to 8-bit-like values first; the curve is applied to the
    // interpolated value.
    for (unsigned t = 0; t < 16; ++t) {
        for (unsigned c = 0; c < 3; ++c) {
            const float s = rgba[t][c];
            rgba[t][c] = s <= 0.04045f ? s / 12.92f : std::pow((s + 0.055f) / 1.055f, 2.4f);
        }
    }
}

void fill(float (*rgba)[4]) {
    for (unsigned t = 0; t < 16; ++t) {
        rgba[t][0] = rgba[t][1] = rgba[t][2] = 0.0f;
        rgba[t][3] = 1.0f;
    }
}

} // namespace

void decode_block(uint32_t format, const std::byte* block, float (*rgba)[4]) {
    using hw::Format;
    const auto id = static_cast<Format>(format);
    fill(rgba);
    switch (id) {
    case Format::bc1_rgb_unorm_block:
    case Format::bc1_rgb_srgb_block:
        decode_color(block, true, false, rgba);
        break;
    case Format::bc1_rgba_unorm_block:
    case Format::bc1_rgba_srgb_block:
        decode_color(block, true, true, rgba);
        break;
    case Format::bc2_unorm_block:
    case Format::bc2_srgb_block: {
        decode_color(block + 8, false, false, rgba);
        const uint64_t alpha = load64(block);
        for (unsigned t = 0; t < 16; ++t) {
            rgba[t][3] = unorm_to_float(static_cast<uint32_t>(alpha >> (4 * t) & 15), 4);
        }
        break;
    }
    case Format::bc3_unorm_block:
    case Format::bc3_srgb_block:
        decode_color(block + 8, false, false, rgba);
        decode_channel(block, false, 3, rgba);
        break;
    case Format::bc4_unorm_block:
    case Format::bc4_snorm_block:
        decode_channel(block, id == Format::bc4_snorm_block, 0, rgba);
        break;
    case Format::bc5_unorm_block:
    case Format::bc5_snorm_block:
        decode_channel(block, id == Format::bc5_snorm_block, 0, rgba);
        decode_channel(block + 8, id == Format::bc5_snorm_block, 1, rgba);
        break;
    case Format::bc6h_ufloat_block:
    case Format::bc6h_sfloat_block:
        decode_bc6h(block, id == Format::bc6h_sfloat_block, rgba);
        break;
    case Format::bc7_unorm_block:
    case Format::bc7_srgb_block:
        decode_bc7(block, rgba);
        break;
    default:
        break;
    }
    switch (id) {
    case Format::bc1_rgb_srgb_block:
    case Format::bc1_rgba_srgb_block:
    case Format::bc2_srgb_block:
    case Format::bc3_srgb_block:
    case Format::bc7_srgb_block:
        to_linear(rgba);
        break;
    default:
        break;
    }
}

void decode_block_texel(uint32_t format, const std::byte* block, unsigned index, float rgba[4]) {
    float texels[16][4];
    decode_block(format, block, texels);
    std::memcpy(rgba, texels[index & 15], sizeof(texels[0]));
}

} // namespace kite::dev::format
