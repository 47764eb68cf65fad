// SPDX-License-Identifier: MIT
#include "shader-compiler/structure/loops.hpp"

#include "shader-compiler/ir/edit.hpp"

#include <algorithm>
#include <utility>

namespace kite::cc {

FlowFacts::FlowFacts(const ir::Function& f) {
    order(f);
    idom_ = ir::immediate_dominators(f);
    number_dominators(f);
    find_loops(f);
}

void FlowFacts::order(const ir::Function& f) {
    const size_t n = f.blocks.size();
    rpo_.assign(n, kNone);
    std::vector<bool> seen(n, false);
    std::vector<std::pair<const ir::Block*, size_t>> stack{{f.blocks[0].get(), 0}};
    seen[0] = true;
    auto next = static_cast<uint32_t>(n);
    while (!stack.empty()) {
        auto& [b, i] = stack.back();
        if (i == b->succs.size()) {
            rpo_[b->id] = --next;
            stack.pop_back();
            continue;
        }
        // Last successor first, so that the order resembles the source.
        const ir::Block* s = b->succs[b->succs.size() - 1 - i++];
        if (!seen[s->id]) {
            seen[s->id] = true;
            stack.emplace_back(s, 0);
        }
    }
}

void FlowFacts::number_dominators(const ir::Function& f) {
    const size_t n = f.blocks.size();
    std::vector<std::vector<uint32_t>> kids(n);
    for (uint32_t b = 1; b < n; ++b) {
        kids[idom_[b]].push_back(b);
    }
    enter_.assign(n, 0);
    leave_.assign(n, 0);
    uint32_t clock = 0;
    std::vector<std::pair<uint32_t, size_t>> stack{{0, 0}};
    while (!stack.empty()) {
        auto& [b, i] = stack.back();
        if (i == 0) {
            enter_[b] = clock++;
        }
        if (i < kids[b].size()) {
            stack.emplace_back(kids[b][i++], 0);
            continue;
        }
        leave_[b] = clock++;
        stack.pop_back();
    }
}

void FlowFacts::find_loops(const ir::Function& f) {
    const size_t n = f.blocks.size();
    loop_of_.assign(n, kNone);
    loop_parent_.assign(n, kNone);
    std::vector<uint32_t> by_order(n);
    for (uint32_t b = 0; b < n; ++b) {
        by_order[rpo_[b]] = b;
    }
    // Inner headers come later in the order than outer ones.
    for (size_t i = n; i-- > 0;) {
        const uint32_t header = by_order[i];
        std::vector<uint32_t> work;
        for (const ir::Block* p : f.blocks[header]->preds) {
            if (is_back_edge(p->id, header)) {
                reducible_ = reducible_ && dominates(header, p->id);
                work.push_back(p->id);
            }
        }
        if (work.empty() || !reducible_) {
            continue;
        }
        if (loop_of_[header] == kNone) {
            loop_of_[header] = header;
        }
        while (!work.empty()) {
            uint32_t b = work.back();
            work.pop_back();
            if (b == header) {
                continue;
            }
            if (loop_of_[b] == kNone) {
                loop_of_[b] = header;
            } else {
                // Already in an inner loop: go on from the outermost one known.
                uint32_t outer = loop_of_[b];
                while (outer != header && loop_parent_[outer] != kNone) {
                    outer = loop_parent_[outer];
                }
                if (outer == header) {
                    continue;
                }
                loop_parent_[outer] = header;
                b = outer;
            }
            for (const ir::Block* p : f.blocks[b]->preds) {
                work.push_back(p->id);
            }
        }
    }
}

bool FlowFacts::in_loop(uint32_t header, uint32_t b) const {
    for (uint32_t l = loop_of_[b]; l != kNone; l = loop_parent_[l]) {
        if (l == header) {
            return true;
        }
    }
    return false;
}

} // namespace kite::cc
