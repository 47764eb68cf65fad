// SPDX-License-Identifier: MIT
// Wayland surfaces: the swapchain's memfd becomes a wl_shm pool and buffer, so the compositor reads
// the rendered image in place. That an image was shown is said by wp_presentation; compositors
// without that say by a frame callback when they had used it.
#define VK_USE_PLATFORM_WAYLAND_KHR 1
#include "runtime/wsi/target.hpp"

#include <vulkan/vulkan.h>
// After vulkan.h, whose platform headers define the types it needs.
#include <vulkan/vk_icd.h>

#include <cstring>
#include <deque>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>
#include <wayland-client.h>
// A function of the generated header has the name of its result's structure.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#include <presentation-time-client-protocol.h>
#pragma GCC diagnostic pop

namespace kite::rt {
namespace {

using Feedback = struct wp_presentation_feedback;

class WaylandTarget final : public PresentTarget {
public:
    WaylandTarget(wl_display* display, wl_surface* surface) : display_(display) {
        events_ = wl_display_create_queue(display);
        auto* wrapped = static_cast<wl_display*>(wl_proxy_create_wrapper(display));
        wl_proxy_set_queue(reinterpret_cast<wl_proxy*>(wrapped), events_);
        registry_ = wl_display_get_registry(wrapped);
        wl_proxy_wrapper_destroy(wrapped);
        static const wl_registry_listener listener = {&WaylandTarget::global,
                                                      [](void*, wl_registry*, uint32_t) {}};
        wl_registry_add_listener(registry_, &listener, this);
        surface_ = static_cast<wl_surface*>(wl_proxy_create_wrapper(surface));
        wl_proxy_set_queue(reinterpret_cast<wl_proxy*>(surface_), events_);
        wl_display_roundtrip_queue(display, events_);
    }
    ~WaylandTarget() override {
        unconfirmed_.clear();
        if (presentation_)
            wp_presentation_destroy(presentation_);
        for (auto& b : buffers_)
            wl_buffer_destroy(b->buffer);
        if (shm_)
            wl_shm_destroy(shm_);
        wl_proxy_wrapper_destroy(surface_);
        wl_registry_destroy(registry_);
        wl_event_queue_destroy(events_);
    }
    WaylandTarget(const WaylandTarget&) = delete;
    WaylandTarget& operator=(const WaylandTarget&) = delete;
    [[nodiscard]] bool usable() const { return shm_ != nullptr; }

    VkResult attach(const TargetImage& im) override {
        auto b = std::make_unique<BufferState>();
        b->image = im;
        int own = im.fd >= 0 ? -1 : b->make_copy();
        if (im.fd < 0 && own < 0)
            return VK_ERROR_OUT_OF_HOST_MEMORY;
        wl_shm_pool* pool =
            wl_shm_create_pool(shm_, own >= 0 ? own : im.fd, static_cast<int32_t>(im.size_bytes));
        if (own >= 0)
            close(own);
        b->buffer = wl_shm_pool_create_buffer(
            pool, 0, static_cast<int32_t>(im.extent.width), static_cast<int32_t>(im.extent.height),
            static_cast<int32_t>(im.pitch),
            im.alpha ? WL_SHM_FORMAT_ARGB8888 : WL_SHM_FORMAT_XRGB8888);
        wl_shm_pool_destroy(pool);
        static const wl_buffer_listener listener = {
            [](void* data, wl_buffer*) { *static_cast<bool*>(data) = false; }};
        wl_buffer_add_listener(b->buffer, &listener, &b->busy);
        buffers_.push_back(std::move(b));
        return VK_SUCCESS;
    }
    VkResult show(uint32_t index, bool confirm) override {
        BufferState& b = *buffers_[index];
        if (b.copy)
            std::memcpy(b.copy, b.image.host, b.image.size_bytes);
        b.busy = b.reported = true;
        wl_surface_attach(surface_, b.buffer, 0, 0);
        if (wl_surface_get_version(surface_) >= 4)
            wl_surface_damage_buffer(surface_, 0, 0, INT32_MAX, INT32_MAX);
        else
            wl_surface_damage(surface_, 0, 0, INT32_MAX, INT32_MAX);
        if (confirm)
            unconfirmed_.push_back(std::make_unique<Confirmation>(presentation_, surface_));
        wl_surface_commit(surface_);
        if (wl_display_flush(display_) < 0 && wl_display_get_error(display_) != 0)
            return VK_ERROR_SURFACE_LOST_KHR;
        return VK_SUCCESS;
    }
    size_t unconfirmed() override {
        while (!unconfirmed_.empty() && unconfirmed_.front()->came)
            unconfirmed_.pop_front();
        return unconfirmed_.size();
    }
    uint32_t holds() const override {
        uint32_t n = 0;
        for (const auto& b : buffers_)
            n += b->reported ? 1 : 0;
        return n;
    }
    void collect(std::vector<uint32_t>& released) override {
        if (wl_display_prepare_read_queue(display_, events_) == 0) {
            wl_display_flush(display_);
            pollfd p{wl_display_get_fd(display_), POLLIN, 0};
            if (poll(&p, 1, 0) > 0)
                wl_display_read_events(display_);
            else
                wl_display_cancel_read(display_);
        }
        wl_display_dispatch_queue_pending(display_, events_);
        for (uint32_t i = 0; i < buffers_.size(); ++i) {
            BufferState& b = *buffers_[i];
            if (b.reported && !b.busy) {
                b.reported = false;
                released.push_back(i);
            }
        }
    }

private:
    struct BufferState {
        TargetImage image;
        wl_buffer* buffer = nullptr;
        bool busy = false;     ///< the compositor has it
        bool reported = false; ///< the swapchain thinks it is busy
        void* copy = nullptr;  ///< images without a descriptor are copied here first
        BufferState() = default;
        ~BufferState() {
            if (copy)
                munmap(copy, image.size_bytes);
        }
        BufferState(const BufferState&) = delete;
        BufferState& operator=(const BufferState&) = delete;
        /// Memory of its own. @return its fd, or -1
        int make_copy() {
            int fd = memfd_create("kite-present", MFD_CLOEXEC);
            if (fd < 0)
                return -1;
            void* p = MAP_FAILED;
            if (ftruncate(fd, static_cast<off_t>(image.size_bytes)) == 0)
                p = mmap(nullptr, image.size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
            if (p == MAP_FAILED) {
                close(fd);
                return -1;
            }
            copy = p;
            return fd;
        }
    };
    /// The compositor's word that it showed what is committed next, or something newer.
    struct Confirmation {
        bool came = false;
        Feedback* feedback = nullptr;
        wl_callback* frame = nullptr; ///< where there is no wp_presentation
        Confirmation(wp_presentation* presentation, wl_surface* surface) {
            static const wp_presentation_feedback_listener told = {
                .sync_output = [](void*, Feedback*, wl_output*) {},
                .presented = [](void* c, Feedback*, uint32_t, uint32_t, uint32_t, uint32_t,
                                uint32_t, uint32_t, uint32_t) { arrived(c); },
                .discarded = [](void* c, Feedback*) { arrived(c); }};
            static const wl_callback_listener used = {
                .done = [](void* c, wl_callback*, uint32_t) { arrived(c); }};
            if (presentation) {
                feedback = wp_presentation_feedback(presentation, surface);
                wp_presentation_feedback_add_listener(feedback, &told, this);
            } else {
                frame = wl_surface_frame(surface);
                wl_callback_add_listener(frame, &used, this);
            }
        }
        ~Confirmation() {
            if (feedback)
                wp_presentation_feedback_destroy(feedback);
            if (frame)
                wl_callback_destroy(frame);
        }
        Confirmation(const Confirmation&) = delete;
        Confirmation& operator=(const Confirmation&) = delete;
        static void arrived(void* c) { static_cast<Confirmation*>(c)->came = true; }
    };
    static void global(void* data, wl_registry* registry, uint32_t name, const char* interface,
                       uint32_t) {
        auto* self = static_cast<WaylandTarget*>(data);
        if (std::strcmp(interface, wl_shm_interface.name) == 0)
            self->shm_ =
                static_cast<wl_shm*>(wl_registry_bind(registry, name, &wl_shm_interface, 1));
        if (std::strcmp(interface, wp_presentation_interface.name) == 0)
            self->presentation_ = static_cast<wp_presentation*>(
                wl_registry_bind(registry, name, &wp_presentation_interface, 1));
    }
    wl_display* display_;
    wl_event_queue* events_ = nullptr;
    wl_registry* registry_ = nullptr;
    wl_surface* surface_ = nullptr;
    wl_shm* shm_ = nullptr;
    wp_presentation* presentation_ = nullptr; ///< null: the compositor has none
    std::vector<std::unique_ptr<BufferState>> buffers_;
    std::deque<std::unique_ptr<Confirmation>> unconfirmed_;
};

} // namespace

std::unique_ptr<PresentTarget> wayland_target(const void* icd_surface, VkResult* error) {
    auto* s = static_cast<const VkIcdSurfaceWayland*>(icd_surface);
    auto t = std::make_unique<WaylandTarget>(s->display, s->surface);
    if (!t->usable()) {
        *error = VK_ERROR_INITIALIZATION_FAILED;
        return nullptr;
    }
    return t;
}

namespace vk {

VkBool32 GetPhysicalDeviceWaylandPresentationSupportKHR(VkPhysicalDevice, uint32_t, wl_display*) {
    return VK_TRUE;
}

} // namespace vk
} // namespace kite::rt
