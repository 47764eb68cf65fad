// SPDX-License-Identifier: MIT
// Instruction selection: IR and its structured tree to machine IR.
//
// Every IR value gets a virtual register of the file the divergence analysis asks for; constants
// become literals where the encoding has room; phis become moves at the end of the edges, masked
// wherever lanes may be missing. Pure. Failure: a value or construct the ISA cannot hold is
// `unsupported` by name.
#pragma once

#include "base/result.hpp"
#include "shader-compiler/analysis/divergence.hpp"
#include "shader-compiler/ir/ir.hpp"
#include "shader-compiler/mir/mir.hpp"
#include "shader-compiler/structure/tree.hpp"

namespace kite::cc {

/// Selects the whole function. `tree` has passed elide_branches().
[[nodiscard]] base::Result<mir::Function> select(const ir::Function& f, const Tree& tree,
                                                 const Divergence& divergence);

} // namespace kite::cc
