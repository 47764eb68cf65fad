// SPDX-License-Identifier: MIT
// Shows what planes and colour tables can do: pictures whose every pixel is known, for somebody
// outside to compare.
//
//     kms_planes FOLDER
// In the first head's preferred mode, in turn: an overlay over the primary plane, an overlay in
// NV12, a framebuffer of 4x4 blocks, a colour table that inverts, a buffer of vgem's imported and
// then drawn to; then, if there is another monitor, a picture on that head beside the first. Exit
// status 0, 1, or 77 without a display.
#include "tests/drm/kms_picture.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <drm_fourcc.h>
#include <fcntl.h>
#include <random>
#include <string>
#include <unistd.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

namespace {

using namespace kite::kms_test;

constexpr uint64_t kTiled = uint64_t{0x6b} << 56 | 1;
constexpr uint32_t kOverWidth = 321, kOverHeight = 202, kOverX = 101, kOverY = 51;

struct Screen {
    int fd = -1;
    uint32_t crtc = 0, connector = 0;
    int index = 0;
    drmModeModeInfo mode{};
};

void fill_with_noise(const Picture& p, std::mt19937& random) {
    for (size_t at = 0; at + 4 <= p.bytes; at += 4) {
        const auto value = static_cast<uint32_t>(random());
        std::memcpy(p.pixels + at, &value, 4);
    }
}

Picture noise(const Screen& screen, uint32_t width, uint32_t height, std::mt19937& random) {
    Picture p = make_picture(screen.fd, width, height, true);
    fill_with_noise(p, random);
    return p;
}

void show(Screen& screen, uint32_t fb) {
    if (drmModeSetCrtc(screen.fd, screen.crtc, fb, 0, 0, &screen.connector, 1, &screen.mode) != 0) {
        fail("mode");
    }
}

// The plane of this head that shows NV12.
uint32_t overlay_of(const Screen& screen) {
    drmModePlaneRes* planes = drmModeGetPlaneResources(screen.fd);
    for (uint32_t i = 0; planes != nullptr && i < planes->count_planes; ++i) {
        drmModePlane* plane = drmModeGetPlane(screen.fd, planes->planes[i]);
        const bool fits = (plane->possible_crtcs >> screen.index & 1) != 0;
        for (uint32_t k = 0; fits && k < plane->count_formats; ++k) {
            if (plane->formats[k] == DRM_FORMAT_NV12) {
                return plane->plane_id;
            }
        }
    }
    fail("no overlay");
}

void set_enum(const Screen& screen, uint32_t plane, const char* property, const char* value) {
    drmModeObjectProperties* all =
        drmModeObjectGetProperties(screen.fd, plane, DRM_MODE_OBJECT_PLANE);
    for (uint32_t i = 0; all != nullptr && i < all->count_props; ++i) {
        drmModePropertyRes* one = drmModeGetProperty(screen.fd, all->props[i]);
        for (int k = 0; std::strcmp(one->name, property) == 0 && k < one->count_enums; ++k) {
            if (std::strcmp(one->enums[k].name, value) == 0 &&
                drmModeObjectSetProperty(screen.fd, plane, DRM_MODE_OBJECT_PLANE, one->prop_id,
                                         one->enums[k].value) == 0) {
                return;
            }
        }
    }
    fail(property);
}

void put_overlay(const Screen& screen, uint32_t plane, uint32_t fb) {
    if (drmModeSetPlane(screen.fd, plane, screen.crtc, fb, 0, kOverX, kOverY, kOverWidth,
                        kOverHeight, 0, 0, kOverWidth << 16, kOverHeight << 16) != 0) {
        fail("overlay");
    }
}

// Gray NV12: what is written as luma comes out as red, green and blue.
uint32_t gray_nv12(const Screen& screen, const Picture& p, std::mt19937& random) {
    const uint32_t rows = (kOverHeight + 1) / 2 * 2;
    for (size_t at = 0; at < size_t{p.pitch} * rows; ++at) {
        p.pixels[at] = static_cast<uint8_t>(random());
    }
    std::memset(p.pixels + size_t{p.pitch} * rows, 128, size_t{p.pitch} * rows / 2);
    const uint32_t handles[4] = {p.handle, p.handle}, pitches[4] = {p.pitch, p.pitch},
                   offsets[4] = {0, p.pitch * rows};
    uint32_t fb = 0;
    if (drmModeAddFB2(screen.fd, kOverWidth + 1, rows, DRM_FORMAT_NV12, handles, pitches, offsets,
                      &fb, 0) != 0) {
        fail("NV12 framebuffer");
    }
    return fb;
}

// The same pixels in blocks of 4x4, pairs of pixels in Morton order inside.
uint32_t in_blocks(const Screen& screen, const Picture& linear, const Picture& blocks) {
    for (uint32_t y = 0; y < linear.height; ++y) {
        for (uint32_t x = 0; x < linear.width; ++x) {
            const uint32_t at = (x & 1) | (y & 1) << 1 | (x & 2) << 1 | (y & 2) << 2;
            std::memcpy(blocks.pixels + size_t{y / 4} * blocks.pitch * 4 + size_t{x / 4} * 64 +
                            size_t{at} * 4,
                        linear.pixels + size_t{y} * linear.pitch + size_t{x} * 4, 4);
        }
    }
    const uint32_t handles[4] = {blocks.handle}, pitches[4] = {blocks.pitch}, offsets[4] = {};
    const uint64_t modifiers[4] = {kTiled};
    uint32_t fb = 0;
    if (drmModeAddFB2WithModifiers(screen.fd, linear.width, linear.height, DRM_FORMAT_XRGB8888,
                                   handles, pitches, offsets, modifiers, &fb,
                                   DRM_MODE_FB_MODIFIERS) != 0) {
        fail("tiled framebuffer");
    }
    return fb;
}

void planes(Screen& screen, const std::string& folder, std::mt19937& random) {
    const uint32_t width = screen.mode.hdisplay, height = screen.mode.vdisplay;
    const Picture base = noise(screen, width, height, random);
    const Picture over = noise(screen, kOverWidth, kOverHeight, random);
    const auto plain = rows_of(base);
    const auto with_overlay = [&](auto&& pixel) {
        auto rgb = plain;
        for (uint32_t y = 0; y < kOverHeight; ++y) {
            for (uint32_t x = 0; x < kOverWidth; ++x) {
                const std::array<uint8_t, 3> p = pixel(x, y);
                std::memcpy(&rgb[(size_t{y + kOverY} * width + x + kOverX) * 3], p.data(), 3);
            }
        }
        return rgb;
    };
    const uint32_t plane = overlay_of(screen);
    show(screen, base.fb);
    put_overlay(screen, plane, over.fb);
    const auto on_top = rows_of(over);
    compare_outside(folder, 0, screen.index, with_overlay([&](uint32_t x, uint32_t y) {
                        const uint8_t* p = &on_top[(size_t{y} * kOverWidth + x) * 3];
                        return std::array<uint8_t, 3>{p[0], p[1], p[2]};
                    }));
    std::printf("overlay\n");

    const Picture yuv = make_picture(screen.fd, kOverWidth, kOverHeight * 2, false);
    const uint32_t nv12 = gray_nv12(screen, yuv, random);
    set_enum(screen, plane, "COLOR_RANGE", "YCbCr full range");
    put_overlay(screen, plane, nv12);
    compare_outside(folder, 1, screen.index, with_overlay([&](uint32_t x, uint32_t y) {
                        const uint8_t v = yuv.pixels[size_t{y} * yuv.pitch + x];
                        return std::array<uint8_t, 3>{v, v, v};
                    }));
    drmModeSetPlane(screen.fd, plane, screen.crtc, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    std::printf("NV12\n");

    const Picture blocks =
        make_picture(screen.fd, (width + 3) / 4 * 4, (height + 3) / 4 * 4, false);
    show(screen, in_blocks(screen, base, blocks));
    compare_outside(folder, 2, screen.index, plain);
    std::printf("blocks\n");

    std::array<uint16_t, 256> table{}, straight{};
    for (uint32_t i = 0; i < 256; ++i) {
        straight[i] = static_cast<uint16_t>(i * 257);
        table[i] = static_cast<uint16_t>((255 - i) * 257);
    }
    show(screen, base.fb);
    if (drmModeCrtcSetGamma(screen.fd, screen.crtc, 256, table.data(), straight.data(),
                            table.data()) != 0) {
        fail("gamma");
    }
    auto inverted = plain;
    for (size_t i = 0; i < inverted.size(); ++i) {
        inverted[i] = i % 3 == 1 ? inverted[i] : static_cast<uint8_t>(255 - inverted[i]);
    }
    compare_outside(folder, 3, screen.index, inverted);
    drmModeCrtcSetGamma(screen.fd, screen.crtc, 256, straight.data(), straight.data(),
                        straight.data());
    std::printf("gamma\n");
}

// Another device's memory on the screen: as it was when shown, and as it is when said to be dirty.
void imported(Screen& screen, const std::string& folder, std::mt19937& random) {
    const int vgem = drmOpenWithType("vgem", nullptr, DRM_NODE_PRIMARY);
    if (vgem < 0) {
        fail("vgem");
    }
    const Picture p = make_picture(vgem, screen.mode.hdisplay, screen.mode.vdisplay, false);
    fill_with_noise(p, random);
    int shared = -1;
    uint32_t handle = 0, fb = 0;
    if (drmPrimeHandleToFD(vgem, p.handle, DRM_CLOEXEC, &shared) != 0 ||
        drmPrimeFDToHandle(screen.fd, shared, &handle) != 0) {
        fail("import");
    }
    close(shared);
    if (drmModeAddFB(screen.fd, p.width, p.height, 24, 32, p.pitch, handle, &fb) != 0) {
        fail("imported framebuffer");
    }
    show(screen, fb);
    compare_outside(folder, 4, screen.index, rows_of(p));
    fill_with_noise(p, random);
    if (drmModeDirtyFB(screen.fd, fb, nullptr, 0) != 0) {
        fail("dirty");
    }
    compare_outside(folder, 5, screen.index, rows_of(p));
    drmModeRmFB(screen.fd, fb);
    drmCloseBufferHandle(screen.fd, handle);
    std::printf("imported\n");
}

} // namespace

int main(int argc, char** argv) {
    const std::string folder = argc > 1 ? argv[1] : ".";
    const int fd = drmOpenWithType("kite", nullptr, DRM_NODE_PRIMARY);
    drmModeRes* resources = fd >= 0 ? drmModeGetResources(fd) : nullptr;
    if (resources == nullptr || resources->count_connectors == 0) {
        std::printf("no kite display\n");
        return 77;
    }
    drmSetClientCap(fd, DRM_CLIENT_CAP_UNIVERSAL_PLANES, 1);
    std::mt19937 random(2027);
    int number = 6;
    for (int i = 0; i < resources->count_connectors; ++i) {
        drmModeConnector* connector = drmModeGetConnector(fd, resources->connectors[i]);
        if (connector == nullptr || connector->connection != DRM_MODE_CONNECTED) {
            fail("a head has no monitor");
        }
        Screen screen{.fd = fd,
                      .crtc = resources->crtcs[i],
                      .connector = connector->connector_id,
                      .index = i,
                      .mode = connector->modes[0]};
        if (i == 0) {
            planes(screen, folder, random);
            imported(screen, folder, random);
            continue;
        }
        const Picture p = noise(screen, screen.mode.hdisplay, screen.mode.vdisplay, random);
        show(screen, p.fb);
        compare_outside(folder, number++, i, rows_of(p));
        std::printf("head %d\n", i);
    }
    return 0;
}
