// SPDX-License-Identifier: MIT
// Runtime PM: the idle device sleeps by itself, and nobody notices but power/runtime_status.
//
// KITE_DRM_WAKES=N lets it fall asleep N times; KITE_DRM_EXPECT_UNPLUG=SECONDS waits asleep for
// somebody who takes the device away (tests/guest/check_power.py). As root, and nobody else may use
// the device meanwhile. Without the variables they are skipped.
#include "tests/drm/node.hpp"

#include <chrono>
#include <cstdlib>
#include <memory>
#include <thread>

namespace kite::drm_test {
namespace {

using Clock = std::chrono::steady_clock;

constexpr uint64_t kBytes = uint64_t{1} << 20;
constexpr uint64_t kVramVa = 0x40000000;
constexpr uint32_t kVramFlags = DRM_KITE_BO_VRAM | DRM_KITE_BO_CPU_VISIBLE;

/// A space and a buffer in VRAM that it maps.
struct Sleeper {
    explicit Sleeper(const Node& n)
        : node(n), space(n), start(space.at), bo(n.bo(kBytes, kVramFlags)),
          host(static_cast<uint32_t*>(n.map(bo, kBytes))), line(n.syncobj()) {
        bound = n.bind_map(space.vm, bo, kVramVa, kBytes);
    }
    /// Copies a dword of the buffer to slot 0 of the space.
    int fetch(uint64_t dword) {
        space.at = start;
        hw::CopyBufferPacket c;
        c.src = kVramVa + dword * 4;
        c.dst = Space::kVa;
        c.size_bytes = 4;
        return run(space.emit(c));
    }
    /// Fills the buffer.
    int fill(uint32_t value) {
        space.at = start;
        hw::FillBufferPacket f;
        f.dst = kVramVa;
        f.size_bytes = kBytes;
        f.value = value;
        return run(space.emit(f));
    }
    int run(const drm_kite_ib& ib) {
        const int r = node.submit(space.queue, {ib}, {signals(line, ++point)});
        return r ? r : node.wait(line, point);
    }
    const Node& node;
    Space space;
    uint32_t start, bo;
    uint32_t* host;
    uint32_t line;
    uint64_t point = 0;
    int bound = 0;
};

TEST_F(DrmIoctl, SleepsWhenIdleAndKeepsEverything) {
    const char* wakes = std::getenv("KITE_DRM_WAKES");
    if (!wakes)
        GTEST_SKIP() << "KITE_DRM_WAKES is not set";
    const Power power(*node);
    ASSERT_EQ(power.read("control"), "auto");
    power.delay(10);
    Sleeper s(*node);
    ASSERT_EQ(s.bound, 0);
    ASSERT_EQ(s.fill(0x1000), 0);
    const auto count = static_cast<uint32_t>(std::strtoul(wakes, nullptr, 0));
    for (uint32_t i = 1; i <= count; ++i) {
        ASSERT_TRUE(power.wait("suspended")) << "never sleeps, round " << i;
        const uint64_t at = i * 4099 % (kBytes / 4);
        switch (i % 3) {
        case 0: // the CPU reads VRAM through the mapping that it has had all the time
            ASSERT_EQ(s.host[at], 0x1000 + i - 1) << "round " << i;
            break;
        case 1: // the CPU writes it, and the GPU sees that
            s.host[at] = i;
            ASSERT_EQ(s.fetch(at), 0) << "round " << i;
            ASSERT_EQ(s.space.host[0], i);
            break;
        default: // the GPU reads it
            ASSERT_EQ(s.fetch(at), 0) << "round " << i;
            ASSERT_EQ(s.space.host[0], 0x1000 + i - 1) << "round " << i;
        }
        if (i % 7 == 0) { // a new address space and queue
            Sleeper other(*node);
            ASSERT_EQ(other.bound, 0);
            ASSERT_EQ(other.fetch(0), 0);
            ASSERT_EQ(other.space.host[0], 0u) << "fresh memory is not clear";
            ASSERT_EQ(node->close_bo(other.bo), 0);
        }
        ASSERT_EQ(s.fill(0x1000 + i), 0) << "round " << i;
        ASSERT_EQ(s.host[at], 0x1000 + i) << "round " << i;
    }
    EXPECT_EQ(node->vm_state(s.space.vm).state, 0u);
    std::printf("slept %u times, %s ms asleep, %s ms awake\n", count,
                power.read("runtime_suspended_time").c_str(),
                power.read("runtime_active_time").c_str());
}

TEST_F(DrmIoctl, WorkKeepsItAwakeAndQuestionsDoNot) {
    if (!std::getenv("KITE_DRM_WAKES"))
        GTEST_SKIP() << "KITE_DRM_WAKES is not set";
    const Power power(*node);
    power.delay(10);
    Sleeper s(*node);
    ASSERT_TRUE(power.wait("suspended"));
    (void)node->memory();
    (void)node->vm_state(s.space.vm);
    EXPECT_EQ(power.read("runtime_status"), "suspended") << "a question woke it";
    const uint32_t gated = node->syncobj();
    s.space.at = s.start;
    ASSERT_EQ(node->submit(s.space.queue, {s.space.gate(2, 9)}, {signals(gated, 1)}), 0);
    for (int i = 0; i < 50; ++i) {
        EXPECT_EQ(power.read("runtime_status"), "active") << "sleeps over its work";
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    s.space.host[2] = 9;
    ASSERT_EQ(node->wait(gated, 1), 0);
    EXPECT_TRUE(power.wait("suspended"));
    drm_kite_get_time t{};
    power.delay(5000);
    EXPECT_EQ(node->call(DRM_IOCTL_KITE_GET_TIME, t), 0);
    EXPECT_GT(t.device_ns, 0u);
    EXPECT_EQ(power.read("runtime_status"), "active");
    power.delay(10);
}

TEST_F(DrmIoctl, TheDeviceGoesWhileItSleeps) {
    const char* text = std::getenv("KITE_DRM_EXPECT_UNPLUG");
    if (!text)
        GTEST_SKIP() << "KITE_DRM_EXPECT_UNPLUG is not set";
    const Power power(*node);
    power.delay(10);
    Sleeper s(*node);
    ASSERT_EQ(s.fill(5), 0);
    ASSERT_EQ(s.host[1], 5u);
    ASSERT_TRUE(power.wait("suspended"));
    std::printf("asleep\n");
    std::fflush(stdout);
    const auto end = Clock::now() + std::chrono::seconds(std::strtol(text, nullptr, 0));
    while (!power.read("runtime_status").empty() && Clock::now() < end)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    ASSERT_TRUE(power.read("runtime_status").empty()) << "nobody took it away";
    s.host[1] = 6; // mappings outlive the device
    EXPECT_EQ(s.fill(7), -ENODEV);
    drm_kite_get_time t{};
    EXPECT_EQ(node->call(DRM_IOCTL_KITE_GET_TIME, t), -ENODEV);
}

} // namespace
} // namespace kite::drm_test
