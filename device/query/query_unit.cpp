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

base::Result<void> QueryUnit::begin(const hw::QueryBeginPacket& p, DrawState& draw) {
    if (p.type == hw::QueryType::occlusion) {
        if (occlusion_ != nullptr) {
            return fail(ErrorCode::corrupt, "an occlusion query is active already");
        }
        occlusion_ = std::make_unique<Occlusion>();
        occlusion_->slot = p.address;
        draw.samples_passed = &occlusion_->samples;
        return check_slot(p.address, hw::QuerySlot::kBytes);
    }
    if (p.type == hw::QueryType::pipeline_statistics) {
        if (statistics_ != nullptr) {
            return fail(ErrorCode::corrupt, "a pipeline statistics query is active already");
        }
        statistics_ = std::make_unique<Statistics>();
        statistics_->slot = p.address;
        statistics_->compute_at_begin = compute_invocations_;
        draw.statistics = &statistics_->counters;
        return check_slot(p.address, (kStatistics + 1) * 8);
    }
    if (p.type == hw::QueryType::timestamp) {
        return fail(ErrorCode::corrupt, "timestamp queries do not begin");
    }
    return begin_stream(p, draw);
}

std::unique_ptr<QueryUnit::Stream>* QueryUnit::stream_of(hw::QueryType type, uint32_t index) {
    if (index >= kStreams) {
        return nullptr;
    }
    return type == hw::QueryType::transform_feedback     ? &captured_[index]
           : type == hw::QueryType::primitives_generated ? &generated_[index]
                                                         : nullptr;
}

base::Result<void> QueryUnit::begin_stream(const hw::QueryBeginPacket& p, DrawState& draw) {
    auto* query = stream_of(p.type, p.index);
    if (query == nullptr || *query != nullptr) {
        return fail(ErrorCode::corrupt, "query of vertex stream {} is active already or unknown",
                    p.index);
    }
    *query = std::make_unique<Stream>();
    Stream& s = **query;
    s.slot = p.address;
    s.generated = p.type == hw::QueryType::primitives_generated;
    if (s.generated) {
        draw.primitives_generated[p.index] = &s.counters.needed;
    } else {
        draw.stream_counters[p.index] = &s.counters;
    }
    return check_slot(p.address, s.generated ? 16 : 24);
}

base::Result<void> QueryUnit::end(const hw::QueryEndPacket& p, DrawState& draw) {
    if (p.type == hw::QueryType::occlusion && occlusion_ != nullptr &&
        occlusion_->slot == p.address) {
        draw.samples_passed = nullptr;
        ended_.push_back({.occlusion = std::move(occlusion_)});
        return {};
    }
    if (p.type == hw::QueryType::pipeline_statistics && statistics_ != nullptr &&
        statistics_->slot == p.address) {
        draw.statistics = nullptr;
        statistics_->compute = compute_invocations_ - statistics_->compute_at_begin;
        ended_.push_back({.statistics = std::move(statistics_)});
        return {};
    }
    if (auto* query = stream_of(p.type, p.index);
        query != nullptr && *query != nullptr && (*query)->slot == p.address) {
        if ((*query)->generated) {
            draw.primitives_generated[p.index] = nullptr;
        } else {
            draw.stream_counters[p.index] = nullptr;
        }
        ended_.push_back({.stream = std::move(*query)});
        return {};
    }
    return fail(ErrorCode::corrupt, "end of a query that is not active");
}

void QueryUnit::finish() {
    for (const Ended& e : ended_) {
        if (e.occlusion != nullptr) {
            const uint64_t value = e.occlusion->samples.load();
            publish(window_.at(e.occlusion->slot), {&value, 1});
        } else if (e.stream != nullptr) {
            const StreamCounters& c = e.stream->counters;
            const uint64_t values[] = {c.written, c.needed};
            publish(window_.at(e.stream->slot),
                    e.stream->generated ? std::span(values).subspan(1) : std::span(values));
        } else {
            const PipelineStatistics& c = e.statistics->counters;
            const uint64_t values[kStatistics] = {
                c.input_vertices,       c.input_primitives,     c.vertex_invocations,
                c.geometry_invocations, c.geometry_primitives,  c.clip_invocations,
                c.clip_primitives,      c.fragment_invocations, c.control_patches,
                c.eval_invocations,     e.statistics->compute};
            publish(window_.at(e.statistics->slot), values);
        }
    }
    ended_.clear();
}

void QueryUnit::reset(DrawState& draw) {
    draw.samples_passed = nullptr;
    draw.statistics = nullptr;
    draw.stream_counters = {};
    draw.primitives_generated = {};
    occlusion_.reset();
    statistics_.reset();
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
