// SPDX-License-Identifier: MIT
// KITE_CC_DEBUG: a comma-separated list of the words in kDebugTable.
//
// The one table feeds the parser and the help text. Dumps go to standard error, each in one write,
// so that those of several threads do not mix. Unknown words are reported once per compile as a
// warning.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace kite::cc {

/// What to print and check while compiling.
struct DebugFlags {
    bool dump_spirv_ir = false; ///< IR as translated
    bool dump_ir = false;       ///< IR after optimization
    bool dump_tree = false;     ///< structured control flow
    bool dump_mir = false;      ///< machine IR on virtual registers
    bool dump_asm = false;      ///< disassembly of the result
    bool validate = false;      ///< check the IR between stages and the register allocation
    bool no_opt = false;        ///< skip the optimizer
    bool stats = false;         ///< one line of numbers per shader
};

/// One word of KITE_CC_DEBUG.
struct DebugWord {
    const char* name;        ///< as written in the list
    bool DebugFlags::* flag; ///< what it sets
    const char* doc;         ///< one sentence
};

/// All words.
[[nodiscard]] std::span<const DebugWord> debug_table();

/// Flags from the environment.
[[nodiscard]] DebugFlags debug_flags_from_env();

/// Sets the flag called `name`; false if there is none.
bool set_debug_flag(DebugFlags& flags, std::string_view name);

/// Writes a titled dump to standard error.
void dump(std::string_view title, std::string_view text);

} // namespace kite::cc
