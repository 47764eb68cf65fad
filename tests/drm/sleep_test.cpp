// SPDX-License-Identifier: MIT
// The machine sleeps while work is under way, and while the device sleeps by itself; afterwards
// everything is as it was and goes on.
//
// KITE_DRM_SLEEP says how: "devices" (suspends and resumes every device, no firmware), "freeze"
// (suspend to idle) or "mem" (S3). Somebody else has to wake the machine from the latter two, see
// tests/guest/check_sleep.py; as root. Without the variable it is skipped.
#include "tests/drm/node.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

namespace kite::drm_test {
namespace {

constexpr uint64_t kBytes = uint64_t{4} << 20;
constexpr uint64_t kLargeVa = 0x40000000;

/// Fills and checks on a file of its own until told to stop.
class Bystander {
public:
    Bystander() : thread_([this] { run(); }) {}
    ~Bystander() {
        stop_ = true;
        thread_.join();
    }
    Bystander(const Bystander&) = delete;
    Bystander& operator=(const Bystander&) = delete;
    uint64_t rounds() const { return rounds_; }
    int error() const { return error_; }

private:
    void run() {
        Node node;
        Space s(node);
        uint32_t line = node.syncobj(), start = s.at;
        while (!stop_ && error_ == 0) {
            s.at = start;
            auto value = static_cast<uint32_t>(rounds_ + 1);
            int r = node.submit(s.queue, {s.store(1, value)}, {signals(line, value)});
            if (r == 0)
                r = node.wait(line, value);
            if (r == 0 && s.host[1] != value)
                r = -EILSEQ;
            error_ = r;
            ++rounds_;
        }
    }
    std::atomic<bool> stop_ = false;
    std::atomic<uint64_t> rounds_ = 0;
    std::atomic<int> error_ = 0;
    std::thread thread_;
};

/// Puts the machine to sleep; returns when it has woken.
void sleep(const std::string& how) {
    const bool test = how == "devices";
    std::ofstream("/sys/power/pm_test") << (test ? how : "none") << std::flush;
    if (how == "mem")
        std::ofstream("/sys/power/mem_sleep") << "deep" << std::flush;
    std::ofstream state("/sys/power/state");
    state << (test ? "freeze" : how) << std::flush;
    ASSERT_TRUE(state.good()) << "the machine does not sleep: " << how;
}

TEST_F(DrmIoctl, TheMachineSleepsDuringWork) {
    const char* how = std::getenv("KITE_DRM_SLEEP");
    if (!how)
        GTEST_SKIP() << "KITE_DRM_SLEEP is not set";
    Space s(*node);
    // One buffer that has to leave VRAM for the sleep, one that may be in system memory anyway.
    std::array<uint32_t*, 2> large{};
    const std::array<uint32_t, 2> where{DRM_KITE_BO_VRAM | DRM_KITE_BO_CPU_VISIBLE,
                                        DRM_KITE_BO_SYSTEM | DRM_KITE_BO_CPU_VISIBLE};
    uint32_t line = node->syncobj();
    uint64_t point = 0;
    for (uint32_t i = 0; i < large.size(); ++i) {
        uint32_t bo = node->bo(kBytes, where[i]);
        large[i] = static_cast<uint32_t*>(node->map(bo, kBytes));
        ASSERT_EQ(node->bind_map(s.vm, bo, kLargeVa + i * kBytes, kBytes), 0);
        hw::FillBufferPacket fill;
        fill.dst = kLargeVa + i * kBytes;
        fill.size_bytes = kBytes;
        fill.value = 0x12345678 + i;
        ASSERT_EQ(node->submit(s.queue, {s.emit(fill)}, {signals(line, ++point)}), 0);
    }
    Bystander other;
    while (other.rounds() < 3 && other.error() == 0)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));

    sleep(how);

    const uint64_t before = other.rounds();
    ASSERT_EQ(node->wait(line, point), 0);
    for (uint32_t i = 0; i < large.size(); ++i) {
        for (uint64_t k = 0; k < kBytes / 4; k += 997)
            ASSERT_EQ(large[i][k], 0x12345678 + i) << "buffer " << i << " dword " << k;
        // The GPU sees the same through the old mappings, on the old queue.
        hw::CopyBufferPacket copy;
        copy.src = kLargeVa + i * kBytes + kBytes - 64;
        copy.dst = Space::kVa;
        copy.size_bytes = 64;
        s.host[15] = 0;
        ASSERT_EQ(node->submit(s.queue, {s.emit(copy)}, {signals(line, ++point)}), 0);
        ASSERT_EQ(node->wait(line, point), 0);
        EXPECT_EQ(s.host[15], 0x12345678 + i);
    }
    EXPECT_EQ(node->vm_state(s.vm).state, 0u);
    auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (other.rounds() < before + 3 && other.error() == 0 &&
           std::chrono::steady_clock::now() < end)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_EQ(other.error(), 0);
    EXPECT_GE(other.rounds(), before + 3) << "the other client does not go on";
    Bystander fresh;
    while (fresh.rounds() < 3 && fresh.error() == 0)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_EQ(fresh.error(), 0);
}

TEST_F(DrmIoctl, TheMachineSleepsWhileTheDeviceDoes) {
    const char* how = std::getenv("KITE_DRM_SLEEP");
    if (!how)
        GTEST_SKIP() << "KITE_DRM_SLEEP is not set";
    const Power power(*node);
    Space s(*node);
    const uint32_t bo = node->bo(kBytes, DRM_KITE_BO_VRAM | DRM_KITE_BO_CPU_VISIBLE);
    auto* host = static_cast<uint32_t*>(node->map(bo, kBytes));
    for (uint64_t i = 0; i < kBytes / 4; i += 499)
        host[i] = static_cast<uint32_t>(i) ^ 0x5a5a;
    power.delay(10);
    ASSERT_TRUE(power.wait("suspended"));

    sleep(how);

    // What the device kept in its own sleep the machine's would have lost.
    for (uint64_t i = 0; i < kBytes / 4; i += 499)
        ASSERT_EQ(host[i], static_cast<uint32_t>(i) ^ 0x5a5a) << "dword " << i;
    const uint32_t line = node->syncobj();
    ASSERT_EQ(node->submit(s.queue, {s.store(1, 77)}, {signals(line, 1)}), 0);
    ASSERT_EQ(node->wait(line, 1), 0);
    EXPECT_EQ(s.host[1], 77u);
    EXPECT_TRUE(power.wait("suspended")) << "runtime PM ended with the sleep";
}

} // namespace
} // namespace kite::drm_test
