// SPDX-License-Identifier: MIT
// VK_KHR_display: swapchain images are framebuffers of the card node and are flipped to the
// display's primary plane. Nothing is copied. The target is master of the card while it lives, or
// uses the descriptor that the application acquired the display with.
#include "base/log.hpp"
#include "base/unique_fd.hpp"
#include "runtime/wsi/display.hpp"
#include "runtime/wsi/target.hpp"

#include <drm_fourcc.h>
#include <poll.h>
#include <unistd.h>
#include <utility>
#include <xf86drm.h>

namespace kite::rt {
namespace {

constexpr int kFlipPatienceMs = 3000;
constexpr uint32_t kNone = UINT32_MAX;

struct Framebuffer {
    uint32_t handle = 0, id = 0;
};

const VkIcdSurfaceDisplay& surface_of(const void* icd_surface) {
    return *static_cast<const VkIcdSurfaceDisplay*>(icd_surface);
}

class KmsTarget final : public PresentTarget {
public:
    KmsTarget(std::shared_ptr<DisplaySession> session, uint32_t crtc, const DisplayMode& mode,
              bool tears)
        : session_(std::move(session)), fd_(session_->fd), crtc_(crtc), mode_(mode),
          display_(*mode.display), tears_(tears) {
        const std::lock_guard lock(session_->mutex);
        session_->owner = this;
    }
    ~KmsTarget() override {
        for (const Framebuffer& f : framebuffers_) {
            drmModeRmFB(fd_.get(), f.id);
            drmCloseBufferHandle(fd_.get(), f.handle);
        }
    }
    KmsTarget(const KmsTarget&) = delete;
    KmsTarget& operator=(const KmsTarget&) = delete;

    VkResult attach(const TargetImage& image) override {
        Framebuffer f;
        const uint32_t pitches[4] = {image.pitch}, offsets[4] = {};
        if (drmPrimeFDToHandle(fd_.get(), image.fd, &f.handle) != 0)
            return VK_ERROR_INITIALIZATION_FAILED;
        framebuffers_.push_back(f);
        const uint32_t handles[4] = {f.handle};
        if (drmModeAddFB2(fd_.get(), image.extent.width, image.extent.height, DRM_FORMAT_XRGB8888,
                          handles, pitches, offsets, &framebuffers_.back().id, 0) != 0) {
            KITE_LOG(error, "display {}: the image is no framebuffer: {}", display_.name,
                     base::errno_text(errno));
            return VK_ERROR_INITIALIZATION_FAILED;
        }
        return VK_SUCCESS;
    }

    VkResult show(uint32_t index, bool) override {
        const std::lock_guard lock(session_->mutex);
        if (session_->owner != this)
            return VK_ERROR_OUT_OF_DATE_KHR;
        const bool ok = shown_ == kNone ? set_mode(index) : flip(index);
        if (!ok)
            return VK_ERROR_SURFACE_LOST_KHR;
        if (shown_ != kNone)
            released_.push_back(shown_);
        shown_ = index;
        return VK_SUCCESS;
    }
    [[nodiscard]] uint32_t holds() const override { return shown_ == kNone ? 0 : 1; }
    void collect(std::vector<uint32_t>& released) override {
        released.insert(released.end(), released_.begin(), released_.end());
        released_.clear();
    }
    [[nodiscard]] bool wants_dma_buf() const override { return true; }
    [[nodiscard]] bool keeps_time() const override { return true; }

private:
    bool set_mode(uint32_t index) {
        uint32_t connector = display_.connector;
        drmModeModeInfo timing = mode_.timing;
        return drmModeSetCrtc(fd_.get(), crtc_, framebuffers_[index].id, 0, 0, &connector, 1,
                              &timing) == 0;
    }
    bool flip(uint32_t index) {
        const uint32_t flags =
            DRM_MODE_PAGE_FLIP_EVENT | (tears_ ? uint32_t{DRM_MODE_PAGE_FLIP_ASYNC} : 0);
        bool done = false;
        if (drmModePageFlip(fd_.get(), crtc_, framebuffers_[index].id, flags, &done) != 0)
            return false;
        drmEventContext context{};
        context.version = 2;
        context.page_flip_handler = [](int, unsigned, unsigned, unsigned, void* data) {
            *static_cast<bool*>(data) = true;
        };
        while (!done) {
            pollfd wait{.fd = fd_.get(), .events = POLLIN, .revents = 0};
            if (poll(&wait, 1, kFlipPatienceMs) == 0 || (wait.revents & (POLLERR | POLLHUP)) != 0 ||
                drmHandleEvent(fd_.get(), &context) != 0)
                return false;
        }
        return true;
    }

    const std::shared_ptr<DisplaySession> session_;
    const base::UniqueFd& fd_;
    const uint32_t crtc_;
    const DisplayMode& mode_;
    const Display& display_;
    const bool tears_;
    std::vector<Framebuffer> framebuffers_;
    std::vector<uint32_t> released_;
    uint32_t shown_ = kNone;
};

} // namespace

SurfaceFacts kms_facts(const void* icd_surface) {
    SurfaceFacts f;
    f.current = surface_of(icd_surface).imageExtent;
    return f;
}

std::unique_ptr<PresentTarget> kms_target(const void* icd_surface, bool tears, VkResult* error) {
    const DisplayMode& mode = *DisplayMode::from(surface_of(icd_surface).displayMode);
    const Display& display = *mode.display;
    auto session = display.session();
    const uint32_t crtc = session ? display.crtc_on(session->fd.get()) : 0;
    if (crtc == 0) {
        KITE_LOG(error, "display {}: somebody else shows something there", display.name);
        *error = VK_ERROR_NATIVE_WINDOW_IN_USE_KHR;
        return nullptr;
    }
    return std::make_unique<KmsTarget>(std::move(session), crtc, mode, tears);
}

} // namespace kite::rt
