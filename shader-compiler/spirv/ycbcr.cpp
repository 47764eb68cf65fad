// SPDX-License-Identifier: MIT
// Sampler Y'CbCr conversion: a sample of each plane, put together and turned into a colour (Vulkan
// specification, "Sampler Y'CbCr Conversion"). Chroma is reconstructed by the sampler's own filter
// (implicit reconstruction).
#include "shader-compiler/spirv/translator.hpp"

#include <algorithm>
#include <array>

namespace kite::cc::spirv {

namespace {

enum Model : uint8_t { kRgbIdentity = 0, kYcbcrIdentity = 1, kBt709 = 2, kBt601 = 3, kBt2020 = 4 };

/// Weights of red and blue in luma; what the matrices of the specification are made of.
struct Luma {
    double r;
    double b;
};

Luma luma_of(uint8_t model) {
    switch (model) {
    case kBt709:
        return {0.2126, 0.0722};
    case kBt601:
        return {0.299, 0.114};
    default:
        return {0.2627, 0.0593};
    }
}

/// A channel value is scaled and moved: value * scale + bias.
struct Range {
    float scale;
    float bias;
};

Range range_of(const YcbcrConversion& y, bool chroma) {
    const double top = static_cast<double>((uint64_t{1} << y.bits) - 1);
    const auto unit = static_cast<double>(uint64_t{1} << (y.bits - 8));
    if (!y.narrow) {
        const double middle = static_cast<double>(uint64_t{1} << (y.bits - 1));
        return {1.0f, chroma ? static_cast<float>(-middle / top) : 0.0f};
    }
    const double width = chroma ? 224 * unit : 219 * unit;
    const double foot = chroma ? 128 * unit : 16 * unit;
    return {static_cast<float>(top / width), static_cast<float>(-foot / width)};
}

} // namespace

Inst* Translator::converted(const YcbcrConversion& y, Inst* luma, const Leaves& coords,
                            const PlaneSample& sample) {
    const auto plane = [&](unsigned k) {
        return b_.alu(HwOp::iadd, HwType::u64, {luma, b_.u64(kYcbcrPlaneOffset[k])});
    };
    const auto fma = [&](Inst* v, double scale, Inst* more) {
        return b_.alu(HwOp::ffma, HwType::f32, {v, b_.f32(static_cast<float>(scale)), more});
    };
    // Half a luma texel further, where chroma lies on the even luma samples.
    Leaves chroma_at = coords;
    const std::array<bool, 2> moved{y.cosited_x && y.half_x, y.cosited_y && y.half_y};
    if (moved[0] || moved[1]) {
        const hw::TxqSub size{.what = hw::TexQuery::size, .dim = hw::Dim::d2};
        Inst* extent = b_.raw(HwOp::txq, HwType::u32, {Base::bits32, 4}, {luma, nullptr, b_.u32(0)},
                              size.pack());
        for (unsigned k = 0; k < 2 && k < coords.size(); ++k) {
            if (moved[k]) {
                Inst* texels = b_.cvt(HwType::f32, HwType::u32, b_.extract(extent, k));
                Inst* half = b_.alu(HwOp::fdiv, HwType::f32, {b_.f32(0.5f), texels});
                chroma_at[k] = b_.alu(HwOp::fadd, HwType::f32, {coords[k], half});
            }
        }
    }
    // R is Cr, G is Y', B is Cb.
    Inst* first = sample(plane(0), chroma_at);
    Inst* const cb = b_.extract(first, 0);
    Inst* const cr =
        y.planes == 3 ? b_.extract(sample(plane(1), chroma_at), 0) : b_.extract(first, 1);
    const std::array<Inst*, 6> channels{
        cr, b_.extract(sample(luma, coords), 0), cb, b_.f32(1.0f), b_.f32(0.0f), b_.f32(1.0f)};
    std::array<Inst*, 4> c{};
    for (unsigned k = 0; k < 4; ++k) {
        c[k] = channels[std::min<unsigned>(y.swizzle[k], 5)];
    }
    if (y.model == kRgbIdentity) {
        return b_.collect(Leaves{c[0], c[1], c[2], c[3]});
    }
    for (const unsigned k : {0u, 1u, 2u}) {
        const Range r = range_of(y, k != 1);
        c[k] = fma(c[k], r.scale, b_.f32(r.bias));
    }
    if (y.model == kYcbcrIdentity) {
        return b_.collect(Leaves{c[0], c[1], c[2], c[3]});
    }
    const Luma w = luma_of(y.model);
    const double green = 1 - w.r - w.b;
    Inst* r = fma(c[0], 2 * (1 - w.r), c[1]);
    Inst* b = fma(c[2], 2 * (1 - w.b), c[1]);
    Inst* g =
        fma(c[2], -2 * w.b * (1 - w.b) / green, fma(c[0], -2 * w.r * (1 - w.r) / green, c[1]));
    return b_.collect(Leaves{r, g, b, c[3]});
}

} // namespace kite::cc::spirv
