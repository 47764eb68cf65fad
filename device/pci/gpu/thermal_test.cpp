// SPDX-License-Identifier: MIT
#include "device/pci/gpu/thermal.hpp"

#include <gtest/gtest.h>

namespace kite::dev::pci {
namespace {

constexpr uint64_t kMs = 1'000'000, kSecond = 1000 * kMs;
constexpr uint32_t kLimit = hw::reg::kTemperatureLimitResetValue;
using hw::RingClass;

struct ThermalTest : testing::Test {
    // Works for so long in pieces of a millisecond; the time that passed with the rests.
    uint64_t work(RingClass engine, uint64_t ns) {
        const uint64_t start = now;
        for (uint64_t done = 0; done < ns; done += kMs) {
            thermal.begin(engine, now);
            now += kMs;
            now += thermal.end(engine, now);
        }
        return now - start;
    }
    uint64_t now = 77 * kSecond;
    Thermal thermal{now};
};

TEST_F(ThermalTest, IdlesCoolWithoutFan) {
    now += 600 * kSecond;
    const auto state = thermal.state(now);
    EXPECT_GT(state.temperature_mc, 25000u);
    EXPECT_LT(state.temperature_mc, 40000u);
    EXPECT_EQ(state.fan_rpm, 0u);
    EXPECT_EQ(state.power_uw, 3000000u);
    EXPECT_NEAR(static_cast<double>(state.energy_uj), 1.8e9, 1e3);
}

TEST_F(ThermalTest, FullLoadIsWarmerAndStaysBelowTheLimit) {
    for (int i = 0; i < 300; ++i) {
        thermal.begin(RingClass::graphics, now);
        thermal.begin(RingClass::compute, now);
        now += kSecond;
        EXPECT_EQ(thermal.end(RingClass::compute, now), 0u);
        EXPECT_EQ(thermal.end(RingClass::graphics, now), 0u);
    }
    const auto state = thermal.state(now);
    EXPECT_GT(state.temperature_mc, 65000u);
    EXPECT_LT(state.temperature_mc, kLimit);
    EXPECT_GT(state.fan_rpm, 2000u);
    EXPECT_NEAR(state.power_uw, 51e6, 1e5);
    EXPECT_EQ(state.throttle_count, 0u);
    EXPECT_EQ(state.speed_percent, 100u);
}

TEST_F(ThermalTest, ThrottlesAtTheLimitAndRecovers) {
    EXPECT_EQ(work(RingClass::graphics, kSecond), kSecond);
    thermal.set_heat(400'000, now);
    now += 10 * kSecond;
    auto hot = thermal.state(now);
    EXPECT_GE(hot.temperature_mc, kLimit);
    EXPECT_TRUE(hot.throttling);
    EXPECT_EQ(hot.throttle_count, 1u);
    EXPECT_EQ(hot.speed_percent, 25u);
    // A quarter of the speed: four times the time, less what was asked for last.
    EXPECT_GT(work(RingClass::graphics, kSecond), 39 * kSecond / 10);

    thermal.set_heat(0, now);
    now += 60 * kSecond;
    const auto cool = thermal.state(now);
    EXPECT_FALSE(cool.throttling);
    EXPECT_EQ(cool.speed_percent, 100u);
    EXPECT_LT(cool.temperature_mc, kLimit);
    EXPECT_GT(cool.throttle_ns, 5 * kSecond);
    EXPECT_EQ(work(RingClass::graphics, kSecond), kSecond);
    EXPECT_EQ(thermal.state(now).throttle_ns, cool.throttle_ns);
}

TEST_F(ThermalTest, LongWorkRestsInPieces) {
    thermal.set_heat(400'000, now);
    now += 20 * kSecond;
    thermal.begin(RingClass::compute, now);
    now += kSecond;
    EXPECT_EQ(thermal.end(RingClass::compute, now), Thermal::kLongestRest);
    now += Thermal::kLongestRest;
    thermal.begin(RingClass::compute, now);
    EXPECT_EQ(thermal.end(RingClass::compute, now), Thermal::kLongestRest); // the debt
}

TEST_F(ThermalTest, NeverGetsHotterThanItsScale) {
    thermal.set_heat(UINT32_MAX, now);
    now += 3600 * kSecond;
    EXPECT_EQ(thermal.state(now).temperature_mc, 125000u);
    now -= kSecond; // a clock that went backwards is no harm
    EXPECT_EQ(thermal.state(now).temperature_mc, 125000u);
}

} // namespace
} // namespace kite::dev::pci
