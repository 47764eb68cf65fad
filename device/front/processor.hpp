// SPDX-License-Identifier: MIT
// The command processor: executes the packets of one queue's submissions in order.
//
// One per queue, used by the queue's thread. Packets take effect in program order; a packet's work
// runs on the pool and is complete when the next one starts, except draws, which the renderer
// queues until a flush, a barrier or the end of the rendering scope. A packet that cannot be
// executed ends the submission: execute() returns the fault, whose text names the packet. Raising
// the kill flag ends it early too (hang, queue destruction). Nothing a packet says makes the
// processor crash or leave the window.
#pragma once

#include "base/result.hpp"
#include "device/copy/copy.hpp"
#include "device/exec/executor.hpp"
#include "device/front/counters.hpp"
#include "device/front/packet_reader.hpp"
#include "device/front/program_cache.hpp"
#include "device/front/state.hpp"
#include "device/mem/window.hpp"
#include "device/query/query_unit.hpp"
#include "device/raster/renderer.hpp"
#include "kite_device/device.hpp"

#include <optional>
#include <span>

namespace kite::dev::front {

/// What a command processor works with; all outlive it.
struct ProcessorEnvironment {
    mem::Window* window = nullptr;               ///< the address space
    ProgramCache* programs = nullptr;            ///< its programs
    exec::Executor* executor = nullptr;          ///< makes routines
    base::ThreadPool* pool = nullptr;            ///< workers
    const std::atomic<uint32_t>* kill = nullptr; ///< non-zero: stop soon
    Counters* counters = nullptr;                ///< totals
    copy::Traffic* traffic = nullptr;            ///< hears of copies, may be null
    bool print_packets = false;                  ///< KITE_DEV_DEBUG=packets: every packet to stderr
};

/// Why a submission ended early.
struct PacketFault {
    uint64_t address = 0; ///< of the packet
    std::string message;  ///< packet name and reason
    bool program = false; ///< a shader binary was refused
};

/// Executes packets.
class Processor {
public:
    explicit Processor(const ProcessorEnvironment& environment);

    /// Runs a submission from default state. Returns the fault, if any; nullopt also if it was
    /// killed.
    [[nodiscard]] std::optional<PacketFault> execute(std::span<const IndirectBuffer> buffers);

private:
    using Words = std::span<const uint32_t>;
    [[nodiscard]] std::optional<PacketFault> run(uint64_t address, uint32_t dwords, unsigned depth);
    [[nodiscard]] base::Result<void> step(Words words);
    [[nodiscard]] base::Result<void> control(Words words);
    [[nodiscard]] base::Result<void> render(Words words);
    [[nodiscard]] base::Result<void> compute(Words words);
    [[nodiscard]] base::Result<void> transfer(Words words);
    [[nodiscard]] base::Result<void> sync(Words words);
    [[nodiscard]] base::Result<void> begin_rendering(Words words);
    [[nodiscard]] base::Result<void> draw_indirect(const hw::DrawIndirectPacket& packet);
    [[nodiscard]] base::Result<void> draw_byte_count(const hw::DrawByteCountPacket& packet);
    [[nodiscard]] base::Result<void> begin_capture(Words words);
    [[nodiscard]] base::Result<void> end_capture(Words words);
    [[nodiscard]] base::Result<void> dispatch(const std::array<uint32_t, 3>& groups,
                                              const std::array<uint32_t, 3>& base);
    [[nodiscard]] base::Result<void> prefetch(const hw::PrefetchPacket& packet);
    [[nodiscard]] base::Result<void> flush();
    [[nodiscard]] base::Result<uint32_t> read_dword(uint64_t va) const;
    [[nodiscard]] base::Result<bool> skipped() const;
    [[nodiscard]] bool killed() const { return env_.kill->load(std::memory_order_relaxed) != 0; }

    ProcessorEnvironment env_;
    copy::Engine copies_;
    State state_;
    query::QueryUnit queries_;
    Renderer renderer_;
    std::vector<std::unique_ptr<exec::WorkerMemory>> worker_memory_;
};

/// The device's clock: nanoseconds of CLOCK_MONOTONIC.
[[nodiscard]] uint64_t now_ns();

} // namespace kite::dev::front
