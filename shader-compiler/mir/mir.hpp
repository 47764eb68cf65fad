// SPDX-License-Identifier: MIT
// Machine IR: the program as a linear list of ISA instructions on virtual registers.
//
// Instruction selection builds it, register allocation gives every virtual register a place, encode
// writes the words. A virtual register is a tuple of consecutive 32-bit registers of one file; an
// operand names a part of it by an offset. Control flow is the ISA's own structure (block, loop,
// if, else, end, br). Values; one Function per compile, not thread-safe.
#pragma once

#include "kite_hw/isa.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace kite::cc::mir {

/// An operand before registers are known.
struct Operand {
    /// What it names.
    enum class Kind : uint8_t { none, reg, literal };
    Kind kind = Kind::none; ///< what it names
    uint8_t sub = 0;        ///< reg: first 32-bit register inside the virtual register
    uint32_t reg = 0;       ///< reg: virtual register

    /// Part of virtual register `reg` from register `sub` on.
    static constexpr Operand of(uint32_t reg, unsigned sub = 0) {
        return {Kind::reg, static_cast<uint8_t>(sub), reg};
    }
    /// The instruction's imm word.
    static constexpr Operand literal() { return {Kind::literal, 0, 0}; }
    /// True for a virtual register.
    [[nodiscard]] constexpr bool is_reg() const { return kind == Kind::reg; }
    constexpr bool operator==(const Operand&) const = default;
};

/// One instruction. Fields as hw::Inst.
struct Inst {
    hw::Op op = hw::Op::nop;      ///< opcode
    hw::Type ty = hw::Type::none; ///< type
    bool m = false;               ///< masked write
    bool defines_nothing =
        false;        ///< a marker (op nop): dst counts as written with any value, no code
    uint16_t sub = 0; ///< op-specific bits
    uint32_t imm = 0; ///< literal or immediate
    Operand dst;      ///< destination, or the data of stores
    std::array<Operand, 5> src{}; ///< sources
};

/// A virtual register.
struct VReg {
    hw::File file = hw::File::V; ///< V or S
    uint8_t regs = 1;            ///< consecutive registers
    bool no_spill = false;       ///< must stay in a register
    int32_t hint = -1;           ///< a virtual register whose place would save a move
};

/// A virtual register that must keep its place over a whole loop, because lanes leave the loop with
/// its value while others go on.
struct Kept {
    uint32_t vreg = 0; ///< virtual register
    int32_t loop = 0;  ///< index among the `loop` instructions
};

/// A program.
struct Function {
    hw::Stage stage{};                          ///< stage
    std::array<uint32_t, 3> workgroup{1, 1, 1}; ///< compute local size
    uint32_t shared_bytes = 0;                  ///< workgroup memory
    uint32_t scratch_bytes = 0;                 ///< private bytes per lane
    bool early_fragment_tests = false;          ///< ProgramHeader
    bool per_sample = false;                    ///< ProgramHeader
    uint8_t depth_mode = 0;                     ///< ProgramHeader
    std::vector<VReg> vregs;                    ///< virtual registers
    std::vector<Kept> kept;                     ///< places that loops may not reuse
    std::vector<Inst> insts;                    ///< the code

    /// A new virtual register.
    uint32_t add_vreg(hw::File file, unsigned regs) {
        vregs.push_back({.file = file, .regs = static_cast<uint8_t>(regs)});
        return static_cast<uint32_t>(vregs.size() - 1);
    }
};

/// The instruction without registers, for questions to kite_hw/verify.hpp; registers stand in as
/// index 0.
[[nodiscard]] hw::Inst shape_of(const Function& f, const Inst& i);

/// Registers that slot reads or writes; 0 if it names none. `slot` 0 is dst, 1-5 the sources.
[[nodiscard]] unsigned operand_regs(const Function& f, const Inst& i, unsigned slot);

/// True if the instruction writes its dst.
[[nodiscard]] bool writes_dst(const Inst& i);

/// Where each virtual register lives: index of its first register, by virtual register.
using Places = std::vector<uint16_t>;

/// The instruction with its registers.
[[nodiscard]] hw::Inst place(const Function& f, const Inst& i, const Places& places);

/// Text of the code on virtual registers: v12.1 is register 1 of virtual vector register 12.
[[nodiscard]] std::string print(const Function& f);

} // namespace kite::cc::mir
