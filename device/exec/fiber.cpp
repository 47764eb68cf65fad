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
// Stacks begin at different cache sets: at equal page offsets the frames of sixteen waves would
// fight for the same eight ways of the first-level cache. An odd number of lines, about one frame.
constexpr size_t kColourBytes = 27 * 64;
constexpr uint32_t kColours = 32;

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
    --pool->alive_;
    kite_fiber_switch(&ignored, pool->alive_ == 0 ? pool->main_sp_ : pool->advance());
    std::unreachable();
}

// Makes the next fiber that has not ended the current one.
void* FiberPool::advance() {
    do {
        current_ = current_ + 1 == count_ ? 0 : current_ + 1;
    } while (fibers_[current_].sp == nullptr);
    return fibers_[current_].sp;
}

bool FiberPool::run(uint32_t count, Entry entry, void* argument) {
    if (!grow(count)) {
        return false;
    }
    if (count == 0) {
        return true;
    }
    entry_ = entry;
    argument_ = argument;
    count_ = count;
    alive_ = count;
    for (uint32_t i = 0; i < count; ++i) {
        // The frame kite_fiber_switch pops: r15 r14 r13 r12 rbx rbp, then the return address. After
        // that return rsp is 16-byte aligned, so the call in kite_fiber_start aligns as the ABI
        // wants.
        auto** top = reinterpret_cast<void**>(fibers_[i].stack + kStackBytes -
                                              (i % kColours) * kColourBytes);
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
    current_ = 0;
    kite_fiber_switch(&main_sp_, fibers_[0].sp);
    return true;
}

// Straight to the next fiber: it waits at the same place of the same code, so that every return
// address is the one the processor expects.
void FiberPool::yield() {
    Fiber& self = fibers_[current_];
    if (alive_ > 1) {
        kite_fiber_switch(&self.sp, advance());
    }
}

} // namespace kite::dev::exec
