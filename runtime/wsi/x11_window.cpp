// SPDX-License-Identifier: MIT
#include "runtime/wsi/x11_window.hpp"

#include "base/log.hpp"

#include <fcntl.h>
#include <xcb/shm.h>

#include <algorithm>
#include <cstdlib>

namespace kite::rt::wsi {

namespace {

/// Replies and errors of libxcb are malloc'ed.
template <class T>
struct Freed {
    void operator()(T* p) const { std::free(p); }
};
template <class T>
using Reply = std::unique_ptr<T, Freed<T>>;

/// True if the server can map our file descriptors (MIT-SHM 1.2).
bool can_share(xcb_connection_t* c) {
    const xcb_query_extension_reply_t* ext = xcb_get_extension_data(c, &xcb_shm_id);
    if (!ext || !ext->present)
        return false;
    const Reply<xcb_shm_query_version_reply_t> v(
        xcb_shm_query_version_reply(c, xcb_shm_query_version(c), nullptr));
    return v && (v->major_version > 1 || (v->major_version == 1 && v->minor_version >= 2));
}

} // namespace

base::Result<WindowExtent> X11Window::query_extent(xcb_connection_t* connection,
                                                   xcb_window_t window) {
    const Reply<xcb_get_geometry_reply_t> g(
        xcb_get_geometry_reply(connection, xcb_get_geometry(connection, window), nullptr));
    if (!g)
        return base::fail(base::ErrorCode::not_found, "X11 window 0x{:x} is gone", window);
    return WindowExtent{g->width, g->height};
}

base::Result<std::unique_ptr<X11Window>> X11Window::create(xcb_connection_t* connection,
                                                           xcb_window_t window) {
    const Reply<xcb_get_geometry_reply_t> g(
        xcb_get_geometry_reply(connection, xcb_get_geometry(connection, window), nullptr));
    if (!g)
        return base::fail(base::ErrorCode::not_found, "X11 window 0x{:x} is gone", window);
    if (g->depth != 24 && g->depth != 32)
        return base::fail(base::ErrorCode::unsupported, "X11 window of depth {} (24 or 32 wanted)",
                          g->depth);
    return std::unique_ptr<X11Window>(
        new X11Window(connection, window, g->depth, can_share(connection)));
}

X11Window::X11Window(xcb_connection_t* connection, xcb_window_t window, uint8_t depth, bool shared)
    : connection_(connection), window_(window), depth_(depth), shared_(shared) {
    gc_ = xcb_generate_id(connection_);
    const uint32_t no_exposures = 0;
    xcb_create_gc(connection_, gc_, window_, XCB_GC_GRAPHICS_EXPOSURES, &no_exposures);
}

X11Window::~X11Window() {
    for (const Image& image : images_)
        if (image.segment != 0)
            xcb_shm_detach(connection_, image.segment);
    xcb_free_gc(connection_, gc_);
    xcb_flush(connection_);
}

base::Result<void> X11Window::add_buffer(uint32_t index, const WindowBuffer& buffer) {
    if (images_.size() <= index)
        images_.resize(index + 1);
    Image& image = images_[index];
    image.buffer = buffer;
    if (!shared_ || buffer.fd < 0)
        return {};
    const int fd = fcntl(buffer.fd, F_DUPFD_CLOEXEC, 3); // libxcb closes what it sends
    if (fd < 0)
        return base::fail(base::ErrorCode::io, "cannot duplicate the image's file descriptor");
    const uint32_t segment = xcb_generate_id(connection_);
    const Reply<xcb_generic_error_t> error(
        xcb_request_check(connection_, xcb_shm_attach_fd_checked(connection_, segment, fd, 1)));
    if (error) {
        KITE_LOG(info, "the X server cannot map images (error {}); sending pixels instead",
                 error->error_code);
        shared_ = false;
        return {};
    }
    image.segment = segment;
    return {};
}

void X11Window::put_pixels(const WindowBuffer& b) {
    // Requests are limited in size: send bands of whole rows. The server wants rows without
    // padding.
    const uint64_t limit = uint64_t{xcb_get_maximum_request_length(connection_)} * 4 - 64;
    const uint32_t row = b.width * 4;
    const auto rows =
        static_cast<uint32_t>(std::clamp<uint64_t>(limit / std::max(row, 1u), 1, 4096));
    std::vector<uint8_t> band;
    for (uint32_t y = 0; y < b.height; y += rows) {
        const uint32_t n = std::min(rows, b.height - y);
        band.resize(size_t{n} * row);
        for (uint32_t k = 0; k < n; ++k)
            std::copy_n(static_cast<const uint8_t*>(b.pixels) + size_t{y + k} * b.pitch_bytes, row,
                        band.data() + size_t{k} * row);
        xcb_put_image(connection_, XCB_IMAGE_FORMAT_Z_PIXMAP, window_, gc_,
                      static_cast<uint16_t>(b.width), static_cast<uint16_t>(n), 0,
                      static_cast<int16_t>(y), 0, depth_, static_cast<uint32_t>(band.size()),
                      band.data());
    }
}

base::Result<ShowResult> X11Window::show(uint32_t index, bool) {
    const Image& image = images_.at(index);
    const WindowBuffer& b = image.buffer;
    if (image.segment != 0) {
        xcb_shm_put_image(connection_, window_, gc_, static_cast<uint16_t>(b.pitch_bytes / 4),
                          static_cast<uint16_t>(b.height), 0, 0, static_cast<uint16_t>(b.width),
                          static_cast<uint16_t>(b.height), 0, 0, depth_, XCB_IMAGE_FORMAT_Z_PIXMAP,
                          0, image.segment, 0);
    } else {
        put_pixels(b);
    }
    // The reply comes after the server has copied the pixels, so the image is free again; it also
    // tells the window's size.
    auto size = extent();
    if (!size)
        return std::unexpected(size.error());
    return size->width == b.width && size->height == b.height ? ShowResult::ok
                                                              : ShowResult::suboptimal;
}

} // namespace kite::rt::wsi
