// SPDX-License-Identifier: MIT
#include "shader-compiler/ir/edit.hpp"

#include <algorithm>

namespace kite::cc::ir {

Block* add_block(Function& f) {
    f.blocks.push_back(std::make_unique<Block>());
    f.blocks.back()->id = static_cast<uint32_t>(f.blocks.size() - 1);
    return f.blocks.back().get();
}

void add_pred(Block* to, Block* from) {
    if (std::find(to->preds.begin(), to->preds.end(), from) == to->preds.end()) {
        to->preds.push_back(from);
    }
}

void set_jump(Block* from, Block* to) {
    from->term = Term::jump;
    from->condition = nullptr;
    from->case_values.clear();
    from->succs = {to};
    add_pred(to, from);
}

void remove_pred(Block* block, const Block* pred) {
    const auto it = std::find(block->preds.begin(), block->preds.end(), pred);
    if (it == block->preds.end()) {
        return;
    }
    const auto index = it - block->preds.begin();
    block->preds.erase(it);
    for (auto& inst : block->insts) {
        if (inst->op != phi) {
            break;
        }
        inst->operands.erase(inst->operands.begin() + index);
    }
}

size_t first_non_phi(const Block& block) {
    size_t i = 0;
    while (i < block.insts.size() && block.insts[i]->op == phi) {
        ++i;
    }
    return i;
}

void make_constant(Inst& inst, uint64_t bits) {
    inst.op = constant;
    inst.ty = hw::Type::none;
    inst.sub = 0;
    inst.imm = 0;
    inst.invariant = false;
    inst.operands.clear();
    inst.constant_bits = bits;
}

Inst* Replacements::get(Inst* value) const {
    for (;;) {
        const auto it = map_.find(value);
        if (it == map_.end()) {
            return value;
        }
        value = it->second;
    }
}

void Replacements::apply(Function& f) const {
    if (map_.empty()) {
        return;
    }
    for (auto& block : f.blocks) {
        for (auto& inst : block->insts) {
            for (Inst*& operand : inst->operands) {
                operand = get(operand);
            }
        }
        block->condition = get(block->condition);
    }
}

bool remove_unreachable_blocks(Function& f) {
    for (size_t i = 0; i < f.blocks.size(); ++i) {
        f.blocks[i]->id = static_cast<uint32_t>(i);
    }
    std::vector<bool> live(f.blocks.size(), false);
    std::vector<Block*> work{f.blocks.front().get()};
    live[0] = true;
    while (!work.empty()) {
        Block* b = work.back();
        work.pop_back();
        for (Block* s : b->succs) {
            if (!live[s->id]) {
                live[s->id] = true;
                work.push_back(s);
            }
        }
    }
    if (std::find(live.begin(), live.end(), false) == live.end()) {
        return false;
    }
    for (auto& block : f.blocks) {
        if (!live[block->id]) {
            for (Block* s : block->succs) {
                remove_pred(s, block.get());
            }
            continue;
        }
        if (block->merge != nullptr && !live[block->merge->id]) {
            block->merge = nullptr;
        }
        if (block->continue_target != nullptr && !live[block->continue_target->id]) {
            block->continue_target = nullptr;
        }
    }
    std::erase_if(f.blocks, [&](const std::unique_ptr<Block>& b) { return !live[b->id]; });
    f.renumber();
    return true;
}

std::vector<uint32_t> immediate_dominators(const Function& f) {
    // Cooper, Harvey, Kennedy: iterate over reverse post order until nothing changes.
    const size_t n = f.blocks.size();
    constexpr uint32_t kNone = ~0u;
    std::vector<uint32_t> order(n, kNone);
    std::vector<const Block*> post;
    std::vector<std::pair<const Block*, size_t>> stack{{f.blocks[0].get(), 0}};
    std::vector<bool> seen(n, false);
    seen[0] = true;
    while (!stack.empty()) {
        auto& [b, next] = stack.back();
        if (next < b->succs.size()) {
            const Block* s = b->succs[next++];
            if (!seen[s->id]) {
                seen[s->id] = true;
                stack.emplace_back(s, 0);
            }
            continue;
        }
        order[b->id] = static_cast<uint32_t>(post.size());
        post.push_back(b);
        stack.pop_back();
    }
    std::vector<uint32_t> idom(n, kNone);
    idom[0] = 0;
    bool changed = true;
    while (changed) {
        changed = false;
        for (size_t i = post.size(); i-- > 0;) {
            const Block* b = post[i];
            if (b->id == 0) {
                continue;
            }
            uint32_t best = kNone;
            for (const Block* p : b->preds) {
                if (idom[p->id] == kNone) {
                    continue;
                }
                uint32_t a = p->id;
                if (best == kNone) {
                    best = a;
                    continue;
                }
                uint32_t c = best;
                while (a != c) {
                    while (order[a] < order[c]) {
                        a = idom[a];
                    }
                    while (order[c] < order[a]) {
                        c = idom[c];
                    }
                }
                best = a;
            }
            if (best != idom[b->id]) {
                idom[b->id] = best;
                changed = true;
            }
        }
    }
    return idom;
}

bool dominates(const std::vector<uint32_t>& idom, uint32_t a, uint32_t b) {
    while (b != a) {
        if (b == 0 || b >= idom.size() || idom[b] == b) {
            return false;
        }
        b = idom[b];
    }
    return true;
}

} // namespace kite::cc::ir
