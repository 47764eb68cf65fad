// SPDX-License-Identifier: MIT
// Which signals Kite's own threads take: they run in an application's process, whose handlers must
// not run on them.
//
// A thread inherits the mask of the one that starts it: block before starting it and set the old
// mask afterwards, and no signal can reach it; or block as its first act. Thread-safe; cannot fail.
//
// Example:
//   const sigset_t before = base::block_worker_signals();
//   std::thread t(work);
//   pthread_sigmask(SIG_SETMASK, &before, nullptr);
#pragma once

#include <csignal>

namespace kite::base {

/// Blocks every signal but SIGSEGV, SIGBUS and SIGSYS, which tell of the thread's own deeds, in the
/// calling thread. @return the mask before.
sigset_t block_worker_signals();

} // namespace kite::base
