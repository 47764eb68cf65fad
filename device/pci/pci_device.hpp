// SPDX-License-Identifier: MIT
// The PCI function that a client plugs in: regions, interrupts, guest memory, reset, in front of
// the GPU.
//
// Owns the bus side and the GPU. The server calls it from one thread. After fault injection took
// the device away ("gone") it is what a pulled cable looks like: reads give all ones, writes
// vanish; outside of D0 so do those of the BARs, while VRAM, registers and contexts stay.
// Interrupts wait while the function is not in D0 or may not master the bus. Registers are 32 bits
// wide; other accesses read all ones and write nothing, as the hardware description says.
#pragma once

#include "device/pci/bus/msix.hpp"
#include "device/pci/gpu/gpu.hpp"
#include "device/pci/vfio/server.hpp"

namespace kite::dev::pci {

/// The device.
class PciDevice final : public vfio::Target {
public:
    /// Builds it. `injector` and `trace` outlive it.
    [[nodiscard]] static base::Result<std::unique_ptr<PciDevice>>
    create(const GpuOptions& options, Injector& injector, const Trace& trace);

    vfio::Region region(uint32_t index) override;
    uint32_t irq_count(uint32_t index) override;
    void read(uint32_t region, uint64_t offset, std::span<std::byte> data) override;
    void write(uint32_t region, uint64_t offset, std::span<const std::byte> data) override;
    void set_vector(uint32_t vector, base::UniqueFd eventfd) override;
    void trigger_vector(uint32_t vector) override;
    int dma_map(const vfio::DmaMap& map, base::UniqueFd fd) override;
    int dma_unmap(uint64_t address, uint64_t size) override;
    void dma_unmap_all() override;
    int reset() override;

    /// The client went: as after power-on, memory scrubbed.
    void disconnect();
    /// The GPU.
    [[nodiscard]] Gpu& gpu() { return *gpu_; }
    /// The faults to come.
    [[nodiscard]] Injector& injector() { return injector_; }

private:
    PciDevice(const ConfigOptions& config, uint64_t visible, Injector& injector)
        : injector_(injector), config_(config), bar_bytes_(config.vram_bar_bytes),
          visible_(visible) {}
    void read_vram(uint64_t offset, std::span<std::byte> data) const;
    void write_vram(uint64_t offset, std::span<const std::byte> data) const;

    Injector& injector_;
    ConfigSpace config_;
    Msix msix_;
    GuestMemory guest_;
    const uint64_t bar_bytes_;
    const uint64_t visible_;
    std::unique_ptr<Gpu> gpu_; // last: uses the others
};

} // namespace kite::dev::pci
