// SPDX-License-Identifier: MIT
// A clock that runs while native code is being made.
//
// Routines are compiled when first needed, inside a draw if nobody asked earlier. Hang detection
// must not take that for a shader that hangs: it subtracts what this clock advanced by. Shared by
// the whole process, since threads wait for each other's compilations. Thread-safe; never fails.
#pragma once

#include <cstdint>

namespace kite::dev::exec {

/// Nanoseconds during which at least one compilation ran.
[[nodiscard]] uint64_t compile_clock_ns();

/// The clock runs while one of these lives.
class CompileScope {
public:
    CompileScope();
    ~CompileScope();
    CompileScope(const CompileScope&) = delete;
    CompileScope& operator=(const CompileScope&) = delete;
};

} // namespace kite::dev::exec
