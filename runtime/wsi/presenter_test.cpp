// SPDX-License-Identifier: MIT
#include "runtime/wsi/presenter.hpp"

#include "runtime/wsi/headless_window.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <set>

namespace kite::rt::wsi {
namespace {

/// Records what was shown; can be told to hold images or to die.
class FakeWindow final : public Window {
public:
    struct Log {
        std::mutex mutex;
        std::vector<uint32_t> shown;
        std::atomic<bool> hold{false}, dead{false};
    };
    explicit FakeWindow(Log& log) : log_(log) {}
    base::Result<WindowExtent> extent() override { return WindowExtent{64, 64}; }
    base::Result<void> add_buffer(uint32_t, const WindowBuffer&) override { return {}; }
    base::Result<ShowResult> show(uint32_t index, bool) override {
        if (log_.dead)
            return base::fail(base::ErrorCode::not_found, "gone");
        const std::lock_guard lock(log_.mutex);
        log_.shown.push_back(index);
        return ShowResult::ok;
    }
    bool released(uint32_t) override { return !log_.hold; }
    void wait_release(uint32_t ms) override {
        std::this_thread::sleep_for(std::chrono::milliseconds(ms));
    }
    bool paces_itself() const override { return false; }

private:
    Log& log_;
};

TEST(Presenter, ImmediateShowsEveryImageInOrder) {
    FakeWindow::Log log;
    Presenter p(std::make_unique<FakeWindow>(log), 3, PresentMode::immediate);
    std::vector<uint32_t> sent;
    for (int n = 0; n < 50; ++n) {
        const Acquired a = p.acquire(UINT64_MAX);
        ASSERT_EQ(a.status, PresentStatus::ok);
        sent.push_back(a.index);
        ASSERT_EQ(p.present(a.index, [] { return true; }), PresentStatus::ok);
    }
    p.drain();
    EXPECT_EQ(log.shown, sent);
    EXPECT_EQ(p.wait_present(50, 0), PresentStatus::ok);
    EXPECT_EQ(p.wait_present(51, 1000), PresentStatus::timeout);
}

TEST(Presenter, AcquireTimesOutWhenTheServerHoldsAllImages) {
    FakeWindow::Log log;
    log.hold = true;
    Presenter p(std::make_unique<FakeWindow>(log), 2, PresentMode::immediate);
    for (int n = 0; n < 2; ++n)
        (void)p.present(p.acquire(UINT64_MAX).index, {});
    EXPECT_EQ(p.acquire(0).status, PresentStatus::not_ready);
    EXPECT_EQ(p.acquire(2'000'000).status, PresentStatus::timeout);
    log.hold = false;
    EXPECT_EQ(p.acquire(UINT64_MAX).status, PresentStatus::ok);
}

TEST(Presenter, MailboxDropsWaitingImagesAndNeverRunsOut) {
    FakeWindow::Log log;
    std::atomic<bool> gate{false};
    Presenter p(std::make_unique<FakeWindow>(log), 3, PresentMode::mailbox);
    const auto slow = [&] {
        while (!gate)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        return true;
    };
    (void)p.present(p.acquire(UINT64_MAX).index, slow); // occupies the thread
    for (int n = 0; n < 20; ++n) {
        const Acquired a = p.acquire(UINT64_MAX);
        ASSERT_EQ(a.status, PresentStatus::ok);
        (void)p.present(a.index, [] { return true; });
    }
    gate = true;
    p.drain();
    EXPECT_LE(log.shown.size(), 3u);
}

TEST(Presenter, FifoIsPaced) {
    FakeWindow::Log log;
    Presenter p(std::make_unique<FakeWindow>(log), 3, PresentMode::fifo, 200.0);
    const auto start = std::chrono::steady_clock::now();
    for (int n = 0; n < 11; ++n)
        (void)p.present(p.acquire(UINT64_MAX).index, {});
    p.drain();
    EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(45));
    EXPECT_EQ(log.shown.size(), 11u);
}

TEST(Presenter, LostWindowAndLostDevice) {
    FakeWindow::Log log;
    Presenter p(std::make_unique<FakeWindow>(log), 2, PresentMode::immediate);
    (void)p.present(p.acquire(UINT64_MAX).index, [] { return false; });
    p.drain();
    EXPECT_TRUE(log.shown.empty());
    log.dead = true;
    (void)p.present(p.acquire(UINT64_MAX).index, {});
    p.drain();
    EXPECT_EQ(p.acquire(UINT64_MAX).status, PresentStatus::lost);
}

} // namespace
} // namespace kite::rt::wsi
