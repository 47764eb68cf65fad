// SPDX-License-Identifier: MIT
// Survives the code generator's fatal errors.
//
// LLVM ends the process when it meets something it can't select. guarded() runs a function on this
// thread and comes back from such an error with false: the stack is cut off at once, so whatever
// the function had in hand is leaked, never reused. Only errors raised inside guarded() are caught;
// others end the process as before. The handler is installed once and stays. Thread-safe.
#pragma once

#include "base/function_ref.hpp"

#include <string>

namespace kite::dev::exec::jit {

/// Runs fn; false, and the message in `why`, if LLVM gave up inside.
bool guarded(base::FunctionRef<void()> fn, std::string& why);

/// Does what LLVM does when it gives up, for tests.
[[noreturn]] void raise_fatal_error(const char* reason);

} // namespace kite::dev::exec::jit
