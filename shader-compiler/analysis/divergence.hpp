// SPDX-License-Identifier: MIT
// Which values are the same in all active lanes of a wave, and where lanes may be missing.
//
// Works on the structured tree (before elide_branches), because what lanes do together depends on
// where the constructs reconverge. It marks in the tree the loops that lanes may leave in different
// iterations and the places that not all running lanes reach together. A value may be uniform where
// it is defined and still differ between lanes behind a divergent loop: leaves_divergent_loop()
// tells. Pure; requires a renumbered function; cannot fail.
#pragma once

#include "shader-compiler/analysis/lane_steps.hpp"
#include "shader-compiler/ir/ir.hpp"
#include "shader-compiler/structure/tree.hpp"

#include <cstdint>
#include <vector>

namespace kite::cc {

/// Result of the analysis.
struct Divergence {
    std::vector<bool> varying; ///< by value id: must live in a vector register

    /// Varying where it is defined.
    [[nodiscard]] bool is_varying(const ir::Inst& v) const { return varying[v.id]; }
};

/// Analyses the function and annotates the tree.
[[nodiscard]] Divergence analyze_divergence(const ir::Function& f, Tree& tree);

/// The outermost divergent loop around the code of block `def` that does not contain the code of
/// block `use`; -1 if there is none.
[[nodiscard]] int32_t leaves_divergent_loop(const Tree& tree, uint32_t def, uint32_t use);

} // namespace kite::cc
