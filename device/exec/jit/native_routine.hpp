// SPDX-License-Identifier: MIT
// Runs waves through generated code.
//
// The routine owns its code. Thread-safe like every routine; stacks for barriers come from the
// worker's memory.
#pragma once

#include "device/exec/jit/compiler.hpp"
#include "device/exec/jit/texgen/library.hpp"

namespace kite::dev::exec::jit {

/// A routine around linked code of a program; `textures` outlives it.
[[nodiscard]] std::shared_ptr<const Routine>
make_native_routine(std::shared_ptr<const Program> program, unsigned width,
                    std::unique_ptr<Code> code, texgen::Library& textures);

} // namespace kite::dev::exec::jit
