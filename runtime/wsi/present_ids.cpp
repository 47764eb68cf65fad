// SPDX-License-Identifier: MIT
#include "runtime/wsi/present_ids.hpp"

#include <algorithm>
#include <chrono>

namespace kite::rt {

void PresentIds::shown(uint64_t id) {
    {
        std::lock_guard lock(mutex_);
        last_ = std::max(last_, id);
    }
    changed_.notify_all();
}

void PresentIds::fail(VkResult error) {
    {
        std::lock_guard lock(mutex_);
        if (error_ == VK_SUCCESS)
            error_ = error;
    }
    changed_.notify_all();
}

void PresentIds::close() {
    fail(VK_ERROR_OUT_OF_DATE_KHR);
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waits_ == 0; });
}

VkResult PresentIds::wait(uint64_t id, uint64_t deadline_ns) {
    using Clock = std::chrono::steady_clock;
    std::unique_lock lock(mutex_);
    auto over = [&] { return last_ >= id || error_ != VK_SUCCESS; };
    ++waits_;
    bool ended = over();
    if (!ended && deadline_ns > uint64_t{1} << 62) {
        changed_.wait(lock, over);
        ended = true;
    } else if (!ended && deadline_ns != 0) {
        ended = changed_.wait_until(lock, Clock::time_point(std::chrono::nanoseconds(deadline_ns)),
                                    over);
    }
    const VkResult result = last_ >= id ? VK_SUCCESS : ended ? error_ : VK_TIMEOUT;
    // The notification is under the lock: close() may destroy this right afterwards.
    if (--waits_ == 0 && error_ != VK_SUCCESS)
        changed_.notify_all();
    return result;
}

} // namespace kite::rt
