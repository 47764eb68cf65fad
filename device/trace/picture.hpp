// SPDX-License-Identifier: MIT
// An image in GPU memory as a picture to look at.
//
// Colours become 8-bit RGBA: normalized formats as they are stored (sRGB codes stay codes), floats
// clamped to 0..1, integers to 0..255; depth becomes grey, stencil its low eight bits. Shown is the
// first layer, sample 0. The descriptor is hostile and judged like any other the device gets. Pure
// function of the memory; failure names what is wrong with the image.
#pragma once

#include "base/result.hpp"
#include "device/trace/stream.hpp"

#include <cstdint>
#include <vector>

namespace kite::dev::trace {

/// 8-bit RGBA, rows from the top without padding.
struct Picture {
    uint32_t width = 0, height = 0;
    std::vector<uint8_t> rgba;
};

/// Which of a stream's targets to show.
enum class Show : uint8_t { color, depth, stencil };

/// The picture of a target; `index` selects the colour attachment.
[[nodiscard]] base::Result<Picture> picture_of(const SpaceMemory& memory, const Targets& targets,
                                               Show show = Show::color, uint32_t index = 0);

} // namespace kite::dev::trace
