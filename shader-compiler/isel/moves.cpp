// SPDX-License-Identifier: MIT
// Phis: every edge writes the phi registers of the block it leads to, all at once in meaning, in an
// order that reads every source before it is overwritten.
#include "shader-compiler/isel/selector.hpp"

#include <algorithm>

namespace kite::cc {

void Selector::moves(const Node& n) {
    block_ = n.from->id;
    const ir::Block& to = *n.block;
    const auto edge =
        static_cast<size_t>(std::find(to.preds.begin(), to.preds.end(), n.from) - to.preds.begin());
    const int32_t header = tree_.header_loop[to.id];
    const auto entries = std::count_if(to.preds.begin(), to.preds.end(), [&](const ir::Block* p) {
        return header >= 0 && !tree_.inside(header, p->id);
    });
    const bool enters_loop = entries == 1 && !tree_.inside(header, n.from->id);

    std::vector<Move> pending;
    for (const auto& i : to.insts) {
        if (i->op != ir::phi) {
            break;
        }
        const ir::Inst& value = *i->operands[edge];
        const uint32_t dst = values_.home(*i).vreg;
        const Part part = Values::part_of(value);
        if (part.root->op == ir::undef) {
            emit({.defines_nothing = true, .dst = mir::Operand::of(dst)});
            continue;
        }
        Move m{.dst = dst, .regs = i->type.regs()};
        // The only way into a loop writes its phis for the first time: nobody else's value can be
        // lost, unless lanes took one out of an earlier run of the loop.
        const bool first = enters_loop && values_.fresh_at(*i, header);
        m.masked = !first && n.divergent;
        m.bits = constant_bits(value);
        if (!m.bits) {
            m.src = reg_of(value);
            if (m.src == mir::Operand::of(dst)) {
                continue;
            }
            if (out_.vregs[dst].hint < 0) {
                out_.vregs[dst].hint = static_cast<int32_t>(m.src.reg);
            }
        }
        pending.push_back(m);
    }

    while (!pending.empty()) {
        const auto reads = [&](uint32_t dst, const Move& except) {
            return std::any_of(pending.begin(), pending.end(), [&](const Move& o) {
                return &o != &except && !o.bits && o.src.reg == dst;
            });
        };
        const auto ready = std::find_if(pending.begin(), pending.end(),
                                        [&](const Move& m) { return !reads(m.dst, m); });
        if (ready != pending.end()) {
            emit_move(*ready);
            pending.erase(ready);
            continue;
        }
        // Only cycles are left: save one destination and read it from there.
        const uint32_t saved = pending.front().dst;
        const mir::VReg shape = out_.vregs[saved];
        const uint32_t temp = out_.add_vreg(shape.file, shape.regs);
        copy(mir::Operand::of(temp), mir::Operand::of(saved), shape.regs, false);
        for (Move& m : pending) {
            if (!m.bits && m.src.reg == saved) {
                m.src.reg = temp;
            }
        }
    }
}

void Selector::emit_move(const Move& m) {
    const auto dst = mir::Operand::of(m.dst);
    if (m.bits) {
        put_constant(dst, *m.bits, m.regs, m.masked && file_of(dst) == hw::File::V);
    } else {
        copy(dst, m.src, m.regs, m.masked);
    }
}

} // namespace kite::cc
