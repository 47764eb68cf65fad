// SPDX-License-Identifier: MIT
#include "shader-compiler/isel/values.hpp"

namespace kite::cc {

namespace {

bool is_tuple_op(const ir::Inst& i) {
    return i.op == ir::collect || i.op == ir::pack64;
}

// Registers of element k of a collect or pack64 start here.
unsigned element_offset(const ir::Inst& tuple, size_t k) {
    return tuple.op == ir::pack64 ? static_cast<unsigned>(k)
                                  : static_cast<unsigned>(k) * tuple.operands[k]->type.regs();
}

} // namespace

Values::Values(const ir::Function& f, const Tree& tree, const Divergence& divergence,
               mir::Function& out)
    : f_(f), tree_(tree) {
    const size_t n = divergence.varying.size();
    homes_.resize(n);
    escapes_.resize(n);
    masked_.assign(n, false);
    wants_vector_.assign(n, false);
    left_loop_.assign(n, -1);
    arrives_from_.resize(n);
    uses_.assign(n, 0);
    count_uses();
    find_escapes();
    assign(out, divergence);
}

Part Values::part_of(const ir::Inst& v) {
    const ir::Inst* root = &v;
    unsigned first = 0;
    while (root->op == ir::extract || root->op == ir::unpack64) {
        first += root->op == ir::unpack64 ? root->imm : root->imm * root->type.regs();
        root = root->operands[0];
    }
    return {root, first};
}

Home Values::find(const ir::Inst& v, uint32_t use) const {
    const Part part = part_of(v);
    const uint32_t id = part.root->id;
    const bool outside =
        escapes_[id].valid() && leaves_divergent_loop(tree_, part.root->block->id, use) >= 0;
    Home h = outside ? escapes_[id] : homes_[id];
    h.sub = static_cast<uint8_t>(h.sub + part.first);
    return h;
}

bool Values::fresh_at(const ir::Inst& phi, int32_t loop) const {
    return arrives_from_[phi.id].empty() && (left_loop_[phi.id] < 0 || left_loop_[phi.id] >= loop);
}

void Values::count_uses() {
    for (const auto& b : f_.blocks) {
        for (const auto& i : b->insts) {
            const hw::OpInfo* info = ir::is_hw(i->op) ? hw::op_info(ir::hw_op(i->op)) : nullptr;
            for (size_t k = 0; k < i->operands.size(); ++k) {
                const ir::Inst* o = i->operands[k];
                if (o == nullptr) {
                    continue;
                }
                ++uses_[o->id];
                if (info != nullptr && is_tuple_op(*o)) {
                    const bool data = info->dst_is_source && k == 0;
                    const size_t slot = info->dst_is_source ? k - 1 : k;
                    const hw::SlotInfo& s = data ? info->dst : info->src[slot];
                    if (!s.allows(hw::File::S)) {
                        wants_vector_[o->id] = true;
                    }
                }
            }
        }
        if (b->condition != nullptr) {
            ++uses_[b->condition->id];
        }
    }
}

void Values::note_escape(const ir::Inst& v, uint32_t use) {
    const ir::Inst& root = *part_of(v).root;
    if (root.op == ir::constant || root.op == ir::undef) {
        return;
    }
    const int32_t loop = leaves_divergent_loop(tree_, root.block->id, use);
    // Loops are numbered in preorder, so of the loops around one block the outermost has the lowest
    // number.
    if (loop >= 0 && (left_loop_[root.id] < 0 || loop < left_loop_[root.id])) {
        left_loop_[root.id] = loop;
    }
}

void Values::find_escapes() {
    for (const auto& b : f_.blocks) {
        for (const auto& i : b->insts) {
            for (size_t k = 0; k < i->operands.size(); ++k) {
                if (i->op == ir::phi) {
                    const int32_t left = leaves_divergent_loop(tree_, b->preds[k]->id, b->id);
                    if (left >= 0) {
                        arrives_from_[i->id].push_back(left);
                    }
                }
                if (i->operands[k] != nullptr) {
                    // A phi reads its operands at the end of the predecessors.
                    note_escape(*i->operands[k], i->op == ir::phi ? b->preds[k]->id : b->id);
                }
            }
        }
        if (b->condition != nullptr) {
            note_escape(*b->condition, b->id);
        }
    }
}

void Values::assign(mir::Function& out, const Divergence& divergence) {
    // Tuples first: their elements may be computed in place.
    for (const bool tuples : {true, false}) {
        for (const auto& b : f_.blocks) {
            for (const auto& i : b->insts) {
                const unsigned regs = i->type.regs();
                if (regs == 0 || i->op == ir::constant || i->op == ir::undef ||
                    i->op == ir::extract || i->op == ir::unpack64 || homes_[i->id].valid() ||
                    is_tuple_op(*i) != tuples) {
                    continue;
                }
                const bool vector = divergence.is_varying(*i) || wants_vector_[i->id];
                const uint32_t v = out.add_vreg(vector ? hw::File::V : hw::File::S, regs);
                homes_[i->id] = {v, 0};
                for (const int32_t loop : arrives_from_[i->id]) {
                    out.kept.push_back({v, loop});
                }
                const int32_t left = left_loop_[i->id];
                if (left >= 0 && vector) {
                    masked_[i->id] = true;
                    out.kept.push_back({v, left});
                } else if (left >= 0) {
                    const uint32_t copy = out.add_vreg(hw::File::V, regs);
                    out.kept.push_back({copy, left});
                    escapes_[i->id] = {copy, 0};
                } else if (tuples) {
                    place_elements(*i, out, divergence);
                }
            }
        }
    }
}

void Values::place_elements(const ir::Inst& tuple, const mir::Function& out,
                            const Divergence& divergence) {
    const Home& at = homes_[tuple.id];
    const bool vector = out.vregs[at.vreg].file == hw::File::V;
    for (size_t k = 0; k < tuple.operands.size(); ++k) {
        const ir::Inst& o = *tuple.operands[k];
        if (!ir::is_hw(o.op) || homes_[o.id].valid() || left_loop_[o.id] >= 0 ||
            divergence.is_varying(o) != vector || o.block != tuple.block) {
            continue;
        }
        homes_[o.id] = {at.vreg, static_cast<uint8_t>(at.sub + element_offset(tuple, k))};
    }
}

} // namespace kite::cc
