// SPDX-License-Identifier: MIT
// What a window system must provide to show swapchain images.
//
// Swapchain images are linear buffers with a file descriptor. A target hands the descriptor to the
// display server once (attach) and then asks it to show an image; no pixel is copied in this
// process unless the server can't take descriptors. Ownership: a swapchain owns its target.
// Threading: attach() and destruction happen while no present is running; show(), holds() and
// collect() are called by the swapchain's present thread only. Failure: VkResult as
// vkQueuePresentKHR would return it.
#pragma once

#include "runtime/resource/image.hpp"

#include <memory>
#include <vector>

namespace kite::rt {

/// One image as the window system sees it.
struct TargetImage {
    int fd = -1;             ///< memory; the target may dup it
    void* host = nullptr;    ///< mapping
    uint64_t size_bytes = 0; ///< bytes
    uint32_t pitch = 0;      ///< bytes between rows
    VkExtent2D extent{};     ///< pixels
    bool alpha = false;      ///< the compositor should blend
};

/// Shows images in a window.
class PresentTarget {
public:
    virtual ~PresentTarget() = default;
    /// Announces image number images() (in order).
    virtual VkResult attach(const TargetImage& image) = 0;
    /// Shows an image. Unless holds(), the server has finished reading it on return. It is on the
    /// screen then, too, but for the last unconfirmed() ones that were to be confirmed.
    virtual VkResult show(uint32_t index, bool confirm) = 0;
    /// How many of the images to be confirmed have not come to the screen as far as collect()
    /// knows.
    [[nodiscard]] virtual size_t unconfirmed() { return 0; }
    /// Images the server may still read.
    [[nodiscard]] virtual uint32_t holds() const { return 0; }
    /// Images must be memory of the device, by a dma-buf.
    [[nodiscard]] virtual bool wants_dma_buf() const { return false; }
    /// show() itself waits for the display's turn.
    [[nodiscard]] virtual bool keeps_time() const { return false; }
    /// Adds the images the server gave back since the last call.
    virtual void collect(std::vector<uint32_t>& released) { (void)released; }
};

/// What a surface can do.
struct SurfaceFacts {
    VkExtent2D current{0xffffffffu, 0xffffffffu}; ///< 0xffffffff: the swapchain decides
    bool presentable = true;                      ///< pixel layout fits
    bool lost = false;                            ///< the window is gone
    VkCompositeAlphaFlagsKHR alpha = VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR; ///< supported modes
};

/// Queries a surface of any platform.
[[nodiscard]] SurfaceFacts surface_facts(VkSurfaceKHR surface);
/// Makes the target of a surface; null with an error when the window can't be shown to.
[[nodiscard]] std::unique_ptr<PresentTarget> make_target(VkSurfaceKHR surface,
                                                         VkPresentModeKHR mode, VkResult* error);

/// Platform parts.
[[nodiscard]] SurfaceFacts x11_facts(const void* icd_surface, bool xlib);
/// See x11_facts.
[[nodiscard]] std::unique_ptr<PresentTarget> x11_target(const void* icd_surface, bool xlib,
                                                        VkResult* error);
/// Wayland; the extent is the swapchain's.
[[nodiscard]] std::unique_ptr<PresentTarget> wayland_target(const void* icd_surface,
                                                            VkResult* error);
/// A display of the device's own.
[[nodiscard]] SurfaceFacts kms_facts(const void* icd_surface);
/// See kms_facts; one that tears does not wait for vblanks.
[[nodiscard]] std::unique_ptr<PresentTarget> kms_target(const void* icd_surface, bool tears,
                                                        VkResult* error);

} // namespace kite::rt
