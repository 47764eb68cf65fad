// SPDX-License-Identifier: MIT
#include "device/pci/gpu/fault_queue.hpp"

#include "device/front/processor.hpp"

#include <algorithm>
#include <cstring>

namespace kite::dev::pci {

namespace reg = hw::reg;

namespace {
constexpr uint64_t kAlign = 4096;
}

void FaultQueue::record(hw::FaultRecord record, std::string_view text) {
    if (trace_.on()) {
        const char* kind = hw::name_of(record.kind);
        trace_.line("fault {} ring {} context {} seqno {} address {:#x}: {}",
                    kind != nullptr ? kind : "?", record.ring, record.context, record.seqno,
                    record.address, text);
    }
    record.timestamp_ns = front::now_ns();
    record.text = {};
    std::memcpy(record.text.data(), text.data(), std::min(text.size(), sizeof(record.text) - 1));
    {
        const std::lock_guard lock(mutex_);
        if (entries_ == 0) {
            return;
        }
        if (head_ - tail_ >= entries_) {
            ++dropped_;
        } else {
            uint32_t words[hw::FaultRecord::kDwords];
            record.pack(words);
            const uint64_t at = base_ + uint64_t{head_ % entries_} * hw::FaultRecord::kBytes;
            std::memcpy(vram_.at(at), words, sizeof(words));
            std::atomic_thread_fence(std::memory_order_release);
            ++head_;
        }
    }
    interrupts_.raise(static_cast<uint32_t>(hw::IrqSource::fault));
}

uint32_t FaultQueue::read(uint32_t offset) {
    const std::lock_guard lock(mutex_);
    switch (offset) {
    case reg::kFaultBaseLo:
        return static_cast<uint32_t>(base_);
    case reg::kFaultBaseHi:
        return static_cast<uint32_t>(base_ >> 32);
    case reg::kFaultEntries:
        return entries_;
    case reg::kFaultHead:
        return head_;
    case reg::kFaultTail:
        return tail_;
    case reg::kFaultDropped:
        return dropped_;
    default:
        return 0;
    }
}

void FaultQueue::write(uint32_t offset, uint32_t value) {
    const std::lock_guard lock(mutex_);
    switch (offset) {
    case reg::kFaultBaseLo:
        base_ = (base_ & ~uint64_t{0xffffffff}) | value;
        entries_ = 0; // a queue that moves starts again with fault_entries
        break;
    case reg::kFaultBaseHi:
        base_ = (base_ & 0xffffffff) | uint64_t{value} << 32;
        entries_ = 0;
        break;
    case reg::kFaultEntries: {
        const bool usable = base::is_pow2(value) && value <= kMaxEntries && base_ % kAlign == 0 &&
                            vram_.contains(base_, uint64_t{value} * hw::FaultRecord::kBytes);
        entries_ = usable ? value : 0;
        head_ = 0;
        tail_ = 0;
        dropped_ = 0;
        break;
    }
    case reg::kFaultTail:
        tail_ = value;
        break;
    default:
        break;
    }
}

void FaultQueue::reset() {
    const std::lock_guard lock(mutex_);
    base_ = 0;
    entries_ = head_ = tail_ = dropped_ = 0;
}

} // namespace kite::dev::pci
