// SPDX-License-Identifier: MIT
// Fences, semaphores and events over the kernel contract's timelines.
//
// A fence or binary semaphore is a note of the timeline point that signals it: submitting costs
// nothing extra. One that was made exportable has a payload of its own instead (external.cpp). A
// timeline semaphore owns a timeline. Points of an application's queue live as
// long as the device; points of a swapchain are shared. Ownership: the application. Threading:
// fences are locked, semaphores externally synchronised (timeline ones thread-safe). Failure:
// device lost ends every wait.
#pragma once

#include "runtime/device/device.hpp"

#include <memory>

namespace kite::rt {

/// A point that something outside the queue signals keeps its timeline alive.
struct Point {
    kmd::Timeline* timeline = nullptr;   ///< null: none
    uint64_t value = 0;                  ///< reached = signalled
    std::shared_ptr<kmd::Timeline> keep; ///< owner if not the device
    /// As the contract's type.
    [[nodiscard]] kmd::SyncPoint sync() const { return {timeline, value}; }
};

/// VkFence.
struct Fence : Object<Fence, VkFence> {
    std::mutex mutex;                   ///< guards the rest
    bool signalled = false;             ///< created signalled, or seen signalled
    Point point;                        ///< pending signal
    std::shared_ptr<kmd::Timeline> own; ///< payload that other processes may see, or null
    /// Attaches the signal and wakes waiters that came early.
    void attach(Device& d, Point p);
    /// Marks as signalled now.
    void signal(Device& d);
};

/// VkSemaphore.
struct Semaphore : Object<Semaphore, VkSemaphore> {
    bool is_timeline = false;                ///< timeline semaphore
    std::unique_ptr<kmd::Timeline> timeline; ///< timeline semaphores
    Point point;                             ///< binary: pending signal, or none
    std::shared_ptr<kmd::Timeline> own; ///< binary: payload that other processes may see, or null
    bool temporary = false;             ///< point replaces `own` until it is taken

    /// Binary: there is something to wait for.
    [[nodiscard]] bool pending() const { return temporary || point.timeline || own; }
    /// Binary: the point to wait for, which the wait uses up. Without a timeline: signalled.
    Point take();
    /// Binary: becomes a point until it is taken.
    void set(Point p) {
        point = std::move(p);
        temporary = true;
    }
};

/// Waits for binary semaphores by a submission without work; *done is reached with it.
VkResult consume(Queue& q, std::span<const VkSemaphore> semaphores, Point* done);

/// VkEvent: a dword in GPU memory.
struct Event : Object<Event, VkEvent> {
    GpuPiece memory; ///< 0 or 1
    /// The dword.
    [[nodiscard]] uint32_t* word() const { return static_cast<uint32_t*>(memory.host); }
};

} // namespace kite::rt
