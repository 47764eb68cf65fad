// SPDX-License-Identifier: MIT
// The compiling executor. See executor.hpp for the contract.
//
// Routines are cached by (program, attribute formats) and compiled once: callers that need the same
// routine meanwhile wait for it. prefetch() compiles on background threads. A program that can't be
// compiled gets an interpreted routine and one log line.
#pragma once

#include "device/exec/executor.hpp"

namespace kite::dev::exec::jit {

/// Creates it; unsupported where the CPU lacks AVX2, FMA and F16C.
[[nodiscard]] base::Result<std::unique_ptr<Executor>> create_executor(const ExecutorConfig& config);

} // namespace kite::dev::exec::jit
