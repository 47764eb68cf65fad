// SPDX-License-Identifier: MIT
// Facts about a control-flow graph that the structurizer needs: order, dominators, natural loops.
//
// Computed once from a valid, renumbered function without unreachable blocks; a snapshot that the
// function must not outdate. Immutable afterwards, thread-safe to read. Irreducible graphs are
// reported, the loop facts are meaningless then.
#pragma once

#include "shader-compiler/ir/ir.hpp"

#include <cstdint>
#include <vector>

namespace kite::cc {

/// Reverse post order, dominators and loops by block id.
class FlowFacts {
public:
    /// Computes everything.
    explicit FlowFacts(const ir::Function& f);

    /// Position in reverse post order.
    [[nodiscard]] uint32_t rpo(uint32_t b) const { return rpo_[b]; }
    /// Immediate dominator; the entry's is itself.
    [[nodiscard]] uint32_t idom(uint32_t b) const { return idom_[b]; }
    /// True if `a` dominates `b` (a block dominates itself).
    [[nodiscard]] bool dominates(uint32_t a, uint32_t b) const {
        return enter_[a] <= enter_[b] && leave_[b] <= leave_[a];
    }
    /// True if the edge goes against the order, to a loop header.
    [[nodiscard]] bool is_back_edge(uint32_t from, uint32_t to) const {
        return rpo_[to] <= rpo_[from];
    }
    /// True if a back edge leads to the block.
    [[nodiscard]] bool is_header(uint32_t b) const { return loop_of_[b] == b; }
    /// True if the block lies in the natural loop of the header.
    [[nodiscard]] bool in_loop(uint32_t header, uint32_t b) const;
    /// True if the edge leaves the innermost loop around `from`.
    [[nodiscard]] bool leaves_loop(uint32_t from, uint32_t to) const {
        return loop_of_[from] != kNone && !in_loop(loop_of_[from], to);
    }
    /// False if some cycle has more than one entry.
    [[nodiscard]] bool reducible() const { return reducible_; }

private:
    static constexpr uint32_t kNone = ~0u;
    void order(const ir::Function& f);
    void number_dominators(const ir::Function& f);
    void find_loops(const ir::Function& f);

    std::vector<uint32_t> rpo_, idom_, enter_, leave_;
    std::vector<uint32_t> loop_of_;     // innermost header, itself for a header
    std::vector<uint32_t> loop_parent_; // by header
    bool reducible_ = true;
};

} // namespace kite::cc
