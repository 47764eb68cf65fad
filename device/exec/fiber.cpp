// SPDX-License-Identifier: MIT
#include "device/exec/fiber.hpp"

#include <cstring>
#include <sys/mman.h>
#include <utility>

// Saves the callee-saved registers on the current stack, stores the stack pointer to *from and
// continues where the stack pointer `to` was saved.
extern "C" void kite_fiber_switch(void** from, void* to);
// First return address of a new fiber: calls rbx with the pool that rbp holds.
extern "C" void kite_fiber_start();

asm(R"(
    .text
    .hidden kite_fiber_switch
    .globl kite_fiber_switch
    .type kite_fiber_switch, @function
kite_fiber_switch:
    endbr64
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size kite_fiber_switch, .-kite_fiber_switch

    .hidden kite_fiber_start
    .globl kite_fiber_start
    .type kite_fiber_start, @function
kite_fiber_start:
    movq %rbp, %rdi
    xorl %ebp, %ebp
    call *%rbx
    ud2
    .size kite_fiber_start, .-kite_fiber_start
)");

namespace kite::dev::exec {

namespace {

constexpr size_t kStackBytes = size_t{1} << 20; // touched pages only cost memory
constexpr size_t kGuardBytes = 4096;

} // namespace

FiberPool::~FiberPool() {
    for (const Fiber& f : fibers_) {
        munmap(f.stack, kStackBytes);
    }
}

bool FiberPool::grow(uint32_t count) {
    while (fibers_.size() < count) {
        void* p = mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
        if (p == MAP_FAILED) {
            return false;
        }
        mprotect(p, kGuardBytes, PROT_NONE);
        fibers_.push_back({static_cast<std::byte*>(p), nullptr});
    }
    return true;
}

void FiberPool::trampoline(FiberPool* pool) {
    pool->entry_(pool->argument_, pool->current_);
    Fiber& self = pool->fibers_[pool->current_];
    void* ignored = nullptr;
    self.sp = nullptr;
    kite_fiber_switch(&ignored, pool->main_sp_);
    std::unreachable();
}

bool FiberPool::run(uint32_t count, Entry entry, void* argument) {
    if (!grow(count)) {
        return false;
    }
    entry_ = entry;
    argument_ = argument;
    for (uint32_t i = 0; i < count; ++i) {
        // The frame kite_fiber_switch pops: r15 r14 r13 r12 rbx rbp, then the return address. After
        // that return rsp is 16-byte aligned, so the call in kite_fiber_start aligns as the ABI
        // wants.
        auto** top = reinterpret_cast<void**>(fibers_[i].stack + kStackBytes);
        *--top = nullptr;
        *--top = nullptr;
        *--top = reinterpret_cast<void*>(&kite_fiber_start);
        *--top = this;                                            // rbp
        *--top = reinterpret_cast<void*>(&FiberPool::trampoline); // rbx
        for (int k = 0; k < 4; ++k) {
            *--top = nullptr;
        }
        fibers_[i].sp = top;
    }
    for (bool alive = true; alive;) {
        alive = false;
        for (uint32_t i = 0; i < count; ++i) {
            if (fibers_[i].sp != nullptr) {
                current_ = i;
                kite_fiber_switch(&main_sp_, fibers_[i].sp);
                alive |= fibers_[i].sp != nullptr;
            }
        }
    }
    return true;
}

void FiberPool::yield() {
    kite_fiber_switch(&fibers_[current_].sp, main_sp_);
}

} // namespace kite::dev::exec
