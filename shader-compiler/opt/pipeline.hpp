// SPDX-License-Identifier: MIT
// The target-independent optimization pipeline.
//
// optimize() runs the passes of this folder in a fixed, bounded order. The function must be valid
// (ir::validate) and is valid afterwards. Pure, thread-safe for distinct functions, cannot fail.
#pragma once

#include "shader-compiler/ir/ir.hpp"

namespace kite::cc {

/// Optimizes in place: folding, algebraic simplification, copy propagation, value numbering, dead
/// code, load merging, hoisting.
void optimize(ir::Function& f);

} // namespace kite::cc
