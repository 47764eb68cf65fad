// SPDX-License-Identifier: MIT
// validate(): structure, then types, then dominance; the first broken rule is reported by name.
#include "kite_hw/verify.hpp"
#include "shader-compiler/ir/edit.hpp"
#include "shader-compiler/ir/text.hpp"

#include <algorithm>

namespace kite::cc::ir {

namespace {

std::string broken(const char* rule, const Block& block, const Inst* inst = nullptr) {
    std::string out = std::string(rule) + " in b" + std::to_string(block.id);
    if (inst != nullptr) {
        out += ":" + print(*inst);
    }
    return out;
}

bool contains(const std::vector<Block*>& list, const Block* b) {
    return std::find(list.begin(), list.end(), b) != list.end();
}

std::string check_terminator(const Block& b) {
    size_t want = 0;
    switch (b.term) {
    case Term::none:
        return broken("structure: no terminator", b);
    case Term::jump:
        want = 1;
        break;
    case Term::branch:
        want = 2;
        break;
    case Term::switch_:
        want = b.case_values.size() + 1;
        break;
    case Term::exit:
    case Term::unreachable:
        break;
    }
    if (b.succs.size() != want || (b.term != Term::switch_ && !b.case_values.empty())) {
        return broken("structure: successor count", b);
    }
    if ((b.term == Term::branch || b.term == Term::switch_) != (b.condition != nullptr)) {
        return broken("structure: condition", b);
    }
    if (b.condition != nullptr) {
        const Type t = b.condition->type;
        const bool ok =
            t.count == 1 &&
            (t.base == Base::bits32 ||
             (b.term == Term::branch ? t.base == Base::boolean : t.base == Base::bits64));
        if (!ok) {
            return broken("types: condition", b, b.condition);
        }
    }
    return {};
}

std::string check_structure(const Function& f) {
    if (f.blocks.empty()) {
        return "structure: no blocks";
    }
    for (size_t i = 0; i < f.blocks.size(); ++i) {
        if (f.blocks[i]->id != i) {
            return "structure: blocks are not numbered";
        }
    }
    const auto owned = [&](const Block* b) {
        return b->id < f.blocks.size() && f.blocks[b->id].get() == b;
    };
    if (!f.blocks[0]->preds.empty()) {
        return "structure: the entry has predecessors";
    }
    for (const auto& block : f.blocks) {
        if (std::string e = check_terminator(*block); !e.empty()) {
            return e;
        }
        for (const Block* s : block->succs) {
            if (!owned(s) || std::count(s->preds.begin(), s->preds.end(), block.get()) != 1) {
                return broken("structure: successor does not list its predecessor once", *block);
            }
        }
        for (const Block* p : block->preds) {
            if (!owned(p) || !contains(p->succs, block.get())) {
                return broken("structure: predecessor does not branch here", *block);
            }
        }
        for (const Block* named : {block->merge, block->continue_target}) {
            if (named != nullptr && !owned(named)) {
                return broken("structure: merge or continue block is not in the function", *block);
            }
        }
        bool phis = true;
        for (const auto& inst : block->insts) {
            if (inst->block != block.get()) {
                return broken("structure: wrong owner", *block, inst.get());
            }
            if (inst->op != phi) {
                phis = false;
            } else if (!phis) {
                return broken("structure: phi after other instructions", *block, inst.get());
            } else if (inst->operands.size() != block->preds.size()) {
                return broken("structure: phi operands do not match predecessors", *block,
                              inst.get());
            }
        }
    }
    return {};
}

bool is_narrow(Type t) {
    return t.regs() == 1;
}

bool type_fits(Type value, hw::Type ty) {
    if (value.count != 1) {
        return false;
    }
    switch (ty) {
    case hw::Type::f16:
    case hw::Type::i16:
    case hw::Type::u16:
        return value.base == Base::bits16 || value.base == Base::bits32;
    case hw::Type::i8:
    case hw::Type::u8:
    case hw::Type::none:
        return is_narrow(value);
    case hw::Type::u32:
        return is_narrow(value); // bitwise operations also serve booleans and 16-bit values
    case hw::Type::f32:
    case hw::Type::i32:
        return value.base == Base::bits32 || value.base == Base::boolean;
    default:
        return value.base == Base::bits64;
    }
}

/// Does the value fit the slot? `regs` is the slot's width in registers.
bool slot_fits(const Inst& inst, Type value, hw::Width width, unsigned regs) {
    switch (width) {
    case hw::Width::two:
        return value == Type{Base::bits64, 1};
    case hw::Width::t:
        return type_fits(value, inst.ty);
    case hw::Width::source_type:
        return type_fits(value, hw::CvtSub::unpack(inst.sub).sty);
    case hw::Width::one:
        return is_narrow(value);
    case hw::Width::sys:
    case hw::Width::nt:
        return value.regs() == regs && (value.base == Base::bits64) == (regs == 2u * value.count);
    case hw::Width::n:
    case hw::Width::coord:
        return value.base != Base::bits64 && value.regs() == regs;
    case hw::Width::four:
    case hw::Width::four_t:
        return value.count == 4 && value.regs() == regs;
    case hw::Width::zero:
        return false;
    }
    return false;
}

const char* check_hw_types(const Inst& inst) {
    const hw::OpInfo* info = hw::op_info(hw_op(inst.op));
    if (info == nullptr) {
        return "types: unknown opcode";
    }
    if (std::string_view(info->group) == "flow") {
        const hw::Op o = hw_op(inst.op);
        if (o != hw::Op::barrier && o != hw::Op::fence && o != hw::Op::demote) {
            return "types: opcode not allowed in the IR";
        }
    }
    if (info->types == 0 ? inst.ty != hw::Type::none : !info->allows(inst.ty)) {
        return "types: operation type";
    }
    if ((inst.sub & ~info->sub_mask) != 0) {
        return "types: reserved sub bits";
    }
    hw::Inst shape;
    shape.op = hw_op(inst.op);
    shape.ty = inst.ty;
    shape.sub = inst.sub;
    shape.imm = inst.imm;
    size_t next = 0;
    if (info->dst_is_source) {
        if (inst.type.base != Base::none) {
            return "types: a store has no result";
        }
        if (inst.operands.empty() || inst.operands[0] == nullptr ||
            !slot_fits(inst, inst.operands[0]->type, info->dst.width,
                       hw::operand_width(shape, hw::Slot::dst))) {
            return "types: store data";
        }
        next = 1;
    } else if (info->dst.width == hw::Width::zero) {
        if (inst.type.base != Base::none) {
            return "types: unexpected result";
        }
    } else if (inst.type.base == Base::none) {
        if (!info->dst.allows(hw::File::Z)) {
            return "types: result missing";
        }
    } else if (!slot_fits(inst, inst.type, info->dst.width,
                          hw::operand_width(shape, hw::Slot::dst))) {
        return "types: result";
    }
    if (inst.operands.size() > next + info->src_count) {
        return "types: too many operands";
    }
    for (unsigned s = 0; s < info->src_count; ++s) {
        const Inst* operand = next + s < inst.operands.size() ? inst.operands[next + s] : nullptr;
        const hw::SlotInfo& slot = info->src[s];
        if (operand == nullptr) {
            if (!slot.allows(hw::File::Z)) {
                return "types: operand missing";
            }
            continue;
        }
        if ((slot.files & ~(1u << static_cast<unsigned>(hw::File::Z))) == 0) {
            return "types: operand not allowed";
        }
        // txq's coordinate slot holds a level or a coordinate tuple; its width depends on what is
        // asked.
        if (slot.width == hw::Width::coord && hw_op(inst.op) == hw::Op::txq) {
            if (operand->type.base == Base::bits64 || operand->type.count > 4) {
                return "types: query operand";
            }
            continue;
        }
        if (!slot_fits(inst, operand->type, slot.width,
                       hw::operand_width(shape, static_cast<hw::Slot>(s + 1)))) {
            return "types: operand";
        }
    }
    return nullptr;
}

const char* check_pseudo_types(const Inst& inst) {
    const Type t = inst.type;
    for (const Inst* operand : inst.operands) {
        if (operand == nullptr) {
            return "types: operand missing";
        }
    }
    if (t.base == Base::none || t.count == 0 || t.count > 16) {
        return "types: result missing";
    }
    if (inst.op == phi) {
        const bool same = std::all_of(inst.operands.begin(), inst.operands.end(),
                                      [&](const Inst* o) { return o->type == t; });
        return same ? nullptr : "types: phi operand";
    }
    if (inst.op == constant || inst.op == undef) {
        return inst.operands.empty() && (inst.op == undef || t.count == 1) ? nullptr
                                                                           : "types: constant";
    }
    if (inst.op == extract) {
        const bool ok = inst.operands.size() == 1 && t.count == 1 &&
                        inst.operands[0]->type.base == t.base &&
                        inst.imm < inst.operands[0]->type.count;
        return ok ? nullptr : "types: extract";
    }
    if (inst.op == collect) {
        const bool ok = inst.operands.size() == t.count &&
                        std::all_of(inst.operands.begin(), inst.operands.end(), [&](const Inst* o) {
                            return o->type.count == 1 && o->type.regs() == Type{t.base, 1}.regs();
                        });
        return ok ? nullptr : "types: collect";
    }
    if (inst.op == pack64) {
        const bool ok = inst.operands.size() == 2 && t == Type{Base::bits64, 1} &&
                        is_narrow(inst.operands[0]->type) && is_narrow(inst.operands[1]->type);
        return ok ? nullptr : "types: pack64";
    }
    if (inst.op == unpack64) {
        const bool ok = inst.operands.size() == 1 && t == Type{Base::bits32, 1} && inst.imm < 2 &&
                        inst.operands[0]->type == Type{Base::bits64, 1};
        return ok ? nullptr : "types: unpack64";
    }
    return "types: unknown opcode";
}

std::string check_types(const Function& f) {
    for (const auto& block : f.blocks) {
        for (const auto& inst : block->insts) {
            const char* rule = is_hw(inst->op) ? check_hw_types(*inst) : check_pseudo_types(*inst);
            if (rule != nullptr) {
                return broken(rule, *block, inst.get());
            }
        }
    }
    return {};
}

std::string check_dominance(const Function& f) {
    const std::vector<uint32_t> idom = immediate_dominators(f);
    std::vector<const Inst*> by_id;
    for (const auto& block : f.blocks) {
        if (idom[block->id] == ~0u) {
            return broken("dominance: unreachable block", *block);
        }
        if (block->id != 0 && idom[block->id] >= block->id) {
            return broken("dominance: block stored before its immediate dominator", *block);
        }
        for (const auto& inst : block->insts) {
            if (inst->id != by_id.size()) {
                return broken("structure: values are not numbered", *block, inst.get());
            }
            by_id.push_back(inst.get());
        }
    }
    const auto known = [&](const Inst* v) { return v->id < by_id.size() && by_id[v->id] == v; };
    for (const auto& block : f.blocks) {
        for (const auto& inst : block->insts) {
            for (size_t i = 0; i < inst->operands.size(); ++i) {
                const Inst* v = inst->operands[i];
                if (v == nullptr) {
                    continue;
                }
                if (!known(v)) {
                    return broken("dominance: operand is not in the function", *block, inst.get());
                }
                const bool ok = inst->op == phi ? dominates(idom, v->block->id, block->preds[i]->id)
                                                : (v->block == block.get()
                                                       ? v->id < inst->id
                                                       : dominates(idom, v->block->id, block->id));
                if (!ok) {
                    return broken("dominance: operand does not dominate its use", *block,
                                  inst.get());
                }
            }
        }
        const Inst* c = block->condition;
        if (c != nullptr && (!known(c) || !dominates(idom, c->block->id, block->id))) {
            return broken("dominance: condition", *block);
        }
    }
    return {};
}

} // namespace

std::string validate(const Function& f) {
    if (std::string e = check_structure(f); !e.empty()) {
        return e;
    }
    if (std::string e = check_types(f); !e.empty()) {
        return e;
    }
    return check_dominance(f);
}

} // namespace kite::cc::ir
