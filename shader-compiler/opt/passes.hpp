// SPDX-License-Identifier: MIT
// The passes of the optimizer, one file each. Every pass takes a valid function and leaves it valid
// (ids renumbered), works in time about linear in the function, never fails, and returns true if it
// changed something. Not thread-safe per function.
#pragma once

#include "shader-compiler/ir/ir.hpp"

namespace kite::cc::opt {

/// Removes instructions whose results nobody needs.
bool dce(ir::Function& f);

/// Folds constants, applies algebraic identities, looks through copies and tuples.
bool simplify(ir::Function& f);

/// Global value numbering over the dominator tree; loads of changeable memory only inside a block,
/// up to the next write.
bool gvn(ir::Function& f);

/// Constant branches, straight-line block merging.
bool simplify_cfg(ir::Function& f);

/// Moves pure operations with loop-invariant operands in front of the loop.
bool licm(ir::Function& f);

/// Merges loads of adjacent memory that needs no bounds check into one load.
bool merge_loads(ir::Function& f);

} // namespace kite::cc::opt
