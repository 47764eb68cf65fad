// SPDX-License-Identifier: MIT
// Samples per second of generated routines and of the reference, one thread. Prints a table.
//
// Coordinates are those of a 2D blit with a slight rotation, as textured scenes have them.
#include "device/exec/jit/texgen/harness.hpp"

#include <bit>
#include <chrono>
#include <cstdio>
#include <vector>

using namespace kite;
using namespace kite::dev::exec;
using namespace kite::dev::exec::jit;
using namespace kite::dev::exec::jit::texgen;

namespace {

constexpr unsigned kWaves = 8; // their Lanes stay in the first-level cache, as a shader's would

struct Case {
    const char* name;
    hw::Format format;
    hw::Filter filter;
    bool mips;
    uint32_t aniso_log2;
    bool turned = true; // by a few degrees and scaled, not one texel a pixel
};

constexpr Case kCases[] = {
    {"rgba8 nearest", hw::Format::r8g8b8a8_unorm, hw::Filter::nearest, false, 0},
    {"rgba8 nearest, 1:1", hw::Format::r8g8b8a8_unorm, hw::Filter::nearest, false, 0, false},
    {"rgba8 bilinear", hw::Format::r8g8b8a8_unorm, hw::Filter::linear, false, 0},
    {"rgba8 bilinear, 1:1", hw::Format::r8g8b8a8_unorm, hw::Filter::linear, false, 0, false},
    {"rgba8 trilinear", hw::Format::r8g8b8a8_unorm, hw::Filter::linear, true, 0},
    {"srgb8 nearest", hw::Format::r8g8b8a8_srgb, hw::Filter::nearest, false, 0},
    {"srgb8 bilinear", hw::Format::r8g8b8a8_srgb, hw::Filter::linear, false, 0},
    {"srgb8 bilinear, aniso 16", hw::Format::r8g8b8a8_srgb, hw::Filter::linear, false, 4},
    {"r8 bilinear", hw::Format::r8_unorm, hw::Filter::linear, false, 0},
    {"rgba16f bilinear", hw::Format::r16g16b16a16_sfloat, hw::Filter::linear, false, 0},
    {"rgba32f bilinear", hw::Format::r32g32b32a32_sfloat, hw::Filter::linear, false, 0},
};

// Nanoseconds per wave: the best of several runs, since other work shares the machine.
template <class F>
double time_of(unsigned waves, F run) {
    double best = 1e30;
    for (int n = 0; n < 7; ++n) {
        const auto begin = std::chrono::steady_clock::now();
        for (unsigned w = 0; w < waves; ++w) {
            run(w);
        }
        const std::chrono::duration<double, std::nano> d = std::chrono::steady_clock::now() - begin;
        best = std::min(best, d.count() / waves);
    }
    return best;
}

void run(unsigned width) {
    auto target = host_target(width);
    auto linker = create_linker();
    if (!target || !linker) {
        std::printf("no waves of %u lanes here\n", width);
        return;
    }
    Library library(*target, **linker, nullptr);
    Window window;
    std::mt19937 random{1};
    for (const Case& c : kCases) {
        hw::ImageDescriptor image;
        image.address = Window::kTexels;
        image.format = static_cast<uint32_t>(c.format);
        image.dim = hw::ViewDim::d2;
        image.layout = hw::ImageLayout::tiled;
        image.swz_r = hw::Swizzle::r, image.swz_g = hw::Swizzle::g;
        image.swz_b = hw::Swizzle::b, image.swz_a = hw::Swizzle::a;
        image.width_minus_1 = image.height_minus_1 = 511;
        if (c.mips) {
            image.resource_levels_minus_1 = image.level_count_minus_1 = 9;
        }
        fill_texels(window.draw.window + Window::kTexels, lay_out(image, 1), image.format, random);
        hw::SamplerDescriptor sampler;
        sampler.mag_filter = sampler.min_filter = c.filter;
        sampler.mip_filter = c.mips ? hw::Filter::linear : hw::Filter::nearest;
        sampler.max_lod = c.mips ? 1000.0f : 0.25f;
        sampler.aniso_log2 = c.aniso_log2;
        window.put(image, sampler);
        hw::Inst inst;
        inst.op = hw::Op::tex;
        inst.ty = hw::Type::f32;
        inst.sub = hw::TexSub{.dim = hw::Dim::d2}.pack();
        // Waves of a slightly rotated blit, made beforehand: shaders store rows as whole vectors.
        std::vector<tex::Lanes> waves(kWaves);
        for (unsigned w = 0; w < kWaves; ++w) {
            tex::Lanes& lanes = waves[w];
            lanes.exec = (1u << width) - 1;
            lanes.width = width;
            lanes.fragment = true;
            std::fill_n(lanes.image_va, kMaxLanes, Window::kImage);
            std::fill_n(lanes.sampler_va, kMaxLanes, Window::kSampler);
            const auto bx = static_cast<float>(w % 4 * 4) + 34.5f,
                       by = static_cast<float>(w / 4 * 4) + 18.5f;
            for (unsigned i = 0; i < width; ++i) {
                const float x = bx + static_cast<float>((i & 1) | (i & 4) >> 1);
                const float y = by + static_cast<float>((i & 2) >> 1 | (i & 8) >> 2);
                const float s = c.turned ? 1.3f * x + 0.2f * y : x;
                const float t = c.turned ? 1.1f * y - 0.2f * x : y;
                lanes.coord[0][i] = std::bit_cast<uint32_t>(s / 512.0f);
                lanes.coord[1][i] = std::bit_cast<uint32_t>(t / 512.0f);
            }
        }
        Cell cell;
        Slot slot{};
        const double ns = time_of(16384, [&](unsigned w) {
            cell.execute(library, inst, window.draw, waves[w % kWaves], Window::kImage,
                         Window::kSampler, slot);
        });
        const double reference =
            time_of(512, [&](unsigned w) { tex::execute(inst, window.draw, waves[w % kWaves]); });
        std::printf("%2u lanes  %-26s %7.1f ns/wave  %7.0f Msamples/s  (reference %5.1f)\n", width,
                    c.name, ns, width * 1e3 / ns, width * 1e3 / reference);
    }
}

} // namespace

int main() {
    run(16);
    run(8);
    return 0;
}
