// SPDX-License-Identifier: MIT
#include "shader-compiler/ir/edit.hpp"
#include "shader-compiler/opt/passes.hpp"

#include <unordered_map>

namespace kite::cc::opt {

namespace {

using hw::Op;
using ir::Inst;

enum class Scope : uint8_t { never, block, function };

/// How far a value stays the same. Operations that depend on which lanes are active are left alone.
Scope scope_of(const Inst& i) {
    if (!ir::is_hw(i.op)) {
        return i.op == ir::phi || i.op == ir::undef ? Scope::never : Scope::function;
    }
    const Op o = ir::hw_op(i.op);
    switch (o) {
    case Op::ld:
        if (hw::LdSub::unpack(i.sub).vol) {
            return Scope::never;
        }
        return i.invariant ? Scope::function : Scope::block;
    case Op::imgld:
        return Scope::block;
    case Op::sys: {
        const auto v = static_cast<hw::SysVal>(i.imm & 0xffffu);
        return v == hw::SysVal::clock || v == hw::SysVal::helper ? Scope::never : Scope::function;
    }
    case Op::ldattr:
    case Op::ldin:
    case Op::tex:
    case Op::txg:
    case Op::txf:
    case Op::txq:
    case Op::qread:
    case Op::shuffle:
        return Scope::function;
    default: {
        const hw::OpInfo* info = hw::op_info(o);
        return info != nullptr && std::string_view(info->group) == "alu" ? Scope::function
                                                                         : Scope::never;
    }
    }
}

bool writes_memory(const Inst& i) {
    if (!ir::is_hw(i.op)) {
        return false;
    }
    switch (ir::hw_op(i.op)) {
    case Op::st:
    case Op::atom:
    case Op::imgst:
    case Op::imgatom:
    case Op::barrier:
    case Op::fence:
        return true;
    default:
        return false;
    }
}

bool commutative(const Inst& i) {
    if (!ir::is_hw(i.op)) {
        return false;
    }
    switch (ir::hw_op(i.op)) {
    case Op::fadd:
    case Op::fmul:
    case Op::iadd:
    case Op::imul:
    case Op::and_:
    case Op::or_:
    case Op::xor_:
        return true;
    default:
        return false;
    }
}

size_t hash_of(const Inst& i) {
    size_t h = static_cast<size_t>(i.op) * 0x9e3779b97f4a7c15ull;
    const auto mix = [&](size_t v) { h = (h ^ v) * 0x100000001b3ull + (h >> 29); };
    mix(static_cast<size_t>(i.ty) | (static_cast<size_t>(i.sub) << 8) |
        (static_cast<size_t>(i.imm) << 24));
    mix(static_cast<size_t>(i.type.base) | (static_cast<size_t>(i.type.count) << 8));
    mix(i.constant_bits);
    size_t sum = 0;
    for (const Inst* operand : i.operands) {
        const size_t id = operand == nullptr ? ~size_t{0} : operand->id * 0x9e3779b97f4a7c15ull;
        if (commutative(i)) {
            sum += id;
        } else {
            mix(id);
        }
    }
    mix(sum);
    return h;
}

bool equal(const Inst& a, const Inst& b) {
    if (a.op != b.op || a.ty != b.ty || a.sub != b.sub || a.imm != b.imm || a.type != b.type ||
        a.constant_bits != b.constant_bits || a.invariant != b.invariant) {
        return false;
    }
    if (a.operands == b.operands) {
        return true;
    }
    return commutative(a) && a.operands.size() == 2 && b.operands.size() == 2 &&
           a.operands[0] == b.operands[1] && a.operands[1] == b.operands[0];
}

} // namespace

bool gvn(ir::Function& f) {
    f.renumber();
    const std::vector<uint32_t> idom = ir::immediate_dominators(f);
    // Depth-first intervals of the dominator tree answer "does a dominate b" at once.
    const size_t n = f.blocks.size();
    std::vector<std::vector<uint32_t>> children(n);
    for (uint32_t b = 1; b < n; ++b) {
        children[idom[b]].push_back(b);
    }
    std::vector<uint32_t> enter(n);
    std::vector<uint32_t> leave(n);
    uint32_t clock = 0;
    std::vector<std::pair<uint32_t, size_t>> stack{{0, 0}};
    enter[0] = clock++;
    while (!stack.empty()) {
        auto& [b, next] = stack.back();
        if (next < children[b].size()) {
            const uint32_t c = children[b][next++];
            enter[c] = clock++;
            stack.emplace_back(c, 0);
            continue;
        }
        leave[b] = clock++;
        stack.pop_back();
    }
    const auto dominates = [&](uint32_t a, uint32_t b) {
        return enter[a] <= enter[b] && leave[b] <= leave[a];
    };

    std::unordered_multimap<size_t, Inst*> known;
    std::unordered_multimap<size_t, Inst*> local;
    ir::Replacements map;
    for (auto& block : f.blocks) {
        local.clear();
        for (auto& inst : block->insts) {
            for (Inst*& operand : inst->operands) {
                operand = map.get(operand);
            }
            if (writes_memory(*inst)) {
                local.clear();
            }
            const Scope scope = scope_of(*inst);
            if (scope == Scope::never) {
                continue;
            }
            auto& table = scope == Scope::block ? local : known;
            const size_t h = hash_of(*inst);
            Inst* found = nullptr;
            const auto [first, last] = table.equal_range(h);
            for (auto it = first; it != last && found == nullptr; ++it) {
                if (equal(*it->second, *inst) && dominates(it->second->block->id, block->id)) {
                    found = it->second;
                }
            }
            if (found != nullptr) {
                map.set(inst.get(), found);
            } else {
                table.emplace(h, inst.get());
            }
        }
        block->condition = map.get(block->condition);
    }
    if (map.empty()) {
        return false;
    }
    map.apply(f);
    return dce(f) || true;
}

} // namespace kite::cc::opt
