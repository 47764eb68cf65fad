// SPDX-License-Identifier: MIT
#include "device/exec/jit/guard.hpp"

#include <llvm/Support/ErrorHandling.h>

#include <csetjmp>
#include <cstdio>
#include <mutex>

namespace kite::dev::exec::jit {

namespace {

struct Landing {
    jmp_buf place;
    char message[256];
};

thread_local Landing* landing = nullptr;

void on_fatal_error(void*, const char* reason, bool) {
    if (landing != nullptr) { // else return: LLVM goes on to end the process
        std::snprintf(landing->message, sizeof(landing->message), "%s", reason);
        longjmp(landing->place, 1); // NOLINT: the one way out of a function that must not return
    }
}

// Nothing in this frame changes after setjmp, so nothing is clobbered.
bool run_protected(base::FunctionRef<void()> fn, Landing& here) {
    if (setjmp(here.place) != 0) { // NOLINT
        return false;
    }
    fn();
    return true;
}

} // namespace

void raise_fatal_error(const char* reason) {
    llvm::report_fatal_error(reason, false);
}

bool guarded(base::FunctionRef<void()> fn, std::string& why) {
    static std::once_flag once;
    std::call_once(once, [] { llvm::install_fatal_error_handler(on_fatal_error, nullptr); });
    Landing here{};
    Landing* const outer = landing;
    landing = &here;
    const bool ok = run_protected(fn, here);
    landing = outer;
    if (!ok) {
        why = here.message;
    }
    return ok;
}

} // namespace kite::dev::exec::jit
