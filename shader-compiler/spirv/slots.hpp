// SPDX-License-Identifier: MIT
// SSA construction for scalar variables ("slots"), after Braun et al., without recursion.
//
// The CFG (blocks, preds, succs) must exist before the first access; blocks are filled in an order
// in which every forward predecessor comes first. A read at the top of a block with several
// predecessors makes a phi whose operands are found by finish(), which also removes phis that merge
// one value. Owns nothing; the Function must outlive it. Cannot fail.
#pragma once

#include "shader-compiler/ir/ir.hpp"

#include <cstdint>
#include <unordered_map>
#include <vector>

namespace kite::cc::spirv {

class Slots {
public:
    explicit Slots(ir::Function& f) : f_(f) {}

    /// A new variable holding values of this type; returns its number.
    uint32_t add(ir::Base base) {
        bases_.push_back(base);
        return static_cast<uint32_t>(bases_.size() - 1);
    }
    /// Number of variables.
    [[nodiscard]] size_t size() const { return bases_.size(); }
    /// The variable has this value from here to the end of the block.
    void write(uint32_t slot, ir::Block* block, ir::Inst* value) { now_[key(slot, block)] = value; }
    /// The variable's value at this point of the block being filled.
    ir::Inst* read(uint32_t slot, ir::Block* block);
    /// Fills the phis and removes the trivial ones. Call when all blocks are filled.
    void finish();

private:
    struct Pending {
        uint32_t slot;
        ir::Inst* phi;
    };
    static uint64_t key(uint32_t slot, const ir::Block* block) {
        return (static_cast<uint64_t>(block->id) << 32) | slot;
    }

    ir::Function& f_;
    std::vector<ir::Base> bases_;
    std::unordered_map<uint64_t, ir::Inst*> now_;
    std::vector<Pending> pending_;
};

/// Replaces phis that merge a single value (apart from themselves) by that value, until none is
/// left.
void remove_trivial_phis(ir::Function& f);

} // namespace kite::cc::spirv
