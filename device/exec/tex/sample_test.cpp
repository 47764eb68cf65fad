// SPDX-License-Identifier: MIT
// Sampling against results worked out by hand, on small images whose texel (x, y) of level l holds
// 100 l + 10 y + x.
#include "device/exec/tex/texture.hpp"

#include "kite_hw/descriptors.hpp"
#include "kite_hw/formats.hpp"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cstring>
#include <vector>

namespace kite::dev::exec::tex {
namespace {

constexpr uint64_t kImageAt = 0x100, kSamplerAt = 0x200, kTexelsAt = 0x1000;
constexpr uint32_t kSide = 4, kLevels = 3;

class Sample : public testing::Test {
protected:
    Sample() {
        draw_.window = memory_.data();
        draw_.va_mask = 0xffff;
        image_.address = kTexelsAt;
        image_.format = static_cast<uint32_t>(hw::Format::r32_sfloat);
        image_.dim = hw::ViewDim::d2;
        image_.layout = hw::ImageLayout::linear;
        image_.swz_r = hw::Swizzle::r, image_.swz_g = hw::Swizzle::g;
        image_.swz_b = hw::Swizzle::b, image_.swz_a = hw::Swizzle::a;
        image_.width_minus_1 = image_.height_minus_1 = kSide - 1;
        image_.row_pitch = 64;
        image_.resource_levels_minus_1 = image_.level_count_minus_1 = kLevels - 1;
        for (uint32_t l = 0; l < kLevels; ++l) {
            image_.level_offset_64[l] = l * 16;
            for (uint32_t y = 0; y < kSide >> l; ++y) {
                for (uint32_t x = 0; x < kSide >> l; ++x) {
                    const auto v = static_cast<float>(100 * l + 10 * y + x);
                    std::memcpy(&memory_[kTexelsAt + l * 1024 + y * 64 + x * 4], &v, 4);
                }
            }
        }
        sampler_.wrap_u = sampler_.wrap_v = hw::Wrap::clamp_to_edge;
        sampler_.max_lod = 1000.0f;
    }

    // Red of lane 0, from a coordinate tuple.
    float sample(std::initializer_list<float> tuple, hw::LodMode lod = hw::LodMode::zero,
                 bool ref = false) {
        hw::Inst inst;
        inst.op = hw::Op::tex;
        inst.ty = hw::Type::f32;
        inst.sub = hw::TexSub{.dim = hw::Dim::d2, .ref = ref, .lodmode = lod}.pack();
        return run(inst, tuple)[0];
    }

    std::array<float, 4> run(const hw::Inst& inst, std::initializer_list<float> tuple) {
        uint32_t words[hw::ImageDescriptor::kDwords];
        image_.pack(words);
        std::memcpy(&memory_[kImageAt], words, sizeof(words));
        sampler_.pack(words);
        std::memcpy(&memory_[kSamplerAt], words, hw::SamplerDescriptor::kBytes);
        Lanes lanes{};
        lanes.exec = 1;
        lanes.width = 8;
        lanes.image_va[0] = kImageAt;
        lanes.sampler_va[0] = kSamplerAt;
        unsigned row = 0;
        for (const float x : tuple) {
            lanes.coord[row++][0] = std::bit_cast<uint32_t>(x);
        }
        execute(inst, draw_, lanes);
        std::array<float, 4> out{};
        for (unsigned n = 0; n < 4; ++n) {
            out[n] = std::bit_cast<float>(lanes.result[n][0]);
        }
        return out;
    }

    void linear() { sampler_.mag_filter = sampler_.min_filter = hw::Filter::linear; }

    std::vector<std::byte> memory_ = std::vector<std::byte>(0x20000);
    DrawContext draw_;
    hw::ImageDescriptor image_;
    hw::SamplerDescriptor sampler_;
};

TEST_F(Sample, NearestTakesTheTexelAroundTheCoordinate) {
    EXPECT_EQ(sample({0.0f, 0.0f}), 0.0f);
    EXPECT_EQ(sample({0.24f, 0.26f}), 10.0f);
    EXPECT_EQ(sample({0.99f, 0.5f}), 23.0f);
    EXPECT_EQ(sample({-3.0f, 7.0f}), 30.0f) << "clamped to the edge";
}

TEST_F(Sample, WrapModes) {
    sampler_.wrap_u = hw::Wrap::repeat;
    EXPECT_EQ(sample({1.3f, 0.0f}), 1.0f);
    EXPECT_EQ(sample({-0.1f, 0.0f}), 3.0f);
    sampler_.wrap_u = hw::Wrap::mirrored_repeat;
    EXPECT_EQ(sample({1.3f, 0.0f}), 2.0f);
    EXPECT_EQ(sample({-0.3f, 0.0f}), 1.0f);
    sampler_.wrap_u = hw::Wrap::clamp_to_border;
    sampler_.border[0] = std::bit_cast<uint32_t>(-5.0f);
    EXPECT_EQ(sample({1.01f, 0.0f}), -5.0f);
    EXPECT_EQ(sample({0.99f, 0.0f}), 3.0f);
}

TEST_F(Sample, BilinearWeighsByDistanceFromTexelCentres) {
    linear();
    EXPECT_EQ(sample({0.375f, 0.375f}), 11.0f) << "a texel's centre";
    EXPECT_EQ(sample({0.5f, 0.375f}), 11.5f);
    EXPECT_EQ(sample({0.5f, 0.5f}), 16.5f);
    EXPECT_FLOAT_EQ(sample({0.4375f, 0.5625f}), 11.25f + 7.5f);
    EXPECT_EQ(sample({0.0f, 0.0f}), 0.0f) << "clamped to the edge";
    sampler_.wrap_u = hw::Wrap::repeat;
    EXPECT_EQ(sample({0.0f, 0.125f}), 1.5f) << "half of texel 3, half of texel 0";
    sampler_.wrap_u = hw::Wrap::clamp_to_border;
    sampler_.border[0] = std::bit_cast<uint32_t>(8.0f);
    EXPECT_EQ(sample({0.0f, 0.125f}), 4.0f) << "half border";
}

TEST_F(Sample, LevelsAreChosenAndMixed) {
    EXPECT_EQ(sample({0.0f, 0.0f, 1.0f}, hw::LodMode::lod), 100.0f);
    EXPECT_EQ(sample({0.9f, 0.9f, 1.0f}, hw::LodMode::lod), 111.0f);
    EXPECT_EQ(sample({0.0f, 0.0f, 9.0f}, hw::LodMode::lod), 200.0f) << "the last level";
    EXPECT_EQ(sample({0.0f, 0.0f, 0.4f}, hw::LodMode::lod), 0.0f);
    EXPECT_EQ(sample({0.0f, 0.0f, 0.6f}, hw::LodMode::lod), 100.0f);
    sampler_.mip_filter = hw::Filter::linear;
    EXPECT_EQ(sample({0.0f, 0.0f, 0.25f}, hw::LodMode::lod), 25.0f);
    EXPECT_EQ(sample({0.0f, 0.0f, 1.5f}, hw::LodMode::lod), 150.0f);
    sampler_.max_lod = 1.0f;
    EXPECT_EQ(sample({0.0f, 0.0f, 1.5f}, hw::LodMode::lod), 100.0f);
    sampler_.max_lod = 1000.0f;
    sampler_.lod_bias = 0.5f;
    EXPECT_EQ(sample({0.0f, 0.0f, 0.25f}, hw::LodMode::lod), 75.0f);
}

TEST_F(Sample, GradientsGiveTheLevel) {
    // Two texels a pixel along x, one along y: level log2(2) = 1.
    EXPECT_EQ(sample({0.0f, 0.0f, 0.5f, 0.0f, 0.0f, 0.25f}, hw::LodMode::grad), 100.0f);
    EXPECT_EQ(sample({0.0f, 0.0f, 0.25f, 0.0f, 0.0f, 0.25f}, hw::LodMode::grad), 0.0f);
    EXPECT_EQ(sample({0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 1.0f}, hw::LodMode::grad), 200.0f);
}

TEST_F(Sample, ComparisonComesBeforeTheFilter) {
    image_.format = static_cast<uint32_t>(hw::Format::d32_sfloat);
    sampler_.compare_enable = true;
    sampler_.compare_op = hw::CompareOp::less;
    linear();
    // Reference against 0, 1, 10, 11 around (0.25, 0.25), each a quarter; D32 has no range.
    EXPECT_EQ(sample({0.25f, 0.25f, 0.5f}, hw::LodMode::zero, true), 0.75f);
    EXPECT_EQ(sample({0.25f, 0.25f, 1.0f}, hw::LodMode::zero, true), 0.5f);
    EXPECT_EQ(sample({0.25f, 0.25f, 11.0f}, hw::LodMode::zero, true), 0.0f);
}

TEST_F(Sample, GatherGivesTheFootprintAnticlockwise) {
    hw::Inst inst;
    inst.op = hw::Op::txg;
    inst.ty = hw::Type::f32;
    inst.sub = hw::TxgSub{.dim = hw::Dim::d2}.pack();
    EXPECT_EQ(run(inst, {0.5f, 0.5f}), (std::array<float, 4>{21.0f, 22.0f, 12.0f, 11.0f}));
}

TEST_F(Sample, SwizzleAndAbsentComponents) {
    hw::Inst inst;
    inst.op = hw::Op::tex;
    inst.ty = hw::Type::f32;
    inst.sub = hw::TexSub{.dim = hw::Dim::d2, .lodmode = hw::LodMode::zero}.pack();
    EXPECT_EQ(run(inst, {0.3f, 0.0f}), (std::array<float, 4>{1.0f, 0.0f, 0.0f, 1.0f}));
    image_.swz_r = hw::Swizzle::one, image_.swz_b = hw::Swizzle::r;
    EXPECT_EQ(run(inst, {0.3f, 0.0f}), (std::array<float, 4>{1.0f, 0.0f, 1.0f, 1.0f}));
    image_.swz_r = hw::Swizzle::zero;
    EXPECT_EQ(run(inst, {0.3f, 0.0f})[0], 0.0f);
}

} // namespace
} // namespace kite::dev::exec::tex
