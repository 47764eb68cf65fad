// SPDX-License-Identifier: MIT
#include "runtime/kmd/drm/bo.hpp"

#include "drm-driver/uapi/kite_drm.h"

#include <cerrno>
#include <fcntl.h>

namespace kite::rt::kmd::drm {

Result<std::unique_ptr<Bo>> BoImpl::create(std::shared_ptr<Vm> vm, const BoDesc& desc) {
    drm_kite_bo_create c{};
    c.size = desc.size_bytes;
    c.flags = desc.placement == Placement::system
                  ? uint32_t{DRM_KITE_BO_SYSTEM}
                  : uint32_t{DRM_KITE_BO_VRAM} | uint32_t{DRM_KITE_BO_SYSTEM};
    if (desc.host_visible)
        c.flags |= DRM_KITE_BO_CPU_VISIBLE;
    c.exclusive_vm_id = desc.exportable ? 0 : vm->id();
    if (int r = vm->call(DRM_IOCTL_KITE_BO_CREATE, &c); r < 0)
        return std::unexpected(vm->error(r, "BO_CREATE"));
    vm->hold(c.handle);
    return std::make_unique<BoImpl>(std::move(vm), c.handle, c.size);
}

Result<std::unique_ptr<Bo>> BoImpl::import(std::shared_ptr<Vm> vm, int fd, uint64_t size_bytes) {
    auto handle = vm->import(fd);
    if (!handle)
        return std::unexpected(handle.error());
    drm_kite_bo_info i{};
    i.handle = *handle;
    int r = vm->call(DRM_IOCTL_KITE_BO_INFO, &i);
    if (r < 0 || i.size < size_bytes || size_bytes == 0) {
        vm->drop(*handle);
        if (r < 0)
            return std::unexpected(vm->error(r, "BO_INFO"));
        return base::fail(base::ErrorCode::invalid_argument, "imported memory is too small");
    }
    return std::make_unique<BoImpl>(std::move(vm), *handle, i.size, fcntl(fd, F_DUPFD_CLOEXEC, 3));
}

BoImpl::~BoImpl() {
    if (host_)
        vm_->kernel().unmap(host_, size_);
    vm_->drop(handle_);
    if (dma_buf_ >= 0)
        vm_->kernel().close(dma_buf_);
}

Result<void*> BoImpl::map() {
    std::lock_guard lock(mutex_);
    if (host_)
        return host_;
    drm_kite_bo_mmap_offset m{};
    m.handle = handle_;
    int from = vm_->fd();
    int r = vm_->call(DRM_IOCTL_KITE_BO_MMAP_OFFSET, &m);
    if (r == -EINVAL && dma_buf_ >= 0) {
        // Another driver's memory: its own mmap is the way to it.
        from = dma_buf_;
        m.offset = 0;
        r = 0;
    }
    if (r < 0)
        return std::unexpected(vm_->error(r, "BO_MMAP_OFFSET"));
    if (r = vm_->kernel().map(from, m.offset, size_, &host_); r < 0)
        return std::unexpected(vm_->error(r, "mapping a buffer"));
    return host_;
}

Result<int> BoImpl::export_fd() {
    drm_prime_handle p{};
    p.handle = handle_;
    p.flags = DRM_CLOEXEC | DRM_RDWR;
    if (int r = vm_->call(DRM_IOCTL_PRIME_HANDLE_TO_FD, &p); r < 0)
        return std::unexpected(vm_->error(r, "exporting a buffer"));
    return p.fd;
}

} // namespace kite::rt::kmd::drm
