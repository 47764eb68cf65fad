// SPDX-License-Identifier: MIT
// kite-drm-mock.so, to be preloaded: programs find a kite render node that the fake answers.
//
// Takes the place of drmGetDevices2 and of open, close, ioctl and mmap for that one node. Fits a
// process that does not fork after opening it. KITE_DEVICE_LIBRARY must name the device library.
// KITE_MOCK_COUNT=FILE: number of ioctls, written at exit.
#include "tests/drm_mock/fake.hpp"

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <xf86drm.h>

#define PRELOAD extern "C" __attribute__((visibility("default")))

namespace {

constexpr char kNode[] = "/dev/dri/renderD200";
constexpr char kPrimary[] = "/dev/dri/card200";
bool g_open = false; ///< a node was opened: until then nothing can be ours

kite::drm_mock::Fake& fake() {
    return kite::drm_mock::Fake::get();
}

int failed(int negative_errno) {
    errno = -negative_errno;
    return -1;
}

int open_node() {
    g_open = true;
    int fd = fake().open();
    return fd < 0 ? failed(fd) : fd;
}

struct Counter {
    ~Counter() {
        const char* path = std::getenv("KITE_MOCK_COUNT");
        if (!path || !g_open)
            return;
        if (FILE* f = std::fopen(path, "w")) {
            std::fprintf(f, "%llu\n", static_cast<unsigned long long>(fake().ioctls()));
            std::fclose(f);
        }
    }
} g_counter;

} // namespace

PRELOAD int drmGetDevices2(uint32_t, drmDevicePtr devices[], int max) {
    if (!devices || max < 1)
        return 1;
    // One block, as libdrm allocates it, freed by drmFreeDevice.
    struct Block {
        drmDevice device;
        char* nodes[DRM_NODE_MAX];
        drmPciBusInfo bus;
        drmPciDeviceInfo info;
        char primary[sizeof(kPrimary)], render[sizeof(kNode)];
    };
    auto* b = static_cast<Block*>(std::calloc(1, sizeof(Block)));
    if (!b)
        return -ENOMEM;
    std::memcpy(b->primary, kPrimary, sizeof(kPrimary));
    std::memcpy(b->render, kNode, sizeof(kNode));
    b->nodes[DRM_NODE_PRIMARY] = b->primary;
    b->nodes[DRM_NODE_RENDER] = b->render;
    b->device.nodes = b->nodes;
    b->device.available_nodes = (1 << DRM_NODE_PRIMARY) | (1 << DRM_NODE_RENDER);
    b->device.bustype = DRM_BUS_PCI;
    b->bus.bus = 1;
    b->info.vendor_id = 0x1af4;
    b->info.device_id = 0x10f0;
    b->device.businfo.pci = &b->bus;
    b->device.deviceinfo.pci = &b->info;
    devices[0] = &b->device;
    return 1;
}

PRELOAD void drmFreeDevices(drmDevicePtr devices[], int count) {
    for (int i = 0; i < count; ++i)
        std::free(devices[i]);
}

PRELOAD int open(const char* path, int flags, ...) {
    if (std::strcmp(path, kNode) == 0 || std::strcmp(path, kPrimary) == 0)
        return open_node();
    va_list args;
    va_start(args, flags);
    unsigned mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(args, unsigned) : 0;
    va_end(args);
    return static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}

PRELOAD int open64(const char* path, int flags, ...) {
    va_list args;
    va_start(args, flags);
    unsigned mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(args, unsigned) : 0;
    va_end(args);
    return open(path, flags, mode);
}

PRELOAD int stat(const char* path, struct stat* out) {
    bool render = std::strcmp(path, kNode) == 0;
    if (!render && std::strcmp(path, kPrimary) != 0)
        return static_cast<int>(syscall(SYS_newfstatat, AT_FDCWD, path, out, 0));
    *out = {};
    out->st_mode = S_IFCHR | 0666;
    out->st_rdev = makedev(226, render ? 200 : 72);
    return 0;
}

PRELOAD int stat64(const char* path, struct stat64* out) {
    static_assert(sizeof(struct stat64) == sizeof(struct stat));
    return stat(path, reinterpret_cast<struct stat*>(out));
}

PRELOAD int close(int fd) {
    // The fake itself calls close() below its lock: only look while another thread may own fds.
    static thread_local bool inside = false;
    if (g_open && !inside) {
        inside = true;
        bool ours = fake().owns(fd);
        if (ours)
            fake().close(fd);
        inside = false;
        if (ours)
            return 0;
    }
    return static_cast<int>(syscall(SYS_close, fd));
}

PRELOAD int ioctl(int fd, unsigned long request, ...) {
    va_list args;
    va_start(args, request);
    void* argument = va_arg(args, void*);
    va_end(args);
    if (_IOC_TYPE(request) == DRM_IOCTL_BASE && g_open && fake().owns(fd)) {
        int r = fake().ioctl(fd, request, argument);
        return r < 0 ? failed(r) : r;
    }
    return static_cast<int>(syscall(SYS_ioctl, fd, request, argument));
}

PRELOAD void* mmap(void* address, size_t size, int protection, int flags, int fd, off_t offset) {
    // Only shared mappings of descriptors at large offsets can be the fake's.
    if (g_open && fd >= 0 && static_cast<uint64_t>(offset) >= uint64_t{1} << 40) {
        int real = -1;
        uint64_t at = 0;
        if (fake().owns(fd)) {
            if (!fake().translate(fd, static_cast<uint64_t>(offset), size, &real, &at)) {
                errno = EINVAL;
                return MAP_FAILED;
            }
            fd = real;
            offset = static_cast<off_t>(at);
        }
    }
    return reinterpret_cast<void*>(syscall(SYS_mmap, address, size, protection, flags, fd, offset));
}

PRELOAD void* mmap64(void* address, size_t size, int protection, int flags, int fd, off_t offset) {
    return mmap(address, size, protection, flags, fd, offset);
}
