// SPDX-License-Identifier: MIT
// Displays of a device: the connectors of its card node, and their modes.
//
// VkDisplayKHR and VkDisplayModeKHR are never destroyed by an application, so they belong to a list
// of the process that only grows: an object a connector, asked anew whenever an application asks.
// Only devices of kite.ko have any. Threading: the list is locked; an object's connector and modes
// do not change once it is made. Failure: what cannot be asked is not listed.
#pragma once

#include "runtime/device/instance.hpp"

#include <memory>
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

/// A display: a connector with a monitor, and the CRTC that feeds it.
struct Display : Object<Display, VkDisplayKHR> {
    std::string card;                                ///< path of the primary node
    std::string name;                                ///< e.g. "Virtual-1"
    uint32_t connector = 0;                          ///< id
    uint32_t crtc = 0;                               ///< id
    VkExtent2D millimetres{};                        ///< size
    std::vector<std::unique_ptr<DisplayMode>> modes; ///< the preferred one first
    int acquired = -1; ///< descriptor that vkAcquireDrmDisplayEXT lent; not ours
};

/// The displays of a device as they are now.
[[nodiscard]] std::vector<Display*> displays_of(const PhysicalDevice& device);

} // namespace kite::rt
