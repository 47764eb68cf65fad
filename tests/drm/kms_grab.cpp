// SPDX-License-Identifier: MIT
// Writes the framebuffer that a head shows, whoever made it, for somebody to compare with the
// screen.
//
//     kms_grab FILE [HEAD]
// Rows of red, green, blue, as the CPU reads them out of the buffer of the primary plane (linear,
// 32 bits a pixel); width and height go to standard output. Needs the rights of an administrator.
// Exit status 0, 1, or 77 without a display.
#include "tests/drm/kms_picture.hpp"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sys/mman.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

int main(int argc, char** argv) {
    using namespace kite::kms_test;
    const int fd = drmOpenWithType("kite", nullptr, DRM_NODE_PRIMARY);
    drmModeRes* resources = fd >= 0 ? drmModeGetResources(fd) : nullptr;
    const int head = argc > 2 ? std::atoi(argv[2]) : 0;
    if (argc < 2 || resources == nullptr || head < 0 || head >= resources->count_crtcs) {
        std::printf("kms_grab FILE [HEAD]: no such head\n");
        return 77;
    }
    drmModeCrtc* crtc = drmModeGetCrtc(fd, resources->crtcs[head]);
    drmModeFB* fb = crtc != nullptr ? drmModeGetFB(fd, crtc->buffer_id) : nullptr;
    if (fb == nullptr || fb->handle == 0 || fb->bpp != 32) {
        fail("framebuffer");
    }
    uint64_t offset = 0;
    const size_t bytes = size_t{fb->pitch} * fb->height;
    if (drmModeMapDumbBuffer(fd, fb->handle, &offset) != 0) {
        fail("offset");
    }
    void* map = mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd, static_cast<off_t>(offset));
    if (map == MAP_FAILED) {
        fail("mmap");
    }
    const auto rows = rows_of({.pitch = fb->pitch,
                               .width = fb->width,
                               .height = fb->height,
                               .pixels = static_cast<uint8_t*>(map),
                               .bytes = bytes});
    std::ofstream file(argv[1], std::ios::binary);
    file.write(reinterpret_cast<const char*>(rows.data()),
               static_cast<std::streamsize>(rows.size()));
    if (!file.flush()) {
        fail("file");
    }
    std::printf("%u %u\n", fb->width, fb->height);
    return 0;
}
