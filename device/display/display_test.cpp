// SPDX-License-Identifier: MIT
// Formats, layouts, blending, gamma, judging of states, EDIDs and PNGs.
#include "device/display/edid.hpp"
#include "device/display/png.hpp"

#include <cstring>
#include <gtest/gtest.h>
#include <random>

namespace kite::dev::display {
namespace {

using Format = hw::ScanoutFormat;

constexpr uint32_t kWidth = 13, kHeight = 9; // not multiples of a tile

hw::PlaneState plane_at(uint64_t address, Format format, uint32_t pitch) {
    return {.enable = true,
            .format = format,
            .alpha = 65535,
            .pitch = pitch,
            .address = address,
            .width = kWidth,
            .height = kHeight};
}

hw::HeadState screen() {
    hw::HeadState state{.enable = true,
                        .active_width = kWidth,
                        .active_height = kHeight,
                        .total_width = 40,
                        .total_height = 25,
                        .clock_khz = 60};
    state.planes[0] = plane_at(64, Format::xrgb8888, kWidth * 4);
    return state;
}

std::vector<std::byte> noise(std::size_t bytes) {
    std::vector<std::byte> memory(bytes);
    std::mt19937 random(7);
    for (auto& b : memory) {
        b = static_cast<std::byte>(random());
    }
    return memory;
}

TEST(Pixels, EveryFormatComesBackAsItWas) {
    for (const bool tiled : {false, true}) {
        for (const auto format : {Format::xrgb8888, Format::argb8888, Format::xbgr8888,
                                  Format::abgr8888, Format::xrgb2101010, Format::rgb565}) {
            auto memory = noise(8192);
            hw::PlaneState plane = plane_at(128, format, tiled ? 16 * 4 * 4 : 64);
            plane.tiled = tiled;
            ASSERT_TRUE(plane_fits(plane, memory.size()));
            std::vector<Pixel> row(kWidth), again(kWidth);
            for (uint32_t y = 0; y < kHeight; ++y) {
                read_row(plane, memory.data(), y, 0, row);
                auto copy = memory;
                write_row(plane, copy.data(), y, row);
                read_row(plane, copy.data(), y, 0, again);
                EXPECT_EQ(row, again);
            }
        }
    }
}

TEST(Pixels, TilesAreQuadMajor) {
    std::vector<std::byte> memory(4096);
    hw::PlaneState plane = plane_at(0, Format::xrgb8888, 4 * 64);
    plane.tiled = true;
    // Pixel (6, 5): block (1, 1), in it (2, 1), index 0b0110 = 6.
    const uint32_t red = 0x00ff0000;
    std::memcpy(memory.data() + 4 * 64 + 64 + 6 * 4, &red, 4);
    std::vector<Pixel> row(kWidth);
    read_row(plane, memory.data(), 5, 0, row);
    EXPECT_EQ(row[6], (Pixel{65535, 0, 0, 65535}));
    EXPECT_EQ(row[5], (Pixel{0, 0, 0, 65535}));
}

TEST(Pixels, Nv12GreyIsGrey) {
    std::vector<std::byte> memory(1024, std::byte{128});
    hw::PlaneState plane = plane_at(0, Format::nv12, 16);
    plane.chroma_address = 512;
    plane.chroma_pitch = 16;
    plane.full_range = true;
    std::vector<Pixel> row(kWidth);
    read_row(plane, memory.data(), 3, 0, row);
    EXPECT_EQ(row[0], (Pixel{128 * 257, 128 * 257, 128 * 257, 65535}));
}

TEST(Compose, CaptureIsTheFramebuffer) {
    const auto memory = noise(4096);
    const auto scene = scene_from(screen(), memory);
    ASSERT_TRUE(scene);
    const Image image = capture(*scene, memory);
    ASSERT_EQ(image.width, kWidth);
    for (std::size_t i = 0; i < std::size_t{kWidth} * kHeight; ++i) {
        uint32_t pixel = 0;
        std::memcpy(&pixel, memory.data() + 64 + i * 4, 4);
        EXPECT_EQ(image.rgb[i * 3], pixel >> 16 & 0xff);
        EXPECT_EQ(image.rgb[i * 3 + 1], pixel >> 8 & 0xff);
        EXPECT_EQ(image.rgb[i * 3 + 2], pixel & 0xff);
    }
}

TEST(Compose, CursorBlendsAndIsClipped) {
    std::vector<std::byte> memory(4096);
    hw::HeadState state = screen();
    state.planes[2] = plane_at(2048, Format::argb8888, 16);
    state.planes[2].width = state.planes[2].height = 4;
    state.planes[2].x = -2;
    state.planes[2].y = 7; // two rows inside
    state.planes[2].blend = hw::PixelBlend::coverage;
    const uint32_t half_white = 0x80ffffff;
    for (std::size_t i = 0; i < 16; ++i) {
        std::memcpy(memory.data() + 2048 + i * 4, &half_white, 4);
    }
    const Image image = capture(*scene_from(state, memory), memory);
    EXPECT_EQ(image.rgb[(7 * kWidth + 1) * 3], 128);
    EXPECT_EQ(image.rgb[(7 * kWidth + 2) * 3], 0);
    EXPECT_EQ(image.rgb[(6 * kWidth + 1) * 3], 0);
}

TEST(Compose, GammaGoesThroughTheTable) {
    auto memory = noise(8192);
    GammaTable table{};
    for (uint32_t i = 0; i < 256; ++i) {
        table[i] = {static_cast<uint16_t>(i * 257), static_cast<uint16_t>(65535 - i * 257), 0, 0};
    }
    std::memcpy(memory.data() + 4096, table.data(), sizeof(table));
    hw::HeadState state = screen();
    const Image plain = capture(*scene_from(state, memory), memory);
    state.gamma = true;
    state.gamma_address = 4096;
    const Image image = capture(*scene_from(state, memory), memory);
    for (std::size_t i = 0; i < plain.rgb.size(); i += 3) {
        ASSERT_EQ(image.rgb[i], plain.rgb[i]);
        ASSERT_EQ(image.rgb[i + 1], 255 - plain.rgb[i + 1]);
        ASSERT_EQ(image.rgb[i + 2], 0);
    }
}

TEST(Compose, ImpossibleStatesAreRefused) {
    const auto memory = noise(4096);
    const auto refused = [&](auto change) {
        hw::HeadState state = screen();
        change(state);
        return !scene_from(state, memory).has_value();
    };
    EXPECT_FALSE(refused([](hw::HeadState&) {}));
    EXPECT_TRUE(refused([](hw::HeadState& s) { s.active_width = 0; }));
    EXPECT_TRUE(refused([](hw::HeadState& s) { s.total_width = kWidth - 1; }));
    EXPECT_TRUE(refused([](hw::HeadState& s) { s.clock_khz = 0; }));
    EXPECT_TRUE(refused([](hw::HeadState& s) { s.clock_khz = 4'000'000'000u; }));
    EXPECT_TRUE(refused([](hw::HeadState& s) { s.planes[0].address = 4096; }));
    EXPECT_TRUE(refused([](hw::HeadState& s) { s.planes[0].address = UINT64_MAX - 8; }));
    EXPECT_TRUE(refused([](hw::HeadState& s) { s.planes[0].pitch = UINT32_MAX; }));
    EXPECT_TRUE(refused([](hw::HeadState& s) { s.planes[0].width = 65535; }));
    EXPECT_TRUE(refused([](hw::HeadState& s) { s.planes[0].format = Format::nv12; }));
    EXPECT_TRUE(refused([](hw::HeadState& s) { s.planes[0].format = static_cast<Format>(99); }));
    EXPECT_TRUE(refused([](hw::HeadState& s) {
        s.gamma = true;
        s.gamma_address = 4090;
    }));
}

// Random states, of which most are impossible: none may reach outside of memory (sanitizers tell).
TEST(Compose, RandomStatesStayInside) {
    const auto memory = noise(65536);
    std::mt19937 engine(11);
    const auto random = [&] { return static_cast<uint32_t>(engine()); };
    unsigned shown = 0;
    for (int i = 0; i < 20000; ++i) {
        hw::HeadState state = screen();
        for (auto& plane : state.planes) {
            plane = plane_at(random() % 70000, static_cast<Format>(random() % 9),
                             random() % 4 == 0 ? random() : random() % 300);
            plane.enable = random() % 2 == 0;
            plane.tiled = random() % 2 == 0;
            plane.blend = static_cast<hw::PixelBlend>(random() % 4);
            plane.alpha = random() % 65536;
            plane.chroma_address = random() % 70000;
            plane.chroma_pitch = random() % 300;
            plane.source_x = random() % 20;
            plane.source_y = random() % 20;
            plane.x = random() % 3 == 0 ? static_cast<int32_t>(random())
                                        : static_cast<int32_t>(random() % 40) - 20;
            plane.y = static_cast<int32_t>(random() % 40) - 20;
        }
        state.planes[3].width = kWidth;
        state.planes[3].height = kHeight;
        if (const auto scene = scene_from(state, memory)) {
            (void)frame_crc(*scene, memory);
            ++shown;
        }
    }
    EXPECT_GT(shown, 100u);
}

TEST(Edid, SaysItsMode) {
    const Edid edid = edid_for({1280, 800}, 1);
    EXPECT_EQ(edid_problem(edid), "");
    EXPECT_EQ(edid[56] | (edid[58] >> 4) << 8, 1280);
    EXPECT_EQ(edid[59] | (edid[61] >> 4) << 8, 800);
    EXPECT_EQ((edid[54] | edid[55] << 8) * 10, 71000); // kHz, as CVT says
    Edid broken = edid;
    broken[20] ^= 1;
    EXPECT_NE(edid_problem(broken), "");
    EXPECT_NE(edid_problem({}), "");
}

TEST(Edid, ReadsModes) {
    const auto mode = parse_mode("800x600@30");
    ASSERT_TRUE(mode);
    EXPECT_EQ(mode->width, 800u);
    EXPECT_EQ(mode->height, 600u);
    EXPECT_EQ(mode->hertz, 30u);
    EXPECT_EQ(parse_mode("1024x768")->hertz, 60u);
    const Edid edid = edid_for(*mode, 0);
    EXPECT_EQ(edid_problem(edid), "");
    const double total = (800.0 + edid[57]) * (600.0 + edid[60]);
    EXPECT_NEAR((edid[54] | edid[55] << 8) * 10e3 / total, 30.0, 0.3);
    for (const char* wrong :
         {"", "800", "800x", "x600", "800x600@", "800x600@9", "800x600@241", "5000x1000", "319x200",
          "800x600 ", "800x600@60@60", "-800x600", "4095x4095@240", "99999999999x600"}) {
        EXPECT_FALSE(parse_mode(wrong)) << wrong;
    }
}

TEST(Png, ComesBack) {
    const auto memory = noise(4096);
    const Image image = capture(*scene_from(screen(), memory), memory);
    const auto file = encode_png(image);
    ASSERT_TRUE(file);
    const auto again = decode_png(*file);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->rgb, image.rgb);
    EXPECT_FALSE(encode_png({}));
}

} // namespace
} // namespace kite::dev::display
