// SPDX-License-Identifier: MIT
// The fake's core DRM ioctls: GEM handles, PRIME, syncobjs.
#include "tests/drm_mock/fake.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace kite::drm_mock {

int copy_in(void* to, uint64_t from, size_t size) {
    iovec local{to, size}, remote{reinterpret_cast<void*>(from), size};
    auto n = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
    return size == 0 || n == static_cast<ssize_t>(size) ? 0 : -EFAULT;
}

int copy_out(uint64_t to, const void* from, size_t size) {
    iovec local{const_cast<void*>(from), size}, remote{reinterpret_cast<void*>(to), size};
    auto n = process_vm_writev(getpid(), &local, 1, &remote, 1, 0);
    return size == 0 || n == static_cast<ssize_t>(size) ? 0 : -EFAULT;
}

uint64_t inode_of(int fd) {
    struct stat st{};
    return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

int Fake::version(File&, void* p) {
    auto& v = *static_cast<drm_version*>(p);
    v.version_major = 1;
    v.version_minor = 0;
    v.version_patchlevel = 0;
    auto text = [](const char* s, char* out, __kernel_size_t& len) {
        size_t n = std::strlen(s);
        int r = out ? copy_out(reinterpret_cast<uintptr_t>(out), s, std::min<size_t>(n, len)) : 0;
        len = n;
        return r;
    };
    int a = text("kite", v.name, v.name_len), b = text("20261121", v.date, v.date_len),
        c = text("Kite eGPU (fake)", v.desc, v.desc_len);
    return a | b | c ? -EFAULT : 0;
}

int Fake::get_cap(File&, void* p) {
    auto& c = *static_cast<drm_get_cap*>(p);
    switch (c.capability) {
    case DRM_CAP_PRIME:
        c.value = DRM_PRIME_CAP_IMPORT | DRM_PRIME_CAP_EXPORT;
        return 0;
    case DRM_CAP_SYNCOBJ:
    case DRM_CAP_SYNCOBJ_TIMELINE:
    case DRM_CAP_TIMESTAMP_MONOTONIC:
        c.value = 1;
        return 0;
    default:
        c.value = 0;
        return 0;
    }
}

int Fake::gem_close(File& f, void* p) {
    auto& c = *static_cast<drm_gem_close*>(p);
    return f.bos.erase(c.handle) ? 0 : -EINVAL; // the core's own errno
}

int Fake::prime_to_fd(File& f, void* p) {
    auto& h = *static_cast<drm_prime_handle*>(p);
    if (h.flags & ~static_cast<uint32_t>(DRM_CLOEXEC | DRM_RDWR))
        return -EINVAL;
    auto it = f.bos.find(h.handle);
    if (it == f.bos.end())
        return -ENOENT;
    if (it->second->exclusive_vm)
        return -EINVAL;
    h.fd = fcntl(it->second->fd, F_DUPFD_CLOEXEC, 3);
    return h.fd < 0 ? -EMFILE : 0;
}

int Fake::prime_to_handle(File& f, void* p) {
    auto& h = *static_cast<drm_prime_handle*>(p);
    uint64_t inode = inode_of(h.fd);
    if (inode == 0)
        return -EBADF;
    auto it = shared_bos_.find(inode);
    auto bo = it == shared_bos_.end() ? nullptr : it->second.lock();
    if (!bo)
        return -EINVAL;
    for (auto& [handle, have] : f.bos) {
        if (have == bo) {
            h.handle = handle;
            return 0;
        }
    }
    h.handle = f.next++;
    f.bos[h.handle] = bo;
    return 0;
}

int Fake::syncobj_create(File& f, void* p) {
    auto& c = *static_cast<drm_syncobj_create*>(p);
    if (c.flags & ~uint32_t{DRM_SYNCOBJ_CREATE_SIGNALED})
        return -EINVAL;
    auto s = std::make_shared<Syncobj>();
    if (c.flags) {
        auto fence = std::make_shared<Fence>();
        fence->signalled = true;
        s->replace(fence);
    }
    c.handle = f.next++;
    f.syncobjs[c.handle] = s;
    return 0;
}

int Fake::syncobj_destroy(File& f, void* p) {
    auto& d = *static_cast<drm_syncobj_destroy*>(p);
    if (d.pad)
        return -EINVAL;
    return f.syncobjs.erase(d.handle) ? 0 : -EINVAL;
}

int Fake::syncobj_to_fd(File& f, void* p) {
    auto& h = *static_cast<drm_syncobj_handle*>(p);
    if (h.pad || (h.flags & ~uint32_t{DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE}))
        return -EINVAL;
    auto it = f.syncobjs.find(h.handle);
    if (it == f.syncobjs.end())
        return -EINVAL;
    if (h.flags == 0) {
        h.fd = memfd_create("syncobj", MFD_CLOEXEC);
        if (h.fd < 0)
            return -EMFILE;
        shared_objs_[inode_of(h.fd)] = it->second;
        return 0;
    }
    FencePtr fence = it->second->find(0);
    if (!fence)
        return -EINVAL;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -EMFILE;
    sync_files_[inode_of(ends[0])] = fence;
    // The pipe keeps its fence, as a sync file does.
    static std::map<uint64_t, FencePtr> keep;
    keep[inode_of(ends[0])] = fence;
    if (fence->signalled) {
        (void)!write(ends[1], "s", 1);
        raw_close(ends[1]);
    } else {
        fence->sync_fds.push_back(ends[1]);
    }
    h.fd = ends[0];
    return 0;
}

int Fake::syncobj_to_handle(File& f, void* p) {
    auto& h = *static_cast<drm_syncobj_handle*>(p);
    if (h.pad || (h.flags & ~uint32_t{DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE}))
        return -EINVAL;
    uint64_t inode = inode_of(h.fd);
    if (h.flags) {
        auto it = sync_files_.find(inode);
        auto fence = it == sync_files_.end() ? nullptr : it->second.lock();
        auto to = f.syncobjs.find(h.handle);
        if (!fence)
            return -EINVAL;
        if (to == f.syncobjs.end())
            return -ENOENT;
        to->second->replace(fence);
        changed_.notify_all();
        return 0;
    }
    auto it = shared_objs_.find(inode);
    auto s = it == shared_objs_.end() ? nullptr : it->second.lock();
    if (!s)
        return -EINVAL;
    h.handle = f.next++;
    f.syncobjs[h.handle] = s;
    return 0;
}

int Fake::handles_of(File& f, uint64_t pointer, uint32_t count, std::vector<SyncobjPtr>& out) {
    if (count == 0)
        return -EINVAL;
    std::vector<uint32_t> handles(count);
    if (int r = copy_in(handles.data(), pointer, count * sizeof(uint32_t)); r < 0)
        return r;
    for (uint32_t h : handles) {
        auto it = f.syncobjs.find(h);
        if (it == f.syncobjs.end())
            return -ENOENT;
        out.push_back(it->second);
    }
    return 0;
}

int Fake::syncobj_reset(File& f, void* p) {
    auto& a = *static_cast<drm_syncobj_array*>(p);
    std::vector<SyncobjPtr> objs;
    if (a.pad)
        return -EINVAL;
    if (int r = handles_of(f, a.handles, a.count_handles, objs); r < 0)
        return r;
    for (auto& s : objs)
        s->replace(nullptr);
    return 0;
}

int Fake::syncobj_signal(File& f, void* p) {
    auto& a = *static_cast<drm_syncobj_array*>(p);
    std::vector<SyncobjPtr> objs;
    if (a.pad)
        return -EINVAL;
    if (int r = handles_of(f, a.handles, a.count_handles, objs); r < 0)
        return r;
    for (auto& s : objs) {
        auto fence = std::make_shared<Fence>();
        fence->signalled = true;
        s->replace(fence);
    }
    changed_.notify_all();
    return 0;
}

int Fake::wait_syncobjs(File& f, uint64_t handles, uint64_t points, uint32_t count, uint32_t flags,
                        int64_t timeout, uint32_t* first) {
    std::vector<SyncobjPtr> objs;
    if (int r = handles_of(f, handles, count, objs); r < 0)
        return r;
    std::vector<uint64_t> at(count, 0);
    if (points)
        if (int r = copy_in(at.data(), points, count * sizeof(uint64_t)); r < 0)
            return r;
    bool available_only = flags & DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE;
    bool all = flags & DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL;
    if (!available_only && !(flags & DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT))
        for (uint32_t i = 0; i < count; ++i)
            if (!objs[i]->available(at[i]))
                return -EINVAL;
    auto reached = [&] {
        uint32_t n = 0;
        for (uint32_t i = 0; i < count; ++i) {
            if (!(available_only ? objs[i]->available(at[i]) : objs[i]->signalled(at[i])))
                continue;
            *first = i;
            if (!all)
                return true;
            ++n;
        }
        return all && n == count;
    };
    if (timeout <= 0)
        return reached() ? 0 : -ETIME;
    std::chrono::steady_clock::time_point until{
        std::chrono::nanoseconds(std::min<int64_t>(timeout, int64_t{1} << 62))};
    return changed_.wait_until(*held_, until, reached) ? 0 : -ETIME;
}

int Fake::syncobj_wait(File& f, void* p) {
    auto& w = *static_cast<drm_syncobj_wait*>(p);
    if (w.pad || (w.flags & ~uint32_t{DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL |
                                      DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT}))
        return -EINVAL;
    return wait_syncobjs(f, w.handles, 0, w.count_handles, w.flags, w.timeout_nsec,
                         &w.first_signaled);
}

int Fake::syncobj_timeline_wait(File& f, void* p) {
    auto& w = *static_cast<drm_syncobj_timeline_wait*>(p);
    if (w.pad || (w.flags & ~uint32_t{DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL |
                                      DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT |
                                      DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE}))
        return -EINVAL;
    return wait_syncobjs(f, w.handles, w.points, w.count_handles, w.flags, w.timeout_nsec,
                         &w.first_signaled);
}

int Fake::syncobj_query(File& f, void* p) {
    auto& a = *static_cast<drm_syncobj_timeline_array*>(p);
    if (a.flags & ~uint32_t{DRM_SYNCOBJ_QUERY_FLAGS_LAST_SUBMITTED})
        return -EINVAL;
    std::vector<SyncobjPtr> objs;
    if (int r = handles_of(f, a.handles, a.count_handles, objs); r < 0)
        return r;
    std::vector<uint64_t> values;
    for (auto& s : objs)
        values.push_back(s->query(a.flags != 0));
    return copy_out(a.points, values.data(), values.size() * sizeof(uint64_t));
}

int Fake::syncobj_transfer(File& f, void* p) {
    auto& t = *static_cast<drm_syncobj_transfer*>(p);
    if (t.pad || t.flags)
        return -EINVAL;
    auto src = f.syncobjs.find(t.src_handle), dst = f.syncobjs.find(t.dst_handle);
    if (src == f.syncobjs.end() || dst == f.syncobjs.end())
        return -ENOENT;
    FencePtr fence = src->second->find(t.src_point);
    if (!fence)
        return -EINVAL;
    if (t.dst_point)
        dst->second->add(t.dst_point, fence);
    else
        dst->second->replace(fence);
    changed_.notify_all();
    return 0;
}

int Fake::syncobj_timeline_signal(File& f, void* p) {
    auto& a = *static_cast<drm_syncobj_timeline_array*>(p);
    if (a.flags)
        return -EINVAL;
    std::vector<SyncobjPtr> objs;
    if (int r = handles_of(f, a.handles, a.count_handles, objs); r < 0)
        return r;
    std::vector<uint64_t> points(objs.size());
    if (int r = copy_in(points.data(), a.points, points.size() * sizeof(uint64_t)); r < 0)
        return r;
    for (size_t i = 0; i < objs.size(); ++i) {
        auto fence = std::make_shared<Fence>();
        fence->signalled = true;
        if (points[i])
            objs[i]->add(points[i], fence);
        else
            objs[i]->replace(fence);
    }
    changed_.notify_all();
    return 0;
}

} // namespace kite::drm_mock
