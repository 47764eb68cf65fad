// SPDX-License-Identifier: MIT
#include "runtime/kmd/drm/vm.hpp"

#include "base/log.hpp"
#include "drm-driver/uapi/kite_drm.h"

#include <cerrno>
#include <cstring>

namespace kite::rt::kmd::drm {
namespace {

base::ErrorCode code_of(int error) {
    switch (error) {
    case ENODEV:
    case ECANCELED:
    case EIO:
        return base::ErrorCode::device_lost;
    case ENOSPC:
    case EDQUOT:
        return base::ErrorCode::out_of_device_memory;
    case ENOMEM:
        return base::ErrorCode::out_of_host_memory;
    case ETIME:
        return base::ErrorCode::timeout;
    case ENOTTY:
    case EOPNOTSUPP:
        return base::ErrorCode::unsupported;
    default:
        return base::ErrorCode::invalid_argument;
    }
}

} // namespace

Result<std::shared_ptr<Vm>> Vm::create(Kernel& kernel, int fd) {
    auto vm = std::make_shared<Vm>(kernel, fd);
    drm_kite_vm_create c{};
    if (int r = vm->call(DRM_IOCTL_KITE_VM_CREATE, &c); r < 0)
        return base::fail(base::ErrorCode::initialization_failed, "VM_CREATE: {}",
                          base::errno_text(-r));
    vm->id_ = c.id;
    return vm;
}

Vm::~Vm() {
    if (id_ != 0) {
        drm_kite_vm_destroy d{};
        d.id = id_;
        (void)call(DRM_IOCTL_KITE_VM_DESTROY, &d);
    }
    kernel_.close(fd_);
}

Result<void> Vm::bind(uint64_t va, uint32_t bo, uint64_t offset, uint64_t size) {
    drm_kite_vm_bind_op op{};
    op.op = bo ? DRM_KITE_VM_BIND_MAP : DRM_KITE_VM_BIND_UNMAP;
    op.bo_handle = bo;
    op.bo_offset = offset;
    op.va = va;
    op.range = size;
    drm_kite_vm_bind b{};
    b.vm_id = id_;
    b.ops = {sizeof(op), 1, reinterpret_cast<uintptr_t>(&op)};
    if (int r = call(DRM_IOCTL_KITE_VM_BIND, &b); r < 0)
        return std::unexpected(error(r, bo ? "VM_BIND map" : "VM_BIND unmap"));
    return {};
}

Result<void> Vm::unbind(uint64_t va, uint64_t size) {
    return bind(va, 0, 0, size);
}

std::string Vm::ask() {
    drm_kite_vm_get_state s{};
    s.vm_id = id_;
    int r = call(DRM_IOCTL_KITE_VM_GET_STATE, &s);
    if (r == -ENODEV)
        return "the device is gone";
    if (r < 0)
        return "state unknown: " + base::errno_text(-r);
    if (s.state == DRM_KITE_VM_USABLE)
        return {};
    std::string text(s.text, strnlen(s.text, sizeof(s.text)));
    if (!text.empty())
        return text;
    return s.state == DRM_KITE_VM_LOST ? "the device was reset" : "the context was banned";
}

void Vm::mark_lost(const std::string& why) {
    std::lock_guard lock(text_mutex_);
    if (lost_)
        return;
    why_ = why;
    // First, because an application that another thread tells may end at once.
    KITE_LOG(error, "device lost: {}", why);
    lost_ = true;
}

base::Error Vm::lost_error() const {
    std::lock_guard lock(text_mutex_);
    return {base::ErrorCode::device_lost, "device lost: " + why_, {}};
}

base::Error Vm::error(int negative_errno, const char* what) {
    int e = -negative_errno;
    auto code = code_of(e);
    if (code != base::ErrorCode::device_lost)
        return base::fail(code, "{}: {}", what, base::errno_text(e)).error();
    std::string why = e == ENODEV ? "the device is gone" : ask();
    mark_lost(why.empty() ? std::string(what) + ": " + base::errno_text(e) : why);
    return lost_error();
}

Result<void> Vm::check() {
    if (!lost_) {
        std::string why = ask();
        if (why.empty())
            return {};
        mark_lost(why);
    }
    return std::unexpected(lost_error());
}

std::string Vm::fault() {
    if (check())
        return {};
    std::lock_guard lock(text_mutex_);
    return why_;
}

void Vm::hold(uint32_t handle) {
    std::lock_guard lock(mutex_);
    ++uses_[handle];
}

int Vm::close_handle(uint32_t handle) {
    drm_gem_close c{};
    c.handle = handle;
    return call(DRM_IOCTL_GEM_CLOSE, &c);
}

void Vm::drop(uint32_t handle) {
    // Under the lock: an import between the count and the close would be given the dying handle.
    std::lock_guard lock(mutex_);
    auto it = uses_.find(handle);
    if (it == uses_.end() || --it->second != 0)
        return;
    uses_.erase(it);
    (void)close_handle(handle);
}

Result<uint32_t> Vm::import(int dma_buf) {
    std::lock_guard lock(mutex_);
    drm_prime_handle p{};
    p.fd = dma_buf;
    if (int r = call(DRM_IOCTL_PRIME_FD_TO_HANDLE, &p); r < 0)
        return std::unexpected(error(r, "importing a dma-buf"));
    ++uses_[p.handle];
    return p.handle;
}

} // namespace kite::rt::kmd::drm
