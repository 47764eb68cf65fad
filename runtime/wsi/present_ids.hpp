// SPDX-License-Identifier: MIT
// Which presentations of a swapchain have been seen: VK_KHR_present_id and VK_KHR_present_wait.
//
// The present thread reports ids in the order of their presentation; a wait ends once its id or a
// later one is on the screen (one that MAILBOX replaced counts with its successor), or with the
// error that keeps the swapchain from showing anything more. What "on the screen" means is the
// window system's to say (target.hpp). Ownership: the swapchain. Threading: all calls are locked;
// close() sends away the waits that are under way and returns when the last one has left, so that
// the swapchain can be destroyed below them. Failure: as vkWaitForPresentKHR.
#pragma once

#include <vulkan/vulkan_core.h>

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace kite::rt {

/// See the head of this file.
class PresentIds {
public:
    /// The image presented with this id is on the screen; 0: it had no id.
    void shown(uint64_t id);
    /// Nothing will be shown any more; the first error stays.
    void fail(VkResult error);
    /// Ends all waits with OUT_OF_DATE and waits for them to be gone.
    void close();
    /// Waits for an id until a time of CLOCK_MONOTONIC in ns (0: just looks, UINT64_MAX: for ever).
    [[nodiscard]] VkResult wait(uint64_t id, uint64_t deadline_ns);

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    uint64_t last_ = 0;
    VkResult error_ = VK_SUCCESS;
    uint32_t waits_ = 0;
};

} // namespace kite::rt
