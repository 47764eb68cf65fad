// SPDX-License-Identifier: MIT
// The back end as one call: a valid IR function becomes a program.
//
// Used by compile() and by tests that build IR by hand. Thread-safe for distinct functions.
// Failure: `unsupported` with the feature's name.
#pragma once

#include "base/result.hpp"
#include "kite_cc/compiler.hpp"
#include "shader-compiler/driver/debug.hpp"
#include "shader-compiler/ir/ir.hpp"
#include "shader-compiler/ra/allocate.hpp"

namespace kite::cc {

/// How to run the back end.
struct BackendOptions {
    DebugFlags debug;      ///< dumps and checks
    bool want_asm = false; ///< fill Program::asm_dump
    RegisterBudget budget; ///< registers to use
};

/// Structurizes, selects, allocates, encodes. Adds to `program`: binary, hash, asm_dump and the
/// facts known here (instructions, vregs, sregs, scratch_bytes, spills).
[[nodiscard]] base::Result<> run_backend(ir::Function& f, const BackendOptions& options,
                                         Program& program);

} // namespace kite::cc
