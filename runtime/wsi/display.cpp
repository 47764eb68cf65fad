// SPDX-License-Identifier: MIT
#include "runtime/wsi/display.hpp"

#include <algorithm>
#include <cmath>
#include <fcntl.h>
#include <mutex>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <xf86drm.h>

namespace kite::rt {
namespace {

struct Registry {
    std::mutex mutex;
    std::vector<std::unique_ptr<Display>> list;
};

Registry& registry() {
    static Registry r;
    return r;
}

template <class T, void (*Free)(T*)>
struct Freed {
    void operator()(T* p) const { Free(p); }
};
using Resources = std::unique_ptr<drmModeRes, Freed<drmModeRes, drmModeFreeResources>>;
using Connector = std::unique_ptr<drmModeConnector, Freed<drmModeConnector, drmModeFreeConnector>>;
using Encoder = std::unique_ptr<drmModeEncoder, Freed<drmModeEncoder, drmModeFreeEncoder>>;

std::string card_of(const PhysicalDevice& device) {
    const auto& drm = device.facts.drm;
    drmDevicePtr found = nullptr;
    if (!drm || !drm->has_primary ||
        drmGetDeviceFromDevId(makedev(static_cast<unsigned>(drm->primary_major),
                                      static_cast<unsigned>(drm->primary_minor)),
                              0, &found) != 0)
        return {};
    std::string path;
    if (found->available_nodes & 1 << DRM_NODE_PRIMARY)
        path = found->nodes[DRM_NODE_PRIMARY];
    drmFreeDevice(&found);
    return path;
}

std::string name_of(const drmModeConnector& c) {
    const char* type = drmModeGetConnectorTypeName(c.connector_type);
    return std::string(type ? type : "Unknown") + "-" + std::to_string(c.connector_type_id);
}

std::unique_ptr<Display> make_display(const drmModeConnector& c, const std::string& card) {
    auto d = std::make_unique<Display>();
    d->card = card;
    d->name = name_of(c);
    d->connector = c.connector_id;
    d->millimetres = {c.mmWidth, c.mmHeight};
    for (int i = 0; i < c.count_modes; ++i) {
        auto mode = std::make_unique<DisplayMode>();
        mode->display = d.get();
        mode->timing = c.modes[i];
        d->modes.push_back(std::move(mode));
    }
    std::ranges::stable_partition(
        d->modes, [](auto& m) { return (m->timing.type & DRM_MODE_TYPE_PREFERRED) != 0; });
    return d;
}

bool same(const Display& one, const Display& other) {
    return one.card == other.card && one.connector == other.connector &&
           std::ranges::equal(one.modes, other.modes, [](auto& a, auto& b) {
               return a->timing.hdisplay == b->timing.hdisplay &&
                      a->timing.vdisplay == b->timing.vdisplay &&
                      a->timing.clock == b->timing.clock && a->timing.htotal == b->timing.htotal;
           });
}

// The display in the list that is like this one, which is added if there is none.
Display* remember(std::unique_ptr<Display> fresh) {
    Registry& r = registry();
    const std::lock_guard lock(r.mutex);
    for (auto& known : r.list)
        if (same(*known, *fresh))
            return known.get();
    r.list.push_back(std::move(fresh));
    return r.list.back().get();
}

VkDisplayPropertiesKHR properties_of(Display& d) {
    VkDisplayPropertiesKHR p{};
    p.display = d.handle();
    p.displayName = d.name.c_str();
    p.physicalDimensions = d.millimetres;
    if (!d.modes.empty())
        p.physicalResolution = {d.modes[0]->timing.hdisplay, d.modes[0]->timing.vdisplay};
    p.supportedTransforms = VK_SURFACE_TRANSFORM_IDENTITY_BIT_KHR;
    return p;
}

} // namespace

uint32_t DisplayMode::millihertz() const {
    const double frame = static_cast<double>(timing.htotal) * timing.vtotal;
    return frame > 0 ? static_cast<uint32_t>(std::lround(timing.clock * 1e6 / frame)) : 0;
}

std::vector<Display*> displays_of(const PhysicalDevice& device) {
    std::vector<Display*> found;
    const std::string card = card_of(device);
    const base::UniqueFd fd(card.empty() ? -1 : open(card.c_str(), O_RDWR | O_CLOEXEC));
    if (!fd)
        return found;
    // Whoever opens the node first is its master: only those who show something shall be.
    (void)drmDropMaster(fd.get());
    const Resources resources(drmModeGetResources(fd.get()));
    for (int i = 0; resources && i < resources->count_connectors; ++i) {
        const Connector c(drmModeGetConnector(fd.get(), resources->connectors[i]));
        if (c && c->connection == DRM_MODE_CONNECTED && c->count_modes != 0)
            found.push_back(remember(make_display(*c, card)));
    }
    return found;
}

bool is_card_of(const PhysicalDevice& device, int fd) {
    struct stat s{};
    const auto& drm = device.facts.drm;
    return drm && drm->has_primary && fstat(fd, &s) == 0 && S_ISCHR(s.st_mode) &&
           s.st_rdev == makedev(static_cast<unsigned>(drm->primary_major),
                                static_cast<unsigned>(drm->primary_minor));
}

VkResult Display::acquire(int fd) {
    const std::lock_guard lock(mutex_);
    // Its CRTC is known only to a descriptor that may use it: a lease shows what is leased.
    if (acquired_ || drmIsMaster(fd) == 0 || crtc_on(fd) == 0)
        return VK_ERROR_INITIALIZATION_FAILED;
    acquired_.reset(fcntl(fd, F_DUPFD_CLOEXEC, 0));
    return acquired_ ? VK_SUCCESS : VK_ERROR_INITIALIZATION_FAILED;
}

void Display::release() {
    const std::lock_guard lock(mutex_);
    acquired_.reset();
}

std::shared_ptr<DisplaySession> Display::session() const {
    const std::lock_guard lock(mutex_);
    if (auto used = session_.lock())
        return used;
    base::UniqueFd fd(acquired_ ? fcntl(acquired_.get(), F_DUPFD_CLOEXEC, 0)
                                : open(card.c_str(), O_RDWR | O_CLOEXEC));
    if (!fd || (drmIsMaster(fd.get()) == 0 && drmSetMaster(fd.get()) != 0))
        return nullptr;
    auto made = std::make_shared<DisplaySession>();
    made->fd = std::move(fd);
    session_ = made;
    return made;
}

uint32_t Display::crtc_on(int fd) const {
    const Resources resources(drmModeGetResources(fd));
    const Connector c(resources ? drmModeGetConnectorCurrent(fd, connector) : nullptr);
    for (int i = 0; c && i < c->count_encoders; ++i) {
        const Encoder e(drmModeGetEncoder(fd, c->encoders[i]));
        for (int k = 0; e && k < resources->count_crtcs; ++k)
            if (e->possible_crtcs >> k & 1)
                return resources->crtcs[k];
    }
    return 0;
}

namespace vk {

VkResult GetPhysicalDeviceDisplayPropertiesKHR(VkPhysicalDevice physical, uint32_t* count,
                                               VkDisplayPropertiesKHR* out) {
    OutArray<VkDisplayPropertiesKHR> a(count, out);
    for (Display* d : displays_of(*PhysicalDevice::from(physical)))
        a.push(properties_of(*d));
    return a.result();
}

VkResult GetPhysicalDeviceDisplayPlanePropertiesKHR(VkPhysicalDevice physical, uint32_t* count,
                                                    VkDisplayPlanePropertiesKHR* out) {
    // The primary plane of each display.
    OutArray<VkDisplayPlanePropertiesKHR> a(count, out);
    for (Display* d : displays_of(*PhysicalDevice::from(physical)))
        a.push({d->handle(), 0});
    return a.result();
}

VkResult GetDisplayPlaneSupportedDisplaysKHR(VkPhysicalDevice physical, uint32_t plane,
                                             uint32_t* count, VkDisplayKHR* out) {
    OutArray<VkDisplayKHR> a(count, out);
    const auto list = displays_of(*PhysicalDevice::from(physical));
    if (plane < list.size())
        a.push(list[plane]->handle());
    return a.result();
}

VkResult GetDisplayModePropertiesKHR(VkPhysicalDevice, VkDisplayKHR display, uint32_t* count,
                                     VkDisplayModePropertiesKHR* out) {
    OutArray<VkDisplayModePropertiesKHR> a(count, out);
    for (auto& m : Display::from(display)->modes)
        a.push({m->handle(), {{m->timing.hdisplay, m->timing.vdisplay}, m->millihertz()}});
    return a.result();
}

VkResult CreateDisplayModeKHR(VkPhysicalDevice, VkDisplayKHR display,
                              const VkDisplayModeCreateInfoKHR* info, const VkAllocationCallbacks*,
                              VkDisplayModeKHR* out) {
    // The kernel takes the monitor's modes, so those are all there is.
    const VkDisplayModeParametersKHR& p = info->parameters;
    for (auto& m : Display::from(display)->modes) {
        if (m->timing.hdisplay == p.visibleRegion.width &&
            m->timing.vdisplay == p.visibleRegion.height && m->millihertz() == p.refreshRate) {
            *out = m->handle();
            return VK_SUCCESS;
        }
    }
    return VK_ERROR_INITIALIZATION_FAILED;
}

VkResult GetDisplayPlaneCapabilitiesKHR(VkPhysicalDevice, VkDisplayModeKHR mode, uint32_t,
                                        VkDisplayPlaneCapabilitiesKHR* out) {
    const drmModeModeInfo& t = DisplayMode::from(mode)->timing;
    const VkExtent2D all{t.hdisplay, t.vdisplay};
    *out = {};
    out->supportedAlpha = VK_DISPLAY_PLANE_ALPHA_OPAQUE_BIT_KHR;
    out->minSrcExtent = out->maxSrcExtent = out->minDstExtent = out->maxDstExtent = all;
    return VK_SUCCESS;
}

} // namespace vk
} // namespace kite::rt
