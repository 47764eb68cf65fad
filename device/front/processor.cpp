// SPDX-License-Identifier: MIT
#include "device/front/processor.hpp"

#include "base/thread_pool.hpp"
#include "kite_hw/packet_dump.hpp"

#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <thread>

namespace kite::dev::front {

using base::ErrorCode;
using base::fail;
using hw::Packet;

uint64_t now_ns() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<uint64_t>(t.tv_sec) * 1000000000u + static_cast<uint64_t>(t.tv_nsec);
}

Processor::Processor(const ProcessorEnvironment& environment)
    : env_(environment), copies_{.window = env_.window->base(),
                                 .va_mask = env_.window->mask(),
                                 .pool = env_.pool,
                                 .kill = env_.kill,
                                 .traffic = env_.traffic},
      queries_(*env_.window), renderer_({.window = env_.window->base(),
                                         .va_mask = env_.window->mask(),
                                         .kill = env_.kill,
                                         .executor = env_.executor,
                                         .pool = env_.pool,
                                         .counters = &env_.counters->render}) {}

std::optional<PacketFault> Processor::execute(std::span<const IndirectBuffer> buffers) {
    state_.reset();
    std::optional<PacketFault> fault;
    for (const IndirectBuffer& ib : buffers) {
        fault = run(ib.address, ib.dwords, 0);
        if (fault || killed()) {
            break;
        }
    }
    if (!fault && !killed() && renderer_.in_scope()) {
        fault = PacketFault{.address = 0, .message = "submission ends inside a rendering scope"};
    }
    if (fault || killed()) {
        renderer_.abandon();
    } else if (queries_.pending()) {
        queries_.finish();
    }
    queries_.reset(state_.draw);
    return fault;
}

std::optional<PacketFault> Processor::run(uint64_t address, uint32_t dwords, unsigned depth) {
    PacketReader reader(*env_.window, address, dwords);
    uint64_t packets = 0;
    std::optional<PacketFault> fault;
    while (!killed()) {
        const PacketReader::Step next = reader.next();
        if (next == PacketReader::Step::end) {
            break;
        }
        if (next == PacketReader::Step::error) {
            fault = PacketFault{.address = reader.address(), .message = reader.error()};
            break;
        }
        ++packets;
        const auto words = reader.words();
        if (env_.print_packets) {
            const std::string text = hw::dump_packet(words);
            std::fprintf(stderr, "%010" PRIx64 " %s\n", reader.address(), text.c_str());
        }
        if (hw::packet_id(words[0]) == Packet::call) {
            const auto call = hw::CallPacket::unpack(words.data());
            if (depth >= hw::limits::kMaxCallDepth) {
                fault =
                    PacketFault{.address = reader.address(), .message = "call: nested too deeply"};
                break;
            }
            fault = run(call.address, call.dwords, depth + 1);
            if (fault) {
                break;
            }
            continue;
        }
        if (auto done = step(words); !done) {
            const Packet id = hw::packet_id(words[0]);
            const char* name = hw::name_of(id);
            fault = PacketFault{.address = reader.address(),
                                .message = std::string(name != nullptr ? name : "packet") + ": " +
                                           done.error().message,
                                .program = id == Packet::bind_program || id == Packet::prefetch};
            break;
        }
    }
    env_.counters->packets += packets;
    return fault;
}

base::Result<void> Processor::step(Words words) {
    const Packet id = hw::packet_id(words[0]);
    if (State::handles(id)) {
        return state_.apply(words, *env_.programs);
    }
    if (id < Packet::begin_rendering) {
        return control(words);
    }
    if (id == Packet::dispatch || id == Packet::dispatch_indirect) {
        return compute(words);
    }
    if (id < Packet::copy_buffer) {
        return render(words);
    }
    return id < Packet::query_begin ? transfer(words) : sync(words);
}

base::Result<void> Processor::control(Words words) {
    switch (hw::packet_id(words[0])) {
    case Packet::nop:
        return {};
    case Packet::barrier:
        return flush();
    case Packet::prefetch:
        return prefetch(hw::PrefetchPacket::unpack(words.data()));
    default:
        return fail(ErrorCode::unsupported, "unknown packet");
    }
}

// Work is complete when its packet is; only the renderer keeps draws back.
base::Result<void> Processor::flush() {
    if (renderer_.in_scope()) {
        if (auto done = renderer_.flush(); !done) {
            return done;
        }
    }
    if (!killed()) {
        queries_.finish();
    }
    return {};
}

base::Result<void> Processor::prefetch(const hw::PrefetchPacket& p) {
    auto hash = env_.programs->claimed_hash(p.address, p.size_bytes);
    if (!hash) {
        return std::unexpected(std::move(hash.error()));
    }
    auto program = env_.programs->get(p.address, p.size_bytes, *hash);
    if (!program) {
        return std::unexpected(std::move(program.error()));
    }
    // A vertex routine depends on the attribute formats: those set now are the best guess.
    exec::VertexKey key;
    const exec::ProgramInfo& info = (*program)->info;
    for (uint32_t i = 0; info.stage == hw::Stage::vertex && i < state_.draw.attribute_count; ++i) {
        const hw::VertexAttribute& a = state_.draw.attributes[i];
        if (a.location < key.format.size() && (info.attributes >> a.location & 1u) != 0) {
            key.format[a.location] = static_cast<uint16_t>(a.format);
        }
    }
    env_.executor->prefetch(*program, key);
    return {};
}

base::Result<uint32_t> Processor::read_dword(uint64_t va) const {
    if (va % 4 != 0 || !env_.window->contains(va, 4)) {
        return fail(ErrorCode::corrupt,
                    "dword address {:#x} is misaligned or outside the address space", va);
    }
    return std::atomic_ref(*reinterpret_cast<uint32_t*>(env_.window->at(va)))
        .load(std::memory_order_acquire);
}

base::Result<bool> Processor::skipped() const {
    if (state_.predicate.address == 0) {
        return false;
    }
    auto value = read_dword(state_.predicate.address);
    if (!value) {
        return std::unexpected(std::move(value.error()));
    }
    return (*value != 0) == state_.predicate.inverted;
}

base::Result<void> Processor::compute(Words words) {
    auto skip = skipped();
    if (!skip) {
        return std::unexpected(std::move(skip.error()));
    }
    if (*skip) {
        return {};
    }
    if (hw::packet_id(words[0]) == Packet::dispatch) {
        const auto p = hw::DispatchPacket::unpack(words.data());
        return dispatch(p.groups, p.base);
    }
    const auto p = hw::DispatchIndirectPacket::unpack(words.data());
    std::array<uint32_t, 3> groups{};
    if (p.address % 4 != 0 || !env_.window->contains(p.address, sizeof(groups))) {
        return fail(ErrorCode::corrupt,
                    "parameters at {:#x} are misaligned or outside the address space", p.address);
    }
    std::memcpy(groups.data(), env_.window->at(p.address), sizeof(groups));
    return dispatch(groups, {0, 0, 0});
}

base::Result<void> Processor::dispatch(const std::array<uint32_t, 3>& groups,
                                       const std::array<uint32_t, 3>& base) {
    if (renderer_.in_scope()) {
        return fail(ErrorCode::corrupt, "inside a rendering scope");
    }
    const ComputeState& s = state_.compute;
    if (s.program == nullptr) {
        return fail(ErrorCode::corrupt, "no compute program is bound");
    }
    for (unsigned i = 0; i < 3; ++i) {
        if (groups[i] > hw::limits::kMaxWorkgroupCount || base[i] > 0x7fffffffu) {
            return fail(ErrorCode::corrupt, "{} x {} x {} workgroups", groups[0], groups[1],
                        groups[2]);
        }
    }
    const uint64_t total = uint64_t{groups[0]} * groups[1] * groups[2];
    if (total == 0) {
        return {};
    }
    exec::DrawContext context;
    context.window = env_.window->base();
    context.va_mask = env_.window->mask();
    context.kill = env_.kill;
    context.set_va = s.set_va;
    context.push_va = s.push_va;
    context.dynamic_va = s.dynamic_va;
    context.num_groups = groups;
    const auto routine = env_.executor->routine(s.program, {});
    while (worker_memory_.size() < env_.pool->concurrency()) {
        worker_memory_.push_back(std::make_unique<exec::WorkerMemory>());
    }
    const auto run_group = [&](uint64_t index, unsigned worker) {
        if (killed()) {
            return;
        }
        const uint64_t row = index / groups[0];
        const std::array<uint32_t, 3> group = {base[0] + static_cast<uint32_t>(index % groups[0]),
                                               base[1] + static_cast<uint32_t>(row % groups[1]),
                                               base[2] + static_cast<uint32_t>(row / groups[1])};
        routine->run_workgroup(context, group, *worker_memory_[worker]);
    };
    // In slices, because a killed dispatch of 2^48 workgroups would still count through all of
    // them.
    constexpr uint64_t kSlice = uint64_t{1} << 20;
    for (uint64_t first = 0; first < total && !killed(); first += kSlice) {
        env_.pool->parallel_for(
            std::min(kSlice, total - first),
            [&](uint64_t index, unsigned worker) { run_group(first + index, worker); });
    }
    const std::array<uint32_t, 3>& local = s.program->info.workgroup;
    queries_.add_compute(total * local[0] * local[1] * local[2]);
    env_.counters->dispatches += 1;
    env_.counters->workgroups += total;
    return {};
}

base::Result<void> Processor::transfer(Words words) {
    if (renderer_.in_scope()) {
        return fail(ErrorCode::corrupt, "inside a rendering scope");
    }
    env_.counters->copies += 1;
    const uint32_t* w = words.data();
    switch (hw::packet_id(words[0])) {
    case Packet::copy_buffer:
        return copy::copy_buffer(copies_, hw::CopyBufferPacket::unpack(w));
    case Packet::fill_buffer:
        return copy::fill_buffer(copies_, hw::FillBufferPacket::unpack(w));
    case Packet::copy_buffer_to_image:
        return copy::copy_buffer_to_image(copies_, hw::CopyBufferToImagePacket::unpack(w));
    case Packet::copy_image_to_buffer:
        return copy::copy_image_to_buffer(copies_, hw::CopyImageToBufferPacket::unpack(w));
    case Packet::copy_image:
        return copy::copy_image(copies_, hw::CopyImagePacket::unpack(w));
    case Packet::blit_image:
        return copy::blit_image(copies_, hw::BlitImagePacket::unpack(w));
    case Packet::resolve_image:
        return copy::resolve_image(copies_, hw::ResolveImagePacket::unpack(w));
    case Packet::clear_image:
        return copy::clear_image(copies_, hw::ClearImagePacket::unpack(w));
    default:
        return fail(ErrorCode::unsupported, "unknown packet");
    }
}

base::Result<void> Processor::sync(Words words) {
    const uint32_t* w = words.data();
    switch (hw::packet_id(words[0])) {
    case Packet::query_begin:
        return queries_.begin(hw::QueryBeginPacket::unpack(w), state_.draw);
    case Packet::query_end: {
        auto ended = queries_.end(hw::QueryEndPacket::unpack(w), state_.draw);
        if (ended && !renderer_.in_scope()) {
            queries_.finish();
        }
        return ended;
    }
    case Packet::write_timestamp:
        if (auto done = flush(); !done) {
            return done;
        }
        return queries_.timestamp(hw::WriteTimestampPacket::unpack(w).address, now_ns());
    case Packet::copy_query_results:
        if (renderer_.in_scope()) {
            return fail(ErrorCode::corrupt, "inside a rendering scope");
        }
        return queries_.copy_results(hw::CopyQueryResultsPacket::unpack(w), *env_.kill);
    case Packet::write_event: {
        const auto p = hw::WriteEventPacket::unpack(w);
        if (auto done = flush(); !done) {
            return done;
        }
        if (auto now = read_dword(p.address); !now) {
            return std::unexpected(std::move(now.error()));
        }
        std::atomic_ref(*reinterpret_cast<uint32_t*>(env_.window->at(p.address)))
            .store(p.value, std::memory_order_release);
        return {};
    }
    case Packet::wait_event: {
        const auto p = hw::WaitEventPacket::unpack(w);
        if (auto done = flush(); !done) {
            return done;
        }
        for (auto pause = std::chrono::microseconds(1); !killed();
             pause = std::min(pause * 2, std::chrono::microseconds(500))) {
            auto now = read_dword(p.address);
            if (!now) {
                return std::unexpected(std::move(now.error()));
            }
            if (*now == p.value) {
                break;
            }
            std::this_thread::sleep_for(pause);
        }
        return {};
    }
    case Packet::label:
        return {};
    default:
        return fail(ErrorCode::unsupported, "unknown packet");
    }
}

} // namespace kite::dev::front
