// SPDX-License-Identifier: MIT
#include "shader-compiler/driver/backend.hpp"

#include "kite_hw/disasm.hpp"
#include "shader-compiler/analysis/divergence.hpp"
#include "shader-compiler/encode/encode.hpp"
#include "shader-compiler/ir/edit.hpp"
#include "shader-compiler/isel/select.hpp"
#include "shader-compiler/structure/tree.hpp"

#include <utility>

namespace kite::cc {

namespace {

// A check of our own failed. An application gets a refused pipeline, not a crash.
std::unexpected<base::Error> compiler_bug(const char* where, const std::string& why,
                                          const std::string& state) {
    dump(where, state);
    return base::fail(base::ErrorCode::unsupported, "compiler bug: {}: {}", where, why);
}

} // namespace

base::Result<> run_backend(ir::Function& f, const BackendOptions& options, Program& program) {
    const DebugFlags& debug = options.debug;
    ir::remove_unreachable_blocks(f);
    f.renumber();
    if (debug.validate) {
        const std::string why = ir::validate(f);
        if (!why.empty()) {
            return compiler_bug("invalid IR", why, ir::print(f));
        }
    }

    auto tree = structurize(f);
    if (!tree) {
        return std::unexpected(std::move(tree.error()));
    }
    const Divergence divergence = analyze_divergence(f, *tree);
    elide_branches(*tree);
    if (debug.dump_tree) {
        dump("structured control flow", print(*tree));
    }

    auto code = select(f, *tree, divergence);
    if (!code) {
        return std::unexpected(std::move(code.error()));
    }
    if (debug.dump_mir) {
        dump("machine IR", mir::print(*code));
    }
    auto registers = allocate(*code, options.budget);
    if (!registers) {
        return std::unexpected(std::move(registers.error()));
    }
    if (debug.validate) {
        const std::string why = verify_allocation(*code, *registers);
        if (!why.empty()) {
            return compiler_bug("register allocation", why, mir::print(*code));
        }
    }
    auto encoded = encode(*code, registers->places, registers->vregs, registers->sregs);
    if (!encoded) {
        return std::unexpected(std::move(encoded.error()));
    }
    if (debug.dump_asm || options.want_asm) {
        std::string text = hw::disassemble_program(encoded->words);
        if (debug.dump_asm) {
            dump("assembly", text);
        }
        if (options.want_asm) {
            program.asm_dump = std::move(text);
        }
    }
    program.binary = std::move(encoded->binary);
    program.hash = encoded->hash;
    program.facts.instructions = static_cast<uint32_t>(encoded->words.size() / hw::kInstWords);
    program.facts.vregs = registers->vregs;
    program.facts.sregs = registers->sregs;
    program.facts.spills = registers->spills;
    program.facts.scratch_bytes = code->scratch_bytes;
    return {};
}

} // namespace kite::cc
