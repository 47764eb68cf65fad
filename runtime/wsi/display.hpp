// SPDX-License-Identifier: MIT
// Displays of a device: the connectors of its card node, and their modes.
//
// VkDisplayKHR and VkDisplayModeKHR are never destroyed by an application, so they belong to a list
// of the process that only grows: an object a connector, asked anew whenever an application asks.
// Only devices of kite.ko have any. An application that has the right to set modes by a descriptor
// of its own (a leased one, say) lends it to a display: acquire(). Threading: the list and what is
// lent are locked; an object's connector and modes do not change once it is made. Failure: what
// cannot be asked is not listed.
#pragma once

#include "base/unique_fd.hpp"
#include "runtime/device/instance.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <vector>
#include <xf86drmMode.h>

namespace kite::rt {

struct Display;

/// A mode of a display.
struct DisplayMode : Object<DisplayMode, VkDisplayModeKHR> {
    Display* display = nullptr; ///< whose it is
    drmModeModeInfo timing{};   ///< what the kernel calls it
    /// Frames in 1000 seconds.
    [[nodiscard]] uint32_t millihertz() const;
};

/// The right to set modes, shared by the swapchains of a display: the one that is made with an
/// oldSwapchain takes over while that still lives.
struct DisplaySession {
    base::UniqueFd fd;           ///< master of the card, or lessee
    std::mutex mutex;            ///< held while something is shown; guards `owner`
    const void* owner = nullptr; ///< who shows; others are out of date
};

/// A display: a connector with a monitor.
struct Display : Object<Display, VkDisplayKHR> {
    std::string card;                                ///< path of the primary node
    std::string name;                                ///< e.g. "Virtual-1"
    uint32_t connector = 0;                          ///< id
    VkExtent2D millimetres{};                        ///< size
    std::vector<std::unique_ptr<DisplayMode>> modes; ///< the preferred one first

    /// Takes a descriptor that may set modes; it is duplicated. Not while there is one already.
    VkResult acquire(int fd);
    /// Gives the duplicate back.
    void release();
    /// What to show something with: what others of this process show with, else what was acquired,
    /// else the card node. Null when that is not allowed to set modes.
    [[nodiscard]] std::shared_ptr<DisplaySession> session() const;
    /// A CRTC that can feed the connector and that this descriptor may use; 0: none.
    [[nodiscard]] uint32_t crtc_on(int fd) const;

private:
    mutable std::mutex mutex_;
    mutable std::weak_ptr<DisplaySession> session_;
    base::UniqueFd acquired_;
};

/// The displays of a device as they are now.
[[nodiscard]] std::vector<Display*> displays_of(const PhysicalDevice& device);
/// True when the descriptor is one of the device's card node.
[[nodiscard]] bool is_card_of(const PhysicalDevice& device, int fd);

} // namespace kite::rt
