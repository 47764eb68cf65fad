// SPDX-License-Identifier: MIT
// Register allocation: a place in the V and S files for every virtual register.
//
// Linear scan over intervals without holes. Intervals are taken on the linear order of the
// structured code and extended over loops, because lanes that are elsewhere keep their values in
// registers that the code in between would otherwise reuse. What does not fit is spilled: vectors
// to scratch memory, scalars to a lane of a vector. Pure; adds instructions and virtual registers
// to the function when it spills. Failure: more values live at once than registers even with
// spilling is `unsupported`.
#pragma once

#include "base/result.hpp"
#include "shader-compiler/mir/mir.hpp"

#include <cstdint>
#include <vector>

namespace kite::cc {

/// First and last moment a virtual register is needed. Moment 2i is where instruction i reads, 2i +
/// 1 where it writes.
struct Interval {
    uint32_t start = ~0u; ///< first moment; ~0 if never mentioned
    uint32_t end = 0;     ///< last moment
    /// True if the register is mentioned at all.
    [[nodiscard]] bool used() const { return start != ~0u; }
};

/// Intervals of all virtual registers.
[[nodiscard]] std::vector<Interval> live_intervals(const mir::Function& f);

/// Result of allocate().
struct Allocation {
    mir::Places places;  ///< first register by virtual register
    uint32_t vregs = 0;  ///< vector registers used
    uint32_t sregs = 0;  ///< scalar registers used
    uint32_t spills = 0; ///< virtual registers spilled
};

/// Registers to use of each file; smaller in tests.
struct RegisterBudget {
    uint32_t vregs = hw::kMaxVregs; ///< vector registers
    uint32_t sregs = hw::kMaxSregs; ///< scalar registers
};

/// Allocates, spilling as needed.
[[nodiscard]] base::Result<Allocation> allocate(mir::Function& f,
                                                const RegisterBudget& budget = {});

/// Rewrites the code so that the given virtual registers live in memory or lanes between their
/// mentions.
void spill(mir::Function& f, const std::vector<uint32_t>& which);

/// Re-derives what every register holds at every point and compares it with what the code means.
/// @return empty if each use sees its definition, else the first contradiction.
[[nodiscard]] std::string verify_allocation(const mir::Function& f, const Allocation& a);

} // namespace kite::cc
