// SPDX-License-Identifier: MIT
#include "shader-compiler/spirv/slots.hpp"

#include "shader-compiler/ir/edit.hpp"

namespace kite::cc::spirv {

ir::Inst* Slots::read(uint32_t slot, ir::Block* block) {
    std::vector<ir::Block*> passed;
    ir::Inst* value = nullptr;
    for (ir::Block* b = block;;) {
        if (const auto it = now_.find(key(slot, b)); it != now_.end()) {
            value = it->second;
            break;
        }
        passed.push_back(b);
        if (b->preds.size() == 1) {
            b = b->preds[0];
            continue;
        }
        auto inst = std::make_unique<ir::Inst>();
        inst->type = {bases_[slot]};
        inst->block = b;
        if (b->preds.empty()) {
            inst->op = ir::undef;
        } else {
            inst->op = ir::phi;
            pending_.push_back({slot, inst.get()});
        }
        value = inst.get();
        b->insts.insert(b->insts.begin(), std::move(inst));
        break;
    }
    for (const ir::Block* b : passed) {
        now_[key(slot, b)] = value;
    }
    return value;
}

void Slots::finish() {
    while (!pending_.empty()) {
        const Pending p = pending_.back();
        pending_.pop_back();
        for (ir::Block* pred : p.phi->block->preds) {
            p.phi->operands.push_back(read(p.slot, pred));
        }
    }
    remove_trivial_phis(f_);
}

void remove_trivial_phis(ir::Function& f) {
    ir::Replacements map;
    bool changed = true;
    while (changed) {
        changed = false;
        for (auto& block : f.blocks) {
            for (auto& inst : block->insts) {
                if (inst->op != ir::phi) {
                    break;
                }
                if (map.get(inst.get()) != inst.get()) {
                    continue;
                }
                ir::Inst* only = nullptr;
                bool trivial = true;
                for (ir::Inst* operand : inst->operands) {
                    ir::Inst* v = map.get(operand);
                    if (v == inst.get() || v == only) {
                        continue;
                    }
                    trivial = trivial && only == nullptr;
                    only = v;
                }
                if (trivial && only != nullptr) {
                    map.set(inst.get(), only);
                    changed = true;
                }
            }
        }
    }
    if (map.empty()) {
        return;
    }
    map.apply(f);
    for (auto& block : f.blocks) {
        std::erase_if(block->insts, [&](const std::unique_ptr<ir::Inst>& i) {
            return i->op == ir::phi && map.get(i.get()) != i.get();
        });
    }
}

} // namespace kite::cc::spirv
