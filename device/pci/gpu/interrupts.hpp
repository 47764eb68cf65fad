// SPDX-License-Identifier: MIT
// Interrupt sources: status, enable and route registers, and the MSI-X messages they send.
//
// Owned by the Gpu. raise() comes from any thread; register accesses from the server thread. A
// source whose status bit becomes 1 while enabled sends its vector's message once; the driver
// clears the bit to hear of it again. Nothing fails.
#pragma once

#include "device/pci/bus/msix.hpp"
#include "device/pci/gpu/inject.hpp"
#include "device/pci/gpu/trace.hpp"
#include "kite_hw/registers.hpp"

namespace kite::dev::pci {

/// The interrupt block.
class Interrupts {
public:
    /// All outlive it.
    Interrupts(Msix& msix, Injector& injector, const Trace& trace);
    /// A source wants attention.
    void raise(uint32_t source);
    /// irq_status.
    [[nodiscard]] uint32_t status();
    /// Clears bits of irq_status.
    void clear(uint32_t bits);
    /// irq_enable.
    [[nodiscard]] uint32_t enabled();
    /// Sets irq_enable; sends what became due.
    void enable(uint32_t bits);
    /// irq_route.
    [[nodiscard]] uint32_t route(uint32_t source);
    /// Sets irq_route; only the vectors that exist are kept.
    void set_route(uint32_t source, uint32_t vector);
    /// Reset values.
    void reset();
    /// No message leaves the device until the next reset().
    void cut();

private:
    void send(uint32_t sources);

    Msix& msix_;
    Injector& injector_;
    const Trace& trace_;
    std::mutex mutex_;
    uint32_t status_ = 0;
    uint32_t enabled_ = 0;
    std::array<uint32_t, hw::reg::kIrqRouteCount> route_{};
    bool cut_ = false;
};

} // namespace kite::dev::pci
