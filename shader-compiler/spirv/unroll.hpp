// SPDX-License-Identifier: MIT
// Decides which loops the prepass unrolls, before SPIRV-Tools does it.
//
// The unroller obeys the Unroll bit of OpLoopMerge and knows no limit, so a hostile (or optimistic)
// hint could exhaust memory. Here the bit is cleared unless the trip count is provably small and
// the total growth is bounded, and set for small loops that index private arrays with run-time
// values, which unrolling turns into registers. Pure; the words must be a validated module in SSA
// form. Cannot fail: what is not understood is not unrolled.
#pragma once

#include <cstdint>
#include <vector>

namespace kite::cc::spirv {

/// Rewrites the loop control bits in place.
/// @return true if some loop is to be unrolled.
bool choose_unrolled_loops(std::vector<uint32_t>& words);

} // namespace kite::cc::spirv
