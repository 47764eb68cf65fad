// SPDX-License-Identifier: MIT
// The GPU behind the bus: memory, rings, contexts, registers, reset; owns all of them.
//
// Made once, lives as long as the process; clients come and go with reset(). Register accesses come
// from the server thread and never wait for GPU work: a reset is carried out by the caretaker
// thread, which also takes back the memory that stray writes use. Nothing the guest does ends the
// process.
#pragma once

#include "base/thread_pool.hpp"
#include "device/display/engine.hpp"
#include "device/pci/bus/config_space.hpp"
#include "device/pci/gpu/ring.hpp"

#include <unordered_map>

namespace kite::dev::pci {

/// What to build.
struct GpuOptions {
    uint64_t vram_bytes = uint64_t{1} << 30;    ///< a multiple of 4096
    uint64_t visible_bytes = uint64_t{1} << 30; ///< what BAR2 shows
    unsigned link_generation = 4;               ///< PCIe generation
    unsigned link_width = 4;                    ///< lanes
    LinkOptions link;                           ///< how fast copies over it are
    uint32_t heat_mw = 0;                       ///< heat from outside, milliwatts
    exec::ExecutorConfig executor;              ///< how shaders run
    unsigned threads = 0;                       ///< workers, 0: as many as CPUs
    bool print_packets = false;                 ///< KITE_DEV_DEBUG=packets
    std::vector<display::Edid> monitors;        ///< one head each; empty: nothing connected
};

/// The GPU.
class Gpu {
public:
    /// Builds everything and starts its threads. `msix`, `guest`, `injector` and `trace` outlive
    /// it.
    [[nodiscard]] static base::Result<std::unique_ptr<Gpu>> create(const GpuOptions& options,
                                                                   Msix& msix, GuestMemory& guest,
                                                                   Injector& injector,
                                                                   const Trace& trace);
    /// Stops everything.
    ~Gpu();
    Gpu(const Gpu&) = delete;
    Gpu& operator=(const Gpu&) = delete;

    /// Reads a register of BAR0, dword-aligned offset below 64 KiB.
    [[nodiscard]] uint32_t read(uint32_t offset);
    /// Writes one.
    void write(uint32_t offset, uint32_t value);
    /// Starts a reset and waits for it, at most so long. True if it is done.
    bool reset(unsigned wait_ms);
    /// Bus mastering was switched.
    void set_bus_master(bool on);
    /// Guest memory at [address, address + size) came or went; on return contexts show it as it is.
    void guest_memory_changed(uint64_t address, uint64_t size);
    /// The memory.
    [[nodiscard]] const Vram& vram() const { return vram_; }
    /// The cable.
    [[nodiscard]] const Link& link() const { return link_; }
    /// Heat from outside, milliwatts.
    void set_heat(uint32_t milliwatts) { thermal_.set_heat(milliwatts, front::now_ns()); }
    /// What sensors, link and rings say, a "name value" line each.
    [[nodiscard]] std::string telemetry();
    /// The display heads.
    [[nodiscard]] display::Engine& display() { return display_; }
    /// True once fault injection took the device away.
    [[nodiscard]] bool gone() const { return services_.gone.load(std::memory_order_relaxed); }
    /// Takes it away: interrupts, engines and DMA stop.
    void go();
    /// A new one is there; to be reset before it is used.
    void come_back() { services_.gone.store(false); }

private:
    Gpu(const GpuOptions& options, Vram vram, std::unique_ptr<exec::Executor> executor, Msix& msix,
        GuestMemory& guest, Injector& injector, const Trace& trace);
    void caretaker();
    void carry_out_reset();
    [[nodiscard]] uint32_t read_identity(uint32_t offset);
    [[nodiscard]] uint32_t read_control(uint32_t offset);
    [[nodiscard]] std::optional<uint64_t> read_pair(uint32_t low_offset);
    [[nodiscard]] uint32_t read_telemetry(uint32_t offset);

    const GpuOptions options_;
    Vram vram_;
    GuestMemory& guest_;
    const Trace& trace_;
    std::unique_ptr<exec::Executor> executor_;
    base::ThreadPool pool_;
    front::Counters counters_;
    MappingBudget budget_;
    Thermal thermal_;
    Link link_;
    ContextTable contexts_;
    Interrupts interrupts_;
    display::Engine display_;
    FaultQueue faults_;
    Services services_;
    Engine engine_;
    std::array<std::unique_ptr<Ring>, kRings> rings_;
    std::array<uint32_t, hw::reg::kCodeUuidCount> uuid_{};
    std::array<uint32_t, hw::reg::kDescriptionCount> description_{};
    std::array<uint32_t, hw::reg::kScratchCount> scratch_{};
    uint32_t timestamp_hi_ = 0;
    std::unordered_map<uint32_t, uint32_t> latched_; // high halves, by their offset

    std::mutex mutex_;
    std::condition_variable wake_, done_;
    bool resetting_ = false, quit_ = false;
    std::thread caretaker_;
};

} // namespace kite::dev::pci
