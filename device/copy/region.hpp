// SPDX-License-Identifier: MIT
// Boxes of a surface and how the work on them is split over the pool; shared by all image
// operations.
//
// Boxes are in format blocks and slices; make_box() turns a packet's offset and extent in texels
// into one and refuses what does not fit the surface, so that everything after it works on valid
// coordinates. Values only; thread-safe.
#pragma once

#include "device/copy/copy.hpp"
#include "device/format/layout.hpp"

#include "base/function_ref.hpp"

#include <array>

namespace kite::dev::copy {

/// A box of format blocks; z counts layers or slices from the view's first.
struct Box {
    uint32_t x = 0, y = 0, z = 0; ///< first block
    uint32_t w = 0, h = 0, d = 0; ///< size, > 0
};

/// The surface of a packet; fails with the reason and `what` ("source", ...).
[[nodiscard]] base::Result<format::SurfaceView>
open_surface(const Engine& engine, const hw::Surface& surface, const char* what);

/// The box at `offset` texels of `w` x `h` blocks and `slices` layers or slices. Offsets must be
/// multiples of the block size.
[[nodiscard]] base::Result<Box> make_box(const format::SurfaceView& surface,
                                         const std::array<int32_t, 3>& offset, uint64_t w,
                                         uint64_t h, uint64_t slices, const char* what);

/// Number of blocks that `texels` texels cover.
[[nodiscard]] constexpr uint64_t blocks(uint64_t texels, uint32_t block) {
    return (texels + block - 1) / block;
}

/// Calls fn(y, z) for all rows and slices of a height x depth area, in parallel if it is worth it.
/// `row_bytes` is the work of one row; rows are handed out in runs that keep rows of one 4x4 block
/// together. Stops early when the engine is killed.
void for_rows(const Engine& engine, uint32_t height, uint32_t depth, uint64_t row_bytes,
              base::FunctionRef<void(uint32_t y, uint32_t z)> fn);

} // namespace kite::dev::copy
