// SPDX-License-Identifier: MIT
// The queue of FaultRecords in VRAM: registers, and who writes when.
//
// Owned by the Gpu. record() comes from ring threads, register accesses from the server thread. A
// queue that does not lie in VRAM is no queue; a full one drops and counts. The record is in memory
// before fault_head tells of it and before the interrupt is raised. Nothing fails.
#pragma once

#include "device/pci/gpu/interrupts.hpp"
#include "device/pci/gpu/vram.hpp"

#include <string_view>

namespace kite::dev::pci {

/// The fault queue.
class FaultQueue {
public:
    static constexpr uint32_t kMaxEntries = 4096; ///< largest queue

    /// All outlive it.
    FaultQueue(const Vram& vram, Interrupts& interrupts, const Trace& trace)
        : vram_(vram), interrupts_(interrupts), trace_(trace) {}
    /// Adds a record; fills in its time and text.
    void record(hw::FaultRecord record, std::string_view text);
    /// Reads a register at a byte offset of the fault_* block.
    [[nodiscard]] uint32_t read(uint32_t offset);
    /// Writes one.
    void write(uint32_t offset, uint32_t value);
    /// Reset values.
    void reset();

private:
    const Vram& vram_;
    Interrupts& interrupts_;
    const Trace& trace_;
    std::mutex mutex_;
    uint64_t base_ = 0;
    uint32_t entries_ = 0, head_ = 0, tail_ = 0, dropped_ = 0;
};

} // namespace kite::dev::pci
