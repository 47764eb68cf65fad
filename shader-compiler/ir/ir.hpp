// SPDX-License-Identifier: MIT
// The compiler's SSA IR: a control-flow graph of basic blocks whose instructions are ISA operations
// on SSA values.
//
// Most opcodes ARE hw::Op values (the IR is "the ISA before registers"); a few pseudo ops exist
// only here. Every value has a Type; arithmetic is scalar (count == 1). count > 1 is a tuple of
// equal elements, produced by memory and image operations and by `collect`, taken apart by
// `extract`; it maps to consecutive registers. Uniform or varying is not in the IR: the back end's
// divergence analysis decides the register file.
//
// Control flow keeps SPIR-V's structure: a block may name its merge block (OpSelectionMerge /
// OpLoopMerge) and, for loop headers, its continue target. Blocks are stored in an order in which
// every block comes after its immediate dominator; entry is block 0.
//
// Ownership: Function owns blocks, blocks own instructions (arena-like vectors of unique_ptr);
// pointers stay valid until erased. Not thread-safe; one Function per compile.
#pragma once

#include "kite_hw/isa.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace kite::cc::ir {

/// Element type of a value.
enum class Base : uint8_t {
    none,    ///< no result
    boolean, ///< 32-bit register, 0 or 0xffffffff
    bits16,  ///< 16-bit in the low half of a register (int or float; the operation says which)
    bits32,  ///< 32-bit
    bits64,  ///< two registers
};

/// Type of an SSA value: `count` elements of `base`.
struct Type {
    Base base = Base::none; ///< element
    uint8_t count = 1;      ///< elements (1-16)
    /// Registers occupied.
    [[nodiscard]] constexpr unsigned regs() const {
        return base == Base::none ? 0u : (base == Base::bits64 ? 2u : 1u) * count;
    }
    constexpr bool operator==(const Type&) const = default;
};

/// Opcode: hw::Op values below kPseudo, pseudo ops from kPseudo.
enum class Op : uint16_t {};
inline constexpr uint16_t kPseudo = 0x400;
inline constexpr Op phi{kPseudo + 0};      ///< operands parallel to Block::preds
inline constexpr Op constant{kPseudo + 1}; ///< bits in Inst::constant_bits
inline constexpr Op undef{kPseudo + 2};    ///< any value (the back end may use 0)
inline constexpr Op extract{kPseudo + 3};  ///< element Inst::imm of the tuple operand 0
inline constexpr Op collect{kPseudo + 4};  ///< tuple of the operands (each count 1)
inline constexpr Op pack64{kPseudo + 5};   ///< bits64 from two 32-bit values: low, high
inline constexpr Op unpack64{kPseudo +
                             6}; ///< bits32: half Inst::imm (0 low, 1 high) of a bits64 value
/// Wraps a hardware opcode.
[[nodiscard]] constexpr Op op(hw::Op o) {
    return Op{static_cast<uint16_t>(o)};
}
/// True for hardware opcodes.
[[nodiscard]] constexpr bool is_hw(Op o) {
    return static_cast<uint16_t>(o) < kPseudo;
}
/// The hardware opcode of an instruction for which is_hw holds.
[[nodiscard]] constexpr hw::Op hw_op(Op o) {
    return static_cast<hw::Op>(static_cast<uint16_t>(o));
}

struct Block;

/// An instruction and the value it defines.
/// Operands of hardware ops follow hw/isa order src0, src1, src2, src3, src4; nullptr = operand
/// absent (file Z). Stores (`dst_is_source`) put the data first: operands = {data, src0, src1,
/// ...}. `coord` operands are one tuple value (all bits32). 64-bit addresses are one bits64 value.
struct Inst {
    Op op{};                      ///< opcode
    hw::Type ty = hw::Type::none; ///< ISA type field
    uint16_t sub = 0;             ///< ISA sub field (packed with the generated helper structs)
    uint32_t imm = 0; ///< ISA imm field (never a literal operand: constants are `constant` values)
    Type type;        ///< result type; Base::none if there is none
    uint64_t constant_bits = 0;  ///< for `constant`
    bool invariant = false;      ///< ld: this memory does not change while the program runs
                                 ///< (descriptors, uniforms, push constants)
    std::vector<Inst*> operands; ///< SSA operands
    Block* block = nullptr;      ///< owner
    uint32_t id = 0;             ///< dense number for printing and side tables (Function::renumber)
    /// False if removing an unused instance changes behaviour (stores, atomics, barriers, demote,
    /// volatile loads).
    [[nodiscard]] bool removable() const;
};

/// How a block ends.
enum class Term : uint8_t {
    none,        ///< under construction
    jump,        ///< to succs[0]
    branch,      ///< condition ? succs[0] : succs[1]
    switch_,     ///< condition (bits32, or bits64) equals case_values[i] ? succs[i + 1]; default
                 ///< succs[0]
    exit,        ///< the invocation is done (return; OpKill = demote, then exit)
    unreachable, ///< never executed
};

/// A basic block. Phis first, then other instructions, then the terminator.
struct Block {
    uint32_t id = 0;                          ///< dense index in Function::blocks
    std::vector<std::unique_ptr<Inst>> insts; ///< instructions
    Term term = Term::none;                   ///< terminator
    Inst* condition = nullptr;                ///< of branch and switch_
    std::vector<Block*> succs;                ///< successors
    std::vector<uint64_t> case_values;        ///< of switch_, parallel to succs[1..]
    std::vector<Block*>
        preds; ///< predecessors, each listed once (a duplicate switch edge counts once)
    Block* merge = nullptr;           ///< merge block if this block is a selection or loop header
    Block* continue_target = nullptr; ///< continue target if this block is a loop header
};

/// A shader: one function, everything inlined.
struct Function {
    hw::Stage stage{};                          ///< stage
    std::array<uint32_t, 3> workgroup{1, 1, 1}; ///< compute local size
    uint32_t shared_bytes = 0;                  ///< workgroup memory
    uint32_t scratch_bytes = 0; ///< private memory per lane (the back end may add spill space)
    bool early_fragment_tests = false;          ///< declared
    bool per_sample = false;                    ///< needs per-sample execution
    uint8_t depth_mode = 0;                     ///< ProgramHeader.depth_mode
    std::vector<std::unique_ptr<Block>> blocks; ///< entry first, dominators before dominated
    /// Numbers blocks and values densely in order; returns the number of values.
    uint32_t renumber();
};

/// Text form; parse(print(f)) gives the same function.
[[nodiscard]] std::string print(const Function& f);
/// Empty if the function is well formed, else the first broken rule by name with the instruction
/// printed.
[[nodiscard]] std::string validate(const Function& f);

} // namespace kite::cc::ir
