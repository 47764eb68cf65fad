// SPDX-License-Identifier: MIT
#include "device/pci/gpu/gpu.hpp"

#include "base/hash.hpp"
#include "base/log.hpp"
#include "device/embed/device.hpp"
#include "device/front/watchdog.hpp"

#include <chrono>
#include <cstring>

namespace kite::dev::pci {

namespace {

constexpr auto kTick = std::chrono::milliseconds(25);
constexpr std::array<hw::RingClass, kRings> kClasses = {
    hw::RingClass::graphics, hw::RingClass::compute, hw::RingClass::copy, hw::RingClass::mmu};

} // namespace

base::Result<std::unique_ptr<Gpu>> Gpu::create(const GpuOptions& options, Msix& msix,
                                               GuestMemory& guest, Injector& injector,
                                               const Trace& trace) {
    auto executor = exec::create_executor(options.executor);
    if (!executor) {
        return std::unexpected(std::move(executor.error()));
    }
    auto vram = Vram::create(options.vram_bytes);
    if (!vram) {
        return std::unexpected(std::move(vram.error()));
    }
    TrapZone::install();
    return std::unique_ptr<Gpu>(
        new Gpu(options, std::move(*vram), std::move(*executor), msix, guest, injector, trace));
}

Gpu::Gpu(const GpuOptions& options, Vram vram, std::unique_ptr<exec::Executor> executor, Msix& msix,
         GuestMemory& guest, Injector& injector, const Trace& trace)
    : options_(options), vram_(std::move(vram)), guest_(guest), trace_(trace),
      executor_(std::move(executor)),
      pool_(options.threads != 0 ? options.threads : base::ThreadPool::default_threads()),
      thermal_(front::now_ns()), link_(options.link), interrupts_(msix, injector, trace),
      display_({.memory = {vram_.at(0), vram_.size_bytes()},
                .interrupt =
                    [this] { interrupts_.raise(static_cast<uint32_t>(hw::IrqSource::display)); },
                .now_ns = front::now_ns},
               options.monitors),
      faults_(vram_, interrupts_, trace), engine_(services_) {
    budget_.limit = MappingBudget::system_limit();
    services_.vram = &vram_;
    services_.guest = &guest_;
    services_.contexts = &contexts_;
    services_.faults = &faults_;
    services_.interrupts = &interrupts_;
    services_.injector = &injector;
    services_.trace = &trace_;
    services_.thermal = &thermal_;
    services_.parts = {.vram = &vram_,
                       .guest = &guest_,
                       .bus = &services_.bus,
                       .budget = &budget_,
                       .link = &link_,
                       .executor = executor_.get(),
                       .pool = &pool_,
                       .counters = &counters_,
                       .print_packets = options_.print_packets};

    set_heat(options_.heat_mw);
    const std::string text = executor_->description();
    std::memcpy(description_.data(), text.data(), std::min(text.size(), sizeof(description_) - 1));
    const std::string identity =
        build_identity() + '\0' + text + '\0' + std::to_string(executor_->wave_size());
    for (uint64_t half = 0; half < 2; ++half) {
        const uint64_t hash = base::hash64(identity, half);
        std::memcpy(&uuid_[half * 2], &hash, sizeof(hash));
    }
    for (unsigned i = 0; i < kRings; ++i) {
        rings_[i] = std::make_unique<Ring>(i, kClasses[i], engine_, services_);
    }
    caretaker_ = front::start_thread(
        "kite-caretaker", [](void* self) { static_cast<Gpu*>(self)->caretaker(); }, this);
}

Gpu::~Gpu() {
    {
        const std::lock_guard lock(mutex_);
        quit_ = true;
    }
    wake_.notify_all();
    if (caretaker_.joinable()) {
        caretaker_.join();
    }
    for (auto& ring : rings_) {
        ring->disable();
    }
    for (auto& ring : rings_) {
        ring.reset();
    }
    for (uint32_t id = 0; id < kContexts; ++id) {
        engine_.destroy(id);
    }
}

void Gpu::caretaker() {
    std::unique_lock lock(mutex_);
    while (!quit_) {
        // Idle, it only wakes for a reset; what strays left behind waits for the next work.
        const auto tick = services_.running.load() != 0 ? kTick : 8 * kTick;
        wake_.wait_for(lock, tick, [this] { return quit_ || resetting_; });
        const bool reset_wanted = resetting_;
        lock.unlock();
        if (reset_wanted) {
            carry_out_reset();
        } else if (services_.running.load() != 0) {
            for (const auto& context : contexts_.all()) {
                context->discard_strays();
            }
        }
        lock.lock();
        if (reset_wanted) {
            resetting_ = false;
            done_.notify_all();
        }
    }
}

void Gpu::carry_out_reset() {
    for (auto& ring : rings_) {
        ring->disable();
    }
    for (auto& ring : rings_) {
        ring->wait_disabled();
        ring->reset();
    }
    for (uint32_t id = 0; id < kContexts; ++id) {
        engine_.destroy(id);
    }
    faults_.reset();
    display_.reset();
    interrupts_.reset();
    const std::lock_guard lock(mutex_);
    scratch_ = {};
    timestamp_hi_ = 0;
    KITE_LOG(info, "reset");
    if (trace_.on()) {
        trace_.line("reset done");
    }
}

bool Gpu::reset(unsigned wait_ms) {
    std::unique_lock lock(mutex_);
    resetting_ = true;
    wake_.notify_all();
    return done_.wait_for(lock, std::chrono::milliseconds(wait_ms), [this] { return !resetting_; });
}

void Gpu::set_bus_master(bool on) {
    services_.bus.store(on, std::memory_order_release);
    guest_memory_changed(0, UINT64_MAX);
}

void Gpu::guest_memory_changed(uint64_t address, uint64_t size) {
    for (const auto& context : contexts_.all()) {
        context->refresh(address, size);
    }
}

void Gpu::go() {
    services_.gone.store(true);
    interrupts_.cut();
    display_.reset();
    for (auto& ring : rings_) {
        ring->disable();
    }
    set_bus_master(false);
}

} // namespace kite::dev::pci
