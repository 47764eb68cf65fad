// SPDX-License-Identifier: MIT
// VK_EXT_acquire_drm_display and VK_EXT_direct_mode_display: an application brings the descriptor
// that may set modes, its own of the card node or one that was leased to it.
#include "tests/vulkan/wsi/surface_test.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

using namespace kite::vktest;

namespace {

constexpr uint64_t kPatience = 5'000'000'000;

/// A descriptor that is closed.
struct Descriptor {
    int fd = -1;
    explicit Descriptor(int number) : fd(number) {}
    ~Descriptor() {
        if (fd >= 0) {
            close(fd);
        }
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
};

class DirectDisplay : public SurfaceTest {
protected:
    void SetUp() override {
        if (!world.instance_enabled.contains("VK_EXT_acquire_drm_display")) {
            GTEST_SKIP() << "no VK_EXT_acquire_drm_display";
        }
        acquire_ = world.load<PFN_vkAcquireDrmDisplayEXT>("vkAcquireDrmDisplayEXT");
        find_ = world.load<PFN_vkGetDrmDisplayEXT>("vkGetDrmDisplayEXT");
        release_ = world.load<PFN_vkReleaseDisplayEXT>("vkReleaseDisplayEXT");
    }
    /// The card node of the device, or -1.
    int open_card() {
        if (!world.has("VK_EXT_physical_device_drm")) {
            return -1;
        }
        VkPhysicalDeviceDrmPropertiesEXT drm{
            .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRM_PROPERTIES_EXT};
        VkPhysicalDeviceProperties2 all{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
                                        .pNext = &drm};
        vkGetPhysicalDeviceProperties2(world.physical, &all);
        const auto path = "/dev/dri/card" + std::to_string(drm.primaryMinor);
        return drm.hasPrimary ? ::open(path.c_str(), O_RDWR | O_CLOEXEC) : -1;
    }
    /// What the first connected connector needs: connector, CRTC and primary plane.
    static bool pick(int fd, uint32_t (&objects)[3]) {
        drmSetClientCap(fd, DRM_CLIENT_CAP_UNIVERSAL_PLANES, 1);
        drmModeRes* resources = drmModeGetResources(fd);
        drmModePlaneRes* planes = drmModeGetPlaneResources(fd);
        bool found = false;
        for (int i = 0; resources && !found && i < resources->count_connectors; ++i) {
            drmModeConnector* c = drmModeGetConnector(fd, resources->connectors[i]);
            found = c && c->connection == DRM_MODE_CONNECTED;
            objects[0] = resources->connectors[i];
            drmModeFreeConnector(c);
        }
        found = found && resources->count_crtcs > 0 && planes && planes->count_planes > 0;
        if (found) {
            objects[1] = resources->crtcs[0];
            objects[2] = planes->planes[0];
        }
        drmModeFreePlaneResources(planes);
        drmModeFreeResources(resources);
        return found;
    }
    /// Shows a few frames on a display.
    void show(VkDisplayKHR display) {
        auto window = make_display_window(world, display);
        ASSERT_TRUE(window);
        open(std::move(window));
        const auto chain = swapchain(VK_PRESENT_MODE_FIFO_KHR, window_->extent);
        const bool waits = world.has("VK_KHR_present_wait");
        for (uint64_t id = 1; id <= 5; ++id) {
            ASSERT_EQ(frame(chain, {.id = waits ? id : 0}), VK_SUCCESS);
        }
        if (waits) {
            EXPECT_EQ(world.load<PFN_vkWaitForPresentKHR>("vkWaitForPresentKHR")(device, chain, 5,
                                                                                 kPatience),
                      VK_SUCCESS);
        }
    }
    PFN_vkAcquireDrmDisplayEXT acquire_ = nullptr;
    PFN_vkGetDrmDisplayEXT find_ = nullptr;
    PFN_vkReleaseDisplayEXT release_ = nullptr;
};

TEST_F(DirectDisplay, OtherDescriptorsAreRefused) {
    for (const char* path : {"/dev/null", "/proc/self/stat"}) {
        const Descriptor other(::open(path, O_RDONLY | O_CLOEXEC));
        auto display = reinterpret_cast<VkDisplayKHR>(uintptr_t{1});
        EXPECT_EQ(find_(world.physical, other.fd, 1, &display), VK_ERROR_UNKNOWN);
        EXPECT_EQ(display, VkDisplayKHR{VK_NULL_HANDLE});
    }
    VkDisplayKHR display = VK_NULL_HANDLE;
    EXPECT_LT(find_(world.physical, -1, 1, &display), 0);
}

TEST_F(DirectDisplay, OwnMasterShows) {
    const Descriptor card(open_card());
    uint32_t objects[3] = {};
    if (card.fd < 0 || !pick(card.fd, objects)) {
        GTEST_SKIP() << "no display";
    }
    ASSERT_TRUE(drmIsMaster(card.fd));
    VkDisplayKHR display = VK_NULL_HANDLE;
    EXPECT_EQ(find_(world.physical, card.fd, 0xffffff, &display), VK_ERROR_UNKNOWN);
    ASSERT_EQ(find_(world.physical, card.fd, objects[0], &display), VK_SUCCESS);
    const Descriptor guest(open_card());
    EXPECT_EQ(acquire_(world.physical, guest.fd, display), VK_ERROR_INITIALIZATION_FAILED)
        << "without the right to set modes";
    ASSERT_EQ(acquire_(world.physical, card.fd, display), VK_SUCCESS);
    EXPECT_EQ(acquire_(world.physical, card.fd, display), VK_ERROR_INITIALIZATION_FAILED)
        << "a second time";
    defer([this, display] { EXPECT_EQ(release_(world.physical, display), VK_SUCCESS); });
    show(display);
}

TEST_F(DirectDisplay, LeaseShows) {
    const Descriptor card(open_card());
    uint32_t objects[3] = {};
    if (card.fd < 0 || !pick(card.fd, objects)) {
        GTEST_SKIP() << "no display";
    }
    uint32_t lessee = 0;
    const Descriptor lease(drmModeCreateLease(card.fd, objects, 3, O_CLOEXEC, &lessee));
    ASSERT_GE(lease.fd, 0);
    VkDisplayKHR display = VK_NULL_HANDLE;
    ASSERT_EQ(find_(world.physical, lease.fd, objects[0], &display), VK_SUCCESS);
    ASSERT_EQ(acquire_(world.physical, lease.fd, display), VK_SUCCESS);
    defer([this, display] { EXPECT_EQ(release_(world.physical, display), VK_SUCCESS); });
    show(display);
}

TEST_F(DirectDisplay, RevokedLeaseIsALostSurface) {
    const Descriptor card(open_card());
    uint32_t objects[3] = {};
    if (card.fd < 0 || !pick(card.fd, objects)) {
        GTEST_SKIP() << "no display";
    }
    uint32_t lessee = 0;
    const Descriptor lease(drmModeCreateLease(card.fd, objects, 3, O_CLOEXEC, &lessee));
    ASSERT_GE(lease.fd, 0);
    VkDisplayKHR display = VK_NULL_HANDLE;
    ASSERT_EQ(find_(world.physical, lease.fd, objects[0], &display), VK_SUCCESS);
    ASSERT_EQ(acquire_(world.physical, lease.fd, display), VK_SUCCESS);
    defer([this, display] { EXPECT_EQ(release_(world.physical, display), VK_SUCCESS); });
    auto window = make_display_window(world, display);
    ASSERT_TRUE(window);
    open(std::move(window));
    const auto chain = swapchain(VK_PRESENT_MODE_FIFO_KHR, window_->extent);
    ASSERT_EQ(frame(chain), VK_SUCCESS);
    ASSERT_EQ(drmModeRevokeLease(card.fd, lessee), 0);
    VkResult result = VK_SUCCESS;
    for (int i = 0; i < 10 && result >= 0; ++i) {
        result = frame(chain);
        vkQueueWaitIdle(world.queue);
    }
    EXPECT_EQ(result, VK_ERROR_SURFACE_LOST_KHR);
}

TEST_F(DirectDisplay, ExtensibleQueriesSayTheSame) {
    if (!world.instance_enabled.contains("VK_KHR_get_display_properties2")) {
        GTEST_SKIP() << "no VK_KHR_get_display_properties2";
    }
    uint32_t plain = 0;
    uint32_t extensible = 77;
    must(world.load<PFN_vkGetPhysicalDeviceDisplayPropertiesKHR>(
        "vkGetPhysicalDeviceDisplayPropertiesKHR")(world.physical, &plain, nullptr));
    must(world.load<PFN_vkGetPhysicalDeviceDisplayProperties2KHR>(
        "vkGetPhysicalDeviceDisplayProperties2KHR")(world.physical, &extensible, nullptr));
    EXPECT_EQ(plain, extensible);
    must(world.load<PFN_vkGetPhysicalDeviceDisplayPlaneProperties2KHR>(
        "vkGetPhysicalDeviceDisplayPlaneProperties2KHR")(world.physical, &extensible, nullptr));
    EXPECT_EQ(plain, extensible); // a plane each
    if (plain == 0) {
        return;
    }
    VkDisplayProperties2KHR display{.sType = VK_STRUCTURE_TYPE_DISPLAY_PROPERTIES_2_KHR};
    uint32_t one = 1;
    must(world.load<PFN_vkGetPhysicalDeviceDisplayProperties2KHR>(
        "vkGetPhysicalDeviceDisplayProperties2KHR")(world.physical, &one, &display));
    VkDisplayModeProperties2KHR mode{.sType = VK_STRUCTURE_TYPE_DISPLAY_MODE_PROPERTIES_2_KHR};
    must(world.load<PFN_vkGetDisplayModeProperties2KHR>("vkGetDisplayModeProperties2KHR")(
        world.physical, display.displayProperties.display, &one, &mode));
    EXPECT_EQ(mode.displayModeProperties.parameters.visibleRegion.width,
              display.displayProperties.physicalResolution.width);
    VkDisplayPlaneCapabilities2KHR plane{.sType =
                                             VK_STRUCTURE_TYPE_DISPLAY_PLANE_CAPABILITIES_2_KHR};
    const VkDisplayPlaneInfo2KHR info{.sType = VK_STRUCTURE_TYPE_DISPLAY_PLANE_INFO_2_KHR,
                                      .mode = mode.displayModeProperties.displayMode};
    must(world.load<PFN_vkGetDisplayPlaneCapabilities2KHR>("vkGetDisplayPlaneCapabilities2KHR")(
        world.physical, &info, &plane));
    EXPECT_EQ(plane.capabilities.maxSrcExtent.width, plane.capabilities.maxDstExtent.width);
}

} // namespace
