// SPDX-License-Identifier: MIT
// The queue between a swapchain and its window: image ownership, present modes and pacing.
//
// Owns the Window and a present thread. acquire() and present() may be called from any thread
// (acquire by one at a time, as Vulkan demands). FIFO shows one image per refresh period (60 Hz
// unless the window paces itself), MAILBOX keeps only the newest waiting image, IMMEDIATE shows at
// once. Images become available again when replaced in the mailbox or released by the display
// server. Failure: a lost window makes every later call return PresentStatus::lost.
//
// Example:
//   Presenter p(std::move(window), 3, PresentMode::fifo);
//   auto a = p.acquire(UINT64_MAX);  ...render...  p.present(a.index, [&] { return wait_for_gpu();
//   });
#pragma once

#include "runtime/wsi/window.hpp"

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace kite::rt::wsi {

/// How images reach the screen.
enum class PresentMode : uint8_t { immediate, mailbox, fifo, fifo_relaxed };

/// Outcome of acquire and present.
enum class PresentStatus : uint8_t { ok, suboptimal, not_ready, timeout, lost };

/// Result of acquire().
struct Acquired {
    PresentStatus status = PresentStatus::ok; ///< ok and suboptimal carry an image
    uint32_t index = 0;                       ///< image
};

/// See the head of this file.
class Presenter {
public:
    /// Takes over the window; `images` were added to it. refresh_hz paces FIFO.
    Presenter(std::unique_ptr<Window> window, uint32_t images, PresentMode mode,
              double refresh_hz = 60.0);
    /// Drops waiting images and joins the thread.
    ~Presenter();
    Presenter(const Presenter&) = delete;
    Presenter& operator=(const Presenter&) = delete;

    /// Next free image. timeout_ns 0 polls (not_ready), UINT64_MAX waits for ever.
    [[nodiscard]] Acquired acquire(uint64_t timeout_ns);
    /// Queues an acquired image. `finished` blocks until rendering is done and returns false if the
    /// device was lost (the image is then dropped). The status is that of the swapchain so far: an
    /// error of an earlier show is reported here.
    [[nodiscard]] PresentStatus present(uint32_t index, std::function<bool()> finished);
    /// Gives an acquired image back unpresented.
    void release(uint32_t index);
    /// Waits until nothing is queued.
    void drain();
    /// Waits until present number `id` (counted from 1) was shown. @return ok, timeout or lost.
    [[nodiscard]] PresentStatus wait_present(uint64_t id, uint64_t timeout_ns);

private:
    enum class State : uint8_t { free, acquired, queued, showing };
    struct Item {
        uint32_t index;
        std::function<bool()> finished;
    };
    void run();
    void reclaim_locked();

    std::unique_ptr<Window> window_;
    const PresentMode mode_;
    const double period_ns_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<State> state_;
    std::deque<uint32_t> free_order_;
    std::deque<Item> queue_;
    PresentStatus status_ = PresentStatus::ok;
    uint64_t shown_ = 0;
    uint64_t presented_ = 0;
    bool showing_now_ = false;
    bool stop_ = false;
    std::thread thread_;
};

} // namespace kite::rt::wsi
