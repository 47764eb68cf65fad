// SPDX-License-Identifier: MIT
#include "base/worker_signals.hpp"

#include <pthread.h>

namespace kite::base {

sigset_t block_worker_signals() {
    sigset_t block;
    sigset_t before;
    ::sigfillset(&block);
    ::sigdelset(&block, SIGSEGV);
    ::sigdelset(&block, SIGBUS);
    ::sigdelset(&block, SIGSYS);
    ::pthread_sigmask(SIG_SETMASK, &block, &before);
    return before;
}

} // namespace kite::base
