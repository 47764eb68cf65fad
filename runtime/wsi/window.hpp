// SPDX-License-Identifier: MIT
// A place where finished pictures go: an X11 window, a Wayland surface, or nowhere (headless).
//
// A Window knows nothing of Vulkan. The swapchain registers each image once (its memory is a file
// descriptor that the display server maps too, so presenting copies nothing on our side) and then
// shows them by index. All calls come from one thread at a time (the Presenter's), except extent(),
// which may be called at any time. Failure: Result with not_found (window gone), unsupported, io.
#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <memory>

namespace kite::rt::wsi {

/// Size of a window in pixels; 0 x 0 when the surface has no size of its own (Wayland, headless).
struct WindowExtent {
    uint32_t width = 0;  ///< pixels
    uint32_t height = 0; ///< pixels
};

/// Memory of one image: rows of 32-bit BGRA pixels (blue in the lowest byte).
struct WindowBuffer {
    int fd = -1;                  ///< shareable memory, offset 0; borrowed for the call
    const void* pixels = nullptr; ///< the same memory mapped here
    uint64_t size_bytes = 0;      ///< of the fd
    uint32_t width = 0;           ///< pixels
    uint32_t height = 0;          ///< pixels
    uint32_t pitch_bytes = 0;     ///< multiple of 4
    bool opaque = true;           ///< ignore alpha
};

/// What show() found out.
enum class ShowResult : uint8_t {
    ok,         ///< on its way to the screen
    suboptimal, ///< shown, but the window has another size now
};

/// A presentation target.
class Window {
public:
    virtual ~Window() = default;
    /// Current size.
    [[nodiscard]] virtual base::Result<WindowExtent> extent() = 0;
    /// Makes image `index` known; called once per image before it is shown.
    [[nodiscard]] virtual base::Result<void> add_buffer(uint32_t index,
                                                        const WindowBuffer& buffer) = 0;
    /// Shows an image. vsync asks to be paced by the display where the window can do that itself.
    [[nodiscard]] virtual base::Result<ShowResult> show(uint32_t index, bool vsync) = 0;
    /// True once the display server no longer reads the image.
    [[nodiscard]] virtual bool released(uint32_t index) = 0;
    /// Waits a little (at most timeout_ms) for a release.
    virtual void wait_release(uint32_t timeout_ms) = 0;
    /// True if show() with vsync already waits for the display.
    [[nodiscard]] virtual bool paces_itself() const = 0;
};

} // namespace kite::rt::wsi
