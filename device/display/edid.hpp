// SPDX-License-Identifier: MIT
// EDIDs: what a monitor tells about itself, made for a monitor that does not exist.
//
// An EDID is whole blocks of 128 bytes, at most four. edid_for() makes one of EDID 1.4 with the
// wanted mode preferred (CVT, reduced blanking, about 60 Hz) and the usual smaller modes beside it.
// edid_problem() judges one that the user brings. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace kite::dev::display {

/// Bytes of a block.
inline constexpr std::size_t kEdidBlock = 128;
/// Most blocks of a head.
inline constexpr std::size_t kEdidBlocks = 4;

/// An EDID; empty: nothing is connected, or it says nothing.
using Edid = std::vector<uint8_t>;

/// True for a mode edid_for() can describe.
[[nodiscard]] bool edid_can_say(uint32_t width, uint32_t height);
/// The EDID of a monitor with that preferred mode; `number` makes its serial number.
[[nodiscard]] Edid edid_for(uint32_t width, uint32_t height, uint32_t number);
/// What is wrong with an EDID, or nothing: size, header, checksums.
[[nodiscard]] std::string edid_problem(const Edid& edid);

} // namespace kite::dev::display
