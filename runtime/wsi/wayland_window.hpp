// SPDX-License-Identifier: MIT
// Presentation to a wl_surface through wl_shm: the compositor maps the image's own file descriptor.
//
// All objects live on an event queue of their own, so the application's queue is never dispatched.
// FIFO is paced by frame callbacks. See window.hpp for threading and failure.
#pragma once

#include "runtime/wsi/window.hpp"

#include <wayland-client.h>

#include <atomic>
#include <vector>

namespace kite::rt::wsi {

/// See the head of this file.
class WaylandWindow final : public Window {
public:
    /// Binds wl_shm; unsupported if the compositor has none.
    [[nodiscard]] static base::Result<std::unique_ptr<WaylandWindow>> create(wl_display* display,
                                                                             wl_surface* surface);
    ~WaylandWindow() override;

    [[nodiscard]] base::Result<WindowExtent> extent() override { return WindowExtent{}; }
    [[nodiscard]] base::Result<void> add_buffer(uint32_t index,
                                                const WindowBuffer& buffer) override;
    [[nodiscard]] base::Result<ShowResult> show(uint32_t index, bool vsync) override;
    [[nodiscard]] bool released(uint32_t index) override;
    void wait_release(uint32_t timeout_ms) override;
    [[nodiscard]] bool paces_itself() const override { return true; }

private:
    struct Image {
        wl_buffer* buffer = nullptr;
        WindowBuffer memory;
        std::atomic<bool> free{true};
    };
    WaylandWindow(wl_display* display, wl_surface* surface)
        : display_(display), app_surface_(surface) {}
    bool connect();
    bool pump(int timeout_ms);

    wl_display* display_;
    wl_surface* app_surface_;
    wl_event_queue* queue_ = nullptr;
    wl_display* display_wrapper_ = nullptr;
    wl_surface* surface_ = nullptr;
    wl_registry* registry_ = nullptr;
    wl_shm* shm_ = nullptr;
    wl_callback* frame_ = nullptr;
    uint32_t surface_version_ = 1;
    std::vector<std::unique_ptr<Image>> images_;
};

} // namespace kite::rt::wsi
