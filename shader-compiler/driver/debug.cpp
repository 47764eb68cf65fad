// SPDX-License-Identifier: MIT
#include "shader-compiler/driver/debug.hpp"

#include "base/env.hpp"
#include "base/log.hpp"

#include <fmt/format.h>

#include <cstdio>

namespace kite::cc {

namespace {

constexpr DebugWord kDebugTable[] = {
    {"dump-spirv-ir", &DebugFlags::dump_spirv_ir, "print the IR as translated from SPIR-V"},
    {"dump-ir", &DebugFlags::dump_ir, "print the IR after the optimizer"},
    {"dump-tree", &DebugFlags::dump_tree, "print the structured control flow"},
    {"dump-mir", &DebugFlags::dump_mir, "print the machine IR on virtual registers"},
    {"dump-asm", &DebugFlags::dump_asm, "print the disassembly of the result"},
    {"validate", &DebugFlags::validate, "check the IR between stages and the register allocation"},
    {"no-opt", &DebugFlags::no_opt, "skip the optimizer"},
    {"stats", &DebugFlags::stats, "print one line of numbers per shader"},
};

} // namespace

std::span<const DebugWord> debug_table() {
    return kDebugTable;
}

bool set_debug_flag(DebugFlags& flags, std::string_view name) {
    for (const DebugWord& w : kDebugTable) {
        if (name == w.name) {
            flags.*w.flag = true;
            return true;
        }
    }
    return false;
}

DebugFlags debug_flags_from_env() {
    DebugFlags flags;
    for (const std::string& word : base::env_list(base::env::kCcDebug)) {
        if (!set_debug_flag(flags, word)) {
            KITE_LOG(warn, "KITE_CC_DEBUG: no such word: {}", word);
        }
    }
    return flags;
}

void dump(std::string_view title, std::string_view text) {
    const std::string out = fmt::format("---- {}\n{}\n", title, text);
    std::fwrite(out.data(), 1, out.size(), stderr);
}

} // namespace kite::cc
