// SPDX-License-Identifier: MIT
// What a texture routine starts from: private copies of both descriptors, and level 0 worked out.
//
// Made from descriptors that were checked, then immutable until the slot is reused; owned by one
// thread, so nothing changes between check and use. Generated code reads it at fixed offsets: a
// change here bumps kVersion in library.hpp.
#pragma once

#include "kite_hw/descriptors.hpp"

#include <cstddef>
#include <cstdint>

namespace kite::dev::exec::jit::texgen {

/// See the head of this file.
struct alignas(64) Prepared {
    uint32_t image[hw::ImageDescriptor::kDwords];     ///< as read from memory
    uint32_t sampler[hw::SamplerDescriptor::kDwords]; ///< as read from memory
    std::byte* pointer;          ///< texel (0, 0) of level 0, layer 0 of the view
    uint32_t width, height;      ///< of that level
    float fwidth, fheight;       ///< the same as floats
    float inv_width, inv_height; ///< 1 / size
    uint32_t row; ///< tiled: texels between rows of blocks; linear: bytes between rows
};

/// Fills everything but the copies from them.
void prepare(Prepared& p, std::byte* window, uint64_t va_mask);

} // namespace kite::dev::exec::jit::texgen
