// SPDX-License-Identifier: MIT
#include "shader-compiler/opt/passes.hpp"

namespace kite::cc::opt {

bool dce(ir::Function& f) {
    std::vector<bool> live(f.renumber(), false);
    std::vector<const ir::Inst*> work;
    const auto mark = [&](const ir::Inst* v) {
        if (v != nullptr && !live[v->id]) {
            live[v->id] = true;
            work.push_back(v);
        }
    };
    for (const auto& block : f.blocks) {
        mark(block->condition);
        for (const auto& inst : block->insts) {
            if (!inst->removable()) {
                mark(inst.get());
            }
        }
    }
    while (!work.empty()) {
        const ir::Inst* v = work.back();
        work.pop_back();
        for (const ir::Inst* operand : v->operands) {
            mark(operand);
        }
    }
    size_t removed = 0;
    for (auto& block : f.blocks) {
        removed += std::erase_if(block->insts,
                                 [&](const std::unique_ptr<ir::Inst>& i) { return !live[i->id]; });
    }
    f.renumber();
    return removed != 0;
}

} // namespace kite::cc::opt
