// SPDX-License-Identifier: MIT
#include "device/display/pixels.hpp"

#include "base/bits.hpp"

#include <algorithm>
#include <cstring>

namespace kite::dev::display {

namespace {

using hw::PlaneState;
using Format = hw::ScanoutFormat;

constexpr uint32_t kBlock = 4; // pixels of a tile's edge

constexpr uint16_t widen8(uint32_t v) {
    return static_cast<uint16_t>((v & 0xff) * 257);
}

constexpr uint16_t widen10(uint32_t v) {
    return static_cast<uint16_t>((v & 0x3ff) << 6 | (v & 0x3ff) >> 4);
}

constexpr uint16_t widen6(uint32_t v) {
    return static_cast<uint16_t>((v & 0x3f) << 10 | (v & 0x3f) << 4 | (v & 0x3f) >> 2);
}

constexpr uint16_t widen5(uint32_t v) {
    const uint32_t w = v & 0x1f;
    return static_cast<uint16_t>(w << 11 | w << 6 | w << 1 | w >> 4);
}

// A 16-bit value as one of `bits` bits, rounded.
constexpr uint32_t narrow(uint32_t v, uint32_t bits) {
    const uint32_t top = (1u << bits) - 1;
    return (v * top + 32767) / 65535;
}

Pixel unpack(Format format, uint32_t v) {
    switch (format) {
    case Format::xrgb8888:
        return {widen8(v >> 16), widen8(v >> 8), widen8(v), 65535};
    case Format::argb8888:
        return {widen8(v >> 16), widen8(v >> 8), widen8(v), widen8(v >> 24)};
    case Format::xbgr8888:
        return {widen8(v), widen8(v >> 8), widen8(v >> 16), 65535};
    case Format::abgr8888:
        return {widen8(v), widen8(v >> 8), widen8(v >> 16), widen8(v >> 24)};
    case Format::xrgb2101010:
        return {widen10(v >> 20), widen10(v >> 10), widen10(v), 65535};
    case Format::rgb565:
        return {widen5(v >> 11), widen6(v >> 5), widen5(v), 65535};
    default:
        return {};
    }
}

uint32_t pack(Format format, Pixel p) {
    const auto mix = [&](uint32_t high, uint32_t mid, uint32_t low, uint32_t bits) {
        return narrow(high, bits) << 2 * bits | narrow(mid, bits) << bits | narrow(low, bits);
    };
    switch (format) {
    case Format::xrgb8888:
        return mix(p.r, p.g, p.b, 8) | 0xffu << 24;
    case Format::argb8888:
        return mix(p.r, p.g, p.b, 8) | narrow(p.a, 8) << 24;
    case Format::xbgr8888:
        return mix(p.b, p.g, p.r, 8) | 0xffu << 24;
    case Format::abgr8888:
        return mix(p.b, p.g, p.r, 8) | narrow(p.a, 8) << 24;
    case Format::xrgb2101010:
        return mix(p.r, p.g, p.b, 10) | 3u << 30;
    case Format::rgb565:
        return narrow(p.r, 5) << 11 | narrow(p.g, 6) << 5 | narrow(p.b, 5);
    default:
        return 0;
    }
}

// Byte of a pixel of the buffer.
uint64_t pixel_offset(const PlaneState& plane, uint32_t bytes, uint32_t x, uint32_t y) {
    if (!plane.tiled) {
        return plane.address + uint64_t{y} * plane.pitch + uint64_t{x} * bytes;
    }
    const uint32_t index = (x & 1) | (y & 1) << 1 | (x & 2) << 1 | (y & 2) << 2;
    return plane.address + uint64_t{y / kBlock} * plane.pitch +
           (uint64_t{x / kBlock} * kBlock * kBlock + index) * bytes;
}

// BT.601 and BT.709 in 1/65536: the share of Cr in red, of Cb and Cr in green, of Cb in blue.
struct Matrix {
    int64_t cr_red, cb_green, cr_green, cb_blue;
};
constexpr Matrix k601{91881, -22554, -46802, 116130};
constexpr Matrix k709{103206, -12276, -30679, 121609};

Pixel from_yuv(const PlaneState& plane, uint32_t y, uint32_t cb, uint32_t cr) {
    const Matrix& m = plane.bt709 ? k709 : k601;
    // 8-bit values scaled to 16 bits, centred.
    const bool full = plane.full_range;
    const int64_t luma = full ? int64_t{y} * 257 : (int64_t{y} - 16) * 65535 / 219;
    const auto centre = [&](uint32_t c) {
        return full ? (int64_t{c} - 128) * 257 : (int64_t{c} - 128) * 65535 / 224;
    };
    const int64_t u = centre(cb), v = centre(cr);
    const auto clamp = [](int64_t value) {
        return static_cast<uint16_t>(std::clamp<int64_t>(value, 0, 65535));
    };
    return {clamp(luma + m.cr_red * v / 65536),
            clamp(luma + (m.cb_green * u + m.cr_green * v) / 65536),
            clamp(luma + m.cb_blue * u / 65536), 65535};
}

void read_nv12(const PlaneState& plane, const std::byte* memory, uint32_t row, uint32_t first,
               std::span<Pixel> out) {
    const uint32_t y = plane.source_y + row;
    const std::byte* luma = memory + plane.address + uint64_t{y} * plane.pitch;
    const std::byte* chroma = memory + plane.chroma_address + uint64_t{y / 2} * plane.chroma_pitch;
    for (uint32_t i = 0; i < out.size(); ++i) {
        const uint32_t x = plane.source_x + first + i;
        out[i] = from_yuv(plane, std::to_integer<uint32_t>(luma[x]),
                          std::to_integer<uint32_t>(chroma[x / 2 * 2]),
                          std::to_integer<uint32_t>(chroma[x / 2 * 2 + 1]));
    }
}

} // namespace

uint32_t bytes_per_pixel(Format format) {
    switch (format) {
    case Format::xrgb8888:
    case Format::argb8888:
    case Format::xbgr8888:
    case Format::abgr8888:
    case Format::xrgb2101010:
        return 4;
    case Format::rgb565:
        return 2;
    case Format::nv12:
        return 1;
    default:
        return 0;
    }
}

bool plane_fits(const PlaneState& plane, uint64_t memory_bytes) {
    const uint32_t bytes = bytes_per_pixel(plane.format);
    const uint64_t right = uint64_t{plane.source_x} + plane.width;
    const uint64_t bottom = uint64_t{plane.source_y} + plane.height;
    if (bytes == 0 || plane.width == 0 || plane.height == 0) {
        return false;
    }
    if (plane.tiled) {
        const uint64_t rows = (bottom + kBlock - 1) / kBlock;
        const uint64_t columns = (right + kBlock - 1) / kBlock;
        return plane.format != Format::nv12 &&
               base::range_fits<uint64_t>(
                   plane.address, (rows - 1) * plane.pitch + columns * kBlock * kBlock * bytes,
                   memory_bytes);
    }
    if (plane.format == Format::nv12 &&
        !base::range_fits<uint64_t>(
            plane.chroma_address, ((bottom + 1) / 2 - 1) * plane.chroma_pitch + (right + 1) / 2 * 2,
            memory_bytes)) {
        return false;
    }
    return base::range_fits<uint64_t>(plane.address, (bottom - 1) * plane.pitch + right * bytes,
                                      memory_bytes);
}

void read_row(const PlaneState& plane, const std::byte* memory, uint32_t row, uint32_t first,
              std::span<Pixel> out) {
    if (plane.format == Format::nv12) {
        read_nv12(plane, memory, row, first, out);
        return;
    }
    const uint32_t bytes = bytes_per_pixel(plane.format);
    const uint32_t y = plane.source_y + row;
    const uint32_t x = plane.source_x + first;
    for (uint32_t i = 0; i < out.size(); ++i) {
        uint32_t value = 0;
        std::memcpy(&value, memory + pixel_offset(plane, bytes, x + i, y), bytes);
        out[i] = unpack(plane.format, value);
    }
}

void write_row(const PlaneState& plane, std::byte* memory, uint32_t row,
               std::span<const Pixel> pixels) {
    const uint32_t bytes = bytes_per_pixel(plane.format);
    for (uint32_t i = 0; i < pixels.size(); ++i) {
        const uint32_t value = pack(plane.format, pixels[i]);
        std::memcpy(memory + pixel_offset(plane, bytes, plane.source_x + i, plane.source_y + row),
                    &value, bytes);
    }
}

} // namespace kite::dev::display
