// SPDX-License-Identifier: MIT
#include "runtime/wsi/present_ids.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <thread>
#include <vector>

namespace kite::rt {
namespace {

uint64_t in_ms(int64_t ms) {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<uint64_t>((now + std::chrono::milliseconds(ms)).count());
}

TEST(PresentIds, OnlyWhatWasShownIsThere) {
    PresentIds ids;
    EXPECT_EQ(ids.wait(0, 0), VK_SUCCESS);
    EXPECT_EQ(ids.wait(1, 0), VK_TIMEOUT);
    EXPECT_EQ(ids.wait(1, in_ms(5)), VK_TIMEOUT);
    ids.shown(7);
    EXPECT_EQ(ids.wait(7, 0), VK_SUCCESS);
    EXPECT_EQ(ids.wait(3, 0), VK_SUCCESS);
    EXPECT_EQ(ids.wait(8, 0), VK_TIMEOUT);
}

TEST(PresentIds, NeverGoesBack) {
    PresentIds ids;
    ids.shown(9);
    ids.shown(0); // an image without an id
    ids.shown(4);
    EXPECT_EQ(ids.wait(9, 0), VK_SUCCESS);
}

TEST(PresentIds, ShowingEndsAWait) {
    PresentIds ids;
    std::thread screen([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        ids.shown(1);
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        ids.shown(2);
    });
    EXPECT_EQ(ids.wait(2, UINT64_MAX), VK_SUCCESS);
    screen.join();
}

TEST(PresentIds, FirstErrorStaysButWhatWasShownIsTrue) {
    PresentIds ids;
    ids.shown(5);
    ids.fail(VK_ERROR_SURFACE_LOST_KHR);
    ids.fail(VK_ERROR_OUT_OF_DATE_KHR);
    EXPECT_EQ(ids.wait(5, 0), VK_SUCCESS);
    EXPECT_EQ(ids.wait(6, UINT64_MAX), VK_ERROR_SURFACE_LOST_KHR);
}

TEST(PresentIds, CloseSendsEveryWaitAway) {
    for (int round = 0; round < 50; ++round) {
        auto ids = std::make_unique<PresentIds>();
        std::atomic<int> there{0};
        std::vector<std::thread> waits;
        for (int i = 0; i < 3; ++i) {
            waits.emplace_back([&, p = ids.get()] {
                ++there;
                EXPECT_EQ(p->wait(1, UINT64_MAX), VK_ERROR_OUT_OF_DATE_KHR);
            });
        }
        while (there != 3)
            std::this_thread::yield();
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        ids->close();
        ids.reset();
        for (auto& w : waits)
            w.join();
    }
}

} // namespace
} // namespace kite::rt
