// SPDX-License-Identifier: MIT
//
// Window: something to show on, of any window system that is there.
//
// The kinds are headless surfaces, windows of the X server of $DISPLAY, windows of the compositor
// of $WAYLAND_DISPLAY, and the first display of the device itself. make_window() gives null where
// the window system, the driver's extension or the display is missing, which a test takes as a
// reason to be skipped. Ownership: a window owns its surface and its connection. Threading: none.
// Failure: throws (see must()).
#pragma once

#include "tests/vulkan/harness/world.hpp"

#include <memory>

namespace kite::vktest {

/// Window systems.
enum class WindowKind { headless, xcb, wayland, display };

/// For test names.
const char* name_of(WindowKind kind);

/// See the head of this file.
class Window {
public:
    virtual ~Window() = default;
    /// Handles what the window system sent.
    virtual void pump() {}
    /// Destroys the native window and leaves the surface without one; false: cannot.
    virtual bool destroy_native() { return false; }
    /// Errors that the application's connection has received since the last call.
    virtual uint32_t errors() { return 0; }

    VkSurfaceKHR surface = VK_NULL_HANDLE; ///< destroyed with the window
    VkExtent2D extent{64, 48};             ///< size of images that fit
};

/// A window, or null.
std::unique_ptr<Window> make_window(World& world, WindowKind kind);

/// A surface of the device's first display in its preferred mode, or null; `display` if not null.
std::unique_ptr<Window> make_display_window(World& world, VkDisplayKHR display = VK_NULL_HANDLE);

} // namespace kite::vktest
