// SPDX-License-Identifier: MIT
// Presentation to an X11 window through XCB.
//
// With MIT-SHM 1.2 the server maps the image's own file descriptor and copies from it: nothing is
// copied on our side. Without it (remote display, old server) the pixels travel in PutImage
// requests. Uses the application's connection; every reply is awaited, no event is selected or
// consumed. See window.hpp for threading and failure.
#pragma once

#include "runtime/wsi/window.hpp"

#include <xcb/xcb.h>

#include <vector>

namespace kite::rt::wsi {

/// See the head of this file.
class X11Window final : public Window {
public:
    /// Checks depth and visual and learns what the server can do. unsupported for windows that are
    /// not 24 or 32 bits deep.
    [[nodiscard]] static base::Result<std::unique_ptr<X11Window>>
    create(xcb_connection_t* connection, xcb_window_t window);
    /// Size of any window without creating an X11Window; not_found if it is gone.
    [[nodiscard]] static base::Result<WindowExtent> query_extent(xcb_connection_t* connection,
                                                                 xcb_window_t window);
    ~X11Window() override;

    [[nodiscard]] base::Result<WindowExtent> extent() override {
        return query_extent(connection_, window_);
    }
    [[nodiscard]] base::Result<void> add_buffer(uint32_t index,
                                                const WindowBuffer& buffer) override;
    [[nodiscard]] base::Result<ShowResult> show(uint32_t index, bool vsync) override;
    [[nodiscard]] bool released(uint32_t) override { return true; }
    void wait_release(uint32_t) override {}
    [[nodiscard]] bool paces_itself() const override { return false; }

private:
    struct Image {
        WindowBuffer buffer;
        uint32_t segment = 0; ///< 0: not shared
    };
    X11Window(xcb_connection_t* connection, xcb_window_t window, uint8_t depth, bool shared);
    void put_pixels(const WindowBuffer& b);

    xcb_connection_t* connection_;
    xcb_window_t window_;
    uint8_t depth_;
    bool shared_;
    xcb_gcontext_t gc_ = 0;
    std::vector<Image> images_;
};

} // namespace kite::rt::wsi
