// SPDX-License-Identifier: MIT
// The whole device over vfio-user, driven as kite.ko drives it.
#include "device/pci/testing/session.hpp"

#include <chrono>
#include <cstring>
#include <gtest/gtest.h>
#include <linux/pci_regs.h>

namespace kite::dev::pci::test {
namespace {

namespace reg = hw::reg;
using hw::FaultKind;
using hw::RingOp;

constexpr uint64_t kData = 0x40000000; // GPU address of test data
constexpr uint64_t kDataBytes = 0x10000;

// out[i] = local index + 1, at the address in the push constants.
constexpr std::string_view kCount = R"(
    sys s[0:1], push_va
    sys v0, local_index
    ld.u64 s[4:5], s[0:1], _, _
    shl.u32 v1, v0, 0x2
    iadd.u32 v2, v0, 0x1
    st.u32 v2, s[4:5], v1, _
    exit
)";

constexpr std::string_view kForever = "loop\nbr _\nend\nexit\n";

class Pci : public testing::TestWithParam<exec::ExecutorConfig::Mode> {
protected:
    Session session{{}, {.mode = GetParam(), .wave_size = 8}};
    Driver driver{*session.client};
    uint64_t data = 0; // VRAM offset of kData in context 1

    void SetUp() override { data = make_context(1); }
    uint64_t make_context(uint32_t id) {
        const uint64_t offset = driver.allocate(kDataBytes);
        driver.create_context(id);
        driver.map(id, kData, offset, kDataBytes);
        driver.invalidate(id, kData, kDataBytes);
        return offset;
    }
    hw::RingEntry dispatch(uint32_t context, std::string_view program, uint64_t target) {
        const hw::BindProgramPacket bind = driver.load(context, program, {64, 1, 1});
        driver.at<uint64_t>(data)[0x1000 / 8] = target;
        Packets packets;
        packets.add(bind)
            .add(hw::SetPushConstantsPacket{.bind_point = hw::BindPoint::compute,
                                            .address = kData + 0x1000})
            .add(hw::DispatchPacket{.groups = {1, 1, 1}, .base = {0, 0, 0}});
        return driver.packets(context, packets);
    }
    hw::RingEntry fill(uint32_t context, uint64_t va, uint32_t value, uint64_t size = 4096) {
        return driver.packets(context, Packets().add(hw::FillBufferPacket{
                                           .dst = va, .size_bytes = size, .value = value}));
    }
};

TEST_P(Pci, DispatchWritesMemoryAndTells) {
    const auto before = driver.writeback(0);
    driver.run(0, dispatch(1, kCount, kData + 0x2000));
    for (uint32_t i = 0; i < 64; ++i) {
        ASSERT_EQ(driver.at<uint32_t>(data + 0x2000)[i], i + 1);
    }
    EXPECT_TRUE(driver.interrupt(0, 1000));
    EXPECT_EQ(session.client->reg(reg::kIrqStatus) & 1u, 1u);
    const auto after = driver.writeback(0);
    EXPECT_EQ(after.head, driver.tail(0));
    EXPECT_GT(after.busy_ns, before.busy_ns);
    EXPECT_EQ(after.context, 0xffffu);
    EXPECT_EQ(after.started_ns, 0u);
    EXPECT_FALSE(driver.fault(0).has_value());
}

TEST_P(Pci, PageFaultKillsTheContextAlone) {
    const uint64_t other = make_context(2);
    const auto good = fill(2, kData, 0x12345678);
    for (const bool write : {true, false}) {
        const auto bad =
            write ? dispatch(1, kCount, 0x50000000)
                  : driver.packets(1, Packets().add(hw::CopyBufferPacket{
                                          .src = 0x50000000, .dst = kData, .size_bytes = 64}));
        driver.run(0, bad);
        const auto record = driver.fault();
        ASSERT_TRUE(record.has_value());
        EXPECT_EQ(record->kind, FaultKind::page) << Driver::text(*record);
        EXPECT_EQ(record->context, 1u);
        EXPECT_EQ(record->write, write);
        EXPECT_GE(record->address, 0x50000000u);
        EXPECT_LT(record->address, 0x50000100u);
        EXPECT_TRUE(driver.interrupt(Driver::kFaultVector, 1000));
        session.client->set_reg(reg::kIrqStatus, ~0u);

        // Dead: completes without effect. The other context lives.
        driver.at<uint32_t>(data)[0] = 1;
        driver.run(0, fill(1, kData, 7));
        EXPECT_EQ(driver.at<uint32_t>(data)[0], 1u);
        driver.run(1, good);
        EXPECT_EQ(driver.at<uint32_t>(other)[0], 0x12345678u);
        EXPECT_FALSE(driver.fault(0).has_value());

        // Made again under the same id it works again.
        data = make_context(1);
        driver.run(0, fill(1, kData, 7));
        EXPECT_EQ(driver.at<uint32_t>(data)[0], 7u);
    }
}

TEST_P(Pci, ReadOnlyFaultsOnWritesAndHolesSwallow) {
    constexpr uint64_t kReadOnly = kData + 0x100000, kHole = kData + 0x200000;
    driver.map(1, kReadOnly, data, 0x1000, {.read_only = true});
    driver.map(1, kHole, 0, 0x4000, {.zero = true});
    driver.invalidate(1);
    driver.at<uint32_t>(data)[0] = 0xabcd;
    driver.at<uint32_t>(data + 0x3000)[0] = 0xffff;
    Packets packets;
    packets.add(hw::CopyBufferPacket{.src = kReadOnly, .dst = kData + 0x2000, .size_bytes = 4})
        .add(hw::FillBufferPacket{.dst = kHole, .size_bytes = 0x1000, .value = 5})
        .add(hw::CopyBufferPacket{.src = kHole + 0x2000, .dst = kData + 0x3000, .size_bytes = 4});
    driver.run(0, driver.packets(1, packets));
    EXPECT_EQ(driver.at<uint32_t>(data + 0x2000)[0], 0xabcdu);
    EXPECT_EQ(driver.at<uint32_t>(data + 0x3000)[0], 0u);
    // What a submission wrote to a hole is gone for the next one.
    driver.at<uint32_t>(data + 0x3000)[0] = 0xffff;
    driver.run(0, driver.packets(1, Packets().add(hw::CopyBufferPacket{
                                        .src = kHole, .dst = kData + 0x3000, .size_bytes = 4})));
    EXPECT_EQ(driver.at<uint32_t>(data + 0x3000)[0], 0u);
    EXPECT_FALSE(driver.fault(0).has_value());
    driver.run(0, fill(1, kReadOnly, 1));
    const auto record = driver.fault();
    ASSERT_TRUE(record.has_value());
    EXPECT_EQ(record->kind, FaultKind::page);
    EXPECT_TRUE(record->write);
    EXPECT_EQ(record->address, kReadOnly);
    EXPECT_EQ(driver.at<uint32_t>(data)[0], 0xabcdu);
}

// The last wave of 60 invocations has idle lanes: they must not read what lies behind the mapping.
TEST_P(Pci, IdleLanesTouchNothing) {
    constexpr std::string_view kPairs = R"(
        sys s[0:1], push_va
        sys s2, subgroup_id
        sys v0, local_index
        ld.u64 s[4:5], s[0:1], _, _
        shl.u32 s3, s2, 0x6
        ld.u32 v[2:3], s[4:5], s3, _ {n=2,mode=consecutive}
        iadd.u32 v2, v2, v3
        shl.u32 v1, v0, 0x2
        ld.u64 s[6:7], s[0:1], _, _, +8
        st.u32 v2, s[6:7], v1, _
        exit
    )";
    if (session.device().gpu().read(reg::kWaveSize) != 8) {
        GTEST_SKIP() << "the program is written for waves of 8";
    }
    const hw::BindProgramPacket bind = driver.load(1, kPairs, {60, 1, 1});
    const uint64_t end = data + kDataBytes; // 480 bytes at the end of the mapping
    for (uint32_t i = 0; i < 120; ++i) {
        driver.at<uint32_t>(end - 480)[i] = i;
    }
    driver.at<uint64_t>(data)[0] = kData + kDataBytes - 480;
    driver.at<uint64_t>(data)[1] = kData + 0x1000;
    Packets packets;
    packets.add(bind)
        .add(hw::SetPushConstantsPacket{.bind_point = hw::BindPoint::compute, .address = kData})
        .add(hw::DispatchPacket{.groups = {1, 1, 1}, .base = {0, 0, 0}});
    driver.run(0, driver.packets(1, packets));
    const auto record = driver.fault(0);
    EXPECT_FALSE(record.has_value()) << Driver::text(*record);
    for (uint32_t i = 0; i < 60; ++i) {
        ASSERT_EQ(driver.at<uint32_t>(data + 0x1000)[i], 4 * i + 1);
    }
}

TEST_P(Pci, InvalidateTakesEffectBeforeItCompletes) {
    const auto work = fill(1, kData, 1);
    driver.run(0, work);
    EXPECT_EQ(driver.at<uint32_t>(data)[0], 1u);
    // Moved: the old memory is out of use.
    const uint64_t moved = driver.allocate(kDataBytes);
    driver.map(1, kData, moved, kDataBytes);
    driver.run(0, work); // the old mapping until told
    driver.invalidate(1, kData, kDataBytes);
    driver.at<uint32_t>(data)[0] = 0;
    driver.run(0, work);
    EXPECT_EQ(driver.at<uint32_t>(data)[0], 0u);
    EXPECT_EQ(driver.at<uint32_t>(moved)[0], 1u);
    driver.unmap(1, kData, kDataBytes);
    driver.invalidate(1, kData, kDataBytes);
    driver.run(0, work);
    const auto record = driver.fault();
    ASSERT_TRUE(record.has_value());
    EXPECT_EQ(record->kind, FaultKind::page);
}

TEST_P(Pci, KillEndsAnEndlessShaderWhileOthersWork) {
    const uint64_t other = make_context(2);
    const auto bystander = fill(2, kData, 0x77);
    const auto behind = fill(2, kData + 0x1000, 0x88);
    const uint64_t stuck = driver.submit(0, dispatch(1, kForever, 0));
    const uint64_t next = driver.submit(0, behind);
    EXPECT_FALSE(driver.wait(0, stuck, 100));
    EXPECT_EQ(session.client->reg(reg::kRingContext), 1u);
    EXPECT_NE(driver.writeback(0).started_ns, 0u);
    driver.run(1, bystander); // the compute ring goes on
    EXPECT_EQ(driver.at<uint32_t>(other)[0], 0x77u);
    session.client->set_reg(reg::kRingControl, reg::kRingControlEnable | reg::kRingControlKill);
    ASSERT_TRUE(driver.wait(0, stuck, 2000));
    ASSERT_TRUE(driver.wait(0, next, 2000));
    EXPECT_EQ(driver.at<uint32_t>(other + 0x1000)[0], 0x88u);
    EXPECT_EQ(session.client->reg(reg::kRingControl), reg::kRingControlEnable);
    const auto record = driver.fault();
    ASSERT_TRUE(record.has_value());
    EXPECT_EQ(record->kind, FaultKind::hang);
    EXPECT_EQ(record->context, 1u);
    EXPECT_EQ(record->seqno, stuck);
    EXPECT_FALSE(driver.fault(0).has_value());
}

TEST_P(Pci, DestroyStopsWhatRuns) {
    const uint64_t stuck = driver.submit(0, dispatch(1, kForever, 0));
    EXPECT_FALSE(driver.wait(0, stuck, 50));
    driver.run(Driver::kMmu, {.op = RingOp::context_destroy, .context = 1});
    EXPECT_TRUE(driver.wait(0, stuck, 2000));
    driver.run(0, {.op = RingOp::submit, .context = 1, .address = kData, .size = 1});
    const auto record = driver.fault();
    ASSERT_TRUE(record.has_value());
    EXPECT_EQ(record->kind, FaultKind::entry);
    EXPECT_EQ(Driver::text(*record), "submit: no context 1");
}

TEST_P(Pci, ResetStopsEverythingAndKeepsVram) {
    const uint64_t stuck = driver.submit(0, dispatch(1, kForever, 0));
    EXPECT_FALSE(driver.wait(0, stuck, 50));
    driver.at<uint32_t>(data)[5] = 0x5a5a;
    session.client->set_reg(reg::kScratch, 99);
    session.client->set_reg(reg::kControl, reg::kControlReset);
    for (int i = 0; i < 1000 && session.client->reg(reg::kControl) != 0; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    EXPECT_EQ(session.client->reg(reg::kControl), 0u);
    EXPECT_EQ(session.client->reg(reg::kScratch), 0u);
    EXPECT_EQ(session.client->reg(reg::kRingControl), 0u);
    EXPECT_EQ(session.client->reg(reg::kRingEntries), 0u);
    EXPECT_EQ(session.client->reg(reg::kIrqEnable), 0u);
    EXPECT_EQ(session.client->reg(reg::kIrqRoute + 12), 3u);
    EXPECT_EQ(driver.at<uint32_t>(data)[5], 0x5a5au);
    driver.set_up();
    data = make_context(1);
    driver.run(0, fill(1, kData, 3));
    EXPECT_EQ(driver.at<uint32_t>(data)[0], 3u);
}

TEST_P(Pci, InD3hotBarsAreDeafInterruptsWaitAndEverythingIsKept) {
    Client& client = *session.client;
    uint64_t pm = client.config<uint8_t>(PCI_CAPABILITY_LIST);
    while (client.config<uint8_t>(pm) != PCI_CAP_ID_PM) {
        pm = client.config<uint8_t>(pm + 1);
    }
    EXPECT_NE(client.config<uint16_t>(pm + PCI_PM_CTRL) & PCI_PM_CTRL_NO_SOFT_RESET, 0);
    client.set_reg(reg::kScratch, 99);
    driver.at<uint32_t>(data)[5] = 0x5a5a;
    driver.run(0, fill(1, kData + 0x2000, 1));
    EXPECT_TRUE(driver.interrupt(0, 1000));
    client.set_reg(reg::kIrqStatus, 1);

    client.set_config<uint16_t>(pm + PCI_PM_CTRL, 3);
    EXPECT_EQ(client.reg(reg::kId), ~0u);
    client.set_reg(reg::kScratch, 1);
    session.device().trigger_vector(0);
    EXPECT_FALSE(driver.interrupt(0, 50));

    client.set_config<uint16_t>(pm + PCI_PM_CTRL, 0);
    EXPECT_EQ(client.reg(reg::kId), 0x4554494bu);
    EXPECT_EQ(client.reg(reg::kScratch), 99u);
    EXPECT_TRUE(driver.interrupt(0, 1000));
    EXPECT_EQ(driver.at<uint32_t>(data)[5], 0x5a5au);
    driver.run(0, fill(1, kData + 0x2000, 2));
    EXPECT_EQ(driver.at<uint32_t>(data + 0x2000)[0], 2u);
}

INSTANTIATE_TEST_SUITE_P(Executors, Pci,
                         testing::Values(exec::ExecutorConfig::Mode::interpreter,
                                         exec::ExecutorConfig::Mode::jit),
                         [](const auto& chosen) {
                             return chosen.param == exec::ExecutorConfig::Mode::jit ? "jit"
                                                                                    : "interp";
                         });

} // namespace
} // namespace kite::dev::pci::test
