// SPDX-License-Identifier: MIT
// What a context's window shows: the runs of its last walks, mapped into host memory.
//
// Owned by a Context. apply() comes from the mmu ring's thread, refresh() from the server thread
// when guest memory or bus mastering changes; both lock. Runs that did not change keep their host
// mapping. Runs of guest memory that cannot be reached now stay known and have no mapping (accesses
// fault) until refresh() finds them reachable. All contexts share a budget of host mappings, so
// that one cannot take the process's last. Failure is a text.
#pragma once

#include "device/mem/window.hpp"
#include "device/pci/bus/guest_memory.hpp"
#include "device/pci/gpu/page_walker.hpp"

namespace kite::dev::pci {

/// Host mappings that all contexts together may use.
struct MappingBudget {
    std::atomic<size_t> used{0}; ///< now
    size_t limit = 0;            ///< at most

    /// As the system allows, with room left for the process itself.
    [[nodiscard]] static size_t system_limit();
};

/// The mappings of one window.
class AddressMap {
public:
    /// All outlive it. `bus` is true while system memory may be reached.
    AddressMap(mem::Window& window, const Vram& vram, const GuestMemory& guest,
               const std::atomic<bool>& bus, MappingBudget& budget);
    ~AddressMap();

    /// Makes [from, to) show exactly these runs. nullopt, or why not; then the range is undefined
    /// and the context must die.
    [[nodiscard]] std::optional<std::string> apply(uint64_t from, uint64_t to,
                                                   const std::vector<Run>& runs);
    /// Guest memory at [address, address + size) or bus mastering changed: maps or unmaps what
    /// shows it.
    void refresh(uint64_t address, uint64_t size);
    /// How many bytes of [va, va + size) show guest memory.
    [[nodiscard]] uint64_t system_bytes(uint64_t va, uint64_t size);

private:
    [[nodiscard]] int map(const Run& run);
    [[nodiscard]] int map_system(const Run& run);
    [[nodiscard]] bool shows(const Run& run) const;
    void forget(uint64_t from, uint64_t to);
    [[nodiscard]] bool overlaps(uint64_t from, uint64_t to) const;
    [[nodiscard]] int settle();

    mem::Window& window_;
    const Vram& vram_;
    const GuestMemory& guest_;
    const std::atomic<bool>& bus_;
    MappingBudget& budget_;
    std::mutex mutex_;
    std::map<uint64_t, Run> runs_;
    size_t counted_ = 0; // of the budget
};

} // namespace kite::dev::pci
