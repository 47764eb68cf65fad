// SPDX-License-Identifier: MIT
// Rings, the driver's own copies, guest memory, injected faults: hostile entries among them.
#include "device/pci/testing/session.hpp"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <gtest/gtest.h>
#include <linux/pci_regs.h>

namespace kite::dev::pci::test {
namespace {

namespace reg = hw::reg;
using hw::FaultKind;
using hw::RingEntry;
using hw::RingOp;

constexpr uint64_t kData = 0x40000000; // GPU address of a context's data
constexpr uint64_t kDataBytes = 0x10000;
constexpr uint64_t kBus = 0x80000000; // bus address of guest memory
constexpr uint64_t kRamBytes = 1 << 20;

// A device with one context and some guest memory.
struct Machine {
    explicit Machine(std::initializer_list<std::string_view> faults = {}) : session(faults) {
        data = driver.allocate(kDataBytes);
        driver.create_context(1);
        driver.map(1, kData, data, kDataBytes);
        driver.invalidate(1, kData, kDataBytes);
        view = *base::Mapping::file(ram.get(), kRamBytes);
    }
    Client& client() { return *session.client; }
    RingEntry fill(uint64_t va, uint32_t value, uint64_t size = 4096) {
        return driver.packets(
            1, Packets().add(hw::FillBufferPacket{.dst = va, .size_bytes = size, .value = value}));
    }
    void expect_fault(FaultKind kind, std::string_view text) {
        const auto record = driver.fault();
        ASSERT_TRUE(record.has_value());
        EXPECT_EQ(record->kind, kind);
        EXPECT_EQ(Driver::text(*record), text);
    }

    Session session;
    Driver driver{*session.client};
    uint64_t data = 0;
    base::UniqueFd ram{*base::create_memfd("ram", kRamBytes)};
    base::Mapping view;
};

TEST(Rings, AMillionNopsWrap) {
    Machine m;
    constexpr uint32_t kCount = 1000000;
    const uint32_t before = m.driver.tail(0);
    // Never more than the ring holds ahead of the head, the last entry included.
    const auto make_room = [&m] {
        m.driver.doorbell(0);
        while (m.driver.tail(0) - m.driver.writeback(0).head > Driver::kEntries / 2) {
        }
    };
    for (uint32_t i = 0; i < kCount; ++i) {
        if (i % (Driver::kEntries / 2) == 0) {
            make_room();
        }
        m.driver.write_entry(0, {.op = RingOp::nop});
    }
    make_room();
    const uint64_t last = m.driver.submit(0, {.op = RingOp::nop, .interrupt = true});
    ASSERT_TRUE(m.driver.wait(0, last));
    EXPECT_EQ(m.driver.writeback(0).head, before + kCount + 1);
    EXPECT_EQ(m.client().reg(reg::kRingHead), before + kCount + 1);
    EXPECT_TRUE(m.driver.interrupt(0, 1000));
    EXPECT_FALSE(m.driver.fault(0).has_value());
}

TEST(Rings, OneSubmissionOfManyEntries) {
    Machine m;
    RingEntry first = m.fill(kData, 1), second = m.fill(kData + 0x1000, 2);
    first.more = true;
    first.interrupt = false;
    m.driver.write_entry(0, first);
    m.driver.doorbell(0); // half of it alone does nothing
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_EQ(m.driver.at<uint32_t>(m.data)[0], 0u);
    m.driver.run(0, second);
    EXPECT_EQ(m.driver.at<uint32_t>(m.data)[0], 1u);
    EXPECT_EQ(m.driver.at<uint32_t>(m.data + 0x1000)[0], 2u);
    // Followed by something else it is refused.
    m.driver.write_entry(0, first);
    m.driver.run(0, {.op = RingOp::nop});
    m.expect_fault(FaultKind::entry, "a submission that continues is followed by something else");
    m.driver.run(0, second); // the ring goes on
    EXPECT_FALSE(m.driver.fault(0).has_value());
}

TEST(Rings, RefusedEntriesCompleteAndTheRingGoesOn) {
    Machine m;
    const auto bad = [&](unsigned ring, const RingEntry& entry, std::string_view text) {
        m.driver.run(ring, entry);
        m.expect_fault(FaultKind::entry, text);
    };
    bad(0, {.op = static_cast<RingOp>(77)}, "unknown operation 77");
    bad(0, {.op = RingOp::context_create}, "context_create: not on this ring");
    bad(0, {.op = RingOp::copy}, "copy: not on this ring");
    bad(3, {.op = RingOp::submit}, "submit: not on this ring");
    bad(3, {.op = RingOp::context_create, .context = 96}, "context_create: context 96 of 96");
    bad(3, {.op = RingOp::context_create, .context = 2, .argument = 0x800},
        "context_create: page directory at 0x800");
    bad(3, {.op = RingOp::context_create, .context = 2, .argument = (64 << 20) - 4096},
        "context_create: page directory at 0x3fff000");
    bad(3, {.op = RingOp::invalidate, .context = 7}, "invalidate: no context 7");
    bad(0, {.op = RingOp::nop, .target_system = true}, "nop: bits that it does not have");
    bad(2, {.op = RingOp::copy, .address = 64 << 20, .size = 1, .argument = 0},
        "copy: 1 bytes from 0x4000000 to 0x0");
    bad(2, {.op = RingOp::copy, .address = 0, .size = ~0ull, .argument = 4096},
        "copy: 18446744073709551615 bytes from 0x0 to 0x1000");
    bad(2, {.op = RingOp::fill, .size = 6, .argument = 0}, "fill: 6 bytes at 0x0");
    bad(1, {.op = RingOp::submit, .context = 1, .address = kData + 2, .size = 1},
        "submit: 1 dwords at 0x40000002");
    // The last one killed its context, the ones before did not.
    m.driver.run(1, m.fill(kData, 3));
    EXPECT_EQ(m.driver.at<uint32_t>(m.data)[0], 0u);
}

TEST(Rings, BadPacketsAndProgramsKillTheirContext) {
    Machine m;
    Packets wrong;
    wrong.words = {0xffffffff, 1, 2, 3};
    m.driver.run(0, m.driver.packets(1, wrong));
    auto record = m.driver.fault();
    ASSERT_TRUE(record.has_value());
    EXPECT_EQ(record->kind, FaultKind::packet);
    m.driver.create_context(2);
    const uint64_t junk = m.driver.allocate(4096);
    m.driver.map(2, kData, junk, 4096);
    m.driver.invalidate(2, kData, 4096);
    m.driver.run(
        0,
        m.driver.packets(
            2, Packets().add(hw::BindProgramPacket{
                   .stage = hw::Stage::compute, .address = kData, .size_bytes = 512, .hash = 1})));
    record = m.driver.fault();
    ASSERT_TRUE(record.has_value());
    EXPECT_EQ(record->kind, FaultKind::program) << Driver::text(*record);
    EXPECT_EQ(record->context, 2u);
}

TEST(Rings, ADoorbellBeyondTheRingTurnsItOff) {
    Machine m;
    m.client().set_reg(reg::kDoorbell, m.driver.tail(0) + Driver::kEntries + 1);
    m.expect_fault(FaultKind::entry, "ring: doorbell beyond the ring; the ring is off");
    for (int i = 0; i < 1000 && m.client().reg(reg::kRingControl) != 0; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    EXPECT_EQ(m.client().reg(reg::kRingControl), 0u);
    m.driver.run(1, m.fill(kData, 3)); // the others work
    EXPECT_EQ(m.driver.at<uint32_t>(m.data)[0], 3u);
}

TEST(Rings, UnusableRingsAreNotEnabled) {
    Machine m;
    const uint32_t block = 1 * reg::kRingBaseLoStride;
    m.client().set_reg(reg::kRingEntries + block, 128); // ignored while it is on
    EXPECT_EQ(m.client().reg(reg::kRingEntries + block), Driver::kEntries);
    m.client().set_reg(reg::kRingControl + block, 0);
    for (int i = 0; i < 1000 && m.client().reg(reg::kRingControl + block) != 0; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    const struct {
        uint32_t offset, value;
    } wrong[] = {{reg::kRingEntries, 100},         {reg::kRingEntries, 8},
                 {reg::kRingEntries, 1u << 17},    {reg::kRingBaseLo, 0x800},
                 {reg::kRingBaseLo, 64u << 20},    {reg::kRingBaseHi, 1},
                 {reg::kRingWritebackLo, 32},      {reg::kRingWritebackLo, 64u << 20},
                 {reg::kRingWritebackHi, 0xffffff}};
    for (const auto& w : wrong) {
        const uint32_t good = m.client().reg(w.offset + block);
        m.client().set_reg(w.offset + block, w.value);
        m.client().set_reg(reg::kRingControl + block, reg::kRingControlEnable);
        EXPECT_EQ(m.client().reg(reg::kRingControl + block), 0u);
        EXPECT_TRUE(m.driver.fault().has_value());
        m.client().set_reg(w.offset + block, good);
    }
    m.client().set_reg(reg::kRingEntries + block, 64);
    m.client().set_reg(reg::kRingControl + block, reg::kRingControlEnable);
    EXPECT_EQ(m.client().reg(reg::kRingControl + block), reg::kRingControlEnable);
}

TEST(Rings, FaultsBeyondTheQueueAreCounted) {
    Machine m;
    for (uint32_t i = 0; i < Driver::kFaults + 3; ++i) {
        m.driver.run(0, {.op = static_cast<RingOp>(99)});
    }
    EXPECT_EQ(m.client().reg(reg::kFaultHead), Driver::kFaults);
    EXPECT_EQ(m.client().reg(reg::kFaultDropped), 3u);
    for (uint32_t i = 0; i < Driver::kFaults; ++i) {
        EXPECT_TRUE(m.driver.fault(0).has_value());
    }
    EXPECT_FALSE(m.driver.fault(0).has_value());
    m.driver.run(0, {.op = static_cast<RingOp>(99)});
    EXPECT_TRUE(m.driver.fault(0).has_value());
}

TEST(CopyRing, MovesBytesInVram) {
    Machine m;
    constexpr uint64_t kSize = (5 << 20) + 4096;
    const uint64_t from = m.driver.allocate(kSize), to = m.driver.allocate(kSize);
    for (uint64_t i = 0; i < kSize / 8; ++i) {
        m.driver.at<uint64_t>(from)[i] = i * 0x9e3779b97f4a7c15u;
    }
    m.driver.run(2, {.op = RingOp::copy, .address = from, .size = kSize, .argument = to});
    EXPECT_EQ(0, std::memcmp(m.driver.at<char>(from), m.driver.at<char>(to), kSize));
    // Overlapping, both ways.
    m.driver.run(
        2, {.op = RingOp::copy, .address = from, .size = kSize - 4096, .argument = from + 4096});
    EXPECT_EQ(0, std::memcmp(m.driver.at<char>(from + 4096), m.driver.at<char>(to), kSize - 4096));
    m.driver.run(
        2, {.op = RingOp::copy, .address = from + 4096, .size = kSize - 4096, .argument = from});
    EXPECT_EQ(0, std::memcmp(m.driver.at<char>(from), m.driver.at<char>(to), kSize - 4096));
    m.driver.run(2, {.op = RingOp::fill, .address = 0xabcd1234, .size = kSize, .argument = to});
    EXPECT_EQ(m.driver.at<uint32_t>(to)[0], 0xabcd1234u);
    EXPECT_EQ(m.driver.at<uint32_t>(to)[kSize / 4 - 1], 0xabcd1234u);
    EXPECT_FALSE(m.driver.fault(0).has_value());
}

TEST(CopyRing, ReachesGuestMemoryOnlyWhileItMay) {
    Machine m;
    // Two neighbouring ranges, the second read-only.
    ASSERT_EQ(m.client().dma_map(kBus, 0x8000, m.ram.get(), 0), 0);
    ASSERT_EQ(m.client().dma_map(kBus + 0x8000, 0x8000, m.ram.get(), 0x8000, false), 0);
    for (uint32_t i = 0; i < 0x4000; ++i) {
        m.view.at<uint32_t>()[i] = i + 5;
    }
    const RingEntry in = {.op = RingOp::copy,
                          .source_system = true,
                          .address = kBus + 0x7000,
                          .size = 0x3000,
                          .argument = m.data};
    m.driver.run(2, in);
    EXPECT_EQ(m.driver.at<uint32_t>(m.data)[0], 0x7000u / 4 + 5);
    EXPECT_EQ(m.driver.at<uint32_t>(m.data)[0xbff], 0x9ffcu / 4 + 5);
    const RingEntry out = {.op = RingOp::copy,
                           .target_system = true,
                           .address = m.data,
                           .size = 0x1000,
                           .argument = kBus};
    m.driver.run(2, out);
    EXPECT_EQ(m.view.at<uint32_t>()[0], 0x7000u / 4 + 5);
    m.driver.run(2, {.op = RingOp::fill,
                     .target_system = true,
                     .address = 0x11,
                     .size = 0x1000,
                     .argument = kBus + 0x1000});
    EXPECT_EQ(m.view.at<uint32_t>(0x1000)[7], 0x11u);
    m.driver.run(2, {.op = RingOp::copy,
                     .source_system = true,
                     .target_system = true,
                     .address = kBus,
                     .size = 0x800,
                     .argument = kBus + 0x2000});
    EXPECT_EQ(m.view.at<uint32_t>(0x2000)[0], 0x7000u / 4 + 5);
    EXPECT_FALSE(m.driver.fault(0).has_value());

    RingEntry read_only = out;
    read_only.argument = kBus + 0x8000;
    m.driver.run(2, read_only);
    m.expect_fault(FaultKind::entry, "copy: bus address not reachable, 0 of 4096 bytes done");
    m.client().set_config<uint16_t>(PCI_COMMAND, PCI_COMMAND_MEMORY);
    EXPECT_EQ(m.client().reg(reg::kStatus), reg::kStatusReady);
    m.driver.run(2, in);
    m.expect_fault(FaultKind::entry, "copy: bus address not reachable, 0 of 12288 bytes done");
    m.client().set_config<uint16_t>(PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    EXPECT_EQ(m.client().reg(reg::kStatus), reg::kStatusReady | reg::kStatusDmaEnabled);
    m.driver.run(2, in);
    EXPECT_FALSE(m.driver.fault(0).has_value());
    ASSERT_EQ(m.client().dma_unmap(kBus, 0x8000), 0);
    m.driver.run(2, in);
    EXPECT_TRUE(m.driver.fault().has_value());
}

TEST(GuestPages, AppearAndVanishUnderAContext) {
    Machine m;
    ASSERT_EQ(m.client().dma_map(kBus, 0x8000, m.ram.get(), 0x1000), 0);
    m.driver.map(1, kData + 0x100000, kBus, 0x8000, {.system = true});
    m.driver.map(1, kData + 0x200000, kBus + 0x10000, 0x4000, {.system = true}); // not there yet
    m.driver.invalidate(1);
    const RingEntry work = m.fill(kData + 0x101000, 0x33);
    const RingEntry late = m.fill(kData + 0x200000, 0x44);
    m.driver.run(0, work);
    EXPECT_EQ(m.view.at<uint32_t>(0x2000)[0], 0x33u);
    // Comes later: visible without another walk.
    ASSERT_EQ(m.client().dma_map(kBus + 0x10000, 0x4000, m.ram.get(), 0x20000), 0);
    m.driver.run(0, late);
    EXPECT_EQ(m.view.at<uint32_t>(0x20000)[0], 0x44u);
    // Gone when the answer is there.
    ASSERT_EQ(m.client().dma_unmap(kBus + 0x10000, 0x4000), 0);
    m.view.at<uint32_t>(0x20000)[0] = 0;
    m.driver.run(0, work);
    EXPECT_FALSE(m.driver.fault(0).has_value());
    m.driver.run(0, late);
    EXPECT_EQ(m.view.at<uint32_t>(0x20000)[0], 0u);
    const auto record = m.driver.fault();
    ASSERT_TRUE(record.has_value());
    EXPECT_EQ(record->kind, FaultKind::page);
    EXPECT_EQ(record->address, kData + 0x200000);
}

TEST(GuestPages, BusMasteringOffMakesThemFault) {
    Machine m;
    ASSERT_EQ(m.client().dma_map(kBus, 0x8000, m.ram.get(), 0), 0);
    m.driver.map(1, kData + 0x100000, kBus, 0x8000, {.system = true});
    m.driver.invalidate(1);
    const RingEntry work = m.fill(kData + 0x100000, 0x33);
    m.client().set_config<uint16_t>(PCI_COMMAND, PCI_COMMAND_MEMORY);
    m.client().set_config<uint16_t>(PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    m.driver.run(0, work); // on again: as before
    EXPECT_EQ(m.view.at<uint32_t>()[0], 0x33u);
    EXPECT_FALSE(m.driver.fault(0).has_value());
    m.client().set_config<uint16_t>(PCI_COMMAND, PCI_COMMAND_MEMORY);
    m.driver.run(0, work);
    const auto record = m.driver.fault();
    ASSERT_TRUE(record.has_value());
    EXPECT_EQ(record->kind, FaultKind::page);
    m.driver.create_context(1); // VRAM alone still works
    m.driver.map(1, kData, m.data, kDataBytes);
    m.driver.invalidate(1);
    m.driver.run(0, m.fill(kData, 9));
    EXPECT_EQ(m.driver.at<uint32_t>(m.data)[0], 9u);
}

TEST(Contexts, ManyOfThemAndTooManyMappings) {
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
    GTEST_SKIP() << "ThreadSanitizer leaves no address space for 96 windows";
#endif
#endif
    Machine m;
    for (uint32_t id = 2; id < 96; ++id) {
        m.driver.create_context(id);
    }
    EXPECT_FALSE(m.driver.fault(0).has_value());
    // Every second page of 256 MiB: more runs than the device gives to one walk.
    const uint64_t page = m.driver.allocate(4096);
    for (uint64_t i = 0; i < 70000; ++i) {
        m.driver.map(2, i * 8192, page, 4096);
    }
    m.driver.invalidate(2);
    const auto record = m.driver.fault();
    ASSERT_TRUE(record.has_value());
    EXPECT_TRUE(record->kind == FaultKind::entry || record->kind == FaultKind::memory);
    EXPECT_EQ(record->context, 2u);
    m.driver.run(0, m.fill(kData, 8));
    EXPECT_EQ(m.driver.at<uint32_t>(m.data)[0], 8u);
}

TEST(Connection, ANewClientGetsANewDevice) {
    Machine m;
    m.driver.at<uint32_t>(m.data)[0] = 0x1234;
    m.client().set_reg(reg::kScratch, 5);
    m.session.disconnect();
    EXPECT_EQ(m.driver.at<uint32_t>(m.data)[0], 0u); // scrubbed
    m.session.connect();
    Driver again(*m.session.client);
    EXPECT_EQ(m.session.client->reg(reg::kScratch), 0u);
    again.create_context(1);
    again.run(0, again.packets(1, Packets().add(hw::NopPacket{})));
    EXPECT_FALSE(again.fault(0).has_value());
}

TEST(Connection, AClientThatHangsUpStopsEndlessWork) {
    Machine m;
    const auto bind = m.driver.load(1, "loop\nbr _\nend\nexit\n", {1, 1, 1});
    (void)m.driver.submit(0, m.driver.packets(1, Packets().add(bind).add(hw::DispatchPacket{
                                                     .groups = {4, 1, 1}, .base = {}})));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    const auto begin = std::chrono::steady_clock::now();
    m.session.disconnect();
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
}

TEST(Connection, FunctionLevelReset) {
    Machine m;
    m.client().set_reg(reg::kScratch, 5);
    m.client().set_config<uint16_t>(0x48 + PCI_EXP_DEVCTL, PCI_EXP_DEVCTL_BCR_FLR);
    EXPECT_EQ(m.client().reg(reg::kScratch), 0u);
    EXPECT_EQ(m.client().config<uint16_t>(PCI_COMMAND), 0u);
    EXPECT_EQ(m.client().reset(), 0);
    m.client().set_config<uint16_t>(PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    m.driver.set_up();
    m.driver.run(0, {.op = RingOp::nop});
}

TEST(Inject, HangIsEndedByTheKill) {
    Machine m({"hang:after=2"});
    m.driver.run(0, m.fill(kData, 1));
    const uint64_t stuck = m.driver.submit(0, m.fill(kData, 2));
    EXPECT_FALSE(m.driver.wait(0, stuck, 100));
    m.client().set_reg(reg::kRingControl, reg::kRingControlEnable | reg::kRingControlKill);
    EXPECT_TRUE(m.driver.wait(0, stuck));
    m.expect_fault(FaultKind::hang, "the driver killed the ring");
}

TEST(Inject, PageFault) {
    Machine m({"page-fault"});
    m.driver.run(0, m.fill(kData, 1));
    const auto record = m.driver.fault();
    ASSERT_TRUE(record.has_value());
    EXPECT_EQ(record->kind, FaultKind::page);
    EXPECT_EQ(record->address, 0xfffffff000u);
}

TEST(Inject, LostInterrupt) {
    Machine m({"lost-irq"});
    m.driver.run(0, m.fill(kData, 1));
    EXPECT_FALSE(m.driver.interrupt(0, 50));
    EXPECT_EQ(m.client().reg(reg::kIrqStatus) & 1u, 1u); // the status tells
    m.client().set_reg(reg::kIrqStatus, 1);
    m.driver.run(0, m.fill(kData, 2));
    EXPECT_TRUE(m.driver.interrupt(0, 1000));
}

TEST(Inject, GoneByCountAndByTime) {
    Machine m({"gone:after=2"});
    m.driver.run(0, m.fill(kData, 1));
    EXPECT_EQ(m.client().reg(reg::kId), reg::kIdResetValue);
    (void)m.driver.submit(0, m.fill(kData, 2));
    for (int i = 0; i < 1000 && m.client().reg(reg::kId) != ~0u; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    EXPECT_EQ(m.client().reg(reg::kId), ~0u);
    EXPECT_EQ(m.client().config<uint32_t>(0), ~0u);
    m.client().set_reg(reg::kScratch, 1);
    EXPECT_EQ(m.client().reset(), 0);

    Machine timed({"gone:at=0.2"});
    EXPECT_EQ(timed.client().reg(reg::kId), reg::kIdResetValue);
    std::this_thread::sleep_for(std::chrono::milliseconds(400));
    EXPECT_EQ(timed.client().reg(reg::kId), ~0u);
}

TEST(Connection, APulledCableStopsEverything) {
    Machine m;
    const auto bind = m.driver.load(1, "loop\nbr _\nend\nexit\n", {1, 1, 1});
    (void)m.driver.submit(0, m.driver.packets(1, Packets().add(bind).add(hw::DispatchPacket{
                                                     .groups = {4, 1, 1}, .base = {}})));
    const RingEntry work = m.fill(kData, 5);
    m.session.pull();
    for (int i = 0; i < 1000 && m.client().reg(reg::kId) != ~0u; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    EXPECT_EQ(m.client().reg(reg::kId), ~0u);
    EXPECT_EQ(m.client().config<uint16_t>(PCI_VENDOR_ID), 0xffff);
    (void)m.driver.interrupt(1, 0);
    EXPECT_FALSE(m.driver.wait(1, m.driver.submit(1, work), 50));
    EXPECT_FALSE(m.driver.interrupt(1, 0));
    EXPECT_EQ(m.client().dma_map(kBus, 0x8000, m.ram.get(), 0), 0); // the client is still served
    EXPECT_EQ(m.client().dma_unmap(kBus, 0x8000), 0);
    // The next client finds a new one.
    m.session.disconnect();
    m.session.connect();
    Driver again(*m.session.client);
    again.run(0, {.op = RingOp::nop, .interrupt = true});
    EXPECT_TRUE(again.interrupt(0, 1000));
}

TEST(Inject, SpecificationsAreJudged) {
    for (const std::string_view bad :
         {"", "hung", "hang:", "hang:after=", "hang:after=0", "hang:after=x", "hang:at=-1",
          "gone:before=3", "gone:at=1e9", "gone:after=1:at=2"}) {
        Injector injector;
        EXPECT_FALSE(injector.add(bad).has_value()) << bad;
    }
    for (const std::string_view good : {"hang", "page-fault:after=3", "lost-irq:at=1.5", "gone"}) {
        Injector injector;
        EXPECT_TRUE(injector.add(good).has_value()) << good;
    }
}

} // namespace
} // namespace kite::dev::pci::test
