// SPDX-License-Identifier: MIT
// Shared by this folder's test and bench: a window of memory, images in it, and a routine library.
//
// Owned by one thread; creating it fails only through gtest-free asserts (std::abort). The window
// is surrounded by what a device surrounds it with: 4 GiB of readable zeros after it, and nothing
// before it, so that an address below the window crashes the test.
#pragma once

#include "device/exec/cpu.hpp"
#include "device/exec/jit/texgen/dispatch.hpp"
#include "device/format/codec.hpp"

#include <cstdlib>
#include <cstring>
#include <random>
#include <sys/mman.h>

namespace kite::dev::exec::jit::texgen {

/// A window with its guard.
class Window {
public:
    static constexpr uint64_t kSize = 8u << 20;    ///< bytes of GPU memory
    static constexpr uint64_t kGuard = 4ull << 30; ///< readable zeros after it
    static constexpr uint64_t kImage = 0x1000;     ///< where tests put an image descriptor
    static constexpr uint64_t kSampler = 0x1800;   ///< and a sampler
    static constexpr uint64_t kTexels = 0x10000;   ///< and texels
    Window() {
        void* all = mmap(nullptr, kSize + 2 * kGuard, PROT_NONE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (all == MAP_FAILED) {
            std::abort();
        }
        base_ = static_cast<std::byte*>(all);
        draw.window = base_ + kGuard;
        draw.va_mask = kSize - 1;
        if (mprotect(draw.window, kSize, PROT_READ | PROT_WRITE) != 0 ||
            mprotect(draw.window + kSize, kGuard, PROT_READ) != 0) {
            std::abort();
        }
    }
    ~Window() { munmap(base_, kSize + 2 * kGuard); }
    Window(const Window&) = delete;
    Window& operator=(const Window&) = delete;
    /// Writes both descriptors.
    void put(const hw::ImageDescriptor& image, const hw::SamplerDescriptor& sampler) {
        uint32_t words[hw::ImageDescriptor::kDwords];
        image.pack(words);
        std::memcpy(draw.window + kImage, words, sizeof(words));
        sampler.pack(words);
        std::memcpy(draw.window + kSampler, words, hw::SamplerDescriptor::kBytes);
    }

    DrawContext draw; ///< with this window

private:
    std::byte* base_ = nullptr;
};

/// Sizes and offsets of an image of one layout rule (docs/image-layout.md); returns its bytes.
inline uint64_t lay_out(hw::ImageDescriptor& d, uint32_t layers) {
    const hw::FormatInfo& f = *hw::format_info(d.format);
    const uint64_t bytes = f.bytes_per_block;
    const bool tiled = d.layout == hw::ImageLayout::tiled;
    uint64_t at = 0;
    for (uint32_t l = 0; l <= d.resource_levels_minus_1; ++l) {
        const uint64_t w = std::max(1u, (d.width_minus_1 + 1) >> l);
        const uint64_t h = std::max(1u, (d.height_minus_1 + 1) >> l);
        d.level_offset_64[l] = static_cast<uint32_t>(at / 64);
        const uint64_t pitch = (w * bytes + 63) & ~uint64_t{63};
        if (!tiled && l == 0) {
            d.row_pitch = static_cast<uint32_t>(pitch);
        }
        at += tiled ? ((w + 3) / 4) * ((h + 3) / 4) * 16 * (bytes << d.log2_samples) : h * pitch;
        at = (at + 63) & ~uint64_t{63};
    }
    d.layer_stride_64 = static_cast<uint32_t>(at / 64);
    return at * layers;
}

/// Fills memory with texels of a format: small floats for float formats, any bits for others.
inline void fill_texels(std::byte* at, uint64_t bytes, uint32_t format, std::mt19937& random) {
    const hw::FormatInfo& f = *hw::format_info(format);
    const uint64_t size = f.bytes_per_block;
    std::uniform_real_distribution<float> value(-2.0f, 2.0f);
    const auto type = f.first().type;
    const bool floats = type == hw::ChannelType::sfloat || type == hw::ChannelType::ufloat;
    for (uint64_t o = 0; o + size <= bytes; o += size) {
        if (floats) {
            const float rgba[4] = {value(random), value(random), value(random), value(random)};
            format::encode_float(format, rgba, at + o);
        } else {
            for (uint64_t b = 0; b < size; ++b) {
                at[o + b] = static_cast<std::byte>(random());
            }
        }
    }
}

} // namespace kite::dev::exec::jit::texgen
