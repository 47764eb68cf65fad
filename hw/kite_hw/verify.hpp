// SPDX-License-Identifier: MIT
// What can be said about one instruction from the tables alone.
//
// check_encoding() accepts a word exactly if the instruction set defines it: known op, allowed
// type, allowed operand files, no reserved bit set, enum values in range, register tuples inside
// the register files, and the op's own rules (for example: a masked write needs a vector
// destination). Rules that need the whole program (nesting, declared register counts, stage,
// limits) belong to the device's verifier. Pure functions over constant tables: thread-safe, they
// never allocate on the accepting path and fail only by returning false with a reason.
//
// Example: std::string why; if (!check_encoding(words, &why)) { report(index, why); }
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "kite_hw/isa.hpp"

namespace kite::hw {

/// A finding about one instruction of a program.
struct Diagnostic {
    /// Index of the instruction (not of the 32-bit word) in the program.
    uint32_t word_index = 0;
    /// What is wrong, in plain words.
    std::string text;
};

/// An operand slot of an instruction.
enum class Slot : uint8_t { dst, src0, src1, src2, src3, src4 };

/// The operand in a slot.
constexpr const Operand& operand(const Inst& inst, Slot slot) {
    return slot == Slot::dst ? inst.dst : inst.src(static_cast<unsigned>(slot) - 1);
}

/// Consecutive registers the slot reads or writes if it names a register; 0 if the op has no such
/// slot, or (queries) if the slot must be absent. Defined for every decodable instruction.
unsigned operand_width(const Inst& inst, Slot slot);

/// The type of a slot's value, for expanding literals: the op's type where the width follows it,
/// the source type of cvt, u32 for plain 32-bit slots.
Type operand_type(const Inst& inst, Slot slot);

/// Spatial coordinates of a dimensionality: 1 to 3.
unsigned coord_components(Dim dim);

/// Layout of the coordinate tuple of an image op: register offset of each part from the tuple's
/// first register, or -1 if the part is absent.
struct CoordLayout {
    int layer = -1, ref = -1, lod = -1, grad_x = -1, grad_y = -1, sample = -1, min_lod = -1,
        offset = -1;
    /// Spatial coordinates at offset 0.
    unsigned spatial = 0;
    /// All registers of the tuple.
    unsigned total = 0;
};

/// The coordinate tuple of tex, txg, txf, imgld, imgst, imgatom, and of txq's lod query.
CoordLayout coord_layout(const Inst& inst);

/// Judge one instruction. On refusal `why`, if given, says what is wrong.
bool check_encoding(std::span<const uint32_t, 4> words, std::string* why = nullptr);

} // namespace kite::hw
