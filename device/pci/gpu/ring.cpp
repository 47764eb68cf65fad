// SPDX-License-Identifier: MIT
#include "device/pci/gpu/ring.hpp"

#include "device/front/watchdog.hpp"

#include <array>
#include <chrono>
#include <cstddef>

namespace kite::dev::pci {

namespace reg = hw::reg;
using hw::FaultKind;
using hw::RingEntry;
using hw::RingOp;
using hw::RingWriteback;

namespace {

constexpr uint32_t kMinEntries = 16, kMaxEntries = 65536;
constexpr size_t kMaxBatch = 65536;
// Where the fields of a RingWriteback lie.
constexpr uint64_t kWbSeqno = 0, kWbHead = 8, kWbContext = 12, kWbBusy = 16, kWbStarted = 24;

} // namespace

Ring::Ring(unsigned index, hw::RingClass ring_class, Engine& engine, Services& services)
    : index_(index), class_(ring_class), engine_(engine), s_(services) {
    thread_ = front::start_thread(
        "kite-ring", [](void* self) { static_cast<Ring*>(self)->main(); }, this);
}

Ring::~Ring() {
    disable();
    {
        const std::lock_guard lock(mutex_);
        quit_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) {
        thread_.join();
    }
}

uint32_t Ring::read(uint32_t offset) {
    const std::lock_guard lock(mutex_);
    switch (offset) {
    case reg::kRingBaseLo:
        return static_cast<uint32_t>(base_);
    case reg::kRingBaseHi:
        return static_cast<uint32_t>(base_ >> 32);
    case reg::kRingEntries:
        return entries_;
    case reg::kRingWritebackLo:
        return static_cast<uint32_t>(writeback_);
    case reg::kRingWritebackHi:
        return static_cast<uint32_t>(writeback_ >> 32);
    case reg::kRingControl:
        return (enabled_ ? reg::kRingControlEnable : 0) | (killing_ ? reg::kRingControlKill : 0);
    case reg::kRingHead:
        return head_;
    case reg::kRingClass:
        return static_cast<uint32_t>(class_);
    case reg::kRingContext:
        return context_;
    default:
        return 0;
    }
}

void Ring::write(uint32_t offset, uint32_t value) {
    if (offset == reg::kRingControl) {
        if ((value & reg::kRingControlKill) != 0) {
            kill();
        }
        if ((value & reg::kRingControlEnable) != 0) {
            enable();
        } else {
            disable();
        }
        return;
    }
    const std::lock_guard lock(mutex_);
    if (enabled_) {
        return;
    }
    constexpr uint64_t kLow = 0xffffffff;
    switch (offset) {
    case reg::kRingBaseLo:
        base_ = (base_ & ~kLow) | value;
        break;
    case reg::kRingBaseHi:
        base_ = (base_ & kLow) | uint64_t{value} << 32;
        break;
    case reg::kRingEntries:
        entries_ = value;
        break;
    case reg::kRingWritebackLo:
        writeback_ = (writeback_ & ~kLow) | value;
        break;
    case reg::kRingWritebackHi:
        writeback_ = (writeback_ & kLow) | uint64_t{value} << 32;
        break;
    default:
        break;
    }
}

void Ring::enable() {
    bool usable = false;
    {
        const std::lock_guard lock(mutex_);
        if (enabled_) {
            return;
        }
        usable = base::is_pow2(entries_) && entries_ >= kMinEntries && entries_ <= kMaxEntries &&
                 base_ % 4096 == 0 && writeback_ % 64 == 0 &&
                 s_.vram->contains(base_, uint64_t{entries_} * RingEntry::kBytes) &&
                 s_.vram->contains(writeback_, RingWriteback::kBytes);
        if (usable) {
            head_ = tail_ = 0;
            busy_ns_ = 0;
            batch_.clear();
            for (uint64_t at = 0; at < RingWriteback::kBytes; at += 8) {
                s_.vram->store<uint64_t>(writeback_ + at, 0);
            }
            s_.vram->store(writeback_ + kWbContext, kIdle);
            enabled_ = true;
        }
    }
    if (!usable) {
        s_.faults->record({.kind = FaultKind::entry, .ring = index_, .context = kIdle},
                          "ring: base, entries or write-back are misaligned or outside VRAM");
    }
}

void Ring::disable() {
    {
        const std::lock_guard lock(mutex_);
        if (!enabled_) {
            return;
        }
        disabling_ = true;
        stop_.store(1);
        if (current_ != nullptr) {
            current_->stop(index_, Stop::disable);
        }
    }
    wake_.notify_all();
}

void Ring::wait_disabled() {
    std::unique_lock lock(mutex_);
    off_.wait(lock, [this] { return !enabled_; });
}

void Ring::reset() {
    const std::lock_guard lock(mutex_);
    base_ = writeback_ = 0;
    entries_ = head_ = tail_ = 0;
}

void Ring::kill() {
    const std::lock_guard lock(mutex_);
    if (!busy_) {
        return;
    }
    killing_ = true;
    stop_.store(1);
    if (current_ != nullptr) {
        current_->stop(index_, Stop::kill);
    }
    wake_.notify_all();
}

void Ring::doorbell(uint32_t tail) {
    bool fault = false;
    {
        const std::lock_guard lock(mutex_);
        if (!enabled_ || disabling_) {
            return;
        }
        fault = tail - head_ > entries_;
        if (!fault) {
            tail_ = tail;
        }
    }
    if (fault) {
        s_.faults->record({.kind = FaultKind::entry, .ring = index_, .context = kIdle},
                          "ring: doorbell beyond the ring; the ring is off");
        disable();
        return;
    }
    wake_.notify_all();
}

void Ring::main() {
    std::unique_lock lock(mutex_);
    for (;;) {
        wake_.wait(lock, [this] { return quit_ || disabling_ || (enabled_ && head_ != tail_); });
        if (disabling_) {
            enabled_ = disabling_ = killing_ = false;
            stop_.store(0);
            batch_.clear();
            tail_ = head_;
            off_.notify_all();
            continue;
        }
        if (quit_) {
            return;
        }
        step(lock);
    }
}

void Ring::step(std::unique_lock<std::mutex>& lock) {
    busy_ = true;
    stop_.store(0);
    std::array<uint32_t, RingEntry::kDwords> words; // NOLINT: filled next
    const uint64_t at = base_ + uint64_t{head_ % entries_} * RingEntry::kBytes;
    lock.unlock();
    for (size_t i = 0; i < words.size(); ++i) {
        words[i] = s_.vram->load<uint32_t>(at + i * 4);
    }
    const auto entry = RingEntry::unpack(words.data());
    if (s_.trace->on()) {
        const char* op = hw::name_of(entry.op);
        s_.trace->line("ring {} {} context {} seqno {} address {:#x} size {} argument {:#x}{}{}",
                       index_, op != nullptr ? op : "?", entry.context, entry.seqno, entry.address,
                       entry.size, entry.argument, entry.more ? " more" : "",
                       entry.interrupt ? " interrupt" : "");
    }
    auto refusal = Engine::check(entry, words.data(), class_);
    const bool continues =
        entry.op == RingOp::submit && (batch_.empty() || entry.context == batch_context_);
    if (!refusal && !batch_.empty() && !continues) {
        refusal = "a submission that continues is followed by something else";
    }
    if (!refusal && entry.more) {
        if (batch_.size() < kMaxBatch) {
            batch_context_ = entry.context;
            batch_.push_back({.address = entry.address,
                              .dwords = static_cast<uint32_t>(entry.size),
                              .reserved = 0});
        } else {
            refusal = "a submission of too many entries";
        }
    } else if (!refusal && entry.op != RingOp::nop) {
        started(entry.context);
        const uint64_t begin = front::now_ns();
        s_.thermal->begin(class_, begin);
        refusal = execute(entry);
        const uint64_t end = front::now_ns();
        busy_ns_ += end - begin;
        all_busy_ns_ += end - begin;
        rest(s_.thermal->end(class_, end));
    }
    if (refusal) {
        refuse(entry, *refusal);
    }
    lock.lock();
    busy_ = false;
    if (disabling_) {
        context_ = kIdle;
        return; // the driver forgot it
    }
    killing_ = false;
    ++head_;
    const uint32_t head = head_;
    lock.unlock();
    const uint64_t wb = writeback_;
    if (entry.op != RingOp::nop || refusal) {
        s_.vram->store(wb + kWbBusy, busy_ns_);
        s_.vram->store<uint64_t>(wb + kWbStarted, 0);
        s_.vram->store(wb + kWbContext, kIdle);
    }
    s_.vram->store(wb + kWbHead, head);
    if (entry.seqno != 0) {
        s_.vram->store(wb + kWbSeqno, entry.seqno);
    }
    if (entry.interrupt) {
        s_.interrupts->raise(index_);
    }
    lock.lock();
    context_ = kIdle;
}

// Too hot: the engine stands still. To the driver that is work that takes longer.
void Ring::rest(uint64_t ns) {
    if (ns == 0) {
        return;
    }
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, std::chrono::nanoseconds(ns), [this] { return disabling_ || killing_; });
}

void Ring::started(uint32_t context) {
    s_.vram->store(writeback_ + kWbContext, context);
    s_.vram->store(writeback_ + kWbStarted, front::now_ns());
    const std::lock_guard lock(mutex_);
    context_ = context;
}

std::optional<Refusal> Ring::execute(const RingEntry& entry) {
    if (entry.op != RingOp::submit) {
        return engine_.execute(entry, index_, stop_);
    }
    s_.running.fetch_add(1);
    auto refusal = submit(entry);
    s_.running.fetch_sub(1);
    batch_.clear();
    return refusal;
}

std::optional<Refusal> Ring::submit(const RingEntry& entry) {
    batch_.push_back(
        {.address = entry.address, .dwords = static_cast<uint32_t>(entry.size), .reserved = 0});
    const auto context = s_.contexts->find(entry.context);
    if (context == nullptr) {
        return fmt::format("submit: no context {}", entry.context);
    }
    {
        const std::lock_guard lock(mutex_);
        if (disabling_ || !context->enter(index_)) {
            return std::nullopt; // a dead context's work completes without effect
        }
        current_ = context;
        if (killing_) {
            context->stop(index_, Stop::kill);
        }
    }
    std::span<const IndirectBuffer> buffers = batch_;
    if (s_.injector->strikes(Fault::gone)) {
        s_.gone.store(true);
        s_.interrupts->cut();
        buffers = {};
    }
    if (s_.injector->strikes(Fault::page_fault)) {
        context->touch_unmapped();
    }
    if (s_.injector->strikes(Fault::hang)) {
        while (context->kill_flag(index_).load() == 0) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    }
    const auto death = context->run(index_, buffers);
    if (death) {
        engine_.bury(*context, index_, entry.seqno, *death);
    }
    {
        const std::lock_guard lock(mutex_);
        current_ = nullptr;
    }
    context->leave(index_);
    return std::nullopt;
}

void Ring::refuse(const RingEntry& entry, const Refusal& why) {
    batch_.clear();
    const auto context = s_.contexts->find(entry.context);
    const bool owned = context != nullptr && entry.op != RingOp::copy && entry.op != RingOp::fill &&
                       entry.op != RingOp::nop;
    if (owned) {
        engine_.bury(*context, index_, entry.seqno,
                     {.kind = FaultKind::entry, .address = entry.address, .text = why});
        return;
    }
    s_.faults->record({.kind = FaultKind::entry,
                       .ring = index_,
                       .context = kIdle,
                       .seqno = entry.seqno,
                       .address = entry.address},
                      why);
}

} // namespace kite::dev::pci
