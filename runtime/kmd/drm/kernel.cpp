// SPDX-License-Identifier: MIT
#include "runtime/kmd/drm/kernel.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <xf86drm.h>

namespace kite::rt::kmd::drm {
namespace {

constexpr int kMaxDevices = 64;

bool is_kite(const char* path) {
    int fd = ::open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return false;
    drmVersionPtr v = drmGetVersion(fd);
    bool ok = v && v->name && std::strcmp(v->name, "kite") == 0 && v->version_major == 1;
    drmFreeVersion(v);
    ::close(fd);
    return ok;
}

void device_number(const char* path, int64_t& major_out, int64_t& minor_out) {
    struct stat st{};
    if (::stat(path, &st) == 0) {
        major_out = static_cast<int64_t>(major(st.st_rdev));
        minor_out = static_cast<int64_t>(minor(st.st_rdev));
    }
}

class SystemKernel final : public Kernel {
public:
    std::vector<Node> nodes() override {
        std::vector<Node> found;
        std::array<drmDevicePtr, kMaxDevices> devices{};
        int n = drmGetDevices2(0, devices.data(), kMaxDevices);
        for (int i = 0; i < n; ++i) {
            const drmDevice& d = *devices[static_cast<size_t>(i)];
            if (!(d.available_nodes & (1 << DRM_NODE_RENDER)) || !is_kite(d.nodes[DRM_NODE_RENDER]))
                continue;
            Node node;
            node.path = d.nodes[DRM_NODE_RENDER];
            device_number(node.path.c_str(), node.nodes.render_major, node.nodes.render_minor);
            node.nodes.has_primary = (d.available_nodes & (1 << DRM_NODE_PRIMARY)) != 0;
            if (node.nodes.has_primary)
                device_number(d.nodes[DRM_NODE_PRIMARY], node.nodes.primary_major,
                              node.nodes.primary_minor);
            if (d.bustype == DRM_BUS_PCI) {
                node.on_pci = true;
                node.pci = {d.businfo.pci->domain, d.businfo.pci->bus, d.businfo.pci->dev,
                            d.businfo.pci->func};
                node.vendor = d.deviceinfo.pci->vendor_id;
                node.product = d.deviceinfo.pci->device_id;
            }
            found.push_back(std::move(node));
        }
        if (n > 0)
            drmFreeDevices(devices.data(), n);
        return found;
    }
    int open(const char* path) override {
        int fd = ::open(path, O_RDWR | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
    }
    void close(int fd) override { ::close(fd); }
    int ioctl(int fd, unsigned long request, void* argument) override {
        int r = ::ioctl(fd, request, argument);
        return r < 0 ? -errno : r;
    }
    int map(int fd, uint64_t offset, uint64_t size, void** out) override {
        void* p = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
                         static_cast<off_t>(offset));
        if (p == MAP_FAILED)
            return -errno;
        *out = p;
        return 0;
    }
    void unmap(void* address, uint64_t size) override { ::munmap(address, size); }
};

} // namespace

int Kernel::call(int fd, unsigned long request, void* argument) {
    int r;
    do
        r = ioctl(fd, request, argument);
    while (r == -EINTR || r == -EAGAIN);
    return r;
}

Kernel& system_kernel() {
    static SystemKernel kernel;
    return kernel;
}

} // namespace kite::rt::kmd::drm
