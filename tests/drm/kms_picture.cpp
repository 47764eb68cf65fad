// SPDX-License-Identifier: MIT
#include "tests/drm/kms_picture.hpp"

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>
#include <sys/stat.h>
#include <thread>
#include <xf86drm.h>
#include <xf86drmMode.h>

namespace kite::kms_test {

void fail(const char* what) {
    std::printf("FAILED: %s: %s\n", what, std::strerror(errno));
    std::exit(1);
}

Picture make_picture(int fd, uint32_t width, uint32_t height, bool with_fb) {
    Picture p;
    p.width = width;
    p.height = height;
    uint64_t size = 0, offset = 0;
    if (drmModeCreateDumbBuffer(fd, width, height, 32, 0, &p.handle, &p.pitch, &size) != 0 ||
        drmModeMapDumbBuffer(fd, p.handle, &offset) != 0) {
        fail("dumb buffer");
    }
    p.bytes = size;
    void* map =
        mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, static_cast<off_t>(offset));
    if (map == MAP_FAILED) {
        fail("mmap");
    }
    p.pixels = static_cast<uint8_t*>(map);
    if (with_fb && drmModeAddFB(fd, width, height, 24, 32, p.pitch, p.handle, &p.fb) != 0) {
        fail("framebuffer");
    }
    return p;
}

void drop_picture(int fd, const Picture& p) {
    if (p.fb != 0) {
        drmModeRmFB(fd, p.fb);
    }
    munmap(p.pixels, p.bytes);
    drmModeDestroyDumbBuffer(fd, p.handle);
}

std::vector<uint8_t> rows_of(const Picture& p) {
    std::vector<uint8_t> rgb;
    rgb.reserve(size_t{p.width} * p.height * 3);
    for (uint32_t y = 0; y < p.height; ++y) {
        const uint8_t* row = p.pixels + size_t{y} * p.pitch;
        for (uint32_t x = 0; x < p.width; ++x) {
            rgb.insert(rgb.end(), {row[x * 4 + 2], row[x * 4 + 1], row[x * 4]});
        }
    }
    return rgb;
}

void compare_outside(const std::string& folder, int number, int head,
                     const std::vector<uint8_t>& rgb) {
    const std::string which = std::to_string(number);
    const auto put = [&](const std::string& path, const void* data, size_t bytes) {
        std::FILE* file = std::fopen(path.c_str(), "wb");
        if (file == nullptr || std::fwrite(data, 1, bytes, file) != bytes ||
            std::fclose(file) != 0) {
            fail(path.c_str());
        }
    };
    put(folder + "/frame-" + which + ".rgb", rgb.data(), rgb.size());
    const std::string sign = std::to_string(head);
    put(folder + "/shown-" + which, sign.data(), sign.size());
    struct stat status{};
    for (int i = 0; stat((folder + "/seen-" + which).c_str(), &status) != 0; ++i) {
        if (i == 1200) {
            fail("nobody looked");
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
}

} // namespace kite::kms_test
