// SPDX-License-Identifier: MIT
#include "device/pci/pci_device.hpp"

#include "base/log.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace kite::dev::pci {

namespace {

constexpr unsigned kResetWaitMs = 2000;     // a client gives up after 5000
constexpr uint64_t kSmallestBar = 1u << 21; // so that the aperture's pages can be large

} // namespace

base::Result<std::unique_ptr<PciDevice>> PciDevice::create(const GpuOptions& options,
                                                           Injector& injector, const Trace& trace) {
    const ConfigOptions config{.vram_bar_bytes =
                                   std::max(std::bit_ceil(options.visible_bytes), kSmallestBar),
                               .link_generation = options.link_generation,
                               .link_width = options.link_width};
    auto device =
        std::unique_ptr<PciDevice>(new PciDevice(config, options.visible_bytes, injector));
    device->msix_.hold(true); // until bus mastering is on
    auto gpu = Gpu::create(options, device->msix_, device->guest_, injector, trace);
    if (!gpu) {
        return std::unexpected(std::move(gpu.error()));
    }
    device->gpu_ = std::move(*gpu);
    return device;
}

vfio::Region PciDevice::region(uint32_t index) {
    switch (index) {
    case kBarRegisters:
        return {.size = kRegisterBarBytes, .writable = true};
    case kBarVram:
        return {
            .size = bar_bytes_, .writable = true, .fd = gpu_->vram().fd(), .mappable = visible_};
    case kBarMsix:
        return {.size = kMsixBarBytes, .writable = true};
    case vfio::kRegionConfig:
        return {.size = ConfigSpace::kBytes, .writable = true};
    default:
        return {};
    }
}

uint32_t PciDevice::irq_count(uint32_t index) {
    return index == vfio::kIrqIndexMsix ? kMsixVectors : 0;
}

void PciDevice::read_vram(uint64_t offset, std::span<std::byte> data) const {
    const uint64_t inside = offset < visible_ ? std::min(data.size(), visible_ - offset) : 0;
    if (inside != 0) {
        std::memcpy(data.data(), gpu_->vram().at(offset), inside);
    }
    std::ranges::fill(data.subspan(inside), std::byte{0xff});
}

void PciDevice::write_vram(uint64_t offset, std::span<const std::byte> data) const {
    const uint64_t inside = offset < visible_ ? std::min(data.size(), visible_ - offset) : 0;
    if (inside != 0) {
        std::memcpy(gpu_->vram().at(offset), data.data(), inside);
    }
}

void PciDevice::read(uint32_t region, uint64_t offset, std::span<std::byte> data) {
    std::ranges::fill(data, std::byte{0xff});
    if (gpu_->gone() || (region != vfio::kRegionConfig && !config_.awake())) {
        return;
    }
    gpu_->link().request();
    if (region == vfio::kRegionConfig) {
        config_.read(offset, data);
    } else if (region == kBarVram) {
        read_vram(offset, data);
    } else if (region == kBarMsix) {
        msix_.read(offset, data);
    } else if (region == kBarRegisters && data.size() == 4 && offset % 4 == 0) {
        const uint32_t value = gpu_->read(static_cast<uint32_t>(offset));
        std::memcpy(data.data(), &value, sizeof(value));
    }
}

void PciDevice::write(uint32_t region, uint64_t offset, std::span<const std::byte> data) {
    if (gpu_->gone() || (region != vfio::kRegionConfig && !config_.awake())) {
        return;
    }
    if (region == vfio::kRegionConfig) {
        const auto effect = config_.write(offset, data);
        if (effect.bus_master_moved) {
            gpu_->set_bus_master(config_.bus_master());
        }
        if (effect.bus_master_moved || effect.power_moved) {
            msix_.hold(!config_.bus_master()); // a message is a write to memory
        }
        if (effect.reset) {
            (void)reset();
        }
    } else if (region == kBarVram) {
        write_vram(offset, data);
    } else if (region == kBarMsix) {
        msix_.write(offset, data);
    } else if (region == kBarRegisters && data.size() == 4 && offset % 4 == 0) {
        uint32_t value = 0;
        std::memcpy(&value, data.data(), sizeof(value));
        gpu_->write(static_cast<uint32_t>(offset), value);
    }
}

void PciDevice::set_vector(uint32_t vector, base::UniqueFd eventfd) {
    msix_.set(vector, std::move(eventfd));
}

void PciDevice::trigger_vector(uint32_t vector) {
    msix_.raise(vector);
}

int PciDevice::dma_map(const vfio::DmaMap& map, base::UniqueFd fd) {
    const bool reachable = static_cast<bool>(fd) && (map.flags & vfio::kDmaReadable) != 0;
    const int error =
        guest_.map(map.address, map.size, map.offset, (map.flags & vfio::kDmaWritable) != 0,
                   reachable ? std::move(fd) : base::UniqueFd());
    if (error == 0 && reachable) {
        gpu_->guest_memory_changed(map.address, map.size);
    }
    return error;
}

int PciDevice::dma_unmap(uint64_t address, uint64_t size) {
    const int error = guest_.unmap(address, size);
    if (error == 0) {
        gpu_->guest_memory_changed(address, size);
    }
    return error;
}

void PciDevice::dma_unmap_all() {
    guest_.clear();
    gpu_->guest_memory_changed(0, UINT64_MAX);
}

int PciDevice::reset() {
    if (gpu_->gone()) {
        return 0;
    }
    config_.reset();
    msix_.reset(true);
    msix_.hold(true);
    gpu_->set_bus_master(false);
    if (!gpu_->reset(kResetWaitMs)) {
        KITE_LOG(warn, "the reset takes longer than {} ms; status tells when it is done",
                 kResetWaitMs);
    }
    return 0;
}

void PciDevice::disconnect() {
    config_.reset();
    msix_.reset(false);
    msix_.hold(true);
    dma_unmap_all();
    gpu_->set_bus_master(false);
    while (!gpu_->reset(kResetWaitMs)) {
        KITE_LOG(warn, "waiting for the GPU to stop");
    }
    gpu_->vram().scrub();
    gpu_->come_back();
}

} // namespace kite::dev::pci
