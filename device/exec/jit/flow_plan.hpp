// SPDX-License-Identifier: MIT
// Which branches of a program can be plain jumps, decided before code is generated.
//
// A branch with a uniform condition takes all active lanes along. It is a plain jump if those are
// also all the lanes that the constructs it leaves still wait for, and, when it continues a loop,
// all lanes that still run the loop. The plan follows the program once per round with a bit per
// open construct, "exec is this construct's live mask here", until loops stop changing. Pure
// function of the program.
#pragma once

#include "device/exec/executor.hpp"

#include <vector>

namespace kite::dev::exec::jit {

/// The decisions, by instruction index.
struct FlowPlan {
    std::vector<bool> direct;    ///< br: a plain jump
    std::vector<bool> divergent; ///< loop: lanes may wait at its end for the next iteration
};

/// Analyses a verified program.
[[nodiscard]] FlowPlan plan_flow(const Program& program);

} // namespace kite::dev::exec::jit
