// SPDX-License-Identifier: MIT
// Image operations against a plain model: every texel is read through SurfaceView::at and compared
// with what the packet says.
#include "device/copy/copy.hpp"

#include "base/thread_pool.hpp"
#include "device/format/codec.hpp"
#include "device/format/layout.hpp"

#include <bit>
#include <cstring>
#include <gtest/gtest.h>
#include <random>
#include <vector>

namespace kite::dev::copy {
namespace {

using format::SurfaceView;

struct CopyTest : testing::Test {
    CopyTest() : memory(kSize), pool(2) {
        engine = {.window = memory.data(), .va_mask = kSize - 1, .pool = &pool, .kill = &kill};
        uint32_t state = 1;
        for (std::byte& b : memory) {
            b = static_cast<std::byte>((state = state * 1664525u + 1013904223u) >> 24);
        }
    }
    static hw::Surface surface(uint64_t va, hw::Format f, uint32_t w, uint32_t h, bool tiled,
                               uint32_t layers = 1) {
        const hw::FormatInfo* info = hw::format_info(static_cast<uint32_t>(f));
        hw::ImageDescriptor d;
        d.address = va;
        d.format = static_cast<uint32_t>(f);
        d.dim = hw::ViewDim::d2;
        d.layout = tiled ? hw::ImageLayout::tiled : hw::ImageLayout::linear;
        d.width_minus_1 = w - 1;
        d.height_minus_1 = h - 1;
        d.depth_minus_1 = layers - 1;
        d.layer_count_minus_1 = layers - 1;
        const uint32_t bw = (w + info->block_w - 1) / info->block_w;
        d.row_pitch = tiled ? 0 : (bw * info->bytes_per_block + 63) & ~63u;
        d.layer_stride_64 = 0x10000 / 64;
        return {d};
    }
    SurfaceView view(const hw::Surface& s) {
        SurfaceView v;
        EXPECT_TRUE(format::make_surface(s.image, engine.window, engine.va_mask, v));
        return v;
    }

    static constexpr uint64_t kSize = 1 << 24;
    std::vector<std::byte> memory;
    base::ThreadPool pool;
    std::atomic<uint32_t> kill{0};
    Engine engine;
};

TEST_F(CopyTest, BufferToImageAndBackForAllSizes) {
    const hw::Format formats[] = {hw::Format::r8_unorm,          hw::Format::r16_uint,
                                  hw::Format::r8g8b8a8_unorm,    hw::Format::r16g16b16a16_sfloat,
                                  hw::Format::r32g32b32a32_uint, hw::Format::r8g8b8_unorm};
    std::mt19937 rng(1);
    for (int i = 0; i < 200; ++i) {
        const hw::Format f = formats[rng() % 6];
        const bool tiled = rng() % 2 == 0;
        const auto w = static_cast<uint32_t>(1 + rng() % 60),
                   h = static_cast<uint32_t>(1 + rng() % 40);
        const hw::Surface image = surface(0x100000, f, w, h, tiled, 3);
        const SurfaceView v = view(image);
        hw::CopyBufferToImagePacket p;
        p.buffer = 0x400001;
        p.offset = {static_cast<int32_t>(rng() % w), static_cast<int32_t>(rng() % h), 0};
        p.extent = {static_cast<uint32_t>(1 + rng() % (w - static_cast<uint32_t>(p.offset[0]))),
                    static_cast<uint32_t>(1 + rng() % (h - static_cast<uint32_t>(p.offset[1]))), 1};
        p.row_length = p.extent[0] + static_cast<uint32_t>(rng() % 5);
        p.image_height = p.extent[1] + static_cast<uint32_t>(rng() % 3);
        p.layers = 2;
        p.image = image;
        const std::vector<std::byte> before(memory.begin() + 0x100000, memory.begin() + 0x140000);
        ASSERT_TRUE(copy_buffer_to_image(engine, p));
        for (uint32_t z = 0; z < 3; ++z) {
            for (uint32_t y = 0; y < h; ++y) {
                for (uint32_t x = 0; x < w; ++x) {
                    const uint32_t bx = x - static_cast<uint32_t>(p.offset[0]),
                                   by = y - static_cast<uint32_t>(p.offset[1]);
                    const bool inside = z < 2 && bx < p.extent[0] && by < p.extent[1];
                    const std::byte* expected =
                        inside ? memory.data() + p.buffer +
                                     ((z * p.image_height + by) * p.row_length + bx) * v.bpb
                               : before.data() + (v.at(x, y, z) - memory.data() - 0x100000);
                    ASSERT_EQ(0, std::memcmp(v.at(x, y, z), expected, v.bpb))
                        << i << ": " << x << "," << y << "," << z;
                }
            }
        }
        hw::CopyImageToBufferPacket back;
        back.buffer = 0x800000;
        back.offset = p.offset;
        back.extent = p.extent;
        back.row_length = p.row_length;
        back.image_height = p.image_height;
        back.layers = p.layers;
        back.image = image;
        ASSERT_TRUE(copy_image_to_buffer(engine, back));
        for (uint32_t row = 0; row < p.extent[1]; ++row) {
            ASSERT_EQ(0, std::memcmp(memory.data() + back.buffer + row * p.row_length * v.bpb,
                                     memory.data() + p.buffer + row * p.row_length * v.bpb,
                                     p.extent[0] * v.bpb));
        }
    }
}

TEST_F(CopyTest, ImageToImageAllAlignments) {
    std::mt19937 rng(2);
    for (int i = 0; i < 300; ++i) {
        const auto w = static_cast<uint32_t>(8 + rng() % 60),
                   h = static_cast<uint32_t>(8 + rng() % 30);
        hw::Surface a = surface(0x100000, hw::Format::r8g8b8a8_unorm, w, h, rng() % 4 != 0, 2);
        hw::Surface b = surface(0x200000, hw::Format::r32_uint, w, h, rng() % 4 != 0, 2);
        if (rng() % 4 == 0 && a.image.layout == hw::ImageLayout::tiled &&
            b.image.layout == hw::ImageLayout::tiled) {
            a.image.log2_samples = b.image.log2_samples = 2;
        }
        const SurfaceView from = view(a), to = view(b);
        hw::CopyImagePacket p;
        p.extent = {static_cast<uint32_t>(1 + rng() % w), static_cast<uint32_t>(1 + rng() % h), 1};
        const bool aligned = rng() % 2 == 0;
        for (unsigned k = 0; k < 2; ++k) {
            const uint32_t size = k == 0 ? w : h;
            p.src_offset[k] = static_cast<int32_t>(rng() % (size - p.extent[k] + 1));
            p.dst_offset[k] = static_cast<int32_t>(rng() % (size - p.extent[k] + 1));
            if (aligned) {
                p.src_offset[k] &= ~3;
                p.dst_offset[k] &= ~3;
            }
        }
        p.layers = 2;
        p.src = a;
        p.dst = b;
        const std::vector<std::byte> before = memory;
        ASSERT_TRUE(copy_image(engine, p));
        for (uint32_t z = 0; z < 2; ++z) {
            for (uint32_t y = 0; y < h; ++y) {
                for (uint32_t x = 0; x < w; ++x) {
                    for (uint32_t s = 0; s < to.samples; ++s) {
                        const uint32_t bx = x - static_cast<uint32_t>(p.dst_offset[0]),
                                       by = y - static_cast<uint32_t>(p.dst_offset[1]);
                        const std::byte* expected =
                            bx < p.extent[0] && by < p.extent[1]
                                ? from.at(bx + static_cast<uint32_t>(p.src_offset[0]),
                                          by + static_cast<uint32_t>(p.src_offset[1]), z, s)
                                : before.data() + (to.at(x, y, z, s) - memory.data());
                        ASSERT_EQ(0, std::memcmp(to.at(x, y, z, s), expected, 4))
                            << i << ": " << x << "," << y << "," << z;
                    }
                }
            }
        }
    }
}

TEST_F(CopyTest, CompressedToUncompressed) {
    hw::CopyImagePacket p;
    p.src = surface(0x100000, hw::Format::bc1_rgb_unorm_block, 14, 10, false);
    p.dst = surface(0x200000, hw::Format::r16g16b16a16_uint, 8, 8, true);
    p.extent = {10, 6, 1}; // three by two blocks, the last partly outside
    p.src_offset = {4, 4, 0};
    p.dst_offset = {1, 2, 0};
    p.layers = 1;
    ASSERT_TRUE(copy_image(engine, p));
    EXPECT_EQ(0, std::memcmp(view(p.dst).at(3, 3, 0), view(p.src).at(3, 2, 0), 8));
    p.src_offset = {2, 0, 0};
    EXPECT_FALSE(copy_image(engine, p));
}

TEST_F(CopyTest, ClearsFillEveryTexel) {
    for (const hw::Format f :
         {hw::Format::r8_unorm, hw::Format::b8g8r8a8_unorm, hw::Format::r32g32b32a32_sfloat,
          hw::Format::r16g16_sint, hw::Format::d32_sfloat, hw::Format::s8_uint}) {
        for (const bool tiled : {false, true}) {
            hw::ClearImagePacket p;
            p.image = surface(0x100000, f, 37, 11, tiled, 2);
            p.layers = 2;
            const float value[4] = {0.25f, 0.5f, 1.0f, 0.75f};
            p.value = {7, 8, 9, 10};
            std::byte expected[16];
            if (format::is_integer(static_cast<uint32_t>(f))) {
                format::encode_int(static_cast<uint32_t>(f), p.value.data(), expected);
            } else {
                format::encode_float(static_cast<uint32_t>(f), value, expected);
                std::memcpy(p.value.data(), value, 16);
            }
            ASSERT_TRUE(clear_image(engine, p));
            const SurfaceView v = view(p.image);
            for (uint32_t y = 0; y < 11; ++y) {
                for (uint32_t x = 0; x < 37; ++x) {
                    ASSERT_EQ(0, std::memcmp(v.at(x, y, 1), expected, v.bpb));
                }
            }
        }
    }
}

TEST_F(CopyTest, BlitNearestMirroredAndLinear) {
    hw::BlitImagePacket p;
    p.src = surface(0x100000, hw::Format::r8g8b8a8_unorm, 4, 4, true);
    p.dst = surface(0x200000, hw::Format::r32g32b32a32_sfloat, 8, 8, true);
    p.src0 = {0, 0, 0};
    p.src1 = {4, 4, 1};
    p.dst0 = {8, 0, 0}; // mirrored in x
    p.dst1 = {0, 8, 1};
    p.layers = 1;
    p.filter = hw::Filter::nearest;
    ASSERT_TRUE(blit_image(engine, p));
    const SurfaceView src = view(p.src), dst = view(p.dst);
    float in[4], out[4];
    for (uint32_t y = 0; y < 8; ++y) {
        for (uint32_t x = 0; x < 8; ++x) {
            format::decode_float(src.format, src.at((7 - x) / 2, y / 2, 0), in);
            std::memcpy(out, dst.at(x, y, 0), 16);
            ASSERT_EQ(0, std::memcmp(in, out, 16)) << x << "," << y;
        }
    }
    p.filter = hw::Filter::linear;
    p.dst0 = {0, 0, 0};
    p.dst1 = {8, 8, 1};
    ASSERT_TRUE(blit_image(engine, p));
    float a[4], b[4];
    format::decode_float(src.format, src.at(0, 0, 0), a);
    format::decode_float(src.format, src.at(1, 0, 0), b);
    std::memcpy(out, dst.at(1, 0, 0),
                16); // u = 0.75: texel centres 0.5 and 1.5, weight 1/4; v clamps to row 0
    EXPECT_FLOAT_EQ(out[0], a[0] * 0.75f + b[0] * 0.25f);
    p.dst1 = {9, 8, 1};
    EXPECT_FALSE(blit_image(engine, p));
}

TEST_F(CopyTest, ResolveAverages) {
    hw::ResolveImagePacket p;
    p.src = surface(0x100000, hw::Format::r8g8b8a8_unorm, 6, 6, true);
    p.src.image.log2_samples = 2;
    p.dst = surface(0x200000, hw::Format::r8g8b8a8_unorm, 6, 6, true);
    p.extent = {6, 6, 1};
    p.layers = 1;
    p.mode = hw::ResolveMode::average;
    const SurfaceView src = view(p.src), dst = view(p.dst);
    for (uint32_t s = 0; s < 4; ++s) {
        std::memset(src.at(5, 5, 0, s), static_cast<int>(10 + s * 20),
                    4); // 10, 30, 50, 70: mean 40
    }
    ASSERT_TRUE(resolve_image(engine, p));
    EXPECT_EQ(static_cast<uint8_t>(*dst.at(5, 5, 0)), 40);
    p.mode = hw::ResolveMode::max;
    ASSERT_TRUE(resolve_image(engine, p));
    EXPECT_EQ(static_cast<uint8_t>(*dst.at(5, 5, 0)), 70);
}

TEST_F(CopyTest, RefusesWhatDoesNotFit) {
    hw::CopyBufferToImagePacket p;
    p.image = surface(0x100000, hw::Format::r8g8b8a8_unorm, 16, 16, true);
    p.extent = {16, 16, 1};
    p.row_length = 16;
    p.image_height = 16;
    p.layers = 1;
    EXPECT_TRUE(copy_buffer_to_image(engine, p));
    const auto refused = [&](auto change) {
        auto q = p;
        change(q);
        return !copy_buffer_to_image(engine, q);
    };
    EXPECT_TRUE(refused([](auto& q) { q.buffer = kSize - 16; }));
    EXPECT_TRUE(refused([](auto& q) { q.buffer = ~uint64_t{0}; }));
    EXPECT_TRUE(refused([](auto& q) { q.extent[0] = 17; }));
    EXPECT_TRUE(refused([](auto& q) { q.extent[1] = 0xffffffff; }));
    EXPECT_TRUE(refused([](auto& q) { q.offset[0] = -1; }));
    EXPECT_TRUE(refused([](auto& q) { q.layers = 2; }));
    EXPECT_TRUE(refused([](auto& q) { q.row_length = 15; }));
    EXPECT_TRUE(refused([](auto& q) { q.row_length = q.image_height = 0xffffffff; }));
    EXPECT_FALSE(copy_buffer(engine, {.src = 0, .dst = kSize - 4, .size_bytes = 8}));
    EXPECT_FALSE(copy_buffer(engine, {.src = 0, .dst = 8, .size_bytes = ~uint64_t{0}}));
    EXPECT_FALSE(fill_buffer(engine, {.dst = 2, .size_bytes = 8, .value = 0}));
}

TEST_F(CopyTest, LargeBuffersInChunks) {
    ASSERT_TRUE(
        fill_buffer(engine, {.dst = 0x800000, .size_bytes = 0x300004, .value = 0x01020304}));
    ASSERT_TRUE(copy_buffer(engine, {.src = 0x800000, .dst = 0x100000, .size_bytes = 0x300004}));
    EXPECT_EQ(0, std::memcmp(memory.data() + 0x800000, memory.data() + 0x100000, 0x300004));
    EXPECT_EQ(static_cast<uint8_t>(memory[0x400003]), 1);
}

} // namespace
} // namespace kite::dev::copy
