// SPDX-License-Identifier: MIT
// A command ring: registers, doorbell, write-back, and the thread that executes its entries.
//
// Owned by the Gpu. Register functions come from the server thread and never wait for GPU work; the
// ring's own thread fetches an entry once, judges the copy, executes it and tells the driver in
// this order: fault records, busy_ns, head, seqno, interrupt. kill() ends the submission that runs
// and lets its context die; disable() also forgets the rest. Nothing an entry says stops the
// thread.
#pragma once

#include "device/pci/gpu/engine.hpp"

#include <thread>

namespace kite::dev::pci {

/// One ring with its engine's thread.
class Ring {
public:
    static constexpr uint32_t kIdle = 0xffff; ///< ring_context of an idle ring

    /// Starts the thread. Everything outlives the ring.
    Ring(unsigned index, hw::RingClass ring_class, Engine& engine, Services& services);
    /// Stops what runs and joins.
    ~Ring();
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;

    /// Reads a register by its offset in ring 0's block.
    [[nodiscard]] uint32_t read(uint32_t offset);
    /// Writes one.
    void write(uint32_t offset, uint32_t value);
    /// The driver wrote entries up to `tail`.
    void doorbell(uint32_t tail);
    /// Switches the ring off soon.
    void disable();
    /// Waits until it is off. Not from the server thread.
    void wait_disabled();
    /// Nanoseconds that its engine was busy, of all times that it was enabled.
    [[nodiscard]] uint64_t busy_ns() const { return all_busy_ns_.load(std::memory_order_relaxed); }
    /// Off: registers to their reset values.
    void reset();

private:
    void main();
    void enable();
    void kill();
    void step(std::unique_lock<std::mutex>& lock);
    [[nodiscard]] std::optional<Refusal> execute(const hw::RingEntry& entry);
    [[nodiscard]] std::optional<Refusal> submit(const hw::RingEntry& entry);
    void started(uint32_t context);
    void finished(const hw::RingEntry& entry, uint64_t busy_ns);
    void refuse(const hw::RingEntry& entry, const Refusal& why);
    void rest(uint64_t ns);

    const unsigned index_;
    const hw::RingClass class_;
    Engine& engine_;
    Services& s_;

    std::mutex mutex_;
    std::condition_variable wake_, off_;
    uint64_t base_ = 0, writeback_ = 0;
    uint32_t entries_ = 0;
    uint32_t head_ = 0, tail_ = 0;
    uint32_t context_ = kIdle;
    bool enabled_ = false, disabling_ = false, busy_ = false, killing_ = false, quit_ = false;
    std::shared_ptr<Context> current_; // whose submission runs
    std::atomic<uint32_t> stop_{0};    // of what runs without a context
    std::atomic<uint64_t> all_busy_ns_{0};

    // The thread's own.
    uint64_t busy_ns_ = 0;
    std::vector<IndirectBuffer> batch_; // of entries with `more`
    uint32_t batch_context_ = 0;
    std::thread thread_;
};

} // namespace kite::dev::pci
