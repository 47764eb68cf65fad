// SPDX-License-Identifier: MIT
// The PCI configuration space: identity, BARs, and the PM, PCIe, MSI-X and Resizable BAR
// capabilities.
//
// 4096 bytes with a mask of writable bits; a client may read and write any range. QEMU keeps its
// own copy of BARs and of most of the MSI-X capability, so what matters here is what a driver's
// writes mean to the device: bus mastering, function level reset, power state. One thread; nothing
// fails: writes to read-only bits are ignored, as the PCI specification says.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace kite::dev::pci {

inline constexpr uint16_t kVendorId = 0x1af4;           ///< QEMU's
inline constexpr uint16_t kDeviceId = 0x10f0;           ///< of the experimental range
inline constexpr uint32_t kRegisterBarBytes = 64 << 10; ///< BAR0
inline constexpr uint32_t kMsixBarBytes = 4096;         ///< BAR4
inline constexpr uint32_t kMsixPbaOffset = 2048;        ///< pending bits in BAR4
inline constexpr uint32_t kMsixVectors = 16;            ///< vectors
inline constexpr unsigned kBarRegisters = 0;            ///< index of BAR0
inline constexpr unsigned kBarVram = 2;                 ///< index of the aperture
inline constexpr unsigned kBarMsix = 4;                 ///< index of the MSI-X tables

/// What the config space says about the device.
struct ConfigOptions {
    uint64_t vram_bar_bytes = 1 << 21; ///< size of BAR2, a power of two from 1 MiB to 128 TiB
    unsigned link_generation = 4;      ///< PCIe generation, 1 to 6
    unsigned link_width = 4;           ///< lanes
};

/// The configuration space of the function.
class ConfigSpace {
public:
    static constexpr uint32_t kBytes = 4096; ///< its size

    /// What a write asked the device to do.
    struct Effect {
        bool reset = false;            ///< function level reset
        bool bus_master_moved = false; ///< bus mastering was switched on or off
        bool power_moved = false;      ///< the function left D0, or came back to it
    };

    explicit ConfigSpace(const ConfigOptions& options);
    /// Copies bytes out; offset + size <= kBytes.
    void read(uint64_t offset, std::span<std::byte> out) const;
    /// Writes bytes; offset + size <= kBytes.
    Effect write(uint64_t offset, std::span<const std::byte> data);
    /// Back to the values of power-on; the link and the identity stay.
    void reset();
    /// In D0: otherwise the function answers to nothing but configuration requests.
    [[nodiscard]] bool awake() const;
    /// Bus mastering and D0.
    [[nodiscard]] bool bus_master() const;
    /// MSI-X is enabled.
    [[nodiscard]] bool msix_enabled() const;
    /// The function mask of MSI-X.
    [[nodiscard]] bool msix_masked() const;

private:
    void put(uint32_t offset, uint64_t value, unsigned bytes, uint64_t writable = 0);
    void bar(unsigned index, uint64_t size, uint32_t flags);
    [[nodiscard]] uint16_t word(uint32_t offset) const;

    std::array<uint8_t, kBytes> bytes_{};
    std::array<uint8_t, kBytes> initial_{};
    std::array<uint8_t, kBytes> writable_{};
};

} // namespace kite::dev::pci
