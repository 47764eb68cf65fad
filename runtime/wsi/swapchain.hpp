// SPDX-License-Identifier: MIT
// VkSwapchainKHR: linear exportable images, and a thread that shows them.
//
// vkQueuePresentKHR only queues. The present thread waits until the image is rendered, then for its
// turn (FIFO: a 60 Hz grid; MAILBOX: the same grid, showing the newest rendered image; IMMEDIATE:
// at once), shows it and frees it. Images are free only when the display server no longer reads
// them, so acquiring signals its semaphore at once. Ownership: the swapchain owns images and
// target. Threading: the queue is locked. Failure: OUT_OF_DATE / SURFACE_LOST / SUBOPTIMAL are
// sticky and reported by the next acquire or present. A presentation's fence is signalled when the
// image was shown, was replaced or never will be: then nothing waits for its semaphores any more.
#pragma once

#include "runtime/sync/sync.hpp"
#include "runtime/wsi/present_ids.hpp"
#include "runtime/wsi/target.hpp"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <thread>

namespace kite::rt {

/// An image and its state.
struct SwapImage {
    enum class State { free, acquired, queued, shown }; ///< who has it
    Image image;                                        ///< the VkImage
    BoundBo bound;                                      ///< its memory
    State state = State::free;                          ///< locked
};

/// An image to show.
struct Presentation {
    uint32_t index = 0;        ///< image
    std::vector<Point> points; ///< rendered when all are reached
    uint64_t id = 0;           ///< VkPresentIdKHR, or 0
    Fence* fence = nullptr;    ///< VkSwapchainPresentFenceInfoEXT, or null
};

/// The swapchain.
struct Swapchain : Object<Swapchain, VkSwapchainKHR> {
    explicit Swapchain(Device& d) : device(&d) {}
    ~Swapchain();
    Swapchain(const Swapchain&) = delete;
    Swapchain& operator=(const Swapchain&) = delete;
    /// Creates images and target, starts the thread.
    VkResult init(const VkSwapchainCreateInfoKHR& info);
    /// vkAcquireNextImageKHR without the synchronisation objects.
    VkResult acquire(uint64_t timeout, uint32_t* index);
    /// Queues an image that is ready when all points are reached.
    VkResult present(Presentation p);
    /// Takes note that nothing more will be shown, and why.
    void fail(VkResult error);
    /// Gives acquired images back without showing them.
    void release(uint32_t count, const uint32_t* indices);

    Device* device;                                   ///< owner
    std::vector<std::unique_ptr<SwapImage>> images;   ///< images
    VkPresentModeKHR mode = VK_PRESENT_MODE_FIFO_KHR; ///< mode
    VkSwapchainCreateInfoKHR info{};                  ///< parameters (pointers are not valid)
    std::atomic<bool> retired{false};                 ///< replaced by another swapchain
    PresentIds ids;                                   ///< what was seen

private:
    using Clock = std::chrono::steady_clock;
    void run();
    void run_in_order();
    void run_mailbox();
    /// Waits until the image is rendered; false at the deadline.
    bool rendered(const Presentation& q, uint64_t deadline_ns);
    /// The next queued image; false when stopped or at the deadline.
    bool next(Presentation& out, Clock::time_point until);
    void show(const Presentation& q);
    void drop(const Presentation& q);
    void done(const Presentation& q);
    bool stopped();
    void sleep_until(Clock::time_point t);
    bool expects_news() const;
    void take_news();
    void free_released();
    VkResult make_image(const VkSwapchainCreateInfoKHR& ci);

    std::unique_ptr<PresentTarget> target_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Presentation> queue_;
    std::deque<uint64_t> unconfirmed_; ///< ids the target has not seen yet; present thread only
    VkResult status_ = VK_SUCCESS;
    bool stop_ = false; ///< locked
    std::thread thread_;
};

} // namespace kite::rt
