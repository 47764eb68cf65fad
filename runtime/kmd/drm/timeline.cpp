// SPDX-License-Identifier: MIT
#include "runtime/kmd/drm/timeline.hpp"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <drm.h>

namespace kite::rt::kmd::drm {
namespace {

constexpr uint64_t kSliceNs = 250'000'000; ///< how soon loss ends a wait that nobody will signal
constexpr uint64_t kForEver = uint64_t{1} << 62;

uint64_t now_ns() {
    timespec ts{};
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return static_cast<uint64_t>(ts.tv_sec) * 1000000000u + static_cast<uint64_t>(ts.tv_nsec);
}

TimelineImpl& impl(const SyncPoint& p) {
    return static_cast<TimelineImpl&>(*p.timeline);
}

Result<uint32_t> create_syncobj(Vm& vm, bool signalled) {
    drm_syncobj_create c{};
    c.flags = signalled ? DRM_SYNCOBJ_CREATE_SIGNALED : 0;
    if (int r = vm.call(DRM_IOCTL_SYNCOBJ_CREATE, &c); r < 0)
        return std::unexpected(vm.error(r, "SYNCOBJ_CREATE"));
    return c.handle;
}

void destroy_syncobj(Vm& vm, uint32_t handle) {
    drm_syncobj_destroy d{};
    d.handle = handle;
    (void)vm.call(DRM_IOCTL_SYNCOBJ_DESTROY, &d);
}

Result<int> to_fd(Vm& vm, uint32_t handle, uint32_t flags) {
    drm_syncobj_handle h{};
    h.handle = handle;
    h.flags = flags;
    h.fd = -1;
    if (int r = vm.call(DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &h); r < 0)
        return std::unexpected(vm.error(r, "SYNCOBJ_HANDLE_TO_FD"));
    return h.fd;
}

} // namespace

Result<void> wait_points(Vm& vm, const WaitSet& set, uint64_t deadline_ns, WaitFor what) {
    std::vector<uint32_t> handles;
    std::vector<uint64_t> values;
    std::vector<const SyncPoint*> asked;
    for (const SyncPoint& p : set.points) {
        TimelineImpl& t = impl(p);
        bool known =
            t.known_reached(p.value) || (what == WaitFor::submitted && t.known_submitted(p.value));
        if (known && set.any)
            return {};
        if (known)
            continue;
        handles.push_back(t.handle());
        values.push_back(t.point(p.value));
        asked.push_back(&p);
    }
    if (asked.empty())
        return {};
    // Fences of a lost context are signalled: they prove nothing.
    if (vm.lost())
        return std::unexpected(vm.lost_error());
    drm_syncobj_timeline_wait w{};
    w.handles = reinterpret_cast<uintptr_t>(handles.data());
    w.points = reinterpret_cast<uintptr_t>(values.data());
    w.count_handles = static_cast<uint32_t>(handles.size());
    w.flags = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT;
    if (what == WaitFor::submitted)
        w.flags |= DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE;
    if (!set.any)
        w.flags |= DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL;
    deadline_ns = std::min(deadline_ns, kForEver);
    for (;;) {
        uint64_t until = deadline_ns == 0 ? 0 : std::min(deadline_ns, now_ns() + kSliceNs);
        w.timeout_nsec = static_cast<int64_t>(until);
        int r = vm.call(DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &w);
        if (r >= 0)
            break;
        if (r != -ETIME)
            return std::unexpected(vm.error(r, "waiting"));
        if (until == deadline_ns)
            // Not fail(): time-outs and polls of an unfinished point are not worth a log line.
            return std::unexpected(base::Error{base::ErrorCode::timeout, "timeout", {}});
        if (auto ok = vm.check(); !ok)
            return std::unexpected(ok.error());
    }
    if (what == WaitFor::signalled)
        if (auto ok = vm.check(); !ok)
            return std::unexpected(ok.error());
    for (size_t i = 0; i < asked.size(); ++i) {
        if (set.any && i != w.first_signaled)
            continue;
        TimelineImpl& t = impl(*asked[i]);
        t.note_submitted(asked[i]->value);
        if (what == WaitFor::signalled)
            t.note_reached(asked[i]->value);
    }
    return {};
}

Result<std::unique_ptr<Timeline>> TimelineImpl::create(std::shared_ptr<Vm> vm, uint64_t initial) {
    auto handle = create_syncobj(*vm, false);
    if (!handle)
        return std::unexpected(handle.error());
    auto t = std::make_unique<TimelineImpl>(std::move(vm), *handle, false);
    if (initial != 0)
        if (auto r = t->signal(initial); !r)
            return std::unexpected(r.error());
    return t;
}

Result<std::unique_ptr<Timeline>> TimelineImpl::create_binary(std::shared_ptr<Vm> vm,
                                                              bool signalled) {
    auto handle = create_syncobj(*vm, signalled);
    if (!handle)
        return std::unexpected(handle.error());
    return std::make_unique<TimelineImpl>(std::move(vm), *handle, true);
}

Result<std::unique_ptr<Timeline>> TimelineImpl::import(std::shared_ptr<Vm> vm, int fd,
                                                       bool binary) {
    drm_syncobj_handle h{};
    h.fd = fd;
    if (int r = vm->call(DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &h); r < 0)
        return std::unexpected(vm->error(r, "SYNCOBJ_FD_TO_HANDLE"));
    return std::make_unique<TimelineImpl>(std::move(vm), h.handle, binary);
}

TimelineImpl::~TimelineImpl() {
    destroy_syncobj(*vm_, handle_);
}

void TimelineImpl::raise(std::atomic<uint64_t>& a, uint64_t value) {
    uint64_t seen = a.load(std::memory_order_relaxed);
    while (seen < value && !a.compare_exchange_weak(seen, value, std::memory_order_acq_rel))
        ;
}

Result<uint64_t> TimelineImpl::value() {
    if (vm_->lost())
        return std::unexpected(vm_->lost_error());
    uint64_t v = 0;
    drm_syncobj_timeline_array a{};
    a.handles = reinterpret_cast<uintptr_t>(&handle_);
    a.points = reinterpret_cast<uintptr_t>(&v);
    a.count_handles = 1;
    if (int r = vm_->call(DRM_IOCTL_SYNCOBJ_QUERY, &a); r < 0)
        return std::unexpected(vm_->error(r, "SYNCOBJ_QUERY"));
    uint64_t seen = reached_.load(std::memory_order_acquire);
    if (v <= seen)
        return seen;
    if (auto ok = vm_->check(); !ok)
        return std::unexpected(ok.error());
    note_submitted(v);
    note_reached(v);
    return v;
}

Result<void> TimelineImpl::signal(uint64_t value) {
    int r;
    if (binary_) {
        drm_syncobj_array a{};
        a.handles = reinterpret_cast<uintptr_t>(&handle_);
        a.count_handles = 1;
        r = vm_->call(DRM_IOCTL_SYNCOBJ_SIGNAL, &a);
    } else {
        drm_syncobj_timeline_array a{};
        a.handles = reinterpret_cast<uintptr_t>(&handle_);
        a.points = reinterpret_cast<uintptr_t>(&value);
        a.count_handles = 1;
        r = vm_->call(DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &a);
    }
    if (r < 0)
        return std::unexpected(vm_->error(r, "signalling"));
    note_submitted(value);
    return {};
}

Result<void> TimelineImpl::wait(uint64_t value, uint64_t deadline_ns) {
    SyncPoint p{this, value};
    return wait_points(*vm_, {.points = {&p, 1}, .any = false}, deadline_ns);
}

Result<void> TimelineImpl::reset() {
    drm_syncobj_array a{};
    a.handles = reinterpret_cast<uintptr_t>(&handle_);
    a.count_handles = 1;
    if (int r = vm_->call(DRM_IOCTL_SYNCOBJ_RESET, &a); r < 0)
        return std::unexpected(vm_->error(r, "SYNCOBJ_RESET"));
    return {};
}

Result<int> TimelineImpl::export_fd() {
    return to_fd(*vm_, handle_, 0);
}

Result<int> TimelineImpl::export_sync_file(uint64_t value) {
    SyncPoint p{this, value};
    if (auto r =
            wait_points(*vm_, {.points = {&p, 1}, .any = false}, UINT64_MAX, WaitFor::submitted);
        !r)
        return std::unexpected(r.error());
    constexpr uint32_t sync_file = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE;
    if (binary_)
        return to_fd(*vm_, handle_, sync_file);
    // Only binary syncobjs turn into sync files: move the point's fence into one.
    auto other = create_syncobj(*vm_, false);
    if (!other)
        return std::unexpected(other.error());
    drm_syncobj_transfer t{};
    t.src_handle = handle_;
    t.src_point = value;
    t.dst_handle = *other;
    Result<int> fd = 0;
    if (int r = vm_->call(DRM_IOCTL_SYNCOBJ_TRANSFER, &t); r < 0)
        fd = std::unexpected(vm_->error(r, "SYNCOBJ_TRANSFER"));
    else
        fd = to_fd(*vm_, *other, sync_file);
    destroy_syncobj(*vm_, *other);
    return fd;
}

Result<void> TimelineImpl::import_sync_file(int fd) {
    if (!binary_)
        return base::unsupported("sync files as timelines");
    drm_syncobj_handle h{};
    h.handle = handle_;
    h.flags = DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE;
    h.fd = fd;
    if (int r = vm_->call(DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &h); r < 0)
        return std::unexpected(vm_->error(r, "importing a sync file"));
    return {};
}

} // namespace kite::rt::kmd::drm
