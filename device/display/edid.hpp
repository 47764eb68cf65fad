// SPDX-License-Identifier: MIT
// EDIDs: what a monitor tells about itself, made for a monitor that does not exist.
//
// An EDID is whole blocks of 128 bytes, at most four. edid_for() makes one of EDID 1.4 with the
// wanted mode preferred (CVT, reduced blanking) and the usual smaller modes of 60 Hz beside it.
// edid_problem() judges one that the user brings. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kite::dev::display {

/// Bytes of a block.
inline constexpr std::size_t kEdidBlock = 128;
/// Most blocks of a head.
inline constexpr std::size_t kEdidBlocks = 4;

/// An EDID; empty: nothing is connected, or it says nothing.
using Edid = std::vector<uint8_t>;

/// A mode that somebody wants.
struct WantedMode {
    uint32_t width = 1280; ///< pixels
    uint32_t height = 800; ///< lines
    uint32_t hertz = 60;   ///< frames a second
};

/// How people write one.
inline constexpr std::string_view kModeSyntax =
    "WIDTHxHEIGHT[@HZ], 320x200 to 4095x4095, 10 to 240";

/// Reads kModeSyntax; nothing for what edid_for() cannot describe.
[[nodiscard]] std::optional<WantedMode> parse_mode(std::string_view text);
/// The EDID of a monitor with that preferred mode; `number` makes its serial number.
[[nodiscard]] Edid edid_for(const WantedMode& mode, uint32_t number);
/// What is wrong with an EDID, or nothing: size, header, checksums.
[[nodiscard]] std::string edid_problem(const Edid& edid);

} // namespace kite::dev::display
