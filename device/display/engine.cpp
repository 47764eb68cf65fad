// SPDX-License-Identifier: MIT
#include "device/display/engine.hpp"

#include "base/bits.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstring>
#include <pthread.h>

namespace kite::dev::display {

namespace reg = hw::reg;

namespace {

constexpr uint32_t kEdidDwords = reg::kEdidCount / reg::kHeadStatusCount;
constexpr uint32_t kStateAlignment = 64;

// Dwords of the HeadWriteback.
constexpr uint32_t kVblank = 0, kLatched = 1, kVblankNs = 2, kRefused = 6, kConnector = 7, kCrc = 8,
                   kCrcVblank = 9, kWritten = 10;

constexpr auto kTarget = static_cast<std::size_t>(hw::PlaneIndex::writeback);

bool same_mode(const hw::HeadState& one, const hw::HeadState& other) {
    return one.active_width == other.active_width && one.active_height == other.active_height &&
           one.total_width == other.total_width && one.total_height == other.total_height &&
           one.clock_khz == other.clock_khz;
}

void set_low(uint64_t& value, uint32_t low) {
    value = (value >> 32 << 32) | low;
}

void set_high(uint64_t& value, uint32_t high) {
    value = (value & 0xffffffff) | uint64_t{high} << 32;
}

} // namespace

Engine::Engine(Surroundings surroundings, std::vector<Edid> monitors)
    : around_(std::move(surroundings)), heads_(std::min<std::size_t>(monitors.size(), kMostHeads)) {
    for (std::size_t i = 0; i < heads_.size(); ++i) {
        heads_[i].edid = std::move(monitors[i]);
    }
    if (heads_.empty()) {
        return;
    }
    sigset_t all, before;
    sigfillset(&all);
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGSYS);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    pthread_setname_np(thread_.native_handle(), "kite-display");
}

Engine::~Engine() {
    {
        const std::lock_guard lock(mutex_);
        quit_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) {
        thread_.join();
    }
}

void Engine::store(const Head& head, uint32_t dword, uint64_t value, uint32_t bytes) const {
    if (head.writeback_at == 0 || head.writeback_at % kStateAlignment != 0 ||
        !base::range_fits<uint64_t>(head.writeback_at, hw::HeadWriteback::kBytes,
                                    around_.memory.size())) {
        return;
    }
    std::byte* at = around_.memory.data() + head.writeback_at + dword * 4;
    if (bytes == 8) {
        std::atomic_ref(*reinterpret_cast<uint64_t*>(at)).store(value, std::memory_order_release);
    } else {
        std::atomic_ref(*reinterpret_cast<uint32_t*>(at))
            .store(static_cast<uint32_t>(value), std::memory_order_release);
    }
}

void Engine::raise(const Head& head, hw::HeadEvent event) const {
    if ((head.irq_enable >> static_cast<uint32_t>(event) & 1) != 0) {
        around_.interrupt();
    }
}

void Engine::run() {
    std::unique_lock lock(mutex_);
    while (!quit_) {
        uint64_t next = UINT64_MAX;
        for (const Head& head : heads_) {
            next = head.period_ns != 0 ? std::min(next, head.next_ns) : next;
            next = head.due ? 0 : next;
        }
        const uint64_t now = around_.now_ns();
        if (next == UINT64_MAX) {
            wake_.wait(lock);
        } else if (now < next) {
            wake_.wait_for(lock, std::chrono::nanoseconds(next - now));
        } else {
            for (Head& head : heads_) {
                // A commit takes effect at the first vblank after it was made, however late that
                // is.
                tell_vblank(head, now, head.pending ? Vblanks::first : Vblanks::all);
                if (head.due) {
                    show(head, lock);
                }
            }
        }
    }
}

// Vblanks that began, if any has, are counted, and the last one is heard of.
void Engine::tell_vblank(Head& head, uint64_t now, Vblanks which) {
    if (head.period_ns == 0 || now < head.next_ns) {
        return;
    }
    const uint64_t slept = which == Vblanks::first ? 0 : (now - head.next_ns) / head.period_ns;
    head.stamp_ns = head.next_ns + slept * head.period_ns;
    head.next_ns = head.stamp_ns + head.period_ns;
    head.vblank += static_cast<uint32_t>(slept) + 1;
    head.due = true;
    store(head, kVblankNs + head.vblank % 2 * 2, head.stamp_ns, 8);
    store(head, kVblank, head.vblank);
    raise(head, hw::HeadEvent::vblank);
}

// What a vblank does: the CRC of the frame before it, then what was committed before it.
void Engine::show(Head& head, std::unique_lock<std::mutex>& lock) {
    const uint64_t stamp = head.stamp_ns;
    const uint32_t number = head.vblank, epoch = head.epoch;
    head.due = false;
    if (head.shown.state.crc) {
        // Before anybody hears of the latch, because then the buffers may be drawn to again.
        const Scene scene = head.shown;
        head.reading = true;
        lock.unlock();
        const uint32_t crc = frame_crc(scene, around_.memory);
        lock.lock();
        head.reading = false;
        if (head.epoch != epoch || head.period_ns == 0) {
            return;
        }
        store(head, kCrc, crc);
        store(head, kCrcVblank, number);
        raise(head, hw::HeadEvent::vblank);
    }
    if (head.pending && (head.pending->made_ns <= stamp || head.pending->scene.state.async)) {
        latch(head);
        raise(head, hw::HeadEvent::latch);
        write_frame(head, lock);
    }
}

void Engine::write_frame(Head& head, std::unique_lock<std::mutex>& lock) {
    if (!head.shown.state.planes[kTarget].enable) {
        return;
    }
    const Scene scene = head.shown;
    const uint32_t number = head.latched, epoch = head.epoch;
    head.shown.state.planes[kTarget].enable = false;
    head.reading = true;
    lock.unlock();
    hw::PlaneState target = scene.state.planes[kTarget];
    compose(scene, around_.memory, [&](uint32_t y, std::span<const Pixel> pixels) {
        write_row(target, around_.memory.data(), y, pixels);
    });
    lock.lock();
    head.reading = false;
    if (head.epoch == epoch) {
        store(head, kWritten, number);
        raise(head, hw::HeadEvent::latch);
        latch_late(head);
    }
}

void Engine::latch(Head& head) {
    const bool was_on = head.period_ns != 0;
    const uint64_t before = head.period_ns;
    head.shown = std::move(head.pending->scene);
    head.latched = head.pending->number;
    head.pending.reset();
    head.period_ns = frame_ns(head.shown.state);
    if (head.period_ns != 0 && (!was_on || head.period_ns != before)) {
        head.next_ns = around_.now_ns() + head.period_ns;
        head.due = false;
    }
    store(head, kLatched, head.latched);
}

// An asynchronous commit that came while a frame was being made.
void Engine::latch_late(Head& head) {
    if (head.pending && head.pending->scene.state.async) {
        latch(head);
        raise(head, hw::HeadEvent::latch);
    }
}

void Engine::refuse(Head& head, uint32_t number) {
    head.refused = head.latched = number;
    store(head, kRefused, number);
    store(head, kLatched, number);
    raise(head, hw::HeadEvent::latch);
}

void Engine::commit(Head& head, uint32_t number) {
    std::array<uint32_t, hw::HeadState::kDwords> dwords{};
    if (head.state_at % kStateAlignment != 0 ||
        !base::range_fits<uint64_t>(head.state_at, sizeof(dwords), around_.memory.size())) {
        refuse(head, number);
        return;
    }
    std::memcpy(dwords.data(), around_.memory.data() + head.state_at, sizeof(dwords));
    const auto state = hw::HeadState::unpack(dwords.data());
    auto scene = scene_from(state, around_.memory);
    // Who commits may ask for the number of vblanks next: it must tell those that are over.
    const uint64_t made = around_.now_ns();
    tell_vblank(head, made, Vblanks::all);
    const bool running = head.period_ns != 0;
    const bool async = state.enable && state.async;
    if (!scene || (async && (!running || !same_mode(state, head.shown.state)))) {
        refuse(head, number);
        return;
    }
    head.pending = Commit{.scene = std::move(*scene), .number = number, .made_ns = made};
    // Who hears that an asynchronous commit took effect draws to the buffers that it replaced.
    if (!running || !state.enable || (async && !head.reading)) {
        // A writeback plane waits for its vblank all the same: the thread writes it.
        const bool target = head.pending->scene.state.planes[kTarget].enable;
        Scene again = head.pending->scene;
        latch(head);
        if (target) {
            head.shown.state.planes[kTarget].enable = false;
            again.state.async = false;
            head.pending = Commit{.scene = std::move(again), .number = number, .made_ns = made};
        }
        raise(head, hw::HeadEvent::latch);
        wake_.notify_all();
    }
}

uint32_t Engine::edid_dword(uint32_t element) const {
    const uint32_t head = element / kEdidDwords;
    const std::size_t at = std::size_t{element % kEdidDwords} * 4;
    uint32_t value = 0;
    if (head < heads_.size() && at + 4 <= heads_[head].edid.size()) {
        std::memcpy(&value, heads_[head].edid.data() + at, 4);
    }
    return value;
}

uint32_t Engine::read(uint32_t offset) {
    const std::lock_guard lock(mutex_);
    if (offset >= reg::kEdid && offset < reg::kEdid + reg::kEdidCount * reg::kEdidStride) {
        return edid_dword((offset - reg::kEdid) / 4);
    }
    const uint32_t index = (offset - reg::kHeadStatus) / reg::kHeadStatusStride;
    if (offset < reg::kHeadStatus || index >= heads_.size()) {
        return 0;
    }
    const Head& head = heads_[index];
    switch (offset - index * reg::kHeadStatusStride) {
    case reg::kHeadStatus:
        return head.edid.empty() ? 0
                                 : reg::kHeadStatusConnected |
                                       static_cast<uint32_t>(head.edid.size() / kEdidBlock) << 8;
    case reg::kHeadStateLo:
        return static_cast<uint32_t>(head.state_at);
    case reg::kHeadStateHi:
        return static_cast<uint32_t>(head.state_at >> 32);
    case reg::kHeadWritebackLo:
        return static_cast<uint32_t>(head.writeback_at);
    case reg::kHeadWritebackHi:
        return static_cast<uint32_t>(head.writeback_at >> 32);
    case reg::kHeadIrqEnable:
        return head.irq_enable;
    case reg::kHeadVblank:
        return head.vblank;
    default:
        return 0;
    }
}

void Engine::write(uint32_t offset, uint32_t value) {
    const std::lock_guard lock(mutex_);
    const uint32_t index = (offset - reg::kHeadStatus) / reg::kHeadStatusStride;
    if (offset < reg::kHeadStatus || index >= heads_.size()) {
        return;
    }
    Head& head = heads_[index];
    switch (offset - index * reg::kHeadStatusStride) {
    case reg::kHeadStateLo:
        set_low(head.state_at, value);
        break;
    case reg::kHeadStateHi:
        set_high(head.state_at, value);
        break;
    case reg::kHeadWritebackLo:
        set_low(head.writeback_at, value);
        break;
    case reg::kHeadWritebackHi:
        set_high(head.writeback_at, value);
        break;
    case reg::kHeadCommit:
        commit(head, value);
        break;
    case reg::kHeadIrqEnable:
        head.irq_enable = value & 7;
        break;
    default:
        break;
    }
}

void Engine::reset() {
    const std::lock_guard lock(mutex_);
    for (Head& head : heads_) {
        Head fresh;
        fresh.edid = std::move(head.edid);
        fresh.epoch = head.epoch + 1;
        head = std::move(fresh);
    }
    wake_.notify_all();
}

Scene Engine::scene(uint32_t head) {
    const std::lock_guard lock(mutex_);
    return head < heads_.size() ? heads_[head].shown : Scene{};
}

HeadInfo Engine::info(uint32_t index) {
    const std::lock_guard lock(mutex_);
    if (index >= heads_.size()) {
        return {};
    }
    const Head& head = heads_[index];
    return {.connected = !head.edid.empty(),
            .on = head.period_ns != 0,
            .width = head.shown.state.active_width,
            .height = head.shown.state.active_height,
            .frame_ns = head.period_ns,
            .vblanks = head.vblank,
            .commits = head.latched};
}

bool Engine::set_monitor(uint32_t index, Edid edid) {
    const std::lock_guard lock(mutex_);
    if (index >= heads_.size()) {
        return false;
    }
    Head& head = heads_[index];
    head.edid = std::move(edid);
    store(head, kConnector, ++head.connector);
    raise(head, hw::HeadEvent::connector);
    return true;
}

} // namespace kite::dev::display
