// SPDX-License-Identifier: MIT
// Queries of one queue: which counters draws add to, and when their values reach memory.
//
// begin() hands a counter to the draw state, end() takes it away; the renderer may still add to it
// until queued draws are finished, so values are written by finish(), which the command processor
// calls after every flush. Used by the queue's thread; counters themselves are atomics. Slots are
// GPU addresses and are checked; an error is the text of a fault.
#pragma once

#include "base/result.hpp"
#include "device/geometry/draw_state.hpp"
#include "device/mem/window.hpp"
#include "kite_hw/packets.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>

namespace kite::dev::query {

/// Values of a pipeline statistics slot, in VkQueryPipelineStatisticFlagBits order.
inline constexpr unsigned kStatistics = 11;

/// The queries of a queue.
class QueryUnit {
public:
    explicit QueryUnit(const mem::Window& window) : window_(window) {}

    /// QueryBegin: `draw` counts from now on.
    [[nodiscard]] base::Result<void> begin(const hw::QueryBeginPacket& packet, DrawState& draw);
    /// QueryEnd: `draw` counts no longer; the value is written by finish().
    [[nodiscard]] base::Result<void> end(const hw::QueryEndPacket& packet, DrawState& draw);
    /// Writes the values of ended queries; all draws before must be complete.
    void finish();
    /// Forgets everything (after a fault, and at the end of a submission with open queries).
    void reset(DrawState& draw);
    /// True if an ended query waits for finish().
    [[nodiscard]] bool pending() const { return !ended_.empty(); }
    /// Counts compute invocations of an active statistics query.
    void add_compute(uint64_t invocations) { compute_invocations_ += invocations; }

    /// WriteTimestamp.
    [[nodiscard]] base::Result<void> timestamp(uint64_t slot, uint64_t nanoseconds);
    /// CopyQueryResults. Waits for availability (if asked to) until *kill is raised.
    [[nodiscard]] base::Result<void> copy_results(const hw::CopyQueryResultsPacket& packet,
                                                  const std::atomic<uint32_t>& kill);

private:
    struct Occlusion {
        uint64_t slot = 0;
        std::atomic<uint64_t> samples{0};
    };
    struct Statistics {
        uint64_t slot = 0;
        PipelineStatistics counters;
        uint64_t compute_at_begin = 0, compute = 0;
    };
    struct Stream {
        uint64_t slot = 0;
        bool generated = false; // primitives_generated: counters.needed is the count
        StreamCounters counters;
    };
    struct Ended {
        std::unique_ptr<Occlusion> occlusion{};
        std::unique_ptr<Statistics> statistics{};
        std::unique_ptr<Stream> stream{};
    };
    [[nodiscard]] base::Result<void> begin_stream(const hw::QueryBeginPacket& packet,
                                                  DrawState& draw);
    [[nodiscard]] std::unique_ptr<Stream>* stream_of(hw::QueryType type, uint32_t index);
    [[nodiscard]] base::Result<void> check_slot(uint64_t slot, uint64_t bytes) const;

    const mem::Window& window_;
    std::unique_ptr<Occlusion> occlusion_;
    std::unique_ptr<Statistics> statistics_;
    std::array<std::unique_ptr<Stream>, kStreams> captured_;
    std::array<std::unique_ptr<Stream>, kStreams> generated_;
    uint64_t compute_invocations_ = 0;
    std::deque<Ended> ended_;
};

} // namespace kite::dev::query
