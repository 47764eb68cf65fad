// SPDX-License-Identifier: MIT
#include "device/query/query_unit.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstring>
#include <span>
#include <thread>

namespace kite::dev::query {

using base::ErrorCode;
using base::fail;

namespace {

constexpr size_t kMostActive = 32; // of one type

// Availability is published after the values: a host thread may poll the slot.
void publish(std::byte* slot, std::span<const uint64_t> values) {
    auto* out = reinterpret_cast<uint64_t*>(slot);
    std::copy(values.begin(), values.end(), out);
    std::atomic_ref(out[values.size()]).store(1, std::memory_order_release);
}

void store(std::byte*& out, uint64_t value, bool wide) {
    std::memcpy(out, &value, wide ? 8 : 4);
    out += wide ? 8 : 4;
}

} // namespace

base::Result<void> QueryUnit::check_slot(uint64_t slot, uint64_t bytes) const {
    if (slot % 8 != 0 || !window_.contains(slot, bytes)) {
        return fail(ErrorCode::corrupt,
                    "query slot {:#x} is misaligned or outside the address space", slot);
    }
    return {};
}

template <class Counters>
base::Result<void> QueryUnit::Active<Counters>::begin(uint64_t slot) {
    for (const Query& q : queries) {
        if (q.slot == slot) {
            return fail(ErrorCode::corrupt, "the query is active already");
        }
    }
    if (queries.size() >= kMostActive) {
        return fail(ErrorCode::corrupt, "more than {} queries of a type are active", kMostActive);
    }
    queries.push_back({.slot = slot, .parts = {}});
    return {};
}

template <class Counters>
base::Result<typename QueryUnit::Active<Counters>::Query>
QueryUnit::Active<Counters>::end(uint64_t slot) {
    const auto it = std::ranges::find(queries, slot, &Query::slot);
    if (it == queries.end()) {
        return fail(ErrorCode::corrupt, "end of a query that is not active");
    }
    Query ended = std::move(*it);
    queries.erase(it);
    return ended;
}

template <class Counters>
Counters* QueryUnit::Active<Counters>::split() {
    if (queries.empty()) {
        return nullptr;
    }
    const auto part = std::make_shared<Counters>();
    for (Query& q : queries) {
        q.parts.push_back(part);
    }
    return part.get();
}

/// Points the draw state at the current part of a type.
void QueryUnit::aim(hw::QueryType type, uint32_t index, DrawState& draw) {
    switch (type) {
    case hw::QueryType::occlusion: {
        Samples* part = occlusion_.split();
        draw.samples_passed = part != nullptr ? &part->passed : nullptr;
        break;
    }
    case hw::QueryType::pipeline_statistics:
        draw.statistics = statistics_.split();
        break;
    case hw::QueryType::transform_feedback:
        draw.stream_counters[index] = captured_[index].split();
        break;
    case hw::QueryType::primitives_generated: {
        StreamCounters* part = generated_[index].split();
        draw.primitives_generated[index] = part != nullptr ? &part->needed : nullptr;
        break;
    }
    default:
        break;
    }
}

base::Result<void> QueryUnit::begin(const hw::QueryBeginPacket& p, DrawState& draw) {
    if (p.index >= kStreams) {
        return fail(ErrorCode::corrupt, "vertex stream {}", p.index);
    }
    const auto started = [&](base::Result<void> begun, uint32_t values) -> base::Result<void> {
        if (begun) {
            begun = check_slot(p.address, uint64_t{values + 1} * 8);
        }
        if (begun) {
            aim(p.type, p.index, draw);
        }
        return begun;
    };
    switch (p.type) {
    case hw::QueryType::occlusion:
        return started(occlusion_.begin(p.address), 1);
    case hw::QueryType::pipeline_statistics: {
        auto begun = statistics_.begin(p.address);
        if (begun) {
            statistics_.queries.back().compute_at_begin = compute_invocations_;
        }
        return started(std::move(begun), kStatistics);
    }
    case hw::QueryType::transform_feedback:
        return started(captured_[p.index].begin(p.address), 2);
    case hw::QueryType::primitives_generated:
        return started(generated_[p.index].begin(p.address), 1);
    default:
        return fail(ErrorCode::corrupt, "queries of this type do not begin");
    }
}

base::Result<void> QueryUnit::end(const hw::QueryEndPacket& p, DrawState& draw) {
    if (p.index >= kStreams) {
        return fail(ErrorCode::corrupt, "vertex stream {}", p.index);
    }
    // The parts are added up by finish(), when the draws that count into them are complete.
    const auto ended = [&](auto query, auto sum) -> base::Result<void> {
        if (!query) {
            return std::unexpected(std::move(query.error()));
        }
        aim(p.type, p.index, draw);
        ended_.push_back({p.address, [q = std::move(*query), sum] { return sum(q); }});
        return {};
    };
    switch (p.type) {
    case hw::QueryType::occlusion:
        return ended(occlusion_.end(p.address), [](const auto& q) {
            uint64_t samples = 0;
            for (const auto& part : q.parts) {
                samples += part->passed;
            }
            return std::vector{samples};
        });
    case hw::QueryType::pipeline_statistics: {
        auto query = statistics_.end(p.address);
        if (query) {
            query->compute = compute_invocations_ - query->compute_at_begin;
        }
        return ended(std::move(query), [](const auto& q) {
            std::vector<uint64_t> sum(kStatistics);
            for (const auto& part : q.parts) {
                const PipelineStatistics& c = *part;
                const uint64_t values[] = {c.input_vertices,      c.input_primitives,
                                           c.vertex_invocations,  c.geometry_invocations,
                                           c.geometry_primitives, c.clip_invocations,
                                           c.clip_primitives,     c.fragment_invocations,
                                           c.control_patches,     c.eval_invocations};
                for (size_t i = 0; i < std::size(values); ++i) {
                    sum[i] += values[i];
                }
            }
            sum.back() = q.compute;
            return sum;
        });
    }
    case hw::QueryType::transform_feedback:
        return ended(captured_[p.index].end(p.address), [](const auto& q) {
            std::vector<uint64_t> sum(2);
            for (const auto& part : q.parts) {
                sum[0] += part->written;
                sum[1] += part->needed;
            }
            return sum;
        });
    case hw::QueryType::primitives_generated:
        return ended(generated_[p.index].end(p.address), [](const auto& q) {
            uint64_t primitives = 0;
            for (const auto& part : q.parts) {
                primitives += part->needed;
            }
            return std::vector{primitives};
        });
    default:
        return fail(ErrorCode::corrupt, "queries of this type do not end");
    }
}

void QueryUnit::finish() {
    for (const Ended& e : ended_) {
        publish(window_.at(e.slot), e.values());
    }
    ended_.clear();
}

void QueryUnit::reset(DrawState& draw) {
    draw.samples_passed = nullptr;
    draw.statistics = nullptr;
    draw.stream_counters = {};
    draw.primitives_generated = {};
    occlusion_ = {};
    statistics_ = {};
    captured_ = {};
    generated_ = {};
    ended_.clear();
}

base::Result<void> QueryUnit::timestamp(uint64_t slot, uint64_t nanoseconds) {
    if (auto ok = check_slot(slot, hw::QuerySlot::kBytes); !ok) {
        return ok;
    }
    publish(window_.at(slot), {&nanoseconds, 1});
    return {};
}

base::Result<void> QueryUnit::copy_results(const hw::CopyQueryResultsPacket& p,
                                           const std::atomic<uint32_t>& kill) {
    const uint64_t unit = p.wide ? 8 : 4;
    const auto values = static_cast<uint32_t>(std::popcount(p.select));
    const auto last = static_cast<uint32_t>(std::bit_width(p.select));
    const uint64_t result_bytes = (uint64_t{values} + (p.availability ? 1 : 0)) * unit;
    if (p.select == 0 || last > kStatistics || p.slot_bytes < (last + 1) * 8 ||
        p.slot_bytes % 8 != 0 || p.slot_bytes > 4096) {
        return fail(ErrorCode::corrupt, "values {:#x} in a slot of {} bytes", p.select,
                    p.slot_bytes);
    }
    if (p.count == 0) {
        return {};
    }
    const auto dst_bytes =
        static_cast<unsigned __int128>(p.dst_stride) * (p.count - 1) + result_bytes;
    if (auto ok = check_slot(p.src, uint64_t{p.slot_bytes} * p.count); !ok) {
        return ok;
    }
    if (p.dst % 4 != 0 || p.dst_stride % 4 != 0 || dst_bytes > window_.mask() ||
        !window_.contains(p.dst, static_cast<uint64_t>(dst_bytes))) {
        return fail(ErrorCode::corrupt, "destination is misaligned or outside the address space");
    }
    for (uint32_t i = 0; i < p.count; ++i) {
        auto* slot = reinterpret_cast<uint64_t*>(window_.at(p.src + uint64_t{i} * p.slot_bytes));
        // Availability is the slot's last 8 bytes.
        const std::atomic_ref available(slot[p.slot_bytes / 8 - 1]);
        while (p.wait && available.load(std::memory_order_acquire) == 0 &&
               kill.load(std::memory_order_relaxed) == 0) {
            std::this_thread::sleep_for(std::chrono::microseconds(50));
        }
        const bool final = available.load(std::memory_order_acquire) != 0;
        std::byte* out = window_.at(p.dst + i * p.dst_stride);
        if (!final && !p.partial) {
            out += values * unit;
        } else {
            for (uint32_t v = 0; v < last; ++v) {
                if ((p.select >> v & 1u) != 0) {
                    store(out, final ? slot[v] : 0, p.wide);
                }
            }
        }
        if (p.availability) {
            store(out, final ? 1 : 0, p.wide);
        }
    }
    return {};
}

} // namespace kite::dev::query
