// SPDX-License-Identifier: MIT
#define VK_USE_PLATFORM_XCB_KHR 1
#define VK_USE_PLATFORM_WAYLAND_KHR 1
#include "tests/vulkan/wsi/window.hpp"

#include <cstdlib>
#include <cstring>
#include <wayland-client.h>
#include <xcb/xcb.h>
#include <xdg-shell-client-protocol.h>

namespace kite::vktest {
namespace {

class SurfaceOwner : public Window {
public:
    explicit SurfaceOwner(World& world) : world_(world) {}
    ~SurfaceOwner() override {
        if (surface) {
            vkDestroySurfaceKHR(world_.instance, surface, nullptr);
        }
    }
    SurfaceOwner(const SurfaceOwner&) = delete;
    SurfaceOwner& operator=(const SurfaceOwner&) = delete;

protected:
    World& world_;
};

class HeadlessWindow final : public SurfaceOwner {
public:
    explicit HeadlessWindow(World& world) : SurfaceOwner(world) {
        const VkHeadlessSurfaceCreateInfoEXT info{
            .sType = VK_STRUCTURE_TYPE_HEADLESS_SURFACE_CREATE_INFO_EXT};
        must(world.load<PFN_vkCreateHeadlessSurfaceEXT>("vkCreateHeadlessSurfaceEXT")(
            world.instance, &info, nullptr, &surface));
    }
};

class XcbWindow final : public SurfaceOwner {
public:
    explicit XcbWindow(World& world) : SurfaceOwner(world) {
        connection_ = xcb_connect(nullptr, nullptr);
        if (xcb_connection_has_error(connection_)) {
            return;
        }
        auto* screen = xcb_setup_roots_iterator(xcb_get_setup(connection_)).data;
        window_ = xcb_generate_id(connection_);
        xcb_create_window(connection_, XCB_COPY_FROM_PARENT, window_, screen->root, 0, 0,
                          static_cast<uint16_t>(extent.width), static_cast<uint16_t>(extent.height),
                          0, XCB_WINDOW_CLASS_INPUT_OUTPUT, screen->root_visual, 0, nullptr);
        xcb_map_window(connection_, window_);
        xcb_flush(connection_);
        const VkXcbSurfaceCreateInfoKHR info{.sType = VK_STRUCTURE_TYPE_XCB_SURFACE_CREATE_INFO_KHR,
                                             .connection = connection_,
                                             .window = window_};
        must(world.load<PFN_vkCreateXcbSurfaceKHR>("vkCreateXcbSurfaceKHR")(world.instance, &info,
                                                                            nullptr, &surface));
    }
    ~XcbWindow() override {
        vkDestroySurfaceKHR(world_.instance, surface, nullptr);
        surface = VK_NULL_HANDLE;
        xcb_disconnect(connection_);
    }
    XcbWindow(const XcbWindow&) = delete;
    XcbWindow& operator=(const XcbWindow&) = delete;
    bool destroy_native() override {
        xcb_destroy_window(connection_, window_);
        xcb_flush(connection_);
        return true;
    }
    uint32_t errors() override {
        uint32_t count = 0;
        while (xcb_generic_event_t* event = xcb_poll_for_event(connection_)) {
            count += event->response_type == 0 ? 1 : 0;
            std::free(event);
        }
        return count;
    }

private:
    xcb_connection_t* connection_ = nullptr;
    xcb_window_t window_ = 0;
};

class WaylandWindow final : public SurfaceOwner {
public:
    explicit WaylandWindow(World& world) : SurfaceOwner(world) {
        display_ = wl_display_connect(nullptr);
        if (!display_) {
            return;
        }
        static const wl_registry_listener globals = {&WaylandWindow::global,
                                                     [](void*, wl_registry*, uint32_t) {}};
        registry_ = wl_display_get_registry(display_);
        wl_registry_add_listener(registry_, &globals, this);
        wl_display_roundtrip(display_);
        if (!compositor_ || !shell_) {
            return;
        }
        static const xdg_wm_base_listener alive = {
            [](void*, xdg_wm_base* shell, uint32_t serial) { xdg_wm_base_pong(shell, serial); }};
        xdg_wm_base_add_listener(shell_, &alive, nullptr);
        native_ = wl_compositor_create_surface(compositor_);
        role_ = xdg_wm_base_get_xdg_surface(shell_, native_);
        static const xdg_surface_listener configured = {
            [](void* self, xdg_surface* role, uint32_t serial) {
                xdg_surface_ack_configure(role, serial);
                static_cast<WaylandWindow*>(self)->configured_ = true;
            }};
        xdg_surface_add_listener(role_, &configured, this);
        top_ = xdg_surface_get_toplevel(role_);
        wl_surface_commit(native_);
        while (!configured_ && wl_display_roundtrip(display_) >= 0) {
        }
        const VkWaylandSurfaceCreateInfoKHR info{
            .sType = VK_STRUCTURE_TYPE_WAYLAND_SURFACE_CREATE_INFO_KHR,
            .display = display_,
            .surface = native_};
        must(world.load<PFN_vkCreateWaylandSurfaceKHR>("vkCreateWaylandSurfaceKHR")(
            world.instance, &info, nullptr, &surface));
    }
    ~WaylandWindow() override {
        vkDestroySurfaceKHR(world_.instance, surface, nullptr);
        surface = VK_NULL_HANDLE;
        if (top_) {
            xdg_toplevel_destroy(top_);
            xdg_surface_destroy(role_);
            wl_surface_destroy(native_);
        }
        if (shell_) {
            xdg_wm_base_destroy(shell_);
        }
        if (compositor_) {
            wl_compositor_destroy(compositor_);
        }
        if (registry_) {
            wl_registry_destroy(registry_);
        }
        if (display_) {
            wl_display_disconnect(display_);
        }
    }
    WaylandWindow(const WaylandWindow&) = delete;
    WaylandWindow& operator=(const WaylandWindow&) = delete;
    void pump() override { wl_display_roundtrip(display_); }

private:
    static void global(void* data, wl_registry* registry, uint32_t name, const char* interface,
                       uint32_t) {
        auto* self = static_cast<WaylandWindow*>(data);
        if (std::strcmp(interface, wl_compositor_interface.name) == 0) {
            self->compositor_ = static_cast<wl_compositor*>(
                wl_registry_bind(registry, name, &wl_compositor_interface, 4));
        } else if (std::strcmp(interface, xdg_wm_base_interface.name) == 0) {
            self->shell_ = static_cast<xdg_wm_base*>(
                wl_registry_bind(registry, name, &xdg_wm_base_interface, 1));
        }
    }
    wl_display* display_ = nullptr;
    wl_registry* registry_ = nullptr;
    wl_compositor* compositor_ = nullptr;
    xdg_wm_base* shell_ = nullptr;
    wl_surface* native_ = nullptr;
    xdg_surface* role_ = nullptr;
    xdg_toplevel* top_ = nullptr;
    bool configured_ = false;
};

class DisplayWindow final : public SurfaceOwner {
public:
    DisplayWindow(World& world, VkDisplayKHR display) : SurfaceOwner(world) {
        uint32_t count = 1;
        VkDisplayPropertiesKHR found{};
        must(world.load<PFN_vkGetPhysicalDeviceDisplayPropertiesKHR>(
            "vkGetPhysicalDeviceDisplayPropertiesKHR")(world.physical, &count, &found));
        if (count == 0) {
            return;
        }
        VkDisplayModePropertiesKHR mode{};
        count = 1;
        must(world.load<PFN_vkGetDisplayModePropertiesKHR>("vkGetDisplayModePropertiesKHR")(
            world.physical, display ? display : found.display, &count, &mode));
        if (count == 0) {
            return;
        }
        extent = mode.parameters.visibleRegion;
        const VkDisplaySurfaceCreateInfoKHR info{
            .sType = VK_STRUCTURE_TYPE_DISPLAY_SURFACE_CREATE_INFO_KHR,
            .displayMode = mode.displayMode,
            .transform = VK_SURFACE_TRANSFORM_IDENTITY_BIT_KHR,
            .globalAlpha = 1,
            .alphaMode = VK_DISPLAY_PLANE_ALPHA_OPAQUE_BIT_KHR,
            .imageExtent = extent};
        must(world.load<PFN_vkCreateDisplayPlaneSurfaceKHR>("vkCreateDisplayPlaneSurfaceKHR")(
            world.instance, &info, nullptr, &surface));
    }
};

std::unique_ptr<Window> usable(std::unique_ptr<Window> window) {
    return window->surface ? std::move(window) : nullptr;
}

} // namespace

const char* name_of(WindowKind kind) {
    constexpr const char* kNames[] = {"Headless", "Xcb", "Wayland", "Display"};
    return kNames[static_cast<size_t>(kind)];
}

std::unique_ptr<Window> make_display_window(World& world, VkDisplayKHR display) {
    if (!world.instance_enabled.contains("VK_KHR_display")) {
        return nullptr;
    }
    return usable(std::make_unique<DisplayWindow>(world, display));
}

std::unique_ptr<Window> make_window(World& world, WindowKind kind) {
    const auto has = [&](const char* name) { return world.instance_enabled.contains(name); };
    if (!world.has("VK_KHR_swapchain")) {
        return nullptr;
    }
    switch (kind) {
    case WindowKind::headless:
        return has("VK_EXT_headless_surface") ? usable(std::make_unique<HeadlessWindow>(world))
                                              : nullptr;
    case WindowKind::xcb:
        return has("VK_KHR_xcb_surface") ? usable(std::make_unique<XcbWindow>(world)) : nullptr;
    case WindowKind::wayland:
        return has("VK_KHR_wayland_surface") ? usable(std::make_unique<WaylandWindow>(world))
                                             : nullptr;
    case WindowKind::display:
        return make_display_window(world);
    }
    return nullptr;
}

} // namespace kite::vktest
