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
#include <functional>
#include <memory>
#include <vector>

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
    /// The active queries of one type (and stream). Several may be active at once, from different
    /// pools: Vulkan forbids it, but OpenGL has it and Zink passes it on. Draws count into a part;
    /// whenever a query begins or ends, a new part starts, and a query's value is the sum of those
    /// it saw.
    template <class Counters>
    struct Active {
        struct Query {
            uint64_t slot = 0;
            uint64_t compute_at_begin = 0, compute = 0; // statistics
            std::vector<std::shared_ptr<Counters>> parts;
        };
        std::vector<Query> queries;

        [[nodiscard]] base::Result<void> begin(uint64_t slot);
        [[nodiscard]] base::Result<Query> end(uint64_t slot);
        /// What draws count into from now on; null if nothing is active.
        Counters* split();
    };
    struct Samples {
        std::atomic<uint64_t> passed{0};
    };
    struct Ended {
        uint64_t slot;
        std::function<std::vector<uint64_t>()> values;
    };
    [[nodiscard]] base::Result<void> check_slot(uint64_t slot, uint64_t bytes) const;
    void aim(hw::QueryType type, uint32_t index, DrawState& draw);

    const mem::Window& window_;
    Active<Samples> occlusion_;
    Active<PipelineStatistics> statistics_;
    std::array<Active<StreamCounters>, kStreams> captured_;
    std::array<Active<StreamCounters>, kStreams> generated_; // counted as needed
    uint64_t compute_invocations_ = 0;
    std::deque<Ended> ended_;
};

} // namespace kite::dev::query
