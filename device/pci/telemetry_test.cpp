// SPDX-License-Identifier: MIT
// Sensors and cable as a driver meets them: registers, throttled work, copies held to the cap.
#include "device/pci/testing/session.hpp"

#include <chrono>
#include <gtest/gtest.h>
#include <linux/pci_regs.h>

namespace kite::dev::pci::test {
namespace {

namespace reg = hw::reg;
using Clock = std::chrono::steady_clock;
using hw::RingEntry;
using hw::RingOp;

constexpr uint64_t kData = 0x40000000; // GPU address of a context's data
constexpr uint64_t kBus = 0x80000000;  // bus address of guest memory
constexpr uint64_t kBytes = 4 << 20;
constexpr double kCredit = 1e-9 * Link::kCredit;

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

struct Machine {
    explicit Machine(const LinkOptions& link)
        : session({}, {.mode = exec::ExecutorConfig::Mode::interpreter}, 64 << 20, link) {
        data = driver.allocate(kBytes);
        driver.create_context(1);
        driver.map(1, kData, data, kBytes);
        EXPECT_EQ(session.client->dma_map(kBus, kBytes, ram.get(), 0), 0);
        driver.map(1, kData + kBytes, kBus, kBytes, {.system = true});
        driver.invalidate(1);
    }
    uint32_t reg32(uint32_t offset) { return session.client->reg(offset); }
    uint64_t pair(uint32_t offset) {
        const uint64_t low = reg32(offset);
        return low | uint64_t{reg32(offset + 4)} << 32;
    }
    Session session;
    Driver driver{*session.client};
    uint64_t data = 0;
    base::UniqueFd ram{*base::create_memfd("ram", kBytes)};
};

TEST(Cable, HoldsTheDriversCopiesToTheCap) {
    Machine m({.megabits = 400}); // 50 MB/s: 4 MiB take 84 ms
    EXPECT_EQ(m.reg32(reg::kLinkBandwidth), 400u);
    EXPECT_EQ(m.reg32(reg::kFeatures), reg::kFeaturesTelemetry | reg::kFeaturesLinkMeter);
    auto start = Clock::now();
    m.driver.run(2, {.op = RingOp::copy,
                     .source_system = true,
                     .address = kBus,
                     .size = kBytes,
                     .argument = m.data});
    EXPECT_GE(seconds_since(start), kBytes / 50e6 - kCredit);
    start = Clock::now();
    m.driver.run(2, {.op = RingOp::copy,
                     .target_system = true,
                     .address = m.data,
                     .size = kBytes,
                     .argument = kBus});
    EXPECT_GE(seconds_since(start), kBytes / 50e6 - kCredit);
    start = Clock::now();
    m.driver.run(2, {.op = RingOp::copy,
                     .address = m.data,
                     .size = kBytes / 2,
                     .argument = m.data + kBytes / 2});
    EXPECT_LT(seconds_since(start), kBytes / 2 / 50e6); // inside VRAM there is no cable
    EXPECT_EQ(m.pair(reg::kLinkInLo), kBytes);
    EXPECT_EQ(m.pair(reg::kLinkOutLo), kBytes);
    EXPECT_NEAR(static_cast<double>(m.pair(reg::kLinkBusyLo)), 2e9 * kBytes / 50e6, 10);
}

TEST(Cable, HoldsCopyPacketsToTheCap) {
    Machine m({.megabits = 400});
    const auto copy = [&](uint64_t from, uint64_t to) {
        const auto start = Clock::now();
        m.driver.run(0, m.driver.packets(1, Packets().add(hw::CopyBufferPacket{
                                                .src = from, .dst = to, .size_bytes = kBytes})));
        return seconds_since(start);
    };
    EXPECT_GE(copy(kData + kBytes, kData), kBytes / 50e6 - kCredit);
    EXPECT_EQ(m.pair(reg::kLinkInLo), kBytes);
    EXPECT_EQ(m.pair(reg::kLinkOutLo), 0u);
    EXPECT_GE(copy(kData, kData + kBytes), kBytes / 50e6 - kCredit);
    EXPECT_EQ(m.pair(reg::kLinkOutLo), kBytes);
    m.driver.run(0, m.driver.packets(1, Packets().add(hw::FillBufferPacket{
                                            .dst = kData + 2 * kBytes - 4096, // the last page
                                            .size_bytes = 4096,
                                            .value = 3})));
    EXPECT_EQ(m.pair(reg::kLinkOutLo), kBytes + 4096);
    EXPECT_FALSE(m.driver.fault(0).has_value());
}

TEST(Cable, AddsItsLatencyToReadsAndCopies) {
    Machine m({.latency_ns = 2'000'000, .tunnel = true});
    EXPECT_EQ(m.reg32(reg::kLinkLatency), 2'000'000u);
    EXPECT_EQ(m.reg32(reg::kLinkKind), reg::kLinkKindTunnel);
    const auto start = Clock::now();
    for (int i = 0; i < 10; ++i) {
        (void)m.reg32(reg::kId);
    }
    EXPECT_GE(seconds_since(start), 0.02);
    const auto before = m.driver.writeback(2).busy_ns;
    m.driver.run(2, {.op = RingOp::copy,
                     .source_system = true,
                     .address = kBus,
                     .size = 4096,
                     .argument = m.data});
    EXPECT_GE(m.driver.writeback(2).busy_ns - before, 2'000'000u);
}

TEST(Sensors, SpeakOfWorkAndHeat) {
    Machine m({});
    EXPECT_EQ(m.reg32(reg::kTemperatureLimit), 87000u);
    EXPECT_EQ(m.reg32(reg::kTemperatureCritical), 97000u);
    EXPECT_NEAR(m.reg32(reg::kTemperature), 25000, 3000);
    EXPECT_EQ(m.reg32(reg::kThrottle), 100u << 8);
    const uint64_t energy = m.pair(reg::kEnergyLo);
    const RingEntry fill = {
        .op = RingOp::fill, .address = 1, .size = 16 << 20, .argument = 32 << 20};
    const auto work = [&] {
        const uint64_t before = m.driver.writeback(2).busy_ns;
        const auto start = Clock::now();
        for (int i = 0; i < 20; ++i) {
            m.driver.run(2, fill);
        }
        return std::pair(seconds_since(start),
                         1e-9 * static_cast<double>(m.driver.writeback(2).busy_ns - before));
    };
    auto [cold, cold_busy] = work();
    EXPECT_GT(m.pair(reg::kEnergyLo), energy);
    m.session.device().gpu().set_heat(100'000'000); // 100 kW: at the top at once
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    EXPECT_EQ(m.reg32(reg::kThrottle), reg::kThrottleActive | 25u << 8);
    EXPECT_EQ(m.reg32(reg::kThrottleCount), 1u);
    EXPECT_GE(m.reg32(reg::kTemperature), 97000u);
    const auto [hot, hot_busy] = work();
    EXPECT_GE(hot, 3.9 * hot_busy); // rests three times as long as it works
    EXPECT_LT(cold, 3.9 * cold_busy);
    EXPECT_GT(m.pair(reg::kThrottleNsLo), 0u);
    EXPECT_EQ(m.reg32(reg::kFanSpeed), 4800u);

    const std::string text = m.session.device().gpu().telemetry();
    EXPECT_NE(text.find("throttle_count 1\n"), text.npos) << text;
    EXPECT_NE(text.find("bus_master 1\n"), text.npos) << text;
}

TEST(Sensors, KeepTheirValuesOverAReset) {
    Machine m({});
    m.session.device().gpu().set_heat(100'000'000);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    m.session.device().gpu().set_heat(0);
    m.session.client->set_reg(reg::kControl, reg::kControlReset);
    while ((m.reg32(reg::kStatus) & reg::kStatusReady) == 0) {
    }
    EXPECT_GT(m.reg32(reg::kTemperature), 60000u);
    EXPECT_EQ(m.reg32(reg::kThrottleCount), 1u);
    m.driver.set_up();
    m.driver.run(2, {.op = RingOp::fill, .address = 1, .size = 4096, .argument = m.data});
}

TEST(BusMaster, NoMessageLeavesWithoutIt) {
    Machine m({});
    const RingEntry work = {
        .op = RingOp::fill, .interrupt = true, .size = 4096, .argument = m.data};
    m.driver.run(2, work);
    EXPECT_TRUE(m.driver.interrupt(2, 5000));
    m.session.client->set_reg(reg::kIrqStatus, ~0u);
    m.session.client->set_config<uint16_t>(PCI_COMMAND, PCI_COMMAND_MEMORY);
    m.driver.run(2, work);
    EXPECT_FALSE(m.driver.interrupt(2, 100));
    EXPECT_EQ(m.reg32(reg::kIrqStatus) & 4u, 4u);
    m.session.client->set_config<uint16_t>(PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    EXPECT_TRUE(m.driver.interrupt(2, 5000)); // it was pending
}

} // namespace
} // namespace kite::dev::pci::test
