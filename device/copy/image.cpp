// SPDX-License-Identifier: MIT
#include "device/copy/copy.hpp"
#include "device/copy/region.hpp"
#include "device/copy/rows.hpp"

#include <algorithm>
#include <vector>

namespace kite::dev::copy {

using base::ErrorCode;
using base::fail;
using format::SurfaceView;

namespace {

/// Slices or layers an operation covers: one of the two counts is 1, or they agree.
uint32_t slice_count(uint32_t depth, uint32_t layers) {
    return std::max(depth, layers);
}

/// Both directions of a copy between memory and an image differ only in the row function.
template <bool kToImage, class Packet>
base::Result<void> copy_memory(const Engine& engine, const Packet& p) {
    auto surface = open_surface(engine, p.image, kToImage ? "destination" : "source");
    if (!surface) {
        return std::unexpected(std::move(surface.error()));
    }
    const SurfaceView& s = *surface;
    if (s.samples != 1) {
        return fail(ErrorCode::corrupt, "multisampled image");
    }
    const uint32_t bw = s.info->block_w, bh = s.info->block_h;
    auto box = make_box(s, p.offset, blocks(p.extent[0], bw), blocks(p.extent[1], bh),
                        slice_count(p.extent[2], p.layers), "image");
    if (!box) {
        return std::unexpected(std::move(box.error()));
    }
    if (p.row_length < p.extent[0] || p.image_height < p.extent[1]) {
        return fail(ErrorCode::corrupt, "buffer rows or slices are smaller than the extent");
    }
    const uint64_t pitch = blocks(p.row_length, bw) * s.bpb;
    const uint64_t row_bytes = uint64_t{box->w} * s.bpb;
    // A slice of 2^32 rows of 2^37 bytes needs more than 64 bits.
    const auto wide_slice = static_cast<unsigned __int128>(blocks(p.image_height, bh)) * pitch;
    const auto size = (box->d - 1) * wide_slice + (box->h - 1) * pitch + row_bytes;
    const auto slice = static_cast<uint64_t>(wide_slice);
    if (size > engine.va_mask || !engine.contains(p.buffer, static_cast<uint64_t>(size))) {
        return fail(ErrorCode::corrupt, "buffer range outside the address space");
    }
    std::byte* memory = engine.window + p.buffer;
    for_rows(engine, box->h, box->d, row_bytes, [&](uint32_t y, uint32_t z) {
        const Row row(s, box->y + y, box->z + z, 0);
        std::byte* line = memory + z * slice + y * pitch;
        if constexpr (kToImage) {
            write_row(row, box->x, box->w, line);
        } else {
            read_row(row, box->x, box->w, line);
        }
    });
    // Gaps between rows are not touched.
    engine.moved(p.buffer, row_bytes * box->h * box->d, !kToImage);
    return {};
}

/// True if rows of 4x4 blocks of both surfaces can be copied as they are.
bool whole_tiles(const SurfaceView& src, const Box& from, const SurfaceView& dst, const Box& to) {
    const auto edge = [](uint32_t at, uint32_t size, uint32_t limit) {
        return (at + size) % 4 == 0 || at + size == limit;
    };
    return src.tiled && dst.tiled && from.x % 4 == 0 && to.x % 4 == 0 && from.y % 4 == 0 &&
           to.y % 4 == 0 && edge(from.x, from.w, src.blocks_w) &&
           edge(from.y, from.h, src.blocks_h) && edge(to.x, to.w, dst.blocks_w) &&
           edge(to.y, to.h, dst.blocks_h);
}

} // namespace

base::Result<void> copy_buffer_to_image(const Engine& engine,
                                        const hw::CopyBufferToImagePacket& packet) {
    return copy_memory<true>(engine, packet);
}

base::Result<void> copy_image_to_buffer(const Engine& engine,
                                        const hw::CopyImageToBufferPacket& packet) {
    return copy_memory<false>(engine, packet);
}

base::Result<void> copy_image(const Engine& engine, const hw::CopyImagePacket& p) {
    auto source = open_surface(engine, p.src, "source");
    auto destination = open_surface(engine, p.dst, "destination");
    if (!source || !destination) {
        return std::unexpected(std::move(!source ? source.error() : destination.error()));
    }
    const SurfaceView &src = *source, &dst = *destination;
    if (src.bpb != dst.bpb || src.samples != dst.samples) {
        return fail(ErrorCode::corrupt,
                    "formats {} and {} differ in block size or the images in samples",
                    src.info->name, dst.info->name);
    }
    const uint64_t w = blocks(p.extent[0], src.info->block_w),
                   h = blocks(p.extent[1], src.info->block_h);
    const uint32_t slices = slice_count(p.extent[2], p.layers);
    auto from = make_box(src, p.src_offset, w, h, slices, "source");
    auto to = make_box(dst, p.dst_offset, w, h, slices, "destination");
    if (!from || !to) {
        return std::unexpected(std::move(!from ? from.error() : to.error()));
    }
    const uint64_t row_bytes = w * src.bpb * src.samples;
    if (whole_tiles(src, *from, dst, *to)) {
        const uint64_t bytes = blocks(w, 4) * src.block_bytes();
        for_rows(engine, static_cast<uint32_t>(blocks(h, 4)), slices, bytes,
                 [&](uint32_t y, uint32_t z) {
                     std::memmove(dst.at(to->x, to->y + 4 * y, to->z + z),
                                  src.at(from->x, from->y + 4 * y, from->z + z), bytes);
                 });
        return {};
    }
    for_rows(engine, from->h, slices, row_bytes, [&](uint32_t y, uint32_t z) {
        constexpr uint32_t kLine = 4096;
        std::byte line[kLine];
        const uint32_t step = kLine / src.bpb & ~3u;
        for (uint32_t s = 0; s < src.samples; ++s) {
            const Row in(src, from->y + y, from->z + z, s), out(dst, to->y + y, to->z + z, s);
            for (uint32_t x = 0; x < from->w; x += step) {
                const uint32_t count = std::min(step, from->w - x);
                read_row(in, from->x + x, count, line);
                write_row(out, to->x + x, count, line);
            }
        }
    });
    return {};
}

} // namespace kite::dev::copy
