// SPDX-License-Identifier: MIT
#include "device/pci/gpu/interrupts.hpp"

#include <bit>

namespace kite::dev::pci {

namespace {
constexpr uint32_t kSources = (1u << hw::reg::kIrqRouteCount) - 1;
}

Interrupts::Interrupts(Msix& msix, Injector& injector, const Trace& trace)
    : msix_(msix), injector_(injector), trace_(trace) {
    reset();
}

void Interrupts::send(uint32_t sources) {
    for (; sources != 0 && !cut_; sources &= sources - 1) {
        const auto source = static_cast<uint32_t>(std::countr_zero(sources));
        const bool lost = injector_.strikes(Fault::lost_irq);
        if (trace_.on()) {
            trace_.line("irq source {} vector {}{}", source, route_[source],
                        lost ? " lost on purpose" : "");
        }
        if (!lost) {
            msix_.raise(route_[source]);
        }
    }
}

void Interrupts::raise(uint32_t source) {
    const std::lock_guard lock(mutex_);
    const uint32_t bit = 1u << source;
    const uint32_t fresh = bit & ~status_;
    status_ |= bit;
    send(fresh & enabled_);
}

uint32_t Interrupts::status() {
    const std::lock_guard lock(mutex_);
    return status_;
}

void Interrupts::clear(uint32_t bits) {
    const std::lock_guard lock(mutex_);
    status_ &= ~bits;
}

uint32_t Interrupts::enabled() {
    const std::lock_guard lock(mutex_);
    return enabled_;
}

void Interrupts::enable(uint32_t bits) {
    const std::lock_guard lock(mutex_);
    const uint32_t fresh = bits & kSources & ~enabled_;
    enabled_ = bits & kSources;
    send(fresh & status_);
}

uint32_t Interrupts::route(uint32_t source) {
    const std::lock_guard lock(mutex_);
    return route_[source];
}

void Interrupts::set_route(uint32_t source, uint32_t vector) {
    const std::lock_guard lock(mutex_);
    route_[source] = vector % kMsixVectors;
}

void Interrupts::reset() {
    const std::lock_guard lock(mutex_);
    status_ = 0;
    enabled_ = 0;
    cut_ = false;
    for (uint32_t i = 0; i < route_.size(); ++i) {
        route_[i] = i;
    }
}

void Interrupts::cut() {
    const std::lock_guard lock(mutex_);
    cut_ = true;
}

} // namespace kite::dev::pci
