// SPDX-License-Identifier: MIT
// Work while somebody pulls the cable. Run it so: ./kite vm --unplug-after 5 -- PROGRAM
//
// Without KITE_DRM_EXPECT_UNPLUG=SECONDS it is skipped: nobody would pull.
#include "tests/drm/node.hpp"

#include <chrono>
#include <cstdlib>
#include <memory>
#include <thread>

namespace kite::drm_test {
namespace {

using Clock = std::chrono::steady_clock;

TEST_F(DrmIoctl, TheCableIsPulledDuringWork) {
    const char* text = std::getenv("KITE_DRM_EXPECT_UNPLUG");
    if (!text)
        GTEST_SKIP() << "KITE_DRM_EXPECT_UNPLUG is not set";
    auto deadline = Clock::now() + std::chrono::seconds(std::strtol(text, nullptr, 0));
    Space s(*node, 4 << 20);
    uint32_t line = node->syncobj(), start = s.at;
    int r = 0;
    uint64_t rounds = 0;
    while (r == 0 && Clock::now() < deadline) {
        s.at = start;
        hw::CopyBufferPacket c;
        c.src = Space::kVa;
        c.dst = Space::kVa + (1 << 20);
        c.size_bytes = 1 << 20;
        s.host[rounds % 1000] = static_cast<uint32_t>(rounds); // must never be a SIGBUS
        r = node->submit(s.queue, {s.emit(c)}, {signals(line, ++rounds)});
        if (r == 0)
            r = node->wait(line, rounds);
    }
    auto gone = Clock::now();
    std::printf("%llu rounds, then %d\n", static_cast<unsigned long long>(rounds), r);
    // A copy that was under way may end as a banned VM first; the device's end follows.
    while (r == -ECANCELED && Clock::now() - gone < std::chrono::seconds(30)) {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        drm_kite_get_time t{};
        int n = node->call(DRM_IOCTL_KITE_GET_TIME, t);
        r = n < 0 ? n : r;
    }
    EXPECT_EQ(r, -ENODEV);
    for (int i = 0; i < 1000; ++i)
        s.host[i] = 1; // mappings outlive the device
    drm_kite_vm_create c{};
    EXPECT_EQ(node->call(DRM_IOCTL_KITE_VM_CREATE, c), -ENODEV);
    drm_kite_bo_create b{};
    b.size = 4096;
    b.flags = DRM_KITE_BO_SYSTEM;
    EXPECT_EQ(node->call(DRM_IOCTL_KITE_BO_CREATE, b), -ENODEV);
    EXPECT_EQ(node->wait(line, rounds + 1, 100), -ENODEV);
}

} // namespace
} // namespace kite::drm_test
