// SPDX-License-Identifier: MIT
// X11 windows: the swapchain's memfd is attached to the server as a shared memory segment
// (MIT-SHM 1.2), so showing an image is one request. Servers without descriptor passing get SysV
// segments, remote ones plain PutImage.
#define VK_USE_PLATFORM_XCB_KHR 1
#define VK_USE_PLATFORM_XLIB_KHR 1
#include "base/log.hpp"
#include "runtime/wsi/target.hpp"

#include <vulkan/vulkan.h>
// After vulkan.h, whose platform headers define the types it needs.
#include <vulkan/vk_icd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <unistd.h>
#include <xcb/shm.h>
#include <xcb/xcb.h>

namespace kite::rt {
namespace {

template <class T>
using Reply = std::unique_ptr<T, decltype(&std::free)>;
template <class T>
Reply<T> own(T* p) {
    return Reply<T>(p, &std::free);
}

struct Window {
    xcb_connection_t* c = nullptr;
    xcb_window_t id = 0;
};

xcb_connection_t* xcb_of(Display* dpy) {
    // An Xlib application has libX11 loaded; its bridge to xcb is looked up so that other
    // applications don't load either.
    using Fn = xcb_connection_t* (*)(Display*);
    static const Fn fn = [] {
        void* h = dlopen("libX11-xcb.so.1", RTLD_NOW | RTLD_LOCAL);
        return h ? reinterpret_cast<Fn>(dlsym(h, "XGetXCBConnection")) : nullptr;
    }();
    return fn ? fn(dpy) : nullptr;
}

Window window_of(const void* icd_surface, bool xlib) {
    if (xlib) {
        auto* s = static_cast<const VkIcdSurfaceXlib*>(icd_surface);
        return {xcb_of(s->dpy), static_cast<xcb_window_t>(s->window)};
    }
    auto* s = static_cast<const VkIcdSurfaceXcb*>(icd_surface);
    return {s->connection, s->window};
}

/// True if the visual shows 0x00RRGGBB words.
bool visual_fits(xcb_connection_t* c, xcb_visualid_t id) {
    for (auto s = xcb_setup_roots_iterator(xcb_get_setup(c)); s.rem; xcb_screen_next(&s))
        for (auto d = xcb_screen_allowed_depths_iterator(s.data); d.rem; xcb_depth_next(&d))
            for (auto v = xcb_depth_visuals_iterator(d.data); v.rem; xcb_visualtype_next(&v))
                if (v.data->visual_id == id)
                    return v.data->red_mask == 0xff0000 && v.data->green_mask == 0xff00 &&
                           v.data->blue_mask == 0xff;
    return false;
}

/// Segment of one image.
struct Segment {
    TargetImage image;
    xcb_shm_seg_t seg = 0; ///< 0: PutImage
    void* copy = nullptr;  ///< SysV: image is copied here first
};

class X11Target final : public PresentTarget {
public:
    X11Target(Window w, uint8_t depth) : w_(w), depth_(depth) {
        gc_ = xcb_generate_id(w_.c);
        uint32_t no_exposures = 0;
        ignore(xcb_create_gc_checked(w_.c, gc_, w_.id, XCB_GC_GRAPHICS_EXPOSURES, &no_exposures));
        const xcb_query_extension_reply_t* ext = xcb_get_extension_data(w_.c, &xcb_shm_id);
        if (ext && ext->present) {
            auto v = own(xcb_shm_query_version_reply(w_.c, xcb_shm_query_version(w_.c), nullptr));
            shm_ = v != nullptr;
            fds_ = v && (v->major_version > 1 || (v->major_version == 1 && v->minor_version >= 2));
        }
        max_bytes_ = uint64_t{xcb_get_maximum_request_length(w_.c)} * 4 - 64;
    }
    ~X11Target() override {
        for (Segment& s : segments_) {
            if (s.seg)
                ignore(xcb_shm_detach_checked(w_.c, s.seg));
            if (s.copy)
                shmdt(s.copy);
        }
        ignore(xcb_free_gc_checked(w_.c, gc_));
        xcb_flush(w_.c);
    }
    X11Target(const X11Target&) = delete;
    X11Target& operator=(const X11Target&) = delete;

    VkResult attach(const TargetImage& image) override {
        Segment s;
        s.image = image;
        if (fds_ && image.fd >= 0)
            attach_fd(s);
        if (!s.seg && shm_)
            attach_sysv(s);
        segments_.push_back(s);
        return VK_SUCCESS;
    }

    VkResult show(uint32_t index, bool) override {
        Segment& s = segments_[index];
        const TargetImage& im = s.image;
        auto cookie = xcb_get_geometry(w_.c, w_.id);
        xcb_void_cookie_t put{};
        if (s.seg) {
            if (s.copy)
                std::memcpy(s.copy, im.host, uint64_t{im.pitch} * im.extent.height);
            put = xcb_shm_put_image_checked(w_.c, w_.id, gc_, static_cast<uint16_t>(im.pitch / 4),
                                            static_cast<uint16_t>(im.extent.height), 0, 0,
                                            static_cast<uint16_t>(im.extent.width),
                                            static_cast<uint16_t>(im.extent.height), 0, 0, depth_,
                                            XCB_IMAGE_FORMAT_Z_PIXMAP, 0, s.seg, 0);
        } else {
            put_rows(im);
        }
        // A round trip after the request: the server has read the image when it answers.
        auto sync = own(xcb_get_input_focus_reply(w_.c, xcb_get_input_focus(w_.c), nullptr));
        auto geometry = own(xcb_get_geometry_reply(w_.c, cookie, nullptr));
        const bool shown = !s.seg || check(put);
        if (!geometry || !sync || !shown)
            return VK_ERROR_SURFACE_LOST_KHR;
        bool same = geometry->width == im.extent.width && geometry->height == im.extent.height;
        return same ? VK_SUCCESS : VK_SUBOPTIMAL_KHR;
    }

private:
    // The connection is the application's, and so would be an error's event: Xlib ends programs
    // whose window was gone before its last image. Every request is checked or ignored.
    void ignore(xcb_void_cookie_t cookie) { xcb_discard_reply(w_.c, cookie.sequence); }
    bool check(xcb_void_cookie_t cookie) {
        auto e = own(xcb_request_check(w_.c, cookie));
        return e == nullptr;
    }
    void attach_fd(Segment& s) {
        int fd = dup(s.image.fd);
        if (fd < 0)
            return;
        xcb_shm_seg_t seg = xcb_generate_id(w_.c);
        // The connection closes the descriptor after sending it. The server must not write:
        // read_only would do, but some servers refuse it for descriptors.
        if (check(xcb_shm_attach_fd_checked(w_.c, seg, fd, 0)))
            s.seg = seg;
        else
            fds_ = false;
    }
    void attach_sysv(Segment& s) {
        int id = shmget(IPC_PRIVATE, s.image.size_bytes, IPC_CREAT | 0600);
        if (id < 0)
            return;
        void* p = shmat(id, nullptr, 0);
        xcb_shm_seg_t seg = xcb_generate_id(w_.c);
        bool ok = p != reinterpret_cast<void*>(-1) &&
                  check(xcb_shm_attach_checked(w_.c, seg, static_cast<uint32_t>(id), 1));
        shmctl(id, IPC_RMID, nullptr);
        if (ok) {
            s.seg = seg;
            s.copy = p;
        } else {
            if (p != reinterpret_cast<void*>(-1))
                shmdt(p);
            shm_ = false;
        }
    }
    void put_rows(const TargetImage& im) {
        uint32_t rows =
            static_cast<uint32_t>(std::clamp<uint64_t>(max_bytes_ / im.pitch, 1, im.extent.height));
        // Rows are sent with their padding cut, so only widths whose pitch is tight go in bands.
        std::vector<uint8_t> band(uint64_t{im.extent.width} * 4 * rows);
        for (uint32_t y = 0; y < im.extent.height; y += rows) {
            uint32_t n = std::min(rows, im.extent.height - y);
            for (uint32_t r = 0; r < n; ++r)
                std::memcpy(band.data() + uint64_t{r} * im.extent.width * 4,
                            static_cast<char*>(im.host) + uint64_t{y + r} * im.pitch,
                            uint64_t{im.extent.width} * 4);
            ignore(xcb_put_image_checked(w_.c, XCB_IMAGE_FORMAT_Z_PIXMAP, w_.id, gc_,
                                         static_cast<uint16_t>(im.extent.width),
                                         static_cast<uint16_t>(n), 0, static_cast<int16_t>(y), 0,
                                         depth_, n * im.extent.width * 4, band.data()));
        }
    }

    Window w_;
    uint8_t depth_;
    xcb_gcontext_t gc_ = 0;
    bool shm_ = false;
    bool fds_ = false;
    uint64_t max_bytes_ = 0;
    std::vector<Segment> segments_;
};

} // namespace

SurfaceFacts x11_facts(const void* icd_surface, bool xlib) {
    SurfaceFacts f;
    Window w = window_of(icd_surface, xlib);
    if (!w.c) {
        f.presentable = false;
        return f;
    }
    auto gc = xcb_get_geometry(w.c, w.id);
    auto ac = xcb_get_window_attributes(w.c, w.id);
    auto g = own(xcb_get_geometry_reply(w.c, gc, nullptr));
    auto a = own(xcb_get_window_attributes_reply(w.c, ac, nullptr));
    if (!g || !a) {
        f.lost = true;
        f.presentable = false;
        return f;
    }
    f.current = {g->width, g->height};
    f.presentable = visual_fits(w.c, a->visual);
    f.alpha = g->depth == 32
                  ? VK_COMPOSITE_ALPHA_PRE_MULTIPLIED_BIT_KHR | VK_COMPOSITE_ALPHA_INHERIT_BIT_KHR |
                        VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR
                  : VK_COMPOSITE_ALPHA_INHERIT_BIT_KHR | VK_COMPOSITE_ALPHA_OPAQUE_BIT_KHR;
    return f;
}

std::unique_ptr<PresentTarget> x11_target(const void* icd_surface, bool xlib, VkResult* error) {
    Window w = window_of(icd_surface, xlib);
    auto g = w.c ? own(xcb_get_geometry_reply(w.c, xcb_get_geometry(w.c, w.id), nullptr))
                 : own(static_cast<xcb_get_geometry_reply_t*>(nullptr));
    if (!g) {
        *error = VK_ERROR_SURFACE_LOST_KHR;
        return nullptr;
    }
    return std::make_unique<X11Target>(w, g->depth);
}

namespace vk {

VkBool32 GetPhysicalDeviceXcbPresentationSupportKHR(VkPhysicalDevice, uint32_t, xcb_connection_t* c,
                                                    xcb_visualid_t visual) {
    return visual_fits(c, visual);
}

VkBool32 GetPhysicalDeviceXlibPresentationSupportKHR(VkPhysicalDevice, uint32_t, Display* dpy,
                                                     VisualID visual) {
    xcb_connection_t* c = xcb_of(dpy);
    return c && visual_fits(c, static_cast<xcb_visualid_t>(visual));
}

} // namespace vk
} // namespace kite::rt
