// SPDX-License-Identifier: MIT
// Takes vectors apart that are a scalar plus a constant for each lane.
//
// Indices of this form come out of inlining and constant folding, where neither the shader compiler
// nor the emitter can see them. Reads of one lane become scalar arithmetic, gathers and scatters of
// consecutive dwords become plain masked accesses, scatters at constant distances become plain
// stores where all lanes are on, and disjoint ors become additions, whose ranges later passes
// understand. Gathers and scatters must have indices below 2^31 in the lanes of their
// mask, which the emitter's bounds checks see to. Internal to device/exec/jit; not thread-safe.
#pragma once

#include "device/exec/jit/pch.hpp"

namespace kite::dev::exec::jit {

/// Rewrites the function; run it after instructions were combined and clean up behind it.
void simplify_lanes(llvm::Function& function);

} // namespace kite::dev::exec::jit
