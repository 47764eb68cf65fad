// SPDX-License-Identifier: MIT
#include "device/copy/copy.hpp"
#include "device/copy/region.hpp"
#include "device/copy/rows.hpp"
#include "device/format/codec.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace kite::dev::copy {

using base::ErrorCode;
using base::fail;
using format::SurfaceView;

namespace {

/// Repeats the `unit` bytes at `out` until `size` bytes are filled; size is a multiple of unit.
void replicate(std::byte* out, size_t unit, size_t size) {
    for (size_t done = unit; done < size;) {
        const size_t step = std::min(done, size - done);
        std::memcpy(out + done, out, step);
        done += step;
    }
}

/// Combines the samples of one texel of a depth, stencil, integer or colour format.
void resolve_texel(const SurfaceView& src, const SurfaceView& dst, const std::byte* first,
                   hw::ResolveMode mode, std::byte* out) {
    const uint64_t step = uint64_t{16} * src.bpb;
    if (format::is_integer(src.format)) {
        uint32_t best[4];
        format::decode_int(src.format, first, best);
        for (uint32_t s = 1; s < src.samples; ++s) {
            uint32_t v[4];
            format::decode_int(src.format, first + s * step, v);
            for (unsigned c = 0; c < 4; ++c) {
                const bool less = src.info->is_sint()
                                      ? static_cast<int32_t>(v[c]) < static_cast<int32_t>(best[c])
                                      : v[c] < best[c];
                best[c] = less == (mode == hw::ResolveMode::min) ? v[c] : best[c];
            }
        }
        format::encode_int(dst.format, best, out);
        return;
    }
    float sum[4];
    format::decode_float(src.format, first, sum);
    for (uint32_t s = 1; s < src.samples; ++s) {
        float v[4];
        format::decode_float(src.format, first + s * step, v);
        for (unsigned c = 0; c < 4; ++c) {
            sum[c] = mode == hw::ResolveMode::average ? sum[c] + v[c]
                     : mode == hw::ResolveMode::min   ? std::min(sum[c], v[c])
                                                      : std::max(sum[c], v[c]);
        }
    }
    if (mode == hw::ResolveMode::average) {
        for (float& c : sum) {
            c /= static_cast<float>(src.samples);
        }
    }
    format::encode_float(dst.format, sum, out);
}

/// True for four 8-bit unorm channels, whatever their order: averages can be taken byte by byte.
bool bytes_of_unorm(const hw::FormatInfo& info) {
    return info.bytes_per_block == 4 && std::all_of(info.ch, info.ch + 4, [](const hw::Channel& c) {
               return c.type == hw::ChannelType::unorm && c.bits == 8;
           });
}

/// Averages four samples of four bytes; ties go to even.
uint32_t average_bytes(const std::byte* first, uint64_t step) {
    constexpr uint32_t kEven = 0x00ff00ff;
    uint32_t low = 0, high = 0; // two 16-bit sums each
    for (unsigned s = 0; s < 4; ++s) {
        uint32_t v;
        std::memcpy(&v, first + s * step, 4);
        low += v & kEven;
        high += v >> 8 & kEven;
    }
    // (sum + 1 + (bit 2 of the sum)) / 4 rounds halves to even.
    low = (low + 0x00010001 + (low >> 2 & 0x00010001)) >> 2 & kEven;
    high = (high + 0x00010001 + (high >> 2 & 0x00010001)) >> 2 & kEven;
    return low | high << 8;
}

} // namespace

base::Result<void> resolve_image(const Engine& engine, const hw::ResolveImagePacket& p) {
    auto source = open_surface(engine, p.src, "source");
    auto destination = open_surface(engine, p.dst, "destination");
    if (!source || !destination) {
        return std::unexpected(std::move(!source ? source.error() : destination.error()));
    }
    const SurfaceView &src = *source, &dst = *destination;
    if (src.format != dst.format || src.info->compressed || dst.samples != 1) {
        return fail(ErrorCode::corrupt,
                    "formats {} and {} differ or the destination is multisampled", src.info->name,
                    dst.info->name);
    }
    auto from = make_box(src, p.src_offset, p.extent[0], p.extent[1], p.layers, "source");
    auto to = make_box(dst, p.dst_offset, p.extent[0], p.extent[1], p.layers, "destination");
    if (!from || !to) {
        return std::unexpected(std::move(!from ? from.error() : to.error()));
    }
    const bool one = p.mode == hw::ResolveMode::sample_zero || p.mode == hw::ResolveMode::none ||
                     src.samples == 1 ||
                     (format::is_integer(src.format) && p.mode == hw::ResolveMode::average);
    const bool bytes =
        p.mode == hw::ResolveMode::average && src.samples == 4 && bytes_of_unorm(*src.info);
    for_rows(engine, from->h, from->d, uint64_t{from->w} * (bytes ? 16 : 64),
             [&](uint32_t y, uint32_t z) {
                 for (uint32_t x = 0; x < from->w; ++x) {
                     const std::byte* in = src.at(from->x + x, from->y + y, from->z + z);
                     std::byte* out = dst.at(to->x + x, to->y + y, to->z + z);
                     if (bytes) {
                         const uint32_t average = average_bytes(in, uint64_t{16} * 4);
                         std::memcpy(out, &average, 4);
                     } else if (one) {
                         std::memcpy(out, in, dst.bpb);
                     } else {
                         resolve_texel(src, dst, in, p.mode, out);
                     }
                 }
             });
    return {};
}

base::Result<void> clear_image(const Engine& engine, const hw::ClearImagePacket& p) {
    auto surface = open_surface(engine, p.image, "cleared");
    if (!surface) {
        return std::unexpected(std::move(surface.error()));
    }
    const SurfaceView& s = *surface;
    if (s.info->compressed) {
        return fail(ErrorCode::corrupt, "compressed image");
    }
    if (p.layers == 0 || p.layers > s.layers) {
        return fail(ErrorCode::corrupt, "{} layers of {}", p.layers, s.layers);
    }
    // The texel is repeated to at least 4 KiB, which then is copied over the rows.
    constexpr size_t kPattern = 4096;
    alignas(64) std::byte pattern[kPattern];
    if (format::is_integer(s.format)) {
        format::encode_int(s.format, p.value.data(), pattern);
    } else {
        const auto value = std::bit_cast<std::array<float, 4>>(p.value);
        format::encode_float(s.format, value.data(), pattern);
    }
    const size_t usable = kPattern / s.bpb * s.bpb;
    replicate(pattern, s.bpb, usable);
    const uint32_t rows = s.tiled ? (s.blocks_h + 3) / 4 : s.blocks_h;
    const uint64_t row_bytes = s.tiled ? s.row_stride : uint64_t{s.blocks_w} * s.bpb;
    for_rows(engine, rows, p.layers, row_bytes, [&](uint32_t y, uint32_t z) {
        std::byte* out = s.at(0, s.tiled ? y * 4 : y, z);
        for (uint64_t done = 0; done < row_bytes; done += usable) {
            std::memcpy(out + done, pattern,
                        static_cast<size_t>(std::min<uint64_t>(usable, row_bytes - done)));
        }
    });
    return {};
}

} // namespace kite::dev::copy
