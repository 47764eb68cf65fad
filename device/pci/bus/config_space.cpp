// SPDX-License-Identifier: MIT
#include "device/pci/bus/config_space.hpp"

#include <bit>
#include <cstring>
#include <linux/pci_regs.h>

namespace kite::dev::pci {

namespace {

// Capabilities, in the order of their chain.
constexpr uint32_t kPm = 0x40, kExpress = 0x48, kMsix = 0x88;
constexpr uint32_t kRebar = PCI_CFG_SPACE_SIZE; // the extended ones begin here
constexpr unsigned kRebarSmallestLog2 = 20;     // 1 MiB, bit 4 of the sizes

constexpr uint32_t kClassDisplayVga = 0x030000;
constexpr uint8_t kRevision = 1;

} // namespace

void ConfigSpace::put(uint32_t offset, uint64_t value, unsigned bytes, uint64_t writable) {
    for (unsigned i = 0; i < bytes; ++i) {
        bytes_[offset + i] = static_cast<uint8_t>(value >> (8 * i));
        writable_[offset + i] = static_cast<uint8_t>(writable >> (8 * i));
    }
}

void ConfigSpace::bar(unsigned index, uint64_t size, uint32_t flags) {
    const bool wide = (flags & PCI_BASE_ADDRESS_MEM_TYPE_64) != 0;
    put(PCI_BASE_ADDRESS_0 + 4 * index, flags, wide ? 8 : 4, ~(size - 1));
}

ConfigSpace::ConfigSpace(const ConfigOptions& options) {
    put(PCI_VENDOR_ID, kVendorId, 2);
    put(PCI_DEVICE_ID, kDeviceId, 2);
    put(PCI_COMMAND, 0, 2,
        PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_SERR | PCI_COMMAND_PARITY |
            PCI_COMMAND_INTX_DISABLE);
    put(PCI_STATUS, PCI_STATUS_CAP_LIST, 2);
    put(PCI_REVISION_ID, kRevision | (kClassDisplayVga << 8), 4);
    put(PCI_CACHE_LINE_SIZE, 0, 1, 0xff);
    put(PCI_SUBSYSTEM_VENDOR_ID, kVendorId, 2);
    put(PCI_SUBSYSTEM_ID, kDeviceId, 2);
    put(PCI_CAPABILITY_LIST, kPm, 1);
    put(PCI_INTERRUPT_LINE, 0, 1, 0xff);
    bar(kBarRegisters, kRegisterBarBytes, PCI_BASE_ADDRESS_MEM_TYPE_32);
    bar(kBarVram, options.vram_bar_bytes,
        PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH);
    bar(kBarMsix, kMsixBarBytes, PCI_BASE_ADDRESS_MEM_TYPE_32);

    put(kPm, PCI_CAP_ID_PM | (kExpress << 8), 2);
    put(kPm + PCI_PM_PMC, 3, 2); // version 1.2, D0 and D3hot
    put(kPm + PCI_PM_CTRL, PCI_PM_CTRL_NO_SOFT_RESET, 2, PCI_PM_CTRL_STATE_MASK);

    const uint32_t link = (options.link_generation & 0xfu) | ((options.link_width & 0x3fu) << 4);
    put(kExpress, PCI_CAP_ID_EXP | (kMsix << 8), 2);
    put(kExpress + PCI_EXP_FLAGS, 2 | (PCI_EXP_TYPE_ENDPOINT << 4), 2);
    put(kExpress + PCI_EXP_DEVCAP, PCI_EXP_DEVCAP_RBER | PCI_EXP_DEVCAP_FLR | 1, 4);
    put(kExpress + PCI_EXP_DEVCTL, 0, 2, 0x7fff);
    put(kExpress + PCI_EXP_LNKCAP, link, 4);
    put(kExpress + PCI_EXP_LNKCTL, 0, 2, PCI_EXP_LNKCTL_CCC | PCI_EXP_LNKCTL_RCB);
    put(kExpress + PCI_EXP_LNKSTA, link, 2);
    put(kExpress + PCI_EXP_DEVCAP2, PCI_EXP_DEVCAP2_COMP_TMOUT_DIS, 4);
    put(kExpress + PCI_EXP_DEVCTL2, 0, 2, PCI_EXP_DEVCTL2_COMP_TMOUT_DIS);
    put(kExpress + PCI_EXP_LNKCAP2, (2u << options.link_generation) - 2, 4); // speeds 2.5 GT/s on
    put(kExpress + PCI_EXP_LNKCTL2, options.link_generation & 0xfu, 2);

    put(kMsix, PCI_CAP_ID_MSIX, 2);
    put(kMsix + PCI_MSIX_FLAGS, kMsixVectors - 1, 2,
        PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
    put(kMsix + PCI_MSIX_TABLE, kBarMsix, 4);
    put(kMsix + PCI_MSIX_PBA, kBarMsix | kMsixPbaOffset, 4);

    // One size: a client asks for the regions' sizes once, so the aperture cannot change under it.
    const auto size =
        static_cast<unsigned>(std::countr_zero(options.vram_bar_bytes)) - kRebarSmallestLog2;
    put(kRebar, PCI_EXT_CAP_ID_REBAR | (1u << 16), 4); // version 1, the last one
    put(kRebar + PCI_REBAR_CAP, 1u << (size + 4), 4);
    put(kRebar + PCI_REBAR_CTRL,
        kBarVram | (1u << PCI_REBAR_CTRL_NBAR_SHIFT) | (size << PCI_REBAR_CTRL_BAR_SHIFT), 4);
    initial_ = bytes_;
}

uint16_t ConfigSpace::word(uint32_t offset) const {
    return static_cast<uint16_t>(bytes_[offset] | bytes_[offset + 1] << 8);
}

bool ConfigSpace::awake() const {
    return (word(kPm + PCI_PM_CTRL) & PCI_PM_CTRL_STATE_MASK) == 0;
}

bool ConfigSpace::bus_master() const {
    return (word(PCI_COMMAND) & PCI_COMMAND_MASTER) != 0 && awake();
}

bool ConfigSpace::msix_enabled() const {
    return (word(kMsix + PCI_MSIX_FLAGS) & PCI_MSIX_FLAGS_ENABLE) != 0;
}

bool ConfigSpace::msix_masked() const {
    return (word(kMsix + PCI_MSIX_FLAGS) & PCI_MSIX_FLAGS_MASKALL) != 0;
}

void ConfigSpace::read(uint64_t offset, std::span<std::byte> out) const {
    std::memcpy(out.data(), bytes_.data() + offset, out.size());
}

ConfigSpace::Effect ConfigSpace::write(uint64_t offset, std::span<const std::byte> data) {
    const bool mastered = bus_master(), was_awake = awake();
    Effect effect;
    for (size_t i = 0; i < data.size(); ++i) {
        const size_t at = offset + i;
        const auto value = std::to_integer<uint8_t>(data[i]);
        const uint8_t mask = writable_[at];
        bytes_[at] = static_cast<uint8_t>((bytes_[at] & ~mask) | (value & mask));
        // Initiate FLR is bit 15 of the device control register and reads 0.
        effect.reset |= at == kExpress + PCI_EXP_DEVCTL + 1 && (value & 0x80) != 0;
    }
    effect.bus_master_moved = bus_master() != mastered;
    effect.power_moved = awake() != was_awake;
    return effect;
}

void ConfigSpace::reset() {
    bytes_ = initial_;
}

} // namespace kite::dev::pci
