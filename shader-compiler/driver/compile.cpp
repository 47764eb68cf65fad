// SPDX-License-Identifier: MIT
// The compiler from front to back, readable top to bottom.
#include "cc_version.hpp"
#include "shader-compiler/driver/backend.hpp"
#include "shader-compiler/opt/pipeline.hpp"
#include "shader-compiler/spirv/translate.hpp"

#include <fmt/format.h>

#include <utility>

namespace kite::cc {

base::Result<Program> compile(std::span<const uint32_t> spirv, const Options& options) {
    const DebugFlags debug = debug_flags_from_env();
    Program program;
    auto function = translate(spirv, options, program.facts);
    if (!function) {
        return std::unexpected(std::move(function.error()));
    }
    ir::Function& f = **function;
    if (debug.dump_spirv_ir) {
        dump("IR as translated", ir::print(f));
    }
    if (!debug.no_opt) {
        optimize(f);
    }
    f.renumber();
    if (debug.dump_ir) {
        dump("IR after the optimizer", ir::print(f));
    }
    if (options.dump) {
        program.ir_dump = ir::print(f);
    }
    const BackendOptions backend{.debug = debug, .want_asm = options.dump, .budget = {}};
    if (auto done = run_backend(f, backend, program); !done) {
        return std::unexpected(std::move(done.error()));
    }
    if (debug.stats) {
        const ProgramFacts& p = program.facts;
        dump("stats", fmt::format("{} {}: {} instructions, {} v, {} s, {} spills, {} scratch bytes",
                                  hw::name_of(options.stage), options.entry_point, p.instructions,
                                  p.vregs, p.sregs, p.spills, p.scratch_bytes));
    }
    return program;
}

const char* compiler_version() {
    return "kite-cc 1 (" __DATE__ " " __TIME__ ")";
}

} // namespace kite::cc
