// SPDX-License-Identifier: MIT
// BAR0: which block answers for which register.
#include "device/pci/gpu/gpu.hpp"

namespace kite::dev::pci {

namespace reg = hw::reg;

namespace {

constexpr uint32_t kAbsent = 0; // what registers that do not exist read

// Index of an element if `offset` is an element of a register array, else count.
constexpr uint32_t element(uint32_t offset, uint32_t first, uint32_t count, uint32_t stride = 4) {
    const uint32_t into = offset - first;
    return offset >= first && into % stride == 0 && into / stride < count ? into / stride : count;
}

// The ring whose block holds the offset, or kRings.
constexpr uint32_t ring_of(uint32_t offset) {
    const uint32_t ring = (offset - reg::kRingBaseLo) / reg::kRingBaseLoStride;
    return offset >= reg::kRingBaseLo && ring < kRings ? ring : kRings;
}

constexpr uint32_t low(uint64_t value) {
    return static_cast<uint32_t>(value);
}

constexpr uint32_t high(uint64_t value) {
    return static_cast<uint32_t>(value >> 32);
}

} // namespace

uint32_t Gpu::read(uint32_t offset) {
    if (const uint32_t ring = ring_of(offset); ring < kRings) {
        return rings_[ring]->read(offset - ring * reg::kRingBaseLoStride);
    }
    if (offset >= reg::kFaultBaseLo && offset <= reg::kFaultDropped) {
        return faults_.read(offset);
    }
    if (offset >= reg::kHeadStatus && offset < reg::kDoorbell) {
        return display_.read(offset);
    }
    if (offset >= reg::kTemperature && offset <= reg::kLinkBusyHi) {
        return read_telemetry(offset);
    }
    if (offset >= reg::kTimestampLo) {
        return read_control(offset);
    }
    return read_identity(offset);
}

uint32_t Gpu::read_identity(uint32_t offset) {
    if (const uint32_t i = element(offset, reg::kCodeUuid, reg::kCodeUuidCount);
        i < reg::kCodeUuidCount) {
        return uuid_[i];
    }
    if (const uint32_t i = element(offset, reg::kDescription, reg::kDescriptionCount);
        i < reg::kDescriptionCount) {
        return description_[i];
    }
    const std::lock_guard lock(mutex_);
    if (const uint32_t i = element(offset, reg::kScratch, reg::kScratchCount);
        i < reg::kScratchCount) {
        return scratch_[i];
    }
    switch (offset) {
    case reg::kId:
        return reg::kIdResetValue;
    case reg::kAbi:
        return reg::kAbiResetValue;
    case reg::kStatus:
        return (resetting_ ? reg::kStatusResetting : reg::kStatusReady) |
               (services_.bus.load() ? reg::kStatusDmaEnabled : 0);
    case reg::kControl:
        return resetting_ ? reg::kControlReset : 0;
    case reg::kVramSizeLo:
        return low(vram_.size_bytes());
    case reg::kVramSizeHi:
        return high(vram_.size_bytes());
    case reg::kVramVisibleLo:
        return low(options_.visible_bytes);
    case reg::kVramVisibleHi:
        return high(options_.visible_bytes);
    case reg::kWaveSize:
        return executor_->wave_size();
    case reg::kVaBits:
        return hw::limits::kVaBits;
    case reg::kRingCount:
        return kRings;
    case reg::kContextCount:
        return kContexts;
    case reg::kLink:
        return options_.link_generation | options_.link_width << 4;
    case reg::kFeatures:
        return reg::kFeaturesTelemetry | reg::kFeaturesLinkMeter;
    case reg::kHeadCount:
        return display_.heads();
    case reg::kVectorCount:
        return kMsixVectors;
    default:
        return kAbsent;
    }
}

uint32_t Gpu::read_control(uint32_t offset) {
    if (const uint32_t i = element(offset, reg::kIrqRoute, reg::kIrqRouteCount);
        i < reg::kIrqRouteCount) {
        return interrupts_.route(i);
    }
    switch (offset) {
    case reg::kTimestampLo: {
        const uint64_t now = front::now_ns();
        const std::lock_guard lock(mutex_);
        timestamp_hi_ = high(now);
        return low(now);
    }
    case reg::kTimestampHi: {
        const std::lock_guard lock(mutex_);
        return timestamp_hi_;
    }
    case reg::kIrqStatus:
        return interrupts_.status();
    case reg::kIrqEnable:
        return interrupts_.enabled();
    default:
        return kAbsent; // also what can only be written
    }
}

void Gpu::write(uint32_t offset, uint32_t value) {
    if (trace_.on()) {
        trace_.line("write {:#x} = {:#x}", offset, value);
    }
    {
        const std::lock_guard lock(mutex_);
        if (resetting_) {
            return;
        }
        if (offset == reg::kControl) {
            resetting_ = (value & reg::kControlReset) != 0;
            wake_.notify_all();
            return;
        }
        if (const uint32_t i = element(offset, reg::kScratch, reg::kScratchCount);
            i < reg::kScratchCount) {
            scratch_[i] = value;
            return;
        }
    }
    if (const uint32_t i = element(offset, reg::kDoorbell, kRings); i < kRings) {
        rings_[i]->doorbell(value);
    } else if (const uint32_t ring = ring_of(offset); ring < kRings) {
        rings_[ring]->write(offset - ring * reg::kRingBaseLoStride, value);
    } else if (offset >= reg::kFaultBaseLo && offset <= reg::kFaultDropped) {
        faults_.write(offset, value);
    } else if (offset >= reg::kHeadStatus && offset < reg::kDoorbell) {
        display_.write(offset, value);
    } else if (offset == reg::kIrqStatus) {
        interrupts_.clear(value);
    } else if (offset == reg::kIrqEnable) {
        interrupts_.enable(value);
    } else if (const uint32_t source = element(offset, reg::kIrqRoute, reg::kIrqRouteCount);
               source < reg::kIrqRouteCount) {
        interrupts_.set_route(source, value);
    }
}

} // namespace kite::dev::pci
