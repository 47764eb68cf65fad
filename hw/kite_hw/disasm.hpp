// SPDX-License-Identifier: MIT
// Instructions as text, one line each; assemble() in kite_hw/assemble.hpp reads the same back.
//
//   ffma.f32.m v3, v1, s2, 0x3f800000
//   ld.u32 v[4:5], s[0:1], v2, s2, +16 {n=2,space=global,mode=lane,vol=0}
//   sys s4, group_id[1]
//
// op, type (unless none), `.m` for a masked write; then every operand slot the op has, `_` where it
// is absent; a number with a sign for the op's immediate if it is not 0; sub fields in braces.
// Pure functions, thread-safe, defined for every Inst (also illegal ones, which print as .word).
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "kite_hw/isa.hpp"

namespace kite::hw {

/// One instruction as a line of assembly, without a newline.
std::string disassemble(const Inst& inst);

/// A whole program: one numbered line per instruction, indented by nesting. A trailing part of an
/// instruction is ignored; words that do not decode print as `.word`.
std::string disassemble_program(std::span<const uint32_t> words);

} // namespace kite::hw
