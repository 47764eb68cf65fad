// SPDX-License-Identifier: MIT
// Small stacks for the waves of a workgroup, so that a barrier can suspend native code in its
// middle.
//
// A pool belongs to one worker thread. run() starts `count` fibers and resumes them in turn until
// all have ended; a running fiber calls yield() at a barrier and goes on when all others have come
// to theirs. Switching saves the callee-saved registers only: no system call, no signal mask, no
// floating-point control words. Stacks are mapped on first use with a guard page and kept. Creating
// a stack can fail: then run() returns false before starting.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace kite::dev::exec {

/// Runs functions on their own stacks, cooperatively.
class FiberPool {
public:
    /// What a fiber executes.
    using Entry = void (*)(void* argument, uint32_t index);

    FiberPool() = default;
    ~FiberPool();
    FiberPool(const FiberPool&) = delete;
    FiberPool& operator=(const FiberPool&) = delete;

    /// Runs entry(argument, 0 .. count-1) to their ends, switching at yield(). False: no memory for
    /// stacks.
    bool run(uint32_t count, Entry entry, void* argument);
    /// From inside a fiber: let the others run up to their next yield().
    void yield();

private:
    struct Fiber {
        std::byte* stack = nullptr;
        void* sp = nullptr; // saved stack pointer; nullptr = ended
    };
    static void trampoline(FiberPool* pool);
    void* advance();
    bool grow(uint32_t count);

    std::vector<Fiber> fibers_;
    void* main_sp_ = nullptr;
    uint32_t current_ = 0;
    uint32_t count_ = 0; // fibers of this run
    uint32_t alive_ = 0; // of them not ended
    Entry entry_ = nullptr;
    void* argument_ = nullptr;
};

} // namespace kite::dev::exec
