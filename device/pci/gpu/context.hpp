// SPDX-License-Identifier: MIT
// A GPU context: window, page tables, programs, a command processor per ring, and its death.
//
// Made and replaced by the mmu ring, run by the rings' threads, found through the ContextTable and
// held by shared_ptr while used. A context dies once, with the first fault; the Death is what the
// fault record says, and later work of it does nothing. stop() makes running work end soon;
// wait_idle() waits for that. A page fault is noticed by the trap, on whatever thread, and becomes
// the Death when the submission ends; the window is drowned at once, so that the dead context's
// work cannot reach memory any more.
#pragma once

#include "device/front/processor.hpp"
#include "device/pci/bus/link.hpp"
#include "device/pci/gpu/address_map.hpp"
#include "device/pci/gpu/trap.hpp"
#include "kite_hw/registers.hpp"

#include <array>
#include <condition_variable>
#include <memory>
#include <mutex>

namespace kite::dev::pci {

inline constexpr unsigned kRings = 4;     ///< rings of the device
inline constexpr uint32_t kContexts = 96; ///< contexts that can exist at once

/// Why running work must end; bits of a kill flag.
enum class Stop : uint32_t {
    fault = 1,   ///< the context died
    kill = 2,    ///< per-engine reset
    disable = 4, ///< the ring was switched off
    destroy = 8, ///< the context goes
};

/// What contexts are made of; everything outlives them.
struct ContextParts {
    const Vram* vram = nullptr;             ///< memory
    const GuestMemory* guest = nullptr;     ///< memory behind the bus
    const std::atomic<bool>* bus = nullptr; ///< bus mastering
    MappingBudget* budget = nullptr;        ///< host mappings
    Link* link = nullptr;                   ///< to the memory behind the bus
    exec::Executor* executor = nullptr;     ///< makes routines
    base::ThreadPool* pool = nullptr;       ///< workers
    front::Counters* counters = nullptr;    ///< totals
    bool print_packets = false;             ///< debugging
};

/// Why a context died.
struct Death {
    hw::FaultKind kind{}; ///< cause
    uint64_t address = 0; ///< GPU address
    bool write = false;   ///< page: of a write
    std::string text;     ///< in words
};

/// One context.
class Context final : private TrapOwner, private copy::Traffic {
public:
    /// A context without mappings whose directory lies at a VRAM offset (checked).
    [[nodiscard]] static base::Result<std::shared_ptr<Context>>
    create(uint32_t id, uint64_t directory, const ContextParts& parts);
    ~Context() override = default;
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;

    /// Its id.
    [[nodiscard]] uint32_t id() const { return id_; }
    /// Walks [va, va + size) again (size 0: all). The death to report, if it kills the context.
    [[nodiscard]] std::optional<Death> invalidate(uint64_t va, uint64_t size,
                                                  const std::atomic<uint32_t>& stop);
    /// Guest memory changed.
    void refresh(uint64_t address, uint64_t size) { map_.refresh(address, size); }

    /// Marks the start of a submission on a ring; from now on stop() reaches it. False: dead.
    [[nodiscard]] bool enter(unsigned ring);
    /// Runs packets, between enter() and leave(). The death to report, if this submission killed
    /// the context.
    [[nodiscard]] std::optional<Death> run(unsigned ring, std::span<const IndirectBuffer> buffers);
    /// Accesses an address that is never mapped, for fault injection.
    void touch_unmapped();
    /// Marks the end.
    void leave(unsigned ring);
    /// The kill flag of a ring's submission.
    [[nodiscard]] const std::atomic<uint32_t>& kill_flag(unsigned ring) const {
        return kill_[ring];
    }
    /// Stops what runs on a ring.
    void stop(unsigned ring, Stop why);
    /// Stops what runs on any ring.
    void stop(Stop why);
    /// Waits until nothing of the context runs.
    void wait_idle();
    /// Kills it. False if it was dead.
    bool die();
    /// True once dead.
    [[nodiscard]] bool dead() const { return dead_.load(); }
    /// Takes back memory that stray writes use.
    void discard_strays() { window_->discard_strays(); }

private:
    Context(uint32_t id, uint64_t directory, std::unique_ptr<mem::Window> window,
            const ContextParts& parts);
    bool on_trap(uint64_t offset, bool write) noexcept override;
    void moved(uint64_t va, uint64_t size, bool write, const std::atomic<uint32_t>& kill) override;
    [[nodiscard]] front::Processor& processor(unsigned ring);

    const uint32_t id_;
    const uint64_t directory_;
    const ContextParts parts_;
    std::unique_ptr<mem::Window> window_;
    front::ProgramCache programs_;
    AddressMap map_;
    TrapZone zone_;
    std::array<std::atomic<uint32_t>, kRings> kill_{};
    std::array<std::unique_ptr<front::Processor>, kRings> processors_;
    std::atomic<bool> dead_{false};
    std::atomic<uint32_t> trapped_{0}; // 1: being written, 2: the next two hold
    std::atomic<uint64_t> trap_va_{0};
    std::atomic<bool> trap_write_{false};
    std::mutex mutex_;
    std::condition_variable idle_;
    unsigned running_ = 0;
};

/// The contexts of the device, by id.
class ContextTable {
public:
    /// The context, or null.
    [[nodiscard]] std::shared_ptr<Context> find(uint32_t id);
    /// Puts a context (or null) in place of another, which is returned. id < kContexts.
    std::shared_ptr<Context> replace(uint32_t id, std::shared_ptr<Context> context);
    /// All of them.
    [[nodiscard]] std::vector<std::shared_ptr<Context>> all();

private:
    std::mutex mutex_;
    std::array<std::shared_ptr<Context>, kContexts> contexts_;
};

} // namespace kite::dev::pci
