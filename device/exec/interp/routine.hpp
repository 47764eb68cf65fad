// SPDX-License-Identifier: MIT
// Makes interpreted routines.
//
// A routine is immutable and shared between threads; all state is in the WorkerMemory passed to it.
#pragma once

#include "device/exec/executor.hpp"

namespace kite::dev::exec::interp {

/// A routine that interprets the program on waves of `width` lanes.
[[nodiscard]] std::shared_ptr<const Routine> make_routine(std::shared_ptr<const Program> program,
                                                          unsigned width);

} // namespace kite::dev::exec::interp
