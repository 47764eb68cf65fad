// SPDX-License-Identifier: MIT
#include "device/pci/bus/link.hpp"

#include <chrono>
#include <gtest/gtest.h>
#include <thread>

namespace kite::dev::pci {
namespace {

using Direction = Link::Direction;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

TEST(Link, GenerationsHaveTheirEncoding) {
    EXPECT_EQ(link_megabits(1, 1), 2000u);
    EXPECT_EQ(link_megabits(3, 4), 31504u);
    EXPECT_EQ(link_megabits(4, 16), 252048u);
}

TEST(Link, HoldsCopiesToItsCap) {
    Link link({.megabits = 800}); // 100 MB/s
    const std::atomic<uint32_t> stop{0};
    const auto start = Clock::now();
    for (int i = 0; i < 20; ++i) {
        link.transfer(Direction::in, 1'000'000, stop);
    }
    EXPECT_GE(seconds_since(start), 0.2 - 1e-9 * Link::kCredit);
    EXPECT_EQ(link.bytes(Direction::in), 20'000'000u);
    EXPECT_EQ(link.bytes(Direction::out), 0u);
    EXPECT_EQ(link.busy_ns(), 200'000'000u);
}

TEST(Link, SharesItsCapAmongThreadsButNotBetweenDirections) {
    Link link({.megabits = 800});
    const std::atomic<uint32_t> stop{0};
    const auto start = Clock::now();
    {
        const std::jthread other([&] { link.transfer(Direction::in, 10'000'000, stop); });
        const std::jthread back([&] { link.transfer(Direction::out, 10'000'000, stop); });
        link.transfer(Direction::in, 10'000'000, stop);
    }
    EXPECT_GE(seconds_since(start), 0.2 - 1e-9 * Link::kCredit); // not 0.3: full duplex
    EXPECT_EQ(link.busy_ns(), 300'000'000u);
}

TEST(Link, IdleTimeIsNotSavedUp) {
    Link link({.megabits = 800});
    const std::atomic<uint32_t> stop{0};
    link.transfer(Direction::out, 1000, stop);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    const auto start = Clock::now();
    link.transfer(Direction::out, 5'000'000, stop);
    EXPECT_GE(seconds_since(start), 0.05 - 1e-9 * Link::kCredit);
}

TEST(Link, StopsWaitingWhenTold) {
    Link link({.megabits = 8}); // a megabyte a second
    std::atomic<uint32_t> stop{0};
    const auto start = Clock::now();
    const std::jthread killer([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        stop.store(1);
    });
    link.transfer(Direction::in, 60'000'000, stop);
    EXPECT_LT(seconds_since(start), 30.0);
}

TEST(Link, AddsItsLatency) {
    const Link slow({.latency_ns = 200'000}), direct({});
    auto start = Clock::now();
    for (int i = 0; i < 50; ++i) {
        slow.request();
    }
    EXPECT_GE(seconds_since(start), 0.01);
    start = Clock::now();
    direct.request();
    EXPECT_LT(seconds_since(start), 0.01);
}

TEST(Link, WithoutCapOnlyCounts) {
    Link link({});
    const std::atomic<uint32_t> stop{0};
    const auto start = Clock::now();
    link.transfer(Direction::in, uint64_t{1} << 40, stop);
    EXPECT_LT(seconds_since(start), 1.0);
    EXPECT_EQ(link.bytes(Direction::in), uint64_t{1} << 40);
    EXPECT_EQ(link.busy_ns(), 0u);
}

} // namespace
} // namespace kite::dev::pci
