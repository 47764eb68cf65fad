// SPDX-License-Identifier: MIT
// Accumulators wait in memory while a wave waits at barriers.
//
// No vector register survives a call, so a vector that an inner loop accumulates and that an outer
// loop with barriers carries along is saved and restored around every call, though nobody looks at
// it between them. The pass gives such a value a stack slot: it is loaded before the inner loop and
// stored after it, once each per turn of the outer loop. Runs last, on one function; never fails,
// loops of another shape are left alone. Internal to device/exec/jit.
#pragma once

#include "device/exec/jit/pch.hpp"

namespace llvm {
class DominatorTree;
class LoopInfo;
} // namespace llvm

namespace kite::dev::exec::jit {

/// Parks what it can. @return how many values
unsigned park_accumulators(llvm::Function& function, llvm::LoopInfo& loops,
                           const llvm::DominatorTree& dominators);

} // namespace kite::dev::exec::jit
