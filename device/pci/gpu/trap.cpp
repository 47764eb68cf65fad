// SPDX-License-Identifier: MIT
#include "device/pci/gpu/trap.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <mutex>
#include <ucontext.h>
#include <unistd.h>

namespace kite::dev::pci {

namespace {

struct Slot {
    std::atomic<uintptr_t> begin{0}, end{0};
    std::atomic<TrapOwner*> owner{nullptr};
};

std::array<Slot, TrapZone::kMaxZones> g_slots;
std::mutex g_slots_mutex; // of writers

bool wrote([[maybe_unused]] const void* context) {
#if defined(__x86_64__)
    // Bit 1 of the page fault's error code.
    const auto* state = static_cast<const ucontext_t*>(context);
    return (state->uc_mcontext.gregs[REG_ERR] & 2) != 0;
#else
    return false;
#endif
}

void on_signal(int number, siginfo_t* info, void* context) {
    const int saved = errno;
    const auto address = reinterpret_cast<uintptr_t>(info->si_addr);
    for (Slot& slot : g_slots) {
        const uintptr_t begin = slot.begin.load(std::memory_order_acquire);
        if (begin == 0 || address < begin || address >= slot.end.load(std::memory_order_acquire)) {
            continue;
        }
        TrapOwner* owner = slot.owner.load(std::memory_order_acquire);
        if (owner != nullptr && owner->on_trap(address - begin, wrote(context))) {
            errno = saved;
            return;
        }
    }
    constexpr char kText[] = "kite-device: memory access outside every GPU address space\n";
    [[maybe_unused]] const ssize_t n = write(STDERR_FILENO, kText, sizeof(kText) - 1);
    signal(number, SIG_DFL); // the access is repeated and ends the process
    errno = saved;
}

} // namespace

TrapZone::TrapZone(const std::byte* base, uint64_t size, TrapOwner& owner) : slot_(kMaxZones) {
    const std::lock_guard lock(g_slots_mutex);
    for (unsigned i = 0; i < kMaxZones; ++i) {
        Slot& slot = g_slots[i];
        if (slot.begin.load(std::memory_order_relaxed) == 0) {
            const auto begin = reinterpret_cast<uintptr_t>(base);
            slot.owner.store(&owner, std::memory_order_release);
            slot.end.store(begin + size, std::memory_order_release);
            slot.begin.store(begin, std::memory_order_release);
            slot_ = i;
            return;
        }
    }
}

TrapZone::~TrapZone() {
    if (valid()) {
        const std::lock_guard lock(g_slots_mutex);
        g_slots[slot_].begin.store(0, std::memory_order_release);
        g_slots[slot_].end.store(0, std::memory_order_release);
        g_slots[slot_].owner.store(nullptr, std::memory_order_release);
    }
}

void TrapZone::install() {
    struct sigaction action{};
    action.sa_sigaction = on_signal;
    // Several threads may fault at once and the handler may be interrupted by its own kind.
    action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_RESTART;
    sigaction(SIGSEGV, &action, nullptr);
    sigaction(SIGBUS, &action, nullptr);
}

} // namespace kite::dev::pci
