// SPDX-License-Identifier: MIT
// Runs waves through generated code.
//
// The routine owns its code. Thread-safe like every routine; stacks for barriers come from the
// worker's memory.
#pragma once

#include "device/exec/jit/compiler.hpp"

namespace kite::dev::exec::jit {

/// A routine around linked code of a program.
[[nodiscard]] std::shared_ptr<const Routine> make_native_routine(std::shared_ptr<const Program> program,
                                                                 unsigned width,
                                                                 std::unique_ptr<Code> code);

} // namespace kite::dev::exec::jit
