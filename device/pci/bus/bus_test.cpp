// SPDX-License-Identifier: MIT
#include "device/pci/bus/guest_memory.hpp"
#include "device/pci/bus/msix.hpp"

#include <cerrno>
#include <cstring>
#include <gtest/gtest.h>
#include <linux/pci_regs.h>
#include <sys/eventfd.h>

namespace kite::dev::pci {
namespace {

template <class T>
T read(const ConfigSpace& config, uint64_t offset) {
    T value{};
    config.read(offset, std::as_writable_bytes(std::span(&value, 1)));
    return value;
}

template <class T>
ConfigSpace::Effect write(ConfigSpace& config, uint64_t offset, T value) {
    return config.write(offset, std::as_bytes(std::span(&value, 1)));
}

uint64_t capability(const ConfigSpace& config, uint8_t id) {
    unsigned seen = 0;
    for (uint8_t at = read<uint8_t>(config, PCI_CAPABILITY_LIST); at != 0 && seen < 48; ++seen) {
        if (read<uint8_t>(config, at) == id) {
            return at;
        }
        at = read<uint8_t>(config, at + 1u);
    }
    return 0;
}

TEST(ConfigSpace, IdentityAndCapabilities) {
    const ConfigSpace config({.vram_bar_bytes = 1 << 28, .link_generation = 3, .link_width = 8});
    EXPECT_EQ(read<uint32_t>(config, PCI_VENDOR_ID), 0x10f01af4u);
    EXPECT_EQ(read<uint32_t>(config, PCI_CLASS_REVISION) >> 8, 0x030000u);
    EXPECT_EQ(read<uint8_t>(config, PCI_HEADER_TYPE), 0);
    const uint64_t express = capability(config, PCI_CAP_ID_EXP);
    ASSERT_NE(express, 0u);
    EXPECT_EQ(read<uint16_t>(config, express + PCI_EXP_LNKSTA), 3 | 8 << 4);
    EXPECT_EQ(read<uint32_t>(config, express + PCI_EXP_LNKCAP2), 0xeu);
    const uint64_t msix = capability(config, PCI_CAP_ID_MSIX);
    ASSERT_NE(msix, 0u);
    EXPECT_EQ(read<uint16_t>(config, msix + PCI_MSIX_FLAGS), kMsixVectors - 1);
    EXPECT_NE(capability(config, PCI_CAP_ID_PM), 0u);
    EXPECT_EQ(read<uint32_t>(config, 0x100), PCI_EXT_CAP_ID_REBAR | 1u << 16); // the only one
    EXPECT_EQ(read<uint32_t>(config, 0x100 + PCI_REBAR_CAP), 1u << (28 - 20 + 4));
    EXPECT_EQ(read<uint32_t>(config, 0x100 + PCI_REBAR_CTRL), 2u | 1u << 5 | 8u << 8);
}

TEST(ConfigSpace, BarsTellTheirSizeAndKeepTheirAddress) {
    ConfigSpace config({.vram_bar_bytes = uint64_t{1} << 33});
    for (uint32_t i = 0; i < 6; ++i) {
        write(config, PCI_BASE_ADDRESS_0 + i * 4, ~0u);
    }
    EXPECT_EQ(read<uint32_t>(config, PCI_BASE_ADDRESS_0), 0xffff0000u);
    EXPECT_EQ(read<uint32_t>(config, PCI_BASE_ADDRESS_1), 0u);
    EXPECT_EQ(read<uint64_t>(config, PCI_BASE_ADDRESS_2), 0xfffffffe0000000cu);
    EXPECT_EQ(read<uint32_t>(config, PCI_BASE_ADDRESS_4), 0xfffff000u);
    EXPECT_EQ(read<uint32_t>(config, PCI_BASE_ADDRESS_5), 0u);
    write(config, PCI_BASE_ADDRESS_2, uint64_t{0x1234567800000000});
    EXPECT_EQ(read<uint64_t>(config, PCI_BASE_ADDRESS_2), 0x123456780000000cu);
}

TEST(ConfigSpace, OnlyWritableBitsChange) {
    ConfigSpace config({});
    const uint32_t id = read<uint32_t>(config, PCI_VENDOR_ID);
    std::array<std::byte, ConfigSpace::kBytes> ones;
    ones.fill(std::byte{0x7f}); // no reset
    (void)config.write(0, ones);
    EXPECT_EQ(read<uint32_t>(config, PCI_VENDOR_ID), id);
    EXPECT_EQ(read<uint8_t>(config, PCI_CAPABILITY_LIST), 0x40);
    EXPECT_NE(capability(config, PCI_CAP_ID_MSIX), 0u);
    config.reset();
    EXPECT_EQ(read<uint16_t>(config, PCI_COMMAND), 0);
}

TEST(ConfigSpace, WritesThatMeanSomething) {
    ConfigSpace config({});
    EXPECT_FALSE(config.bus_master());
    EXPECT_TRUE(write<uint16_t>(config, PCI_COMMAND, PCI_COMMAND_MASTER).bus_master_moved);
    EXPECT_TRUE(config.bus_master());
    EXPECT_FALSE(write<uint16_t>(config, PCI_COMMAND, PCI_COMMAND_MASTER).bus_master_moved);
    const uint64_t pm = capability(config, PCI_CAP_ID_PM);
    const ConfigSpace::Effect asleep = write<uint16_t>(config, pm + PCI_PM_CTRL, 3); // D3hot
    EXPECT_TRUE(asleep.bus_master_moved);
    EXPECT_TRUE(asleep.power_moved);
    EXPECT_FALSE(config.awake());
    EXPECT_FALSE(config.bus_master());
    EXPECT_TRUE(write<uint16_t>(config, pm + PCI_PM_CTRL, 0).bus_master_moved);
    const uint64_t express = capability(config, PCI_CAP_ID_EXP);
    EXPECT_FALSE(write<uint16_t>(config, express + PCI_EXP_DEVCTL, 0x7fff).reset);
    EXPECT_TRUE(write<uint16_t>(config, express + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR).reset);
    EXPECT_EQ(read<uint16_t>(config, express + PCI_EXP_DEVCTL) & PCI_EXP_DEVCTL_BCR_FLR, 0);
    const uint64_t msix = capability(config, PCI_CAP_ID_MSIX);
    write<uint16_t>(config, msix + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
    EXPECT_TRUE(config.msix_enabled());
    EXPECT_TRUE(config.msix_masked());
}

TEST(Msix, VectorsWithoutAnEventfdArePendingUntilTheyGetOne) {
    Msix msix;
    msix.raise(3);
    msix.raise(99); // no such vector
    uint32_t pending = 0;
    msix.read(kMsixPbaOffset, std::as_writable_bytes(std::span(&pending, 1)));
    EXPECT_EQ(pending, 8u);
    const base::UniqueFd event(eventfd(0, EFD_NONBLOCK));
    msix.set(3, event.duplicate());
    uint64_t count = 0;
    EXPECT_EQ(::read(event.get(), &count, 8), 8);
    EXPECT_EQ(count, 1u);
    msix.read(kMsixPbaOffset, std::as_writable_bytes(std::span(&pending, 1)));
    EXPECT_EQ(pending, 0u);
    msix.raise(3);
    msix.raise(3);
    EXPECT_EQ(::read(event.get(), &count, 8), 8);
    EXPECT_EQ(count, 2u);
}

TEST(Msix, HeldMessagesAreSentOnce) {
    Msix msix;
    const base::UniqueFd event(eventfd(0, EFD_NONBLOCK));
    msix.set(3, event.duplicate());
    msix.hold(true);
    msix.raise(3);
    msix.raise(3);
    uint64_t count = 0;
    EXPECT_EQ(::read(event.get(), &count, 8), -1);
    msix.hold(false);
    EXPECT_EQ(::read(event.get(), &count, 8), 8);
    EXPECT_EQ(count, 1u);
    msix.hold(false);
    EXPECT_EQ(::read(event.get(), &count, 8), -1);
}

TEST(Msix, AFullPipeDoesNotBlock) {
    Msix msix;
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const base::UniqueFd keep(ends[0]);
    msix.set(0, base::UniqueFd(ends[1]));
    for (int i = 0; i < 100000; ++i) {
        msix.raise(0);
    }
    EXPECT_EQ(msix.raised(), 100000u);
}

class GuestMemoryTest : public testing::Test {
protected:
    base::UniqueFd file{*base::create_memfd("ram", 1 << 20)};
    GuestMemory guest;
};

TEST_F(GuestMemoryTest, RangesDoNotOverlapAndCopiesStayInside) {
    EXPECT_EQ(guest.map(0x10000, 0x4000, 0x1000, true, file.duplicate()), 0);
    EXPECT_EQ(guest.map(0x13000, 0x1000, 0, true, file.duplicate()), EEXIST);
    EXPECT_EQ(guest.map(0xf000, 0x10000, 0, true, file.duplicate()), EEXIST);
    EXPECT_EQ(guest.map(0x14000, 0x1000, 0, false, file.duplicate()), 0);
    EXPECT_EQ(guest.map(0x15000, 0x1000, 0, true, {}), 0);
    EXPECT_EQ(guest.map(0x20000, 0x1000, 0xff001, true, file.duplicate()), EINVAL);
    EXPECT_EQ(guest.map(0x20000, 0x2000, 0xff000, true, file.duplicate()), EINVAL);
    std::byte buffer[0x4000] = {};
    buffer[0] = std::byte{9};
    EXPECT_EQ(guest.copy(0x12000, buffer, sizeof(buffer), true), 0x2000u);
    std::byte back[1] = {};
    EXPECT_EQ(pread(file.get(), back, 1, 0x3000), 1);
    EXPECT_EQ(back[0], std::byte{9});
    EXPECT_EQ(guest.copy(0x14000, buffer, 16, true), 0u); // read-only
    EXPECT_EQ(guest.copy(0x14000, buffer, 16, false), 16u);
    EXPECT_EQ(guest.copy(0x15000, buffer, 16, false), 0u); // no file
    EXPECT_EQ(guest.copy(0xffff, buffer, 16, false), 0u);
    EXPECT_EQ(guest.copy(~0ull, buffer, 16, false), 0u);
    EXPECT_EQ(guest.unmap(0x10000, 0x1000), ENOENT);
    EXPECT_EQ(guest.unmap(0x10000, 0x4000), 0);
    EXPECT_EQ(guest.copy(0x12000, buffer, 16, false), 0u);
    EXPECT_EQ(guest.map(~0xfffull, 0x1000, 0, true, file.duplicate()), 0); // the last page
    EXPECT_EQ(guest.map(0, 0x1000, 0, true, file.duplicate()), 0);
    guest.clear();
    EXPECT_EQ(guest.map(0x10000, 0x4000, 0x1000, true, file.duplicate()), 0);
}

TEST_F(GuestMemoryTest, ManyMapsOfOneFileCostOneDescriptor) {
    const int before = dup(0);
    close(before);
    for (uint64_t i = 0; i < 2000; ++i) {
        ASSERT_EQ(guest.map(i * 0x2000, 0x1000, i % 256 * 0x1000, true, file.duplicate()), 0);
    }
    const int after = dup(0);
    close(after);
    EXPECT_LE(after - before, 2);
}

TEST_F(GuestMemoryTest, APlaceTellsHowFarItReaches) {
    EXPECT_EQ(guest.map(0x10000, 0x4000, 0x1000, false, file.duplicate()), 0);
    bool seen = false;
    EXPECT_TRUE(guest.with_place(0x11000, [&](const GuestMemory::Place& place) {
        seen = true;
        EXPECT_EQ(place.offset, 0x2000u);
        EXPECT_EQ(place.size, 0x3000u);
        EXPECT_FALSE(place.writable);
    }));
    EXPECT_TRUE(seen);
    EXPECT_FALSE(guest.with_place(0x14000, [](const GuestMemory::Place&) {}));
}

} // namespace
} // namespace kite::dev::pci
