// SPDX-License-Identifier: MIT
// Text to instructions, in exactly the syntax that disassemble() prints (see kite_hw/disasm.hpp).
//
// `;`, `//` and `#` start a comment; a leading `12:` line number is skipped, so the output of
// disassemble_program() reads back. Sub fields may be left out (they are 0 then), and so may the
// immediate. Assembling says nothing about legality beyond syntax: see check_encoding(). Pure
// functions, thread-safe; failure is a false return with a reason.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kite_hw/isa.hpp"

namespace kite::hw {

/// Parse one line. On failure `err`, if given, says what is wrong.
bool assemble(std::string_view line, Inst& out, std::string* err = nullptr);

/// Parse a text of several lines, skipping empty ones, and append the encoded words.
/// On failure `err` starts with the line number.
bool assemble_program(std::string_view text, std::vector<uint32_t>& words,
                      std::string* err = nullptr);

} // namespace kite::hw
