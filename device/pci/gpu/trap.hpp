// SPDX-License-Identifier: MIT
// GPU page faults: a SIGSEGV inside a context's window, told to the context, after which the access
// goes on.
//
// install() sets one handler for the process (this process is the device: nobody else's). Zones are
// added and removed by the threads that make and free contexts; the handler reads a fixed table
// without locks and calls the zone's owner, which must be async-signal-safe and must make the
// address accessible. A zone may be removed only when no GPU work uses its window. A fault outside
// all zones is a bug of ours and ends the process with a core.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kite::dev::pci {

/// Takes faults of one zone.
class TrapOwner {
public:
    /// An access `offset` bytes into the zone has no memory behind it. Async-signal-safe, on any
    /// thread. False if the access cannot go on.
    virtual bool on_trap(uint64_t offset, bool write) noexcept = 0;

protected:
    ~TrapOwner() = default;
};

/// A range of host addresses whose faults belong to an owner, while it lives.
class TrapZone {
public:
    static constexpr unsigned kMaxZones = 256; ///< zones of the process

    /// Watches [base, base + size). valid() is false if there are too many.
    TrapZone(const std::byte* base, uint64_t size, TrapOwner& owner);
    ~TrapZone();
    TrapZone(const TrapZone&) = delete;
    TrapZone& operator=(const TrapZone&) = delete;

    /// True if the zone is watched.
    [[nodiscard]] bool valid() const { return slot_ < kMaxZones; }
    /// Installs the handler of the process. Idempotent.
    static void install();

private:
    unsigned slot_;
};

} // namespace kite::dev::pci
