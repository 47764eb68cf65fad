// SPDX-License-Identifier: MIT
#include "device/copy/region.hpp"

#include "base/thread_pool.hpp"

#include <algorithm>

namespace kite::dev::copy {

using base::ErrorCode;
using base::fail;

base::Result<format::SurfaceView> open_surface(const Engine& engine, const hw::Surface& surface,
                                               const char* what) {
    format::SurfaceView view;
    const char* why = nullptr;
    if (!format::make_surface(surface.image, engine.window, engine.va_mask, view, &why)) {
        return fail(ErrorCode::corrupt, "{} image: {}", what, why);
    }
    return view;
}

base::Result<Box> make_box(const format::SurfaceView& s, const std::array<int32_t, 3>& offset,
                           uint64_t w, uint64_t h, uint64_t slices, const char* what) {
    const uint32_t bw = s.info->block_w, bh = s.info->block_h;
    if (offset[0] < 0 || offset[1] < 0 || offset[2] < 0) {
        return fail(ErrorCode::corrupt, "{} offset is negative", what);
    }
    const auto x = static_cast<uint32_t>(offset[0]), y = static_cast<uint32_t>(offset[1]),
               z = static_cast<uint32_t>(offset[2]);
    if (x % bw != 0 || y % bh != 0) {
        return fail(ErrorCode::corrupt, "{} offset is not a multiple of the block size", what);
    }
    if (z != 0 && !s.volume) {
        return fail(ErrorCode::corrupt, "{} z offset in an image that is not 3D", what);
    }
    if (w == 0 || h == 0 || slices == 0 || x / bw + w > s.blocks_w || y / bh + h > s.blocks_h ||
        z + slices > s.layers) {
        return fail(ErrorCode::corrupt, "{} box {}+{} x {}+{} x {}+{} does not fit {} x {} x {}",
                    what, x / bw, w, y / bh, h, z, slices, s.blocks_w, s.blocks_h, s.layers);
    }
    return Box{x / bw,
               y / bh,
               z,
               static_cast<uint32_t>(w),
               static_cast<uint32_t>(h),
               static_cast<uint32_t>(slices)};
}

void for_rows(const Engine& engine, uint32_t height, uint32_t depth, uint64_t row_bytes,
              base::FunctionRef<void(uint32_t, uint32_t)> fn) {
    constexpr uint64_t kJobBytes = 128 << 10;
    const uint64_t wanted = std::max<uint64_t>(kJobBytes / std::max<uint64_t>(row_bytes, 1), 1);
    const auto run = static_cast<uint32_t>(
        std::min<uint64_t>((wanted + 3) & ~uint64_t{3}, (uint64_t{height} + 3) & ~uint64_t{3}));
    const uint64_t runs = (uint64_t{height} + run - 1) / run;
    const auto work = [&](uint64_t job, unsigned) {
        if (engine.killed()) {
            return;
        }
        const auto z = static_cast<uint32_t>(job / runs);
        const auto first = static_cast<uint32_t>(job % runs) * run;
        for (uint32_t y = first; y < std::min(first + run, height); ++y) {
            fn(y, z);
        }
    };
    const uint64_t jobs = runs * depth;
    if (uint64_t{height} * depth * row_bytes <= kJobBytes) {
        for (uint64_t job = 0; job < jobs; ++job) {
            work(job, 0);
        }
        return;
    }
    engine.pool->parallel_for(jobs, work);
}

} // namespace kite::dev::copy
