// SPDX-License-Identifier: MIT
// Scalar loads of invariant memory without a bounds check (push constants, descriptors) at
// neighbouring offsets of one address become one vector load. With a bounds check a merged load
// could turn an in-bounds part into zero, so those stay apart.
#include "shader-compiler/ir/edit.hpp"
#include "shader-compiler/opt/passes.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace kite::cc::opt {

namespace {

using ir::Inst;

constexpr unsigned kMaxElements = 4;

const Inst* operand(const Inst& i, size_t k) {
    return k < i.operands.size() ? i.operands[k] : nullptr;
}

bool candidate(const Inst& i) {
    return i.op == ir::op(hw::Op::ld) && i.invariant && i.ty == hw::Type::u32 &&
           i.type.count == 1 && hw::LdSub::unpack(i.sub) == hw::LdSub{} &&
           operand(i, 0) != nullptr && operand(i, 2) == nullptr;
}

} // namespace

bool merge_loads(ir::Function& f) {
    f.renumber();
    ir::Replacements map;
    bool changed = false;
    for (auto& block : f.blocks) {
        std::map<std::pair<const Inst*, const Inst*>, std::vector<Inst*>> groups;
        for (auto& inst : block->insts) {
            if (candidate(*inst)) {
                groups[{operand(*inst, 0), operand(*inst, 1)}].push_back(inst.get());
            }
        }
        std::map<const Inst*, std::vector<Inst*>>
            runs; // first in program order -> members by offset
        for (auto& [key, loads] : groups) {
            std::stable_sort(loads.begin(), loads.end(),
                             [](const Inst* a, const Inst* b) { return a->imm < b->imm; });
            for (size_t k = 0; k < loads.size();) {
                size_t n = 1;
                while (n < kMaxElements && k + n < loads.size() &&
                       loads[k + n]->imm == loads[k]->imm + 4 * n) {
                    ++n;
                }
                if (n > 1) {
                    std::vector<Inst*> run(loads.begin() + static_cast<ptrdiff_t>(k),
                                           loads.begin() + static_cast<ptrdiff_t>(k + n));
                    const Inst* first =
                        *std::min_element(run.begin(), run.end(), [](const Inst* a, const Inst* b) {
                            return a->id < b->id;
                        });
                    runs[first] = std::move(run);
                }
                k += n;
            }
        }
        if (runs.empty()) {
            continue;
        }
        changed = true;
        std::vector<std::unique_ptr<Inst>> out;
        for (auto& inst : block->insts) {
            if (const auto it = runs.find(inst.get()); it != runs.end()) {
                auto tuple = std::make_unique<Inst>(*inst);
                tuple->imm = it->second[0]->imm;
                tuple->type.count = static_cast<uint8_t>(it->second.size());
                tuple->sub = hw::LdSub{.n = static_cast<unsigned>(it->second.size() - 1)}.pack();
                Inst* whole = tuple.get();
                out.push_back(std::move(tuple));
                for (size_t k = 0; k < it->second.size(); ++k) {
                    auto part = std::make_unique<Inst>();
                    part->op = ir::extract;
                    part->type = {ir::Base::bits32};
                    part->imm = static_cast<uint32_t>(k);
                    part->operands = {whole};
                    part->block = block.get();
                    map.set(it->second[k], part.get());
                    out.push_back(std::move(part));
                }
            }
            out.push_back(std::move(inst));
        }
        block->insts = std::move(out);
    }
    map.apply(f);
    f.renumber();
    return changed;
}

} // namespace kite::cc::opt
