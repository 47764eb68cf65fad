// SPDX-License-Identifier: MIT
// Peephole simplification in one forward sweep. A rule either rewrites the instruction in place or
// names an existing value that replaces it; new constants are placed in front of the instruction.
#include "shader-compiler/ir/builder.hpp"
#include "shader-compiler/ir/edit.hpp"
#include "shader-compiler/ir/fold.hpp"
#include "shader-compiler/opt/passes.hpp"

#include <bit>

namespace kite::cc::opt {

namespace {

using hw::Op;
using ir::Base;
using ir::Inst;

uint64_t ones(Base base) {
    return base == Base::bits64 ? ~0ull : base == Base::bits16 ? 0xffffull : 0xffffffffull;
}

bool is(const Inst* v, Op o) {
    return v != nullptr && v->op == ir::op(o);
}

std::optional<uint64_t> constant_of(const Inst* v) {
    uint64_t bits = 0;
    return ir::is_constant(v, bits) ? std::optional(bits & ones(v->type.base)) : std::nullopt;
}

bool equals(const Inst* v, uint64_t bits) {
    return constant_of(v) == bits;
}

hw::FCmp inverse(hw::FCmp cc) {
    switch (cc) {
    case hw::FCmp::oeq:
        return hw::FCmp::une;
    case hw::FCmp::ogt:
        return hw::FCmp::ule;
    case hw::FCmp::oge:
        return hw::FCmp::ult;
    case hw::FCmp::olt:
        return hw::FCmp::uge;
    case hw::FCmp::ole:
        return hw::FCmp::ugt;
    case hw::FCmp::one:
        return hw::FCmp::ueq;
    case hw::FCmp::ord:
        return hw::FCmp::uno;
    case hw::FCmp::uno:
        return hw::FCmp::ord;
    case hw::FCmp::ueq:
        return hw::FCmp::one;
    case hw::FCmp::ugt:
        return hw::FCmp::ole;
    case hw::FCmp::uge:
        return hw::FCmp::olt;
    case hw::FCmp::ult:
        return hw::FCmp::oge;
    case hw::FCmp::ule:
        return hw::FCmp::ogt;
    case hw::FCmp::une:
        return hw::FCmp::oeq;
    }
    return cc;
}

hw::ICmp inverse(hw::ICmp cc) {
    switch (cc) {
    case hw::ICmp::eq:
        return hw::ICmp::ne;
    case hw::ICmp::ne:
        return hw::ICmp::eq;
    case hw::ICmp::lt:
        return hw::ICmp::ge;
    case hw::ICmp::le:
        return hw::ICmp::gt;
    case hw::ICmp::gt:
        return hw::ICmp::le;
    case hw::ICmp::ge:
        return hw::ICmp::lt;
    }
    return cc;
}

class Simplifier {
public:
    explicit Simplifier(ir::Function& f) : f_(f) {}

    bool run() {
        for (auto& block : f_.blocks) {
            out_.clear();
            out_.reserve(block->insts.size());
            for (auto& inst : block->insts) {
                for (Inst*& operand : inst->operands) {
                    operand = map_.get(operand);
                }
                if (Inst* same = rewrite(*inst); same != nullptr && same != inst.get()) {
                    map_.set(inst.get(), same);
                    changed_ = true;
                }
                out_.push_back(std::move(inst));
            }
            std::swap(block->insts, out_);
            block->condition = map_.get(block->condition);
            if (block->term == ir::Term::branch && is_not(block->condition)) {
                block->condition = block->condition->operands[0];
                std::swap(block->succs[0], block->succs[1]);
                changed_ = true;
            }
        }
        map_.apply(f_); // loop phis see values defined later
        f_.renumber();
        return changed_;
    }

private:
    /// xor with all ones.
    static bool is_not(const Inst* v) {
        return is(v, Op::xor_) && equals(v->operands[1], ones(v->type.base)) &&
               v->operands[0]->type == v->type;
    }

    /// A constant in front of the instruction being rewritten.
    Inst* constant(Base base, uint64_t bits, ir::Block* block) {
        auto inst = std::make_unique<Inst>();
        inst->op = ir::constant;
        inst->type = {base};
        inst->constant_bits = bits & ones(base);
        inst->block = block;
        out_.push_back(std::move(inst));
        return out_.back().get();
    }

    Inst* rewrite(Inst& i) {
        if (i.op == ir::phi) {
            return only_value(i);
        }
        if (!ir::is_hw(i.op)) {
            return rewrite_tuple(i);
        }
        const Op o = ir::hw_op(i.op);
        if (const hw::OpInfo* info = hw::op_info(o);
            info == nullptr || std::string_view(info->group) != "alu") {
            return nullptr;
        }
        if (fold_constants(i, o)) {
            return nullptr;
        }
        if (Inst* same = identity(i, o); same != nullptr) {
            return same;
        }
        reshape(i, o);
        return nullptr;
    }

    static Inst* only_value(const Inst& i) {
        Inst* only = nullptr;
        for (Inst* operand : i.operands) {
            if (operand == &i || operand == only) {
                continue;
            }
            if (only != nullptr) {
                return nullptr;
            }
            only = operand;
        }
        return only;
    }

    static Inst* rewrite_tuple(const Inst& i) {
        Inst* a = i.operands.empty() ? nullptr : i.operands[0];
        if (i.op == ir::extract && a->op == ir::collect && a->operands[i.imm]->type == i.type) {
            return a->operands[i.imm];
        }
        if (i.op == ir::extract && a->type == i.type) {
            return a;
        }
        if (i.op == ir::unpack64 && a->op == ir::pack64 && a->operands[i.imm]->type == i.type) {
            return a->operands[i.imm];
        }
        if (i.op == ir::pack64 && a->op == ir::unpack64 && i.operands[1]->op == ir::unpack64 &&
            a->imm == 0 && i.operands[1]->imm == 1 &&
            a->operands[0] == i.operands[1]->operands[0]) {
            return a->operands[0];
        }
        if (i.op == ir::collect && a->op == ir::extract) {
            Inst* tuple = a->operands[0];
            bool whole = tuple->type == i.type;
            for (size_t k = 0; whole && k < i.operands.size(); ++k) {
                const Inst* e = i.operands[k];
                whole = e->op == ir::extract && e->imm == k && e->operands[0] == tuple;
            }
            return whole ? tuple : nullptr;
        }
        return nullptr;
    }

    bool fold_constants(Inst& i, Op o) {
        uint64_t bits[3] = {};
        if (i.operands.empty() || i.operands.size() > 3) {
            return false;
        }
        for (size_t k = 0; k < i.operands.size(); ++k) {
            if (!ir::is_constant(i.operands[k], bits[k])) {
                return false;
            }
        }
        const auto r = ir::fold(o, i.ty, i.sub, {bits, i.operands.size()});
        if (!r) {
            return false;
        }
        ir::make_constant(i, *r & ones(i.type.base));
        changed_ = true;
        return true;
    }

    /// An existing value equal to the instruction's result.
    static Inst* identity(const Inst& i, Op o) {
        Inst* a = i.operands[0];
        Inst* b = i.operands.size() > 1 ? i.operands[1] : nullptr;
        const auto same = [&](Inst* v) { return v->type == i.type ? v : nullptr; };
        const uint64_t all = ones(i.type.base);
        switch (o) {
        case Op::mov:
            return same(a);
        case Op::sel: {
            Inst* c = i.operands[2];
            if (const auto k = constant_of(a)) {
                return same(*k != 0 ? b : c);
            }
            if (b == c) {
                return b;
            }
            return i.type.base == Base::boolean && equals(b, all) && equals(c, 0) ? same(a)
                                                                                  : nullptr;
        }
        case Op::iadd:
            return equals(b, 0) ? same(a) : equals(a, 0) ? same(b) : nullptr;
        case Op::isub:
        case Op::shl:
        case Op::shr:
            return equals(b, 0) ? same(a) : nullptr;
        case Op::imul:
            return equals(b, 1) || equals(a, 0)   ? same(a)
                   : equals(a, 1) || equals(b, 0) ? same(b)
                                                  : nullptr;
        case Op::idiv:
            return equals(b, 1) ? same(a) : nullptr;
        case Op::and_:
            if (equals(b, all) || equals(a, 0) || a == b) {
                return same(a);
            }
            return equals(a, all) || equals(b, 0) ? same(b) : nullptr;
        case Op::or_:
            if (equals(b, 0) || equals(a, all) || a == b) {
                return same(a);
            }
            return equals(a, 0) || equals(b, all) ? same(b) : nullptr;
        case Op::xor_:
            if (is_not(&i) && is_not(a)) {
                return same(a->operands[0]);
            }
            return equals(b, 0) ? same(a) : equals(a, 0) ? same(b) : nullptr;
        case Op::icmp: {
            // x != 0 for a truth value, or for one turned into 0 or 1
            if (hw::IcmpSub::unpack(i.sub).cc != hw::ICmp::ne || !equals(b, 0)) {
                return nullptr;
            }
            if (a->type.base == Base::boolean) {
                return a;
            }
            if (is(a, Op::mov) && a->operands[0]->type.base == Base::boolean) {
                return a->operands[0];
            }
            return is(a, Op::sel) && a->operands[0]->type.base == Base::boolean &&
                           equals(a->operands[2], 0) && constant_of(a->operands[1]).value_or(0) != 0
                       ? a->operands[0]
                       : nullptr;
        }
        case Op::fneg:
            return is(a, Op::fneg) && a->ty == i.ty ? a->operands[0] : nullptr;
        case Op::fabs:
            return is(a, Op::fabs) && a->ty == i.ty ? a : nullptr;
        case Op::fsub: // x - 0 is x, signed zeros included
            return equals(b, 0) ? same(a) : nullptr;
        case Op::fmul: {
            const uint64_t one = i.ty == hw::Type::f64   ? std::bit_cast<uint64_t>(1.0)
                                 : i.ty == hw::Type::f16 ? 0x3c00u
                                                         : 0x3f800000u;
            return equals(b, one) ? same(a) : equals(a, one) ? same(b) : nullptr;
        }
        default:
            return nullptr;
        }
    }

    void set_operand(Inst& i, size_t k, Inst* v) {
        i.operands[k] = v;
        changed_ = true;
    }

    /// Cheaper forms of the same value.
    void reshape(Inst& i, Op o) {
        Inst* a = i.operands[0];
        Inst* b = i.operands.size() > 1 ? i.operands[1] : nullptr;
        switch (o) {
        case Op::iadd:
            if (constant_of(a) && !constant_of(b)) {
                std::swap(i.operands[0], i.operands[1]);
                changed_ = true;
            } else if (const auto c = constant_of(b); c && is(a, Op::iadd) && a->ty == i.ty) {
                if (const auto d = constant_of(a->operands[1])) {
                    Inst* sum = constant(b->type.base, *c + *d, i.block);
                    set_operand(i, 1, sum);
                    i.operands[0] = a->operands[0];
                }
            }
            return;
        case Op::imul: {
            if (constant_of(a) && !constant_of(b)) {
                std::swap(i.operands[0], i.operands[1]);
                changed_ = true;
                b = i.operands[1];
            }
            if (const auto c = constant_of(b); c && std::has_single_bit(*c)) {
                Inst* amount =
                    constant(Base::bits32, static_cast<uint64_t>(std::countr_zero(*c)), i.block);
                i.op = ir::op(Op::shl);
                set_operand(i, 1, amount);
            }
            return;
        }
        case Op::shl: {
            // (x + c) << k is (x << k) + (c << k): the shift is shared between neighbouring
            // addresses.
            const auto k = constant_of(b);
            const auto c =
                is(a, Op::iadd) && a->ty == i.ty ? constant_of(a->operands[1]) : std::nullopt;
            if (!k || !c || i.ty == hw::Type::u16) {
                return;
            }
            const uint64_t amount = *k & (i.ty == hw::Type::u64 ? 63u : 31u);
            auto shifted = std::make_unique<Inst>(i);
            shifted->operands[0] = a->operands[0];
            Inst* x = shifted.get();
            out_.push_back(std::move(shifted));
            i.op = ir::op(Op::iadd);
            i.operands[0] = x;
            set_operand(i, 1, constant(i.type.base, *c << amount, i.block));
            return;
        }
        case Op::idiv:
        case Op::irem: {
            const auto c = constant_of(b);
            if (!c || hw::is_signed(i.ty) || !std::has_single_bit(*c)) {
                return;
            }
            if (o == Op::idiv) {
                Inst* amount =
                    constant(Base::bits32, static_cast<uint64_t>(std::countr_zero(*c)), i.block);
                i.op = ir::op(Op::shr);
                set_operand(i, 1, amount);
            } else if (i.ty != hw::Type::u16) {
                Inst* mask = constant(b->type.base, *c - 1, i.block);
                i.op = ir::op(Op::and_);
                set_operand(i, 1, mask);
            }
            return;
        }
        case Op::xor_:
            // The complement of a comparison is the opposite comparison.
            if (is_not(&i) && i.type.base == Base::boolean &&
                (is(a, Op::icmp) || is(a, Op::fcmp))) {
                const Inst* c = a;
                i.op = c->op;
                i.ty = c->ty;
                i.sub = is(c, Op::icmp)
                            ? hw::IcmpSub{.cc = inverse(hw::IcmpSub::unpack(c->sub).cc)}.pack()
                            : hw::FcmpSub{.cc = inverse(hw::FcmpSub::unpack(c->sub).cc)}.pack();
                const std::vector<Inst*> operands = c->operands;
                i.operands = operands;
                changed_ = true;
            }
            return;
        case Op::sel:
            if (is_not(a)) {
                i.operands[0] = a->operands[0];
                std::swap(i.operands[1], i.operands[2]);
                changed_ = true;
            }
            return;
        case Op::fadd:
            if (is(b, Op::fneg) && b->ty == i.ty) {
                i.op = ir::op(Op::fsub);
                set_operand(i, 1, b->operands[0]);
            }
            return;
        case Op::icmp:
            // (c ? k : 0) == 0 is !c
            if (hw::IcmpSub::unpack(i.sub).cc == hw::ICmp::eq && equals(b, 0) && is(a, Op::sel) &&
                a->operands[0]->type.base == Base::boolean && equals(a->operands[2], 0) &&
                constant_of(a->operands[1]).value_or(0) != 0) {
                Inst* truth = constant(Base::boolean, ~0ull, i.block);
                i.op = ir::op(Op::xor_);
                i.ty = hw::Type::u32;
                i.sub = 0;
                i.operands[0] = a->operands[0];
                set_operand(i, 1, truth);
            }
            return;
        default:
            return;
        }
    }

    ir::Function& f_;
    ir::Replacements map_;
    std::vector<std::unique_ptr<Inst>> out_;
    bool changed_ = false;
};

} // namespace

bool simplify(ir::Function& f) {
    return Simplifier(f).run();
}

} // namespace kite::cc::opt
