// SPDX-License-Identifier: MIT
#include "runtime/resource/image_layout.hpp"

#include <gtest/gtest.h>

#include <set>

namespace kite::rt {
namespace {

const hw::FormatInfo* fmt(hw::Format f) {
    return hw::format_info(static_cast<uint32_t>(f));
}

TEST(ImageLayout, QuadMajorInsideABlock) {
    PlaneLayout p = lay_out({.format = fmt(hw::Format::r8g8b8a8_unorm), .width = 8, .height = 8});
    EXPECT_EQ(texel_offset(p, 0, 0, 0, 0, 0, 0), 0u);
    EXPECT_EQ(texel_offset(p, 0, 0, 1, 0, 0, 0), 4u);
    EXPECT_EQ(texel_offset(p, 0, 0, 0, 1, 0, 0), 8u);
    EXPECT_EQ(texel_offset(p, 0, 0, 2, 0, 0, 0), 16u);
    EXPECT_EQ(texel_offset(p, 0, 0, 0, 2, 0, 0), 32u);
    EXPECT_EQ(texel_offset(p, 0, 0, 4, 0, 0, 0), 64u);
    EXPECT_EQ(texel_offset(p, 0, 0, 0, 4, 0, 0), 128u);
}

TEST(ImageLayout, LinearRows) {
    PlaneLayout p = lay_out(
        {.format = fmt(hw::Format::b8g8r8a8_unorm), .width = 500, .height = 3, .linear = true});
    EXPECT_EQ(p.pitch[0], 2048u);
    EXPECT_EQ(p.size_bytes, 2048u * 3);
    EXPECT_EQ(texel_offset(p, 0, 0, 7, 2, 0, 0), 2u * 2048 + 28);
}

TEST(ImageLayout, NoTwoTexelsShareAnOffset) {
    for (bool linear : {false, true}) {
        PlaneLayout p = lay_out({.format = fmt(hw::Format::r16g16_sfloat),
                                 .width = 13,
                                 .height = 9,
                                 .levels = 4,
                                 .layers = 3,
                                 .samples = linear ? 1u : 4u,
                                 .linear = linear});
        std::set<uint64_t> seen;
        for (uint32_t layer = 0; layer < 3; ++layer)
            for (uint32_t l = 0; l < 4; ++l)
                for (uint32_t y = 0; y < minify(9, l); ++y)
                    for (uint32_t x = 0; x < minify(13, l); ++x)
                        for (uint32_t s = 0; s < p.desc.samples; ++s) {
                            uint64_t o = texel_offset(p, l, layer, x, y, 0, s);
                            EXPECT_TRUE(seen.insert(o).second);
                            EXPECT_LE(o + 4, p.size_bytes);
                            EXPECT_EQ(o % 4, 0u);
                        }
    }
}

TEST(ImageLayout, VolumesMinifyTheirSlices) {
    PlaneLayout p = lay_out(
        {.format = fmt(hw::Format::r8_unorm), .width = 16, .height = 16, .depth = 16, .levels = 5});
    EXPECT_EQ(p.slice_bytes[0], 256u);
    EXPECT_EQ(p.level_offset[1], 256u * 16);
    EXPECT_EQ(p.level_offset[2], 256u * 16 + 64 * 8);
    EXPECT_EQ(texel_offset(p, 0, 0, 0, 0, 15, 0), 15u * 256);
}

TEST(ImageLayout, CompressedBlocksAreTexels) {
    PlaneLayout p = lay_out({.format = fmt(hw::Format::bc1_rgb_unorm_block),
                             .width = 10,
                             .height = 10,
                             .linear = true});
    EXPECT_EQ(p.pitch[0], 64u);
    EXPECT_EQ(p.size_bytes, 192u);
    EXPECT_EQ(texel_offset(p, 0, 0, 9, 9, 0, 0), 128u + 16);
}

} // namespace
} // namespace kite::rt
