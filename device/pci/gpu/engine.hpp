// SPDX-License-Identifier: MIT
// What ring entries do, apart from running packets: contexts, page tables, the driver's own copies.
//
// One engine serves all rings; each function runs on a ring's thread and may run on several at
// once. Everything in an entry is hostile: a refused entry gives a Refusal, which becomes a fault
// record. `stop` (non-zero: the ring is killed or switched off) ends long work early.
#pragma once

#include "device/pci/gpu/context.hpp"
#include "device/pci/gpu/fault_queue.hpp"
#include "device/pci/gpu/thermal.hpp"

namespace kite::dev::pci {

/// What rings and engine share; everything outlives them.
struct Services {
    const Vram* vram = nullptr;
    GuestMemory* guest = nullptr;
    ContextTable* contexts = nullptr;
    FaultQueue* faults = nullptr;
    Interrupts* interrupts = nullptr;
    Injector* injector = nullptr;
    const Trace* trace = nullptr;
    Thermal* thermal = nullptr;
    ContextParts parts;
    std::atomic<bool> bus{false};     ///< bus mastering is on
    std::atomic<bool> gone{false};    ///< fault injection took the device away
    std::atomic<unsigned> running{0}; ///< submissions that run now
};

/// Why an entry was not executed.
using Refusal = std::string;

/// The entries of the mmu and copy rings.
class Engine {
public:
    explicit Engine(Services& services) : s_(services) {}

    /// Why an entry may not stand in a ring of this class, looking at nothing but the entry.
    [[nodiscard]] static std::optional<Refusal> check(const hw::RingEntry& entry,
                                                      const uint32_t* words, hw::RingClass ring);
    /// Executes context_create, context_destroy, invalidate, copy, fill.
    [[nodiscard]] std::optional<Refusal> execute(const hw::RingEntry& entry, unsigned ring,
                                                 const std::atomic<uint32_t>& stop);
    /// A context dies, if it lives: kills its work and writes the record.
    void bury(Context& context, unsigned ring, uint64_t seqno, const Death& death);
    /// Stops and forgets a context, if there is one.
    void destroy(uint32_t id);

private:
    [[nodiscard]] std::optional<Refusal> create(const hw::RingEntry& entry);
    [[nodiscard]] std::optional<Refusal> invalidate(const hw::RingEntry& entry, unsigned ring,
                                                    const std::atomic<uint32_t>& stop);
    [[nodiscard]] std::optional<Refusal> copy(const hw::RingEntry& entry,
                                              const std::atomic<uint32_t>& stop);
    [[nodiscard]] std::optional<Refusal> fill(const hw::RingEntry& entry,
                                              const std::atomic<uint32_t>& stop);
    [[nodiscard]] bool bus_copy(uint64_t address, std::byte* host, uint64_t size, bool to_guest,
                                const std::atomic<uint32_t>& stop);

    Services& s_;
};

} // namespace kite::dev::pci
