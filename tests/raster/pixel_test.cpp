// SPDX-License-Identifier: MIT
// Per-pixel operations against scalar models: depth, stencil, blending, write masks, formats,
// multisampling.
#include "tests/raster/scene.hpp"

#include "device/format/codec.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

namespace kite::dev::test {
namespace {

constexpr uint32_t kSize = 32;

/// A scope with one colour attachment.
RenderingScope color_scope(const hw::Attachment& color, uint32_t samples = 1) {
    RenderingScope s;
    s.area = {.x = 0, .y = 0, .width = kSize, .height = kSize};
    s.samples = samples;
    s.colors[0] = color;
    s.color_count = 1;
    return s;
}

/// A screen-filling triangle at depth z.
std::vector<Vertex> full(float z, std::array<float, 4> rgba = {}) {
    std::array<float, 8> v{};
    std::copy(rgba.begin(), rgba.end(), v.begin());
    return {{{-1, -1, z, 1}, v}, {{3, -1, z, 1}, v}, {{-1, 3, z, 1}, v}};
}

class Pixel : public testing::TestWithParam<unsigned> {};

bool compare(hw::CompareOp op, double a, double b) {
    switch (op) {
    case hw::CompareOp::never:
        return false;
    case hw::CompareOp::less:
        return a < b;
    case hw::CompareOp::equal:
        return a == b;
    case hw::CompareOp::less_or_equal:
        return a <= b;
    case hw::CompareOp::greater:
        return a > b;
    case hw::CompareOp::not_equal:
        return a != b;
    case hw::CompareOp::greater_or_equal:
        return a >= b;
    case hw::CompareOp::always:
        return true;
    }
    return false;
}

TEST_P(Pixel, DepthComparesAndWrites) {
    struct Case {
        hw::Format format;
        uint32_t half;    // stored 0.5
        uint32_t quarter; // stored 0.25
        uint32_t three;   // stored 0.75
    };
    const Case cases[] = {
        {hw::Format::d16_unorm, 32768, 16384, 49151},
        {hw::Format::x8_d24_unorm_pack32, 8388608, 4194304, 12582911},
        {hw::Format::d32_sfloat, float_bits(0.5f), float_bits(0.25f), float_bits(0.75f)}};
    for (const Case& c : cases) {
        for (uint32_t op = 0; op < 8; ++op) {
            for (const float z : {0.25f, 0.5f, 0.75f}) {
                Scene scene(GetParam());
                const Image color = scene.image(kSize, kSize, hw::Format::r8g8b8a8_unorm);
                const Image depth = scene.image(kSize, kSize, c.format);
                scene.full_viewport(kSize, kSize);
                scene.use_constant_color({1, 1, 1, 1});
                scene.use_vertices(full(z));
                scene.state.depth_stencil.depth_test = true;
                scene.state.depth_stencil.depth_write = true;
                scene.state.depth_stencil.depth_compare = static_cast<hw::CompareOp>(op);
                std::atomic<uint64_t> passed{0};
                scene.state.samples_passed = &passed;
                RenderingScope s = color_scope(Scene::cleared(color, {}));
                s.depth = Scene::cleared(depth, {float_bits(0.5f)});
                scene.begin(s);
                scene.draw(3);
                scene.end();
                const bool pass =
                    compare(static_cast<hw::CompareOp>(op), static_cast<double>(z), 0.5);
                const uint32_t stored = !pass        ? c.half
                                        : z == 0.25f ? c.quarter
                                        : z == 0.5f  ? c.half
                                                     : c.three;
                for (uint32_t i = 0; i < kSize; ++i) {
                    ASSERT_EQ(scene.word(color, i, 31 - i), pass ? ~0u : 0u);
                    ASSERT_NEAR(scene.word(depth, i, 31 - i), stored, 1) << op << " " << z;
                }
                ASSERT_EQ(passed.load(), pass ? kSize * kSize : 0u);
            }
        }
    }
}

TEST_P(Pixel, InterpolatedDepthDecidesPerPixel) {
    Scene scene(GetParam());
    const Image color = scene.image(kSize, kSize, hw::Format::r8g8b8a8_unorm);
    const Image depth = scene.image(kSize, kSize, hw::Format::d32_sfloat);
    scene.full_viewport(kSize, kSize);
    scene.use_constant_color({1, 1, 1, 1});
    // z = 0 at the left edge, 1 at the right one.
    scene.use_vertices({{{-1, -1, 0, 1}, {}}, {{3, -1, 2, 1}, {}}, {{-1, 3, 0, 1}, {}}});
    scene.state.raster.depth_clip = false;
    scene.state.depth_stencil.depth_test = true;
    scene.state.depth_stencil.depth_compare = hw::CompareOp::less;
    RenderingScope s = color_scope(Scene::cleared(color, {}));
    s.depth = Scene::cleared(depth, {float_bits(0.5f)});
    scene.begin(s);
    scene.draw(3);
    scene.end();
    for (uint32_t x = 0; x < kSize; ++x) {
        EXPECT_EQ(scene.word(color, x, 3), x < kSize / 2 ? ~0u : 0u) << x;
        EXPECT_EQ(scene.word(depth, x, 3), float_bits(0.5f));
    }
}

TEST_P(Pixel, StencilOperations) {
    for (uint32_t op = 0; op < 8; ++op) {
        for (const uint32_t start : {0u, 1u, 254u, 255u}) {
            for (const int outcome : {0, 1, 2}) { // stencil fails, depth fails, passes
                Scene scene(GetParam());
                const Image color = scene.image(kSize, kSize, hw::Format::r8g8b8a8_unorm);
                const Image depth = scene.image(kSize, kSize, hw::Format::d32_sfloat);
                const Image stencil = scene.image(kSize, kSize, hw::Format::s8_uint);
                scene.full_viewport(kSize, kSize);
                scene.use_constant_color({1, 1, 1, 1});
                scene.use_vertices(full(0.5f));
                auto& ds = scene.state.depth_stencil;
                ds.stencil_test = true;
                ds.depth_test = true;
                ds.depth_compare = outcome == 1 ? hw::CompareOp::never : hw::CompareOp::always;
                hw::StencilFace face{};
                face.compare_op = outcome == 0 ? hw::CompareOp::never : hw::CompareOp::always;
                auto& chosen = outcome == 0   ? face.fail_op
                               : outcome == 1 ? face.depth_fail_op
                                              : face.pass_op;
                face.fail_op = face.depth_fail_op = face.pass_op = hw::StencilOp::invert;
                chosen = static_cast<hw::StencilOp>(op);
                face.compare_mask = 0xff;
                face.write_mask = 0xff;
                face.reference = 0x5a;
                ds.front = face;
                ds.back = face;
                RenderingScope s = color_scope(Scene::cleared(color, {}));
                s.depth = Scene::cleared(depth, {float_bits(1.0f)});
                s.stencil = Scene::cleared(stencil, {start});
                scene.begin(s);
                scene.draw(3);
                scene.end();
                const uint32_t model[8] = {start,
                                           0,
                                           0x5a,
                                           start == 255 ? 255 : start + 1,
                                           start == 0 ? 0 : start - 1,
                                           ~start & 0xff,
                                           (start + 1) & 0xff,
                                           (start - 1) & 0xff};
                ASSERT_EQ(scene.word(stencil, 9, 17), model[op]) << op << " " << start;
                ASSERT_EQ(scene.word(color, 9, 17), outcome == 2 ? ~0u : 0u);
            }
        }
    }
}

/// Vulkan's blend equation for one component in doubles.
double factor(hw::BlendFactor f, unsigned c, const double* s, const double* d, const double* k) {
    switch (f) {
    case hw::BlendFactor::zero:
        return 0;
    case hw::BlendFactor::one:
        return 1;
    case hw::BlendFactor::src_color:
        return s[c];
    case hw::BlendFactor::one_minus_src_color:
        return 1 - s[c];
    case hw::BlendFactor::dst_color:
        return d[c];
    case hw::BlendFactor::one_minus_dst_color:
        return 1 - d[c];
    case hw::BlendFactor::src_alpha:
        return s[3];
    case hw::BlendFactor::one_minus_src_alpha:
        return 1 - s[3];
    case hw::BlendFactor::dst_alpha:
        return d[3];
    case hw::BlendFactor::one_minus_dst_alpha:
        return 1 - d[3];
    case hw::BlendFactor::constant_color:
        return k[c];
    case hw::BlendFactor::one_minus_constant_color:
        return 1 - k[c];
    case hw::BlendFactor::constant_alpha:
        return k[3];
    case hw::BlendFactor::one_minus_constant_alpha:
        return 1 - k[3];
    case hw::BlendFactor::src_alpha_saturate:
        return c == 3 ? 1 : std::min(s[3], 1 - d[3]);
    default:
        return 0;
    }
}

double equation(hw::BlendOp op, double s, double sf, double d, double df) {
    switch (op) {
    case hw::BlendOp::add:
        return s * sf + d * df;
    case hw::BlendOp::subtract:
        return s * sf - d * df;
    case hw::BlendOp::reverse_subtract:
        return d * df - s * sf;
    case hw::BlendOp::min:
        return std::min(s, d);
    case hw::BlendOp::max:
        return std::max(s, d);
    }
    return 0;
}

TEST_P(Pixel, BlendingMatchesTheModelInEveryFormatClass) {
    const hw::Format formats[] = {
        hw::Format::r8g8b8a8_unorm,         hw::Format::b8g8r8a8_unorm,
        hw::Format::r8g8b8a8_srgb,          hw::Format::b8g8r8a8_srgb,
        hw::Format::r16g16b16a16_sfloat,    hw::Format::r32g32b32a32_sfloat,
        hw::Format::r5g6b5_unorm_pack16,    hw::Format::a2b10g10r10_unorm_pack32,
        hw::Format::r8g8b8a8_snorm,         hw::Format::r16g16_unorm,
        hw::Format::b10g11r11_ufloat_pack32};
    std::mt19937 random(3);
    std::uniform_real_distribution<double> unit(0, 1);
    Scene scene(GetParam());
    scene.full_viewport(kSize, kSize);
    for (int round = 0; round < 300; ++round) {
        const hw::Format format = formats[static_cast<size_t>(round) % std::size(formats)];
        const auto id = static_cast<uint32_t>(format);
        const bool tiled = round % 2 == 0;
        const Image color = scene.image(kSize, kSize, format, 1, 1, tiled);
        const double src[4] = {unit(random), unit(random), unit(random), unit(random)};
        const double dst[4] = {unit(random), unit(random), unit(random), unit(random)};
        double constants[4];
        hw::BlendAttachment& b = scene.state.blend[0];
        b.enable = round % 5 != 4;
        b.src_color = static_cast<hw::BlendFactor>(random() % 15);
        b.dst_color = static_cast<hw::BlendFactor>(random() % 15);
        b.src_alpha = static_cast<hw::BlendFactor>(random() % 15);
        b.dst_alpha = static_cast<hw::BlendFactor>(random() % 15);
        b.color_op = static_cast<hw::BlendOp>(random() % 5);
        b.alpha_op = static_cast<hw::BlendOp>(random() % 5);
        if (round % 7 == 0) {
            b.src_color = hw::BlendFactor::src_alpha;
            b.dst_color = hw::BlendFactor::one_minus_src_alpha;
            b.color_op = hw::BlendOp::add;
        }
        b.write_mask = round % 3 == 0 ? random() % 16 : 15;
        std::array<uint32_t, 4> clear{};
        std::array<float, 4> source{};
        for (size_t c = 0; c < 4; ++c) {
            constants[c] = unit(random);
            scene.state.blend_constants[c] = static_cast<float>(constants[c]);
            clear[c] = float_bits(static_cast<float>(dst[c]));
            source[c] = static_cast<float>(src[c]);
        }
        scene.use_constant_color(source);
        scene.use_vertices(full(0));
        scene.begin(color_scope(Scene::cleared(color, clear)));
        scene.draw(3);
        scene.end();
        // The model starts from what the clear stored.
        const float clear_float[4] = {static_cast<float>(dst[0]), static_cast<float>(dst[1]),
                                      static_cast<float>(dst[2]), static_cast<float>(dst[3])};
        std::byte stored[16];
        float old_float[4];
        float got[4];
        format::encode_float(id, clear_float, stored);
        format::decode_float(id, stored, old_float);
        format::decode_float(id, scene.texel(color, 13, 21), got);
        double old[4];
        std::copy(old_float, old_float + 4, old);
        float want[4];
        for (unsigned c = 0; c < 4; ++c) {
            const double value =
                !b.enable ? src[c]
                : c < 3 ? equation(b.color_op, src[c], factor(b.src_color, c, src, old, constants),
                                   old[c], factor(b.dst_color, c, src, old, constants))
                        : equation(b.alpha_op, src[c], factor(b.src_alpha, c, src, old, constants),
                                   old[c], factor(b.dst_alpha, c, src, old, constants));
            want[c] = (b.write_mask >> c & 1u) != 0 ? static_cast<float>(value) : old_float[c];
        }
        std::byte encoded[16];
        float rounded[4];
        format::encode_float(id, want, encoded);
        format::decode_float(id, encoded, rounded);
        const hw::FormatInfo& info = *hw::format_info(id);
        for (unsigned c = 0; c < 4; ++c) {
            const unsigned bits = info.ch[c].bits;
            const float step = info.srgb    ? 0.01f
                               : bits == 0  ? 0.0f
                               : bits <= 11 ? 1.01f / static_cast<float>((1 << (bits - 1)) - 1)
                               : bits == 16 ? 2e-3f
                                            : 1e-5f;
            ASSERT_NEAR(got[c], rounded[c], step)
                << info.name << " component " << c << " round " << round;
        }
    }
}

TEST_P(Pixel, SrgbEncodesEveryCode) {
    Scene scene(GetParam());
    scene.full_viewport(kSize, kSize);
    for (unsigned code = 0; code < 256; ++code) {
        const float linear = format::srgb_to_linear(static_cast<uint8_t>(code));
        const Image color = scene.image(kSize, kSize, hw::Format::b8g8r8a8_srgb);
        scene.use_constant_color({linear, linear, linear, 1});
        scene.use_vertices(full(0));
        scene.begin(color_scope(Scene::cleared(color, {})));
        scene.draw(3);
        scene.end();
        ASSERT_EQ(scene.word(color, 4, 4), 0xff000000u | code * 0x010101u) << code;
    }
}

TEST_P(Pixel, IntegerTargetsAndLogicOps) {
    Scene scene(GetParam());
    scene.full_viewport(kSize, kSize);
    exec::ProgramInfo info;
    info.color_mask = 0xf;
    scene.use_fragment_program(
        [](const exec::DrawContext&, exec::FragmentWave& wave, unsigned width) {
            for (unsigned lane = 0; lane < width; ++lane) {
                wave.out[0][lane] = 0x12;
                wave.out[1][lane] = 0x34;
                wave.out[2][lane] = 0x56;
                wave.out[3][lane] = 0x78;
            }
        },
        info);
    scene.use_vertices(full(0));
    const Image color = scene.image(kSize, kSize, hw::Format::r8g8b8a8_uint);
    scene.begin(color_scope(Scene::cleared(color, {1, 2, 3, 4})));
    scene.draw(3);
    scene.state.logic_op_enable = true;
    scene.state.logic_op = hw::LogicOp::xor_;
    scene.state.blend[0].write_mask = 0b0111;
    scene.draw(3);
    scene.end();
    EXPECT_EQ(scene.word(color, 31, 31), 0x78000000u);
}

TEST_P(Pixel, DiscardedPixelsLeaveDepthAndColourAlone) {
    Scene scene(GetParam());
    const Image color = scene.image(kSize, kSize, hw::Format::r8g8b8a8_unorm);
    const Image depth = scene.image(kSize, kSize, hw::Format::d16_unorm);
    scene.full_viewport(kSize, kSize);
    exec::ProgramInfo info;
    info.color_mask = 0xf;
    info.demotes = true;
    scene.use_fragment_program(
        [](const exec::DrawContext&, exec::FragmentWave& wave, unsigned width) {
            for (unsigned lane = 0; lane < width; ++lane) {
                const bool odd =
                    (static_cast<int>(wave.x[lane]) + static_cast<int>(wave.y[lane])) % 2 != 0;
                wave.live &= ~(odd ? 1u << lane : 0u);
                for (unsigned c = 0; c < 4; ++c) {
                    wave.out[c][lane] = float_bits(1.0f);
                }
            }
        },
        info);
    scene.use_vertices(full(0.0f));
    scene.state.depth_stencil.depth_test = true;
    scene.state.depth_stencil.depth_write = true;
    scene.state.depth_stencil.depth_compare = hw::CompareOp::less;
    RenderingScope s = color_scope(Scene::cleared(color, {}));
    s.depth = Scene::cleared(depth, {float_bits(1.0f)});
    scene.begin(s);
    scene.draw(3);
    scene.end();
    for (uint32_t y = 0; y < kSize; ++y) {
        for (uint32_t x = 0; x < kSize; ++x) {
            ASSERT_EQ(scene.word(color, x, y), (x + y) % 2 != 0 ? 0u : ~0u);
            ASSERT_EQ(scene.word(depth, x, y), (x + y) % 2 != 0 ? 0xffffu : 0u);
        }
    }
}

// The fragment program reads the planes it tests against: it must see what was there before its own
// fragment's write, and after the writes of earlier draws.
TEST_P(Pixel, InputAttachmentsAreReadBeforeTheirWrite) {
    for (const uint32_t samples : {1u, 4u}) {
        for (const bool with_stencil : {false, true}) {
            Scene scene(GetParam());
            const Image color = scene.image(kSize, kSize, hw::Format::r8g8b8a8_unorm, samples);
            const Image depth = scene.image(kSize, kSize, hw::Format::d32_sfloat, samples);
            const Image stencil = scene.image(kSize, kSize, hw::Format::s8_uint, samples);
            scene.full_viewport(kSize, kSize);
            exec::ProgramInfo info;
            info.color_mask = 0xf;
            info.fetches = true;
            std::atomic<uint32_t> draw{0};
            std::atomic<uint32_t> wrong{0};
            std::atomic<uint32_t> seen{0};
            scene.use_fragment_program(
                [&](const exec::DrawContext&, exec::FragmentWave& wave, unsigned width) {
                    const float depths[] = {1.0f, 0.75f, 0.5f};
                    for (unsigned lane = 0; lane < width; ++lane) {
                        if ((wave.live >> lane & 1u) == 0) {
                            continue;
                        }
                        const auto x = static_cast<uint32_t>(wave.x[lane]);
                        const auto y = static_cast<uint32_t>(wave.y[lane]);
                        const bool right =
                            scene.word(depth, x, y) == float_bits(depths[draw]) &&
                            (!with_stencil || (scene.word(stencil, x, y) & 0xffu) == 7 + draw);
                        wrong += right ? 0 : 1;
                        ++seen;
                    }
                },
                info);
            auto& ds = scene.state.depth_stencil;
            ds.depth_test = true;
            ds.depth_write = true;
            ds.depth_compare = hw::CompareOp::less;
            ds.stencil_test = with_stencil;
            ds.front = {.fail_op = hw::StencilOp::keep,
                        .pass_op = hw::StencilOp::increment_and_clamp,
                        .depth_fail_op = hw::StencilOp::keep,
                        .compare_op = hw::CompareOp::always,
                        .compare_mask = 0xff,
                        .write_mask = 0xff,
                        .reference = 0};
            ds.back = ds.front;
            RenderingScope s = color_scope(Scene::cleared(color, {}), samples);
            s.depth = Scene::cleared(depth, {float_bits(1.0f)});
            s.stencil = Scene::cleared(stencil, {7});
            for (; draw < 2; ++draw) {
                scene.use_vertices(full(draw == 0 ? 0.75f : 0.5f));
                scene.state.multisample.samples = samples;
                scene.begin(s);
                scene.draw(3);
                scene.end();
                s.depth = Scene::loaded(depth);
                s.stencil = Scene::loaded(stencil);
            }
            EXPECT_EQ(wrong, 0u) << samples << " samples, stencil " << with_stencil;
            EXPECT_EQ(seen, 2 * kSize * kSize);
            EXPECT_EQ(scene.word(depth, 3, 4), float_bits(0.5f));
            EXPECT_EQ(scene.word(stencil, 3, 4) & 0xffu, with_stencil ? 9u : 7u);
        }
    }
}

// A program whose results nobody keeps is not run; its draw writes depth all the same.
TEST_P(Pixel, IdleProgramsLeaveDepthToTheTests) {
    Scene scene(GetParam());
    const Image color = scene.image(kSize, kSize, hw::Format::r8g8b8a8_unorm);
    const Image depth = scene.image(kSize, kSize, hw::Format::d32_sfloat);
    scene.full_viewport(kSize, kSize);
    exec::ProgramInfo info;
    info.color_mask = 0xf;
    info.fetches = true;
    bool ran = false;
    scene.use_fragment_program(
        [&](const exec::DrawContext&, exec::FragmentWave&, unsigned) { ran = true; }, info);
    scene.use_vertices(full(0.25f));
    scene.state.blend[0].write_mask = 0;
    scene.state.depth_stencil.depth_test = true;
    scene.state.depth_stencil.depth_write = true;
    scene.state.depth_stencil.depth_compare = hw::CompareOp::less;
    RenderingScope s = color_scope(Scene::cleared(color, {}));
    s.depth = Scene::cleared(depth, {float_bits(1.0f)});
    scene.begin(s);
    scene.draw(3);
    scene.end();
    EXPECT_FALSE(ran);
    EXPECT_EQ(scene.word(depth, 30, 30), float_bits(0.25f));
}

TEST_P(Pixel, MultisampleCoverageAndResolve) {
    Scene scene(GetParam());
    const Image color = scene.image(kSize, kSize, hw::Format::r8g8b8a8_unorm, 4);
    const Image resolved = scene.image(kSize, kSize, hw::Format::r8g8b8a8_unorm, 1, 1, false);
    scene.full_viewport(kSize, kSize);
    scene.state.multisample.samples = 4;
    scene.use_constant_color({1, 1, 1, 1});
    const std::vector<Vertex> v = {
        {{-0.83f, -0.91f, 0, 1}, {}}, {{0.77f, -0.37f, 0, 1}, {}}, {{-0.21f, 0.89f, 0, 1}, {}}};
    scene.use_vertices(v);
    RenderingScope s = color_scope(Scene::cleared(color, {}), 4);
    s.colors[0].resolve_mode = hw::ResolveMode::average;
    s.colors[0].resolve.image = resolved.descriptor;
    scene.begin(s);
    scene.draw(3);
    scene.end();
    constexpr int kX[4] = {96, 224, 32, 160};
    constexpr int kY[4] = {32, 96, 160, 224};
    int64_t fx[3];
    int64_t fy[3];
    for (size_t i = 0; i < 3; ++i) {
        fx[i] = std::lrintf((v[i].position[0] * 16 + 16) * 256.0f);
        fy[i] = std::lrintf((v[i].position[1] * 16 + 16) * 256.0f);
    }
    for (uint32_t y = 0; y < kSize; ++y) {
        for (uint32_t x = 0; x < kSize; ++x) {
            unsigned covered = 0;
            for (uint32_t i = 0; i < 4; ++i) {
                bool inside = true; // the triangle turns clockwise, no sample lies on an edge
                for (size_t e = 0; e < 3; ++e) {
                    const size_t n = (e + 1) % 3;
                    inside =
                        inside &&
                        (fx[n] - fx[e]) * (static_cast<int64_t>(y) * 256 + kY[i] - fy[e]) -
                                (fy[n] - fy[e]) * (static_cast<int64_t>(x) * 256 + kX[i] - fx[e]) >
                            0;
                }
                ASSERT_EQ(scene.word(color, x, y, 0, i), inside ? ~0u : 0u)
                    << x << "," << y << " sample " << i;
                covered += inside ? 1 : 0;
            }
            ASSERT_EQ(scene.word(resolved, x, y) & 0xffu, (covered * 255 + 2) / 4);
        }
    }
}

TEST_P(Pixel, SampleMaskAndAlphaToCoverage) {
    Scene scene(GetParam());
    const Image color = scene.image(kSize, kSize, hw::Format::r8g8b8a8_unorm, 4);
    scene.full_viewport(kSize, kSize);
    scene.state.multisample.samples = 4;
    scene.state.multisample.sample_mask = 0b1011;
    scene.state.multisample.alpha_to_coverage = true;
    scene.state.multisample.alpha_to_one = true;
    scene.use_constant_color({1, 1, 1, 0.5f});
    scene.use_vertices(full(0));
    scene.begin(color_scope(Scene::cleared(color, {}), 4));
    scene.draw(3);
    scene.end();
    unsigned covered = 0;
    for (uint32_t i = 0; i < 4; ++i) {
        const uint32_t word = scene.word(color, 5, 6, 0, i);
        EXPECT_TRUE(word == 0 || word == ~0u); // alpha became one
        covered += word != 0 ? 1 : 0;
    }
    EXPECT_EQ(covered, 2u);
    EXPECT_EQ(scene.word(color, 5, 6, 0, 2), 0u);
}

TEST_P(Pixel, SampleShadingRunsPerSample) {
    Scene scene(GetParam());
    const Image color = scene.image(kSize, kSize, hw::Format::r8g8b8a8_unorm, 4);
    scene.full_viewport(kSize, kSize);
    scene.state.multisample.samples = 4;
    exec::ProgramInfo info;
    info.color_mask = 0xf;
    info.per_sample = true;
    scene.use_fragment_program(
        [](const exec::DrawContext&, exec::FragmentWave& wave, unsigned width) {
            for (unsigned lane = 0; lane < width; ++lane) {
                for (unsigned c = 0; c < 4; ++c) {
                    wave.out[c][lane] = float_bits(static_cast<float>(wave.sample_id + 1) / 255.0f);
                }
            }
        },
        info);
    scene.use_vertices(full(0));
    scene.begin(color_scope(Scene::cleared(color, {}), 4));
    scene.draw(3);
    scene.end();
    for (uint32_t i = 0; i < 4; ++i) {
        EXPECT_EQ(scene.word(color, 30, 1, 0, i), (i + 1) * 0x01010101u);
    }
}

TEST_P(Pixel, ClearAttachmentKeepsOrder) {
    Scene scene(GetParam());
    const Image color = scene.image(kSize, kSize, hw::Format::r8g8b8a8_unorm);
    scene.full_viewport(kSize, kSize);
    scene.use_constant_color({1, 1, 1, 1});
    scene.use_vertices(full(0));
    scene.begin(color_scope(Scene::cleared(color, {})));
    scene.draw(3);
    hw::ClearAttachmentPacket clear{};
    clear.aspect = hw::Aspect::color;
    clear.rect = {.x = 3, .y = 5, .width = 10, .height = 1000};
    clear.layer_count = 1;
    clear.value = {float_bits(1.0f), 0, 0, 0};
    ASSERT_TRUE(scene.renderer().clear_attachment(clear));
    scene.end();
    for (uint32_t y = 0; y < kSize; ++y) {
        for (uint32_t x = 0; x < kSize; ++x) {
            ASSERT_EQ(scene.word(color, x, y), x >= 3 && x < 13 && y >= 5 ? 0xffu : ~0u);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Waves, Pixel, testing::Values(16u, 8u));

} // namespace
} // namespace kite::dev::test
