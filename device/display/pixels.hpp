// SPDX-License-Identifier: MIT
// Pixels of planes: where a row of a buffer lies and what colours it holds.
//
// A PlaneState comes from the guest: check it with plane_fits() once, then rows of it may be read
// and written as long as it is not changed. The pixels themselves may change at any time. Colours
// have 16 bits a channel, so that no format loses any. Pure functions; nothing fails.
#pragma once

#include "kite_hw/registers.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace kite::dev::display {

/// A colour; 65535 is full.
struct Pixel {
    uint16_t r = 0;     ///< red
    uint16_t g = 0;     ///< green
    uint16_t b = 0;     ///< blue
    uint16_t a = 65535; ///< opacity

    /// Same in all channels.
    bool operator==(const Pixel&) const = default;
};

/// Bytes of a pixel, of luma for NV12; 0 for what is no format.
[[nodiscard]] uint32_t bytes_per_pixel(hw::ScanoutFormat format);
/// True if every pixel that an enabled plane shows lies in memory of that size.
[[nodiscard]] bool plane_fits(const hw::PlaneState& plane, uint64_t memory_bytes);
/// Reads pixels [first, first + out.size()) of row `row` of what the plane shows.
void read_row(const hw::PlaneState& plane, const std::byte* memory, uint32_t row, uint32_t first,
              std::span<Pixel> out);
/// Writes a row from its first pixel on; not for NV12.
void write_row(const hw::PlaneState& plane, std::byte* memory, uint32_t row,
               std::span<const Pixel> pixels);

} // namespace kite::dev::display
