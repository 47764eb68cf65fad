// SPDX-License-Identifier: MIT
#include "device.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xf86drm.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace kitectl {
namespace {

[[noreturn]] void fail(int error, const std::string& what) {
    throw std::system_error(error, std::generic_category(), what);
}

/// The uapi minor version that kitectl needs.
constexpr int kMinor = 2;

/// A descriptor if the node is kite's and new enough, else -1 and errno.
int open_kite(const std::string& path) {
    int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return -1;
    drmVersionPtr version = drmGetVersion(fd);
    const bool kite = version != nullptr && std::strcmp(version->name, "kite") == 0;
    const bool old = kite && version->version_minor < kMinor;
    drmFreeVersion(version);
    if (kite && !old)
        return fd;
    close(fd);
    errno = old ? EOPNOTSUPP : ENODEV;
    return -1;
}

/// Arguments of an ioctl on somebody's account.
template <class T>
T about(Who who) {
    T arguments{};
    arguments.kind = who.kind;
    arguments.id = who.id;
    return arguments;
}

} // namespace

Device::Device(const std::string& path) : path_(path) {
    if (!path.empty()) {
        fd_ = open_kite(path);
        if (fd_ < 0)
            fail(errno, path);
        return;
    }
    int error = ENODEV;
    for (int minor = 128; minor < 192 && fd_ < 0; ++minor) {
        path_ = "/dev/dri/renderD" + std::to_string(minor);
        fd_ = open_kite(path_);
        if (fd_ < 0 && errno != ENOENT && errno != ENODEV)
            error = errno;
    }
    if (fd_ < 0)
        fail(error, "no render node of kite.ko");
}

Device::~Device() {
    close(fd_);
}

void Device::call(unsigned long request, void* argument, const char* what) const {
    if (drmIoctl(fd_, request, argument) != 0)
        fail(errno, what);
}

template <class T>
void Device::query(uint32_t type, T& out) const {
    drm_kite_dev_query q{};
    q.type = type;
    q.size = sizeof(out);
    q.pointer = reinterpret_cast<uintptr_t>(&out);
    call(DRM_IOCTL_KITE_DEV_QUERY, &q, "DEV_QUERY");
}

drm_kite_gpu_info Device::gpu() const {
    drm_kite_gpu_info out{};
    query(DRM_KITE_DEV_QUERY_GPU, out);
    return out;
}

drm_kite_memory_info Device::memory() const {
    drm_kite_memory_info out{};
    query(DRM_KITE_DEV_QUERY_MEMORY, out);
    return out;
}

drm_kite_link_info Device::link() const {
    drm_kite_link_info out{};
    query(DRM_KITE_DEV_QUERY_LINK, out);
    return out;
}

drm_kite_telemetry Device::telemetry() const {
    drm_kite_telemetry out{};
    query(DRM_KITE_DEV_QUERY_TELEMETRY, out);
    return out;
}

drm_kite_account Device::account(Who who, uint32_t resource) const {
    auto a = about<drm_kite_account>(who);
    a.resource = resource;
    call(DRM_IOCTL_KITE_ACCOUNT, &a, "reading the account");
    return a;
}

void Device::set_limit(Who who, uint32_t resource, uint64_t limit) const {
    auto a = about<drm_kite_account>(who);
    a.resource = resource;
    a.flags = DRM_KITE_ACCOUNT_SET_LIMIT;
    a.limit = limit;
    call(DRM_IOCTL_KITE_ACCOUNT, &a, "setting the limit");
}

drm_kite_dma_rights Device::rights(Who who, uint32_t op, uint32_t rights) const {
    auto r = about<drm_kite_dma_rights>(who);
    r.op = op;
    r.rights = rights;
    call(DRM_IOCTL_KITE_DMA_RIGHTS, &r,
         op == DRM_KITE_RIGHTS_CHECK ? "reading the rights" : "changing the rights");
    return r;
}

uint64_t cgroup_id(const std::string& path) {
    const std::string whole = path.starts_with("/sys/fs/cgroup") ? path : "/sys/fs/cgroup/" + path;
    struct stat status{};
    if (stat(whole.c_str(), &status) != 0)
        fail(errno, whole);
    if (!S_ISDIR(status.st_mode))
        fail(ENOTDIR, whole);
    return status.st_ino;
}

} // namespace kitectl
