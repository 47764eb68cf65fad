// SPDX-License-Identifier: MIT
#include "shader-compiler/ir/edit.hpp"
#include "shader-compiler/opt/passes.hpp"

#include <algorithm>

namespace kite::cc::opt {

namespace {

using ir::Block;
using ir::Inst;

/// May run earlier and in more lanes than the program asks for.
bool movable(const Inst& i) {
    if (!ir::is_hw(i.op)) {
        return i.op != ir::phi && i.op != ir::undef;
    }
    switch (ir::hw_op(i.op)) {
    case hw::Op::ld:
        return i.invariant && !hw::LdSub::unpack(i.sub).vol;
    case hw::Op::sys: {
        const auto v = static_cast<hw::SysVal>(i.imm & 0xffffu);
        return v != hw::SysVal::clock && v != hw::SysVal::helper;
    }
    case hw::Op::ldin:
    case hw::Op::ldattr:
    case hw::Op::txq:
        return true;
    default: {
        const hw::OpInfo* info = hw::op_info(ir::hw_op(i.op));
        return info != nullptr && std::string_view(info->group) == "alu";
    }
    }
}

} // namespace

bool licm(ir::Function& f) {
    f.renumber();
    const std::vector<uint32_t> idom = ir::immediate_dominators(f);
    const size_t n = f.blocks.size();
    // The innermost loop header of each block, 0 = none (the entry is never a header).
    std::vector<uint32_t> loop(n, 0);
    std::vector<uint32_t> headers;
    for (const auto& block : f.blocks) {
        for (const Block* s : block->succs) {
            if (ir::dominates(idom, s->id, block->id) &&
                std::find(headers.begin(), headers.end(), s->id) == headers.end()) {
                headers.push_back(s->id);
            }
        }
    }
    std::sort(headers.begin(), headers.end()); // outer before inner
    constexpr size_t kMaxLoops = 500;
    if (headers.empty() || headers.size() > kMaxLoops) {
        return false;
    }
    std::vector<uint32_t> depth(n, 0);
    for (const uint32_t h : headers) {
        std::vector<bool> in(n, false);
        in[h] = true;
        std::vector<const Block*> work;
        for (const Block* p : f.blocks[h]->preds) {
            if (ir::dominates(idom, h, p->id)) {
                work.push_back(p);
            }
        }
        while (!work.empty()) {
            const Block* b = work.back();
            work.pop_back();
            if (in[b->id]) {
                continue;
            }
            in[b->id] = true;
            for (const Block* p : b->preds) {
                work.push_back(p);
            }
        }
        for (size_t b = 0; b < n; ++b) {
            if (in[b]) {
                loop[b] = h;
                ++depth[b];
            }
        }
    }
    // Blocks come after their dominators, so operands have moved before their users are looked at.
    bool changed = false;
    for (auto& block : f.blocks) {
        if (depth[block->id] == 0) {
            continue;
        }
        std::vector<std::unique_ptr<Inst>> stay;
        for (auto& inst : block->insts) {
            Block* target = block.get();
            if (movable(*inst)) {
                while (depth[target->id] != 0) {
                    Block* outside = f.blocks[idom[loop[target->id]]].get();
                    const bool available = std::all_of(
                        inst->operands.begin(), inst->operands.end(), [&](const Inst* v) {
                            return v == nullptr || ir::dominates(idom, v->block->id, outside->id);
                        });
                    if (!available) {
                        break;
                    }
                    target = outside;
                }
            }
            if (target == block.get()) {
                stay.push_back(std::move(inst));
                continue;
            }
            inst->block = target;
            target->insts.push_back(std::move(inst));
            changed = true;
        }
        block->insts = std::move(stay);
    }
    f.renumber();
    return changed;
}

} // namespace kite::cc::opt
