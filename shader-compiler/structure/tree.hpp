// SPDX-License-Identifier: MIT
// Structured control flow: the nest of block, loop and if constructs that a control-flow graph
// becomes.
//
// structurize() turns the graph into a tree whose every path ends in an explicit branch; the
// divergence analysis reads and annotates that tree; elide_branches() then drops what falling
// through does anyway. The tree points into the ir::Function, which must outlive it and keep its
// block ids. Values, not thread-safe. Failure: irreducible or too deeply nested control flow is
// `unsupported` by name.
#pragma once

#include "base/result.hpp"
#include "shader-compiler/ir/ir.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace kite::cc {

/// What a tree node is.
enum class NodeKind : uint8_t {
    code,  ///< the instructions of `block`
    moves, ///< the phi moves of the edge `from` -> `block`
    block, ///< a construct at whose end the code of `block` starts
    loop,  ///< a loop whose header is `block`
    if_,   ///< `body` where the condition holds, `other` where not
    br, ///< to `block`: the end of its construct, or its next iteration if `back`; nullptr leaves
        ///< the program
};

/// When a branch or an if is taken.
struct Condition {
    const ir::Inst* value = nullptr; ///< nullptr: always
    bool negate = false;             ///< taken where the value is false
    std::vector<uint64_t> cases;     ///< not empty: taken where the value equals one of them

    /// True if there is no condition.
    [[nodiscard]] bool always() const { return value == nullptr; }
};

/// One node; see NodeKind for which fields count.
struct Node {
    NodeKind kind{};                  ///< what it is
    const ir::Block* block = nullptr; ///< see NodeKind
    const ir::Block* from = nullptr;  ///< moves, br: the block the edge leaves
    bool back = false;                ///< br: to the next iteration of a loop
    bool divergent =
        false;      ///< not all lanes still running are here (set by the divergence analysis)
    Condition cond; ///< if_, br
    std::vector<Node> body;  ///< block, loop, if_
    std::vector<Node> other; ///< if_: the else side
};

/// A loop of the tree, in preorder (the order of the `loop` instructions).
struct TreeLoop {
    const ir::Block* header = nullptr; ///< header
    int32_t parent = -1;               ///< enclosing loop, -1 if none
    bool divergent = false; ///< lanes may leave in different iterations (divergence analysis)
};

/// The whole function.
struct Tree {
    std::vector<Node> body;      ///< top level
    std::vector<TreeLoop> loops; ///< preorder
    std::vector<int32_t>
        block_loop; ///< by block id: innermost loop around the block's code, -1 if none
    std::vector<int32_t> header_loop; ///< by block id: the loop this block heads, -1 if none

    /// True if block `b`'s code lies inside loop `loop`.
    [[nodiscard]] bool inside(int32_t loop, uint32_t b) const;
};

/// Builds the tree. Requires a valid function without unreachable blocks, renumbered.
[[nodiscard]] base::Result<Tree> structurize(const ir::Function& f);

/// Removes branches that only repeat what falling through does, and constructs nobody branches to.
void elide_branches(Tree& tree);

/// Text of a tree, for dumps and tests.
[[nodiscard]] std::string print(const Tree& tree);

} // namespace kite::cc
