// SPDX-License-Identifier: MIT
// The fake's files and the dispatch of its ioctls.
#include "tests/drm_mock/fake.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace kite::drm_mock {

thread_local std::unique_lock<std::mutex>* Fake::held_ = nullptr;

Fake& Fake::get() {
    // Never destroyed: its worker and the device's threads may outlive main().
    static Fake* fake = new Fake;
    return *fake;
}

Fake::Fake() {
    const char* path = std::getenv("KITE_DEVICE_LIBRARY");
    void* lib = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) : nullptr;
    auto create = lib ? reinterpret_cast<dev::CreateFn>(dlsym(lib, "kite_device_create")) : nullptr;
    dev::DeviceConfig config;
    if (!create || create(&config, &device_) != 0) {
        std::fprintf(stderr, "drm mock: cannot load KITE_DEVICE_LIBRARY=%s\n", path ? path : "");
        std::abort();
    }
    vram_ = std::make_shared<rt::VaAllocator>(rt::kVaGranule,
                                              rt::kVaGranule + device_->info().vram_bytes);
    worker_ = std::thread([this] { run(); });
    worker_.detach();
}

int Fake::open() {
    std::lock_guard lock(mutex_);
    if (gone_)
        return -ENXIO;
    int fd = memfd_create("renderD-kite", MFD_CLOEXEC);
    if (fd < 0)
        return -EMFILE;
    files_[fd] = std::make_shared<File>();
    return fd;
}

bool Fake::owns(int fd) {
    std::lock_guard lock(mutex_);
    return files_.contains(fd);
}

void Fake::end_file(std::unique_lock<std::mutex>& lock, File& f, int error) {
    auto queues = std::move(f.queues);
    for (auto& [id, q] : queues)
        end_queue(lock, q, error);
    for (auto& [id, vm] : f.vms) {
        for (Job& j : vm->jobs)
            j.done->signal(error);
        vm->jobs.clear();
        std::erase(vms_, vm);
    }
}

void Fake::close(int fd) {
    std::unique_lock lock(mutex_);
    auto it = files_.find(fd);
    if (it == files_.end())
        return;
    auto f = std::move(it->second);
    files_.erase(it);
    end_file(lock, *f, ECANCELED);
    f.reset();
    lock.unlock();
    changed_.notify_all();
    raw_close(fd);
}

void Fake::unplug() {
    std::unique_lock lock(mutex_);
    gone_ = true;
    auto files = files_;
    for (auto& [fd, f] : files)
        end_file(lock, *f, ENODEV);
    changed_.notify_all();
}

void Fake::replug() {
    std::lock_guard lock(mutex_);
    gone_ = false;
}

size_t Fake::objects() {
    std::lock_guard lock(mutex_);
    size_t n = 0;
    for (auto& [fd, f] : files_)
        n += f->bos.size() + f->vms.size() + f->queues.size() + f->syncobjs.size();
    return n;
}

const std::vector<Fake::Row>& Fake::rows() {
    using F = Fake;
    auto row = [](unsigned long request, Handler h) {
        return Row{static_cast<uint32_t>(_IOC_NR(request)), _IOC_SIZE(request), h};
    };
    static const std::vector<Row> table = {
        row(DRM_IOCTL_VERSION, &F::version),
        row(DRM_IOCTL_GET_CAP, &F::get_cap),
        row(DRM_IOCTL_GEM_CLOSE, &F::gem_close),
        row(DRM_IOCTL_PRIME_HANDLE_TO_FD, &F::prime_to_fd),
        row(DRM_IOCTL_PRIME_FD_TO_HANDLE, &F::prime_to_handle),
        row(DRM_IOCTL_SYNCOBJ_CREATE, &F::syncobj_create),
        row(DRM_IOCTL_SYNCOBJ_DESTROY, &F::syncobj_destroy),
        row(DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &F::syncobj_to_fd),
        row(DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &F::syncobj_to_handle),
        row(DRM_IOCTL_SYNCOBJ_RESET, &F::syncobj_reset),
        row(DRM_IOCTL_SYNCOBJ_SIGNAL, &F::syncobj_signal),
        row(DRM_IOCTL_SYNCOBJ_WAIT, &F::syncobj_wait),
        row(DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &F::syncobj_timeline_wait),
        row(DRM_IOCTL_SYNCOBJ_QUERY, &F::syncobj_query),
        row(DRM_IOCTL_SYNCOBJ_TRANSFER, &F::syncobj_transfer),
        row(DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &F::syncobj_timeline_signal),
        row(DRM_IOCTL_KITE_DEV_QUERY, &F::dev_query),
        row(DRM_IOCTL_KITE_GET_TIME, &F::get_time),
        row(DRM_IOCTL_KITE_VM_CREATE, &F::vm_create),
        row(DRM_IOCTL_KITE_VM_DESTROY, &F::vm_destroy),
        row(DRM_IOCTL_KITE_VM_BIND, &F::vm_bind),
        row(DRM_IOCTL_KITE_VM_GET_STATE, &F::vm_get_state),
        row(DRM_IOCTL_KITE_BO_CREATE, &F::bo_create),
        row(DRM_IOCTL_KITE_BO_MMAP_OFFSET, &F::bo_mmap_offset),
        row(DRM_IOCTL_KITE_BO_INFO, &F::bo_info),
        row(DRM_IOCTL_KITE_BO_MADVISE, &F::bo_madvise),
        row(DRM_IOCTL_KITE_QUEUE_CREATE, &F::queue_create),
        row(DRM_IOCTL_KITE_QUEUE_DESTROY, &F::queue_destroy),
        row(DRM_IOCTL_KITE_QUEUE_SUBMIT, &F::queue_submit),
        row(DRM_IOCTL_KITE_QUEUE_GET_STATE, &F::queue_get_state),
    };
    return table;
}

int Fake::ioctl(int fd, unsigned long request, void* argument) {
    ++ioctls_;
    if (_IOC_TYPE(request) != DRM_IOCTL_BASE)
        return -ENOTTY;
    if (intercept)
        if (int r = intercept(request); r != 0)
            return r;
    std::unique_lock lock(mutex_);
    auto it = files_.find(fd);
    if (it == files_.end())
        return -EBADF;
    std::shared_ptr<File> file = it->second;
    // As the core does it: no ioctl at all reaches an unplugged device.
    if (gone_)
        return -ENODEV;
    const Row* found = nullptr;
    for (const Row& r : rows())
        if (r.nr == _IOC_NR(request))
            found = &r;
    if (!found)
        return found ? 0 : -EINVAL;
    // The kernel's structure is filled up with zeros when the caller knows a shorter one.
    alignas(8) unsigned char block[512] = {};
    size_t user = _IOC_SIZE(request);
    auto address = reinterpret_cast<uintptr_t>(argument);
    if (int r = copy_in(block, address, std::min(user, found->size)); r < 0)
        return r;
    held_ = &lock;
    int r = (this->*found->handler)(*file, block);
    held_ = nullptr;
    if (gone_ && r >= 0)
        r = -ENODEV;
    if (copy_out(address, block, std::min(user, found->size)) < 0)
        return -EFAULT;
    return r;
}

} // namespace kite::drm_mock
