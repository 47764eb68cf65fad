// SPDX-License-Identifier: MIT
// Text form of a function. Grammar (one construct a line, indentation free):
//   function STAGE workgroup=X,Y,Z shared=N scratch=N early=0|1 persample=0|1 depth=N
//   block bN [merge=bN] [continue=bN] [preds=bN,bN...]
//     [%N:TYPE =] NAME[.TY] [{field=value,...}] [imm=0xN] [inv] [0xBITS for constant] [%N | _ ...]
//     jump bN | branch %N bN bN | switch %N bN 0xN=bN ... | exit | unreachable
#include "shader-compiler/ir/text.hpp"

#include <cstdio>

namespace kite::cc::ir {

namespace {

void put(std::string& out, const char* format, auto... args) {
    char buffer[96];
    const int n = std::snprintf(buffer, sizeof buffer, format, args...);
    out.append(buffer, static_cast<size_t>(n));
}

void put_terminator(std::string& out, const Block& b) {
    switch (b.term) {
    case Term::none:
        out += "    none\n";
        break;
    case Term::jump:
        put(out, "    jump b%u\n", b.succs[0]->id);
        break;
    case Term::branch:
        put(out, "    branch %%%u b%u b%u\n", b.condition->id, b.succs[0]->id, b.succs[1]->id);
        break;
    case Term::switch_:
        put(out, "    switch %%%u b%u", b.condition->id, b.succs[0]->id);
        for (size_t i = 0; i < b.case_values.size(); ++i) {
            put(out, " 0x%llx=b%u", static_cast<unsigned long long>(b.case_values[i]),
                b.succs[i + 1]->id);
        }
        out += "\n";
        break;
    case Term::exit:
        out += "    exit\n";
        break;
    case Term::unreachable:
        out += "    unreachable\n";
        break;
    }
}

} // namespace

const char* op_name(Op op) {
    if (is_hw(op)) {
        const hw::OpInfo* info = hw::op_info(hw_op(op));
        return info == nullptr ? "?" : info->name;
    }
    for (const PseudoName& p : kPseudoNames) {
        if (p.op == op) {
            return p.name;
        }
    }
    return "?";
}

std::string type_name(Type t) {
    const char* base = "none";
    for (const BaseName& b : kBaseNames) {
        if (b.base == t.base) {
            base = b.name;
        }
    }
    std::string out = base;
    if (t.count != 1) {
        out += "x" + std::to_string(t.count);
    }
    return out;
}

std::string print(const Inst& inst) {
    std::string out = "    ";
    if (inst.type.base != Base::none) {
        put(out, "%%%u:", inst.id);
        out += type_name(inst.type) + " = ";
    }
    out += op_name(inst.op);
    if (inst.ty != hw::Type::none) {
        out += ".";
        out += hw::name_of(inst.ty);
    }
    const hw::OpInfo* info = is_hw(inst.op) ? hw::op_info(hw_op(inst.op)) : nullptr;
    if (info != nullptr && !info->subs.empty()) {
        out += " {";
        bool first = true;
        for (const hw::SubField& field : info->subs) {
            const unsigned value = field.get(inst.sub);
            out += first ? "" : ",";
            first = false;
            out += field.name;
            out += "=";
            const char* name = nullptr;
            for (const hw::EnumValue& e : field.values) {
                name = e.value == value ? e.name : name;
            }
            out += name != nullptr ? std::string(name) : std::to_string(value);
        }
        out += "}";
    }
    if (inst.imm != 0) {
        put(out, " imm=0x%x", inst.imm);
    }
    if (inst.invariant) {
        out += " inv";
    }
    if (inst.op == constant) {
        put(out, " 0x%llx", static_cast<unsigned long long>(inst.constant_bits));
    }
    for (const Inst* operand : inst.operands) {
        if (operand == nullptr) {
            out += " _";
        } else {
            put(out, " %%%u", operand->id);
        }
    }
    return out;
}

std::string print(const Function& f) {
    std::string out = "function ";
    out += hw::name_of(f.stage);
    put(out, " workgroup=%u,%u,%u shared=%u scratch=%u", f.workgroup[0], f.workgroup[1],
        f.workgroup[2], f.shared_bytes, f.scratch_bytes);
    put(out, " early=%d persample=%d depth=%u\n", f.early_fragment_tests ? 1 : 0,
        f.per_sample ? 1 : 0, static_cast<unsigned>(f.depth_mode));
    for (const auto& block : f.blocks) {
        put(out, "block b%u", block->id);
        if (block->merge != nullptr) {
            put(out, " merge=b%u", block->merge->id);
        }
        if (block->continue_target != nullptr) {
            put(out, " continue=b%u", block->continue_target->id);
        }
        for (size_t i = 0; i < block->preds.size(); ++i) {
            put(out, i == 0 ? " preds=b%u" : ",b%u", block->preds[i]->id);
        }
        out += "\n";
        for (const auto& inst : block->insts) {
            out += print(*inst) + "\n";
        }
        put_terminator(out, *block);
    }
    return out;
}

} // namespace kite::cc::ir
