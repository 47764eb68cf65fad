// SPDX-License-Identifier: MIT
// Small edits of a Function that passes share: edges, insertion, replacement of values, removal of
// dead blocks.
//
// The helpers keep Block::preds, Block::succs and phi operands parallel to each other. They do not
// renumber: call Function::renumber() before using ids as indices. Not thread-safe (one Function
// per compile); they cannot fail.
#pragma once

#include "shader-compiler/ir/ir.hpp"

#include <memory>
#include <unordered_map>

namespace kite::cc::ir {

/// Appends a new empty block.
Block* add_block(Function& f);

/// Ends `from` with a jump to `to`, adding the edge.
void set_jump(Block* from, Block* to);

/// Lists `from` in to->preds if it is not there yet.
void add_pred(Block* to, Block* from);

/// Removes `pred` from the block's preds together with the phi operands that belong to it.
void remove_pred(Block* block, const Block* pred);

/// Index of the first instruction that is not a phi.
size_t first_non_phi(const Block& block);

/// Makes an instruction a constant in place.
void make_constant(Inst& inst, uint64_t bits);

/// Replacements of values, applied to every operand and condition in one sweep.
class Replacements {
public:
    /// From now on `to` stands for `from`.
    void set(const Inst* from, Inst* to) { map_[from] = to; }
    /// What stands for the value (itself if nothing does).
    [[nodiscard]] Inst* get(Inst* value) const;
    /// True if nothing is replaced.
    [[nodiscard]] bool empty() const { return map_.empty(); }
    /// Rewrites all operands of the function; the replaced instructions stay, unused.
    void apply(Function& f) const;

private:
    std::unordered_map<const Inst*, Inst*> map_;
};

/// Deletes blocks that cannot be reached from the entry; true if there were any. Merge and continue
/// names of deleted blocks are cleared.
bool remove_unreachable_blocks(Function& f);

/// Immediate dominator of each block by block id (entry: itself). Requires renumber() and no
/// unreachable blocks.
std::vector<uint32_t> immediate_dominators(const Function& f);

/// True if block `a` dominates block `b`, given immediate_dominators().
bool dominates(const std::vector<uint32_t>& idom, uint32_t a, uint32_t b);

} // namespace kite::cc::ir
