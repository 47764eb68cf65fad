// SPDX-License-Identifier: MIT
// Typed construction of IR, with constant folding on the fly.
//
// A Builder appends to one block at a time. Pure ALU operations whose operands are constants fold
// to constants; a few identities (x + 0, select of a constant, extract of collect) vanish as well.
// Constants are shared per function and live at the top of the entry block: call finish() once
// after the last instruction. The Builder owns nothing but the pending constants; the Function must
// outlive it. Not thread-safe. Callers guarantee operand types (ir::validate checks them
// afterwards).
//
// Example: Builder b(f); b.at(block); Inst* y = b.alu(hw::Op::fadd, hw::Type::f32, {x,
// b.f32(1.0f)});
#pragma once

#include "shader-compiler/ir/ir.hpp"

#include <initializer_list>
#include <map>
#include <span>

namespace kite::cc::ir {

/// Operand list of one instruction.
using Operands = std::initializer_list<Inst*>;

/// Register type of a value that an operation of the given ISA type computes.
[[nodiscard]] Base base_of(hw::Type ty);

class Builder {
public:
    /// A builder without a block.
    explicit Builder(Function& f) : f_(f) {}

    /// Appends to this block from now on.
    void at(Block* block) { block_ = block; }
    /// The current block.
    [[nodiscard]] Block* block() const { return block_; }
    /// The function.
    [[nodiscard]] Function& function() { return f_; }
    /// Puts the constants at the top of the entry block.
    void finish();

    /// A shared constant of one element.
    Inst* constant(Base base, uint64_t bits);
    /// A 32-bit constant.
    Inst* u32(uint32_t v) { return constant(Base::bits32, v); }
    /// A 32-bit signed constant.
    Inst* i32(int32_t v) { return constant(Base::bits32, static_cast<uint32_t>(v)); }
    /// A 64-bit constant.
    Inst* u64(uint64_t v) { return constant(Base::bits64, v); }
    /// A boolean constant.
    Inst* boolean(bool v) { return constant(Base::boolean, v ? 0xffffffffu : 0u); }
    /// A float constant of 32 bits.
    Inst* f32(float v);
    /// A float constant of type f16, f32 or f64.
    Inst* fconst(hw::Type ty, double v);
    /// An integer constant of the type's width.
    Inst* iconst(hw::Type ty, uint64_t v);
    /// Any value of the type.
    Inst* undef(Type type);

    /// Any instruction, as is: no folding.
    Inst* raw(Op op, hw::Type ty, Type type, std::span<Inst* const> operands, uint16_t sub = 0,
              uint32_t imm = 0);
    /// Any hardware instruction, as is.
    Inst* raw(hw::Op o, hw::Type ty, Type type, Operands operands, uint16_t sub = 0,
              uint32_t imm = 0) {
        return raw(op(o), ty, type, std::span<Inst* const>(operands.begin(), operands.size()), sub,
                   imm);
    }
    /// A pure ALU operation, folded if possible; the result type follows the operation.
    Inst* alu(hw::Op op, hw::Type ty, Operands operands, uint16_t sub = 0);

    /// condition ? a : b
    Inst* sel(Inst* condition, Inst* a, Inst* b);
    /// Float comparison.
    Inst* fcmp(hw::FCmp cc, hw::Type ty, Inst* a, Inst* b);
    /// Integer comparison.
    Inst* icmp(hw::ICmp cc, hw::Type ty, Inst* a, Inst* b);
    /// Conversion.
    Inst* cvt(hw::Type to, hw::Type from, Inst* a, hw::Round rnd = hw::Round::rte);
    /// Logical or bitwise complement of any one-element value.
    Inst* not_(Inst* a);
    /// Bitwise and/or/xor on values of equal width (booleans too).
    Inst* logic(hw::Op op, Inst* a, Inst* b);
    /// 32-bit and.
    Inst* and_(Inst* a, Inst* b) { return logic(hw::Op::and_, a, b); }
    /// 32-bit or.
    Inst* or_(Inst* a, Inst* b) { return logic(hw::Op::or_, a, b); }
    /// 32-bit exclusive or.
    Inst* xor_(Inst* a, Inst* b) { return logic(hw::Op::xor_, a, b); }
    /// The value reinterpreted as a boolean (a 32-bit value is compared with zero).
    Inst* to_boolean(Inst* a);
    /// The register bits of a boolean as a bits32 value.
    Inst* from_boolean(Inst* a);

    /// Element i of a tuple (or the value itself if it has one element).
    Inst* extract(Inst* tuple, unsigned i);
    /// Tuple of one-element values (the value itself if there is one).
    Inst* collect(std::span<Inst* const> elements);
    /// 64-bit value from halves.
    Inst* pack64(Inst* low, Inst* high);
    /// Half of a 64-bit value: 0 low, 1 high.
    Inst* unpack64(Inst* value, unsigned half);
    /// System value; 64-bit ones give bits64, truth values give boolean.
    Inst* sys(hw::SysVal value, unsigned index = 0);

private:
    Inst* simplify(hw::Op op, hw::Type ty, Operands operands);

    Function& f_;
    Block* block_ = nullptr;
    std::map<std::pair<Base, uint64_t>, std::unique_ptr<Inst>> pending_;
};

/// True for a `constant`, with its bits in `bits`.
[[nodiscard]] bool is_constant(const Inst* value, uint64_t& bits);

} // namespace kite::cc::ir
