// SPDX-License-Identifier: MIT
#include "device/format/layout.hpp"

#include "kite_hw/limits.hpp"

#include <gtest/gtest.h>
#include <random>
#include <vector>

namespace kite::dev::format {
namespace {

std::byte* const kWindow = reinterpret_cast<std::byte*>(uint64_t{1} << 44); // never dereferenced
constexpr uint64_t kMask = (uint64_t{1} << hw::limits::kVaBits) - 1;

hw::ImageDescriptor image(hw::Format format, uint32_t w, uint32_t h, hw::ImageLayout layout) {
    hw::ImageDescriptor d;
    d.address = 0x10000;
    d.format = static_cast<uint32_t>(format);
    d.dim = hw::ViewDim::d2;
    d.layout = layout;
    d.width_minus_1 = w - 1;
    d.height_minus_1 = h - 1;
    return d;
}

uint64_t offset(const SurfaceView& v, uint32_t x, uint32_t y, uint32_t z = 0, uint32_t s = 0) {
    return static_cast<uint64_t>(v.at(x, y, z, s) - kWindow) - 0x10000;
}

TEST(Layout, Tiled) {
    SurfaceView v;
    ASSERT_TRUE(make_surface(image(hw::Format::r8g8b8a8_unorm, 10, 5, hw::ImageLayout::tiled),
                             kWindow, kMask, v));
    EXPECT_EQ(offset(v, 0, 0), 0u);
    EXPECT_EQ(offset(v, 1, 0), 4u);
    EXPECT_EQ(offset(v, 0, 1), 8u);
    EXPECT_EQ(offset(v, 2, 0), 16u);
    EXPECT_EQ(offset(v, 3, 3), 60u);
    EXPECT_EQ(offset(v, 4, 0), 64u);
    EXPECT_EQ(offset(v, 9, 4), 3 * 64u + 2 * 64 + 4);
    EXPECT_EQ(v.slice_bytes, 6 * 64u);
}

TEST(Layout, TiledMultisampleLevelsAndLayers) {
    hw::ImageDescriptor d = image(hw::Format::r16_unorm, 8, 8, hw::ImageLayout::tiled);
    d.log2_samples = 2;
    d.depth_minus_1 = 3;
    d.base_layer = 1;
    d.layer_count_minus_1 = 2;
    d.layer_stride_64 = 100;
    SurfaceView v;
    ASSERT_TRUE(make_surface(d, kWindow, kMask, v));
    EXPECT_EQ(offset(v, 0, 0, 0, 0), 6400u);
    EXPECT_EQ(offset(v, 0, 0, 2, 3), 3 * 6400u + 3 * 32);
    EXPECT_EQ(offset(v, 4, 0, 0, 0), 6400u + 128);
    d.log2_samples = 0;
    d.resource_levels_minus_1 = 3;
    d.base_level = 2;
    d.level_offset_64[2] = 7;
    ASSERT_TRUE(make_surface(d, kWindow, kMask, v));
    EXPECT_EQ(v.width, 2u);
    EXPECT_EQ(offset(v, 1, 1, 0), 6400u + 7 * 64 + 6);
}

TEST(Layout, LinearAndCompressed) {
    hw::ImageDescriptor d = image(hw::Format::bc1_rgb_unorm_block, 10, 6, hw::ImageLayout::linear);
    d.row_pitch = 64;
    SurfaceView v;
    ASSERT_TRUE(make_surface(d, kWindow, kMask, v));
    EXPECT_EQ(v.blocks_w, 3u);
    EXPECT_EQ(v.blocks_h, 2u);
    EXPECT_EQ(offset(v, 2, 1), 64u + 16);
    d.image_3d = true;
    d.dim = hw::ViewDim::d3;
    d.depth_minus_1 = 4;
    ASSERT_TRUE(make_surface(d, kWindow, kMask, v));
    EXPECT_EQ(v.layers, 5u);
    EXPECT_EQ(offset(v, 0, 0, 3), 3 * 128u);
    d.slice_pitch = 5;
    ASSERT_TRUE(make_surface(d, kWindow, kMask, v));
    EXPECT_EQ(offset(v, 0, 0, 3), 3 * 320u);
}

TEST(Layout, RefusesNonsense) {
    SurfaceView v;
    const char* why = nullptr;
    const auto good = image(hw::Format::r8g8b8a8_unorm, 10, 5, hw::ImageLayout::tiled);
    const auto refused = [&](auto change) {
        hw::ImageDescriptor d = good;
        change(d);
        return !make_surface(d, kWindow, kMask, v, &why) && why != nullptr;
    };
    EXPECT_TRUE(refused([](auto& d) { d.format = 0; }));
    EXPECT_TRUE(refused([](auto& d) { d.format = 1023; }));
    EXPECT_TRUE(refused([](auto& d) { d.format = 129; }));
    EXPECT_TRUE(refused([](auto& d) { d.address = kMask & ~uint64_t{63}; }));
    EXPECT_TRUE(refused([](auto& d) { d.address = 0x10010; }));
    EXPECT_TRUE(refused([](auto& d) { d.base_layer = 1; }));
    EXPECT_TRUE(refused([](auto& d) { d.base_level = 1; }));
    EXPECT_TRUE(refused([](auto& d) { d.dim = hw::ViewDim::buffer; }));
    EXPECT_TRUE(refused([](auto& d) { d.layout = hw::ImageLayout::linear; }));
    EXPECT_TRUE(refused([](auto& d) { d.layout = static_cast<hw::ImageLayout>(3); }));
    EXPECT_TRUE(refused([](auto& d) {
        d.depth_minus_1 = 16383, d.layer_count_minus_1 = 16383, d.layer_stride_64 = 0xffffffff;
    }));
    EXPECT_FALSE(refused([](auto&) {}));
}

// Whatever the descriptor says, the last byte of an accepted view lies inside the window.
TEST(Layout, AcceptedViewsStayInside) {
    std::mt19937 engine(7);
    const auto rng = [&] { return static_cast<uint32_t>(engine()); };
    unsigned accepted = 0;
    for (int i = 0; i < 200000; ++i) {
        uint32_t words[hw::ImageDescriptor::kDwords];
        for (uint32_t& w : words) {
            w = rng() >> (rng() % 33 == 32 ? 31 : rng() % 32);
        }
        words[0] &= ~63u;
        words[1] &= 0xff;
        words[2] = (words[2] & ~0x3ffu) | rng() % 147;
        const auto d = hw::ImageDescriptor::unpack(words);
        SurfaceView v;
        if (!make_surface(d, kWindow, kMask, v)) {
            continue;
        }
        ++accepted;
        const std::byte* last =
            v.at(v.blocks_w - 1, v.blocks_h - 1, v.layers - 1, v.samples - 1) + v.bpb;
        ASSERT_GE(v.base, kWindow);
        ASSERT_LE(static_cast<uint64_t>(last - kWindow), kMask + 1);
    }
    EXPECT_GT(accepted, 1000u);
}

} // namespace
} // namespace kite::dev::format
