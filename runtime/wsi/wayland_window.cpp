// SPDX-License-Identifier: MIT
#include "runtime/wsi/wayland_window.hpp"

#include <poll.h>

#include <cerrno>
#include <cstring>

namespace kite::rt::wsi {

namespace {

/// A frame callback that never comes (hidden window) must not stop the application for ever.
constexpr int kFrameTimeoutMs = 100;

const wl_registry_listener kRegistryListener = {
    .global =
        [](void* data, wl_registry* registry, uint32_t name, const char* interface, uint32_t) {
            auto* shm = static_cast<wl_shm**>(data);
            if (!*shm && std::strcmp(interface, wl_shm_interface.name) == 0)
                *shm = static_cast<wl_shm*>(wl_registry_bind(registry, name, &wl_shm_interface, 1));
        },
    .global_remove = [](void*, wl_registry*, uint32_t) {},
};

const wl_buffer_listener kBufferListener = {
    .release = [](void* data, wl_buffer*) { static_cast<std::atomic<bool>*>(data)->store(true); },
};

const wl_callback_listener kFrameListener = {
    .done =
        [](void* data, wl_callback* callback, uint32_t) {
            wl_callback_destroy(callback);
            *static_cast<wl_callback**>(data) = nullptr;
        },
};

} // namespace

base::Result<std::unique_ptr<WaylandWindow>> WaylandWindow::create(wl_display* display,
                                                                   wl_surface* surface) {
    std::unique_ptr<WaylandWindow> w(new WaylandWindow(display, surface));
    if (!w->connect())
        return base::fail(base::ErrorCode::unsupported, "the Wayland compositor offers no wl_shm");
    return w;
}

bool WaylandWindow::connect() {
    queue_ = wl_display_create_queue(display_);
    display_wrapper_ = static_cast<wl_display*>(wl_proxy_create_wrapper(display_));
    surface_ = static_cast<wl_surface*>(wl_proxy_create_wrapper(app_surface_));
    if (!queue_ || !display_wrapper_ || !surface_)
        return false;
    wl_proxy_set_queue(reinterpret_cast<wl_proxy*>(display_wrapper_), queue_);
    wl_proxy_set_queue(reinterpret_cast<wl_proxy*>(surface_), queue_);
    surface_version_ = wl_proxy_get_version(reinterpret_cast<wl_proxy*>(app_surface_));
    registry_ = wl_display_get_registry(display_wrapper_);
    wl_registry_add_listener(registry_, &kRegistryListener, &shm_);
    return wl_display_roundtrip_queue(display_, queue_) >= 0 && shm_ != nullptr;
}

WaylandWindow::~WaylandWindow() {
    if (frame_)
        wl_callback_destroy(frame_);
    for (const auto& image : images_)
        if (image && image->buffer)
            wl_buffer_destroy(image->buffer);
    if (shm_)
        wl_shm_destroy(shm_);
    if (registry_)
        wl_registry_destroy(registry_);
    if (surface_)
        wl_proxy_wrapper_destroy(surface_);
    if (display_wrapper_)
        wl_proxy_wrapper_destroy(display_wrapper_);
    if (queue_)
        wl_event_queue_destroy(queue_);
    wl_display_flush(display_);
}

base::Result<void> WaylandWindow::add_buffer(uint32_t index, const WindowBuffer& b) {
    if (images_.size() <= index)
        images_.resize(index + 1);
    auto image = std::make_unique<Image>();
    image->memory = b;
    wl_shm_pool* pool = wl_shm_create_pool(shm_, b.fd, static_cast<int32_t>(b.size_bytes));
    if (!pool)
        return base::fail(base::ErrorCode::io, "wl_shm_create_pool failed");
    image->buffer = wl_shm_pool_create_buffer(
        pool, 0, static_cast<int32_t>(b.width), static_cast<int32_t>(b.height),
        static_cast<int32_t>(b.pitch_bytes),
        b.opaque ? WL_SHM_FORMAT_XRGB8888 : WL_SHM_FORMAT_ARGB8888);
    wl_shm_pool_destroy(pool);
    if (!image->buffer)
        return base::fail(base::ErrorCode::io, "wl_shm_pool_create_buffer failed");
    wl_buffer_add_listener(image->buffer, &kBufferListener, &image->free);
    images_[index] = std::move(image);
    return {};
}

/// Reads and dispatches what the compositor sent on our queue, waiting at most timeout_ms. False on
/// a dead connection.
bool WaylandWindow::pump(int timeout_ms) {
    while (wl_display_prepare_read_queue(display_, queue_) != 0)
        if (wl_display_dispatch_queue_pending(display_, queue_) < 0)
            return false;
    wl_display_flush(display_);
    pollfd p{.fd = wl_display_get_fd(display_), .events = POLLIN, .revents = 0};
    if (poll(&p, 1, timeout_ms) > 0) {
        if (wl_display_read_events(display_) < 0)
            return false;
    } else {
        wl_display_cancel_read(display_);
    }
    return wl_display_dispatch_queue_pending(display_, queue_) >= 0;
}

base::Result<ShowResult> WaylandWindow::show(uint32_t index, bool vsync) {
    if (vsync && frame_) {
        for (int waited = 0; frame_ && waited < kFrameTimeoutMs; waited += 10)
            if (!pump(10))
                return base::fail(base::ErrorCode::not_found, "the Wayland connection is gone");
        if (frame_) {
            wl_callback_destroy(frame_);
            frame_ = nullptr;
        }
    }
    Image& image = *images_.at(index);
    image.free.store(false);
    wl_surface_attach(surface_, image.buffer, 0, 0);
    if (surface_version_ >= WL_SURFACE_DAMAGE_BUFFER_SINCE_VERSION)
        wl_surface_damage_buffer(surface_, 0, 0, INT32_MAX, INT32_MAX);
    else
        wl_surface_damage(surface_, 0, 0, INT32_MAX, INT32_MAX);
    if (vsync) {
        frame_ = wl_surface_frame(surface_);
        wl_callback_add_listener(frame_, &kFrameListener, &frame_);
    }
    wl_surface_commit(surface_);
    if (wl_display_flush(display_) < 0 && errno != EAGAIN)
        return base::fail(base::ErrorCode::not_found, "the Wayland connection is gone");
    (void)pump(0);
    return ShowResult::ok;
}

bool WaylandWindow::released(uint32_t index) {
    return images_.at(index)->free.load();
}

void WaylandWindow::wait_release(uint32_t timeout_ms) {
    (void)pump(static_cast<int>(timeout_ms));
}

} // namespace kite::rt::wsi
