// SPDX-License-Identifier: MIT
// The cable: how fast copies between the guest's memory and the device may be, and what it carried.
//
// A full-duplex link with a cap on each direction and a latency. Whoever has copied bytes over it
// calls transfer(), which returns when the link would have carried them; who starts a copy or reads
// a register calls request() for the latency. The link may run ahead of the clock by kCredit, so
// that small copies need no sleep. Accesses that the CPUs make to mapped pages (the guest's to
// VRAM, shaders' to system memory) are not seen and not slowed down. Any thread; nothing fails.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>

namespace kite::dev::pci {

/// Megabits per second that PCIe of a generation (1 to 6) gets through after its encoding.
[[nodiscard]] uint32_t link_megabits(unsigned generation, unsigned width);

/// What the cable is like.
struct LinkOptions {
    uint32_t megabits = 0;   ///< cap of each direction, 0: none
    uint32_t latency_ns = 0; ///< added to reads and to the start of copies
    bool tunnel = false;     ///< PCIe goes through another protocol
};

/// The cable.
class Link {
public:
    static constexpr uint64_t kCredit = 50'000; ///< ns

    /// Which way bytes go.
    enum class Direction : uint8_t { in, out }; // in: from system memory to the device

    explicit Link(const LinkOptions& options) : options_(options) {}
    /// Waits for the latency.
    void request() const;
    /// Bytes were copied: waits until the link has carried them, or `stop` is not 0.
    void transfer(Direction direction, uint64_t bytes, const std::atomic<uint32_t>& stop);
    /// Bytes so far.
    [[nodiscard]] uint64_t bytes(Direction direction) const;
    /// Nanoseconds that they needed, both directions together.
    [[nodiscard]] uint64_t busy_ns() const;
    /// What it is like.
    [[nodiscard]] const LinkOptions& options() const { return options_; }

private:
    struct Way {
        uint64_t bytes = 0, busy_ns = 0, free_ns = 0;
    };
    const LinkOptions options_;
    mutable std::mutex mutex_;
    std::array<Way, 2> ways_;
};

} // namespace kite::dev::pci
