// SPDX-License-Identifier: MIT
#include "shader-compiler/ir/builder.hpp"
#include "shader-compiler/ir/edit.hpp"
#include "shader-compiler/opt/passes.hpp"

#include <algorithm>
#include <unordered_set>

namespace kite::cc::opt {

namespace {

using ir::Block;

/// Turns a branch or switch on a constant into a jump.
bool fold_branch(Block& b) {
    uint64_t c = 0;
    if ((b.term != ir::Term::branch && b.term != ir::Term::switch_) ||
        !ir::is_constant(b.condition, c)) {
        return false;
    }
    Block* target = nullptr;
    if (b.term == ir::Term::branch) {
        target = static_cast<uint32_t>(c) != 0 ? b.succs[0] : b.succs[1];
    } else {
        target = b.succs[0];
        for (size_t k = 0; k < b.case_values.size(); ++k) {
            if (b.case_values[k] == c) {
                target = b.succs[k + 1];
                break;
            }
        }
    }
    const std::vector<Block*> old = b.succs;
    for (Block* s : old) {
        if (s != target) {
            ir::remove_pred(s, &b);
        }
    }
    ir::set_jump(&b, target);
    if (b.continue_target == nullptr) {
        b.merge = nullptr; // no longer a selection header
    }
    return true;
}

} // namespace

bool simplify_cfg(ir::Function& f) {
    bool changed = false;
    for (auto& block : f.blocks) {
        changed |= fold_branch(*block);
    }
    changed |= ir::remove_unreachable_blocks(f);

    // A block with one predecessor that only jumps to it joins it, unless its name matters for
    // reconvergence.
    std::unordered_set<const Block*> named;
    for (const auto& block : f.blocks) {
        named.insert(block->merge);
        named.insert(block->continue_target);
    }
    std::unordered_set<const Block*> gone;
    ir::Replacements map;
    for (auto& block : f.blocks) {
        if (gone.contains(block.get())) {
            continue;
        }
        while (block->term == ir::Term::jump) {
            Block* next = block->succs[0];
            if (next->preds.size() != 1 || named.contains(next) || next == block.get() ||
                (block->merge != nullptr || block->continue_target != nullptr) || next->id == 0) {
                break;
            }
            for (auto& inst : next->insts) {
                if (inst->op == ir::phi) {
                    map.set(inst.get(), inst->operands[0]);
                    continue;
                }
                inst->block = block.get();
                block->insts.push_back(std::move(inst));
            }
            std::erase_if(next->insts,
                          [](const std::unique_ptr<ir::Inst>& i) { return i == nullptr; });
            block->term = next->term;
            block->condition = next->condition;
            block->succs = next->succs;
            block->case_values = next->case_values;
            block->merge = next->merge;
            block->continue_target = next->continue_target;
            for (Block* s : block->succs) {
                std::replace(s->preds.begin(), s->preds.end(), next, block.get());
            }
            next->succs.clear();
            gone.insert(next);
            changed = true;
        }
    }
    map.apply(f);
    std::erase_if(f.blocks,
                  [&](const std::unique_ptr<Block>& b) { return gone.contains(b.get()); });
    f.renumber();
    return changed;
}

} // namespace kite::cc::opt
