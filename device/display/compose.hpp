// SPDX-License-Identifier: MIT
// From the state of a head to the frame a monitor would show.
//
// A Scene is a HeadState that was judged (scene_from()) and the colour table read with it; it can
// be shown again and again, whatever the guest writes meanwhile. Frames are made a row at a time,
// so that nobody holds one that does not want it. Pure functions, any thread; frames of a head that
// is off are empty.
#pragma once

#include "base/function_ref.hpp"
#include "device/display/pixels.hpp"

#include <array>
#include <optional>
#include <vector>

namespace kite::dev::display {

/// 256 entries of red, green, blue and nothing.
using GammaTable = std::array<std::array<uint16_t, 4>, 256>;

/// What a head shows.
struct Scene {
    hw::HeadState state;             ///< judged: every enabled plane lies in memory
    std::optional<GammaTable> gamma; ///< if colours go through one
};

/// A picture, 8 bits a channel.
struct Image {
    uint32_t width = 0;       ///< pixels
    uint32_t height = 0;      ///< rows
    std::vector<uint8_t> rgb; ///< three bytes a pixel, row by row
};

/// Longest edge of a mode.
inline constexpr uint32_t kLongestEdge = 8192;

/// A head's state judged and its colour table read, or nothing if it is impossible.
[[nodiscard]] std::optional<Scene> scene_from(const hw::HeadState& state,
                                              std::span<const std::byte> memory);
/// Nanoseconds of a frame; 0 if the head is off.
[[nodiscard]] uint64_t frame_ns(const hw::HeadState& state);
/// Makes the frame: `row(y, pixels)` for every row, top first.
void compose(const Scene& scene, std::span<const std::byte> memory,
             base::FunctionRef<void(uint32_t, std::span<const Pixel>)> row);
/// The frame as a picture.
[[nodiscard]] Image capture(const Scene& scene, std::span<const std::byte> memory);
/// CRC-32 of the frame: rows of 16-bit red, green and blue, little endian.
[[nodiscard]] uint32_t frame_crc(const Scene& scene, std::span<const std::byte> memory);

} // namespace kite::dev::display
