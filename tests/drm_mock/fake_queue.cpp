// SPDX-License-Identifier: MIT
// The fake's driver ioctls on queues, and the arrays of syncs that binds share with them.
#include "tests/drm_mock/fake.hpp"

#include <cerrno>

namespace kite::drm_mock {

int Fake::read_syncs(File& f, const drm_kite_obj_array& a, Syncs& out) {
    if (a.count == 0)
        return 0;
    if (a.count > 16 || a.stride < sizeof(drm_kite_sync))
        return -EINVAL;
    for (uint32_t i = 0; i < a.count; ++i) {
        drm_kite_sync s{};
        if (int r = copy_in(&s, a.array + uint64_t{i} * a.stride, sizeof(s)); r < 0)
            return r;
        if (s.flags & ~uint32_t{DRM_KITE_SYNC_TIMELINE | DRM_KITE_SYNC_SIGNAL})
            return -EINVAL;
        bool timeline = s.flags & DRM_KITE_SYNC_TIMELINE;
        if (timeline ? s.value == 0 : s.value != 0)
            return -EINVAL;
        auto it = f.syncobjs.find(s.handle);
        if (it == f.syncobjs.end())
            return -ENOENT;
        if (s.flags & DRM_KITE_SYNC_SIGNAL) {
            out.signals.emplace_back(it->second, s.value);
            continue;
        }
        FencePtr fence = it->second->find(s.value);
        if (!fence)
            return -EINVAL;
        out.waits.push_back(std::move(fence));
    }
    return 0;
}

void Fake::attach(const Syncs& syncs, const FencePtr& done) {
    for (auto& [s, point] : syncs.signals) {
        if (point)
            s->add(point, done);
        else
            s->replace(done);
    }
}

int Fake::queue_create(File& f, void* p) {
    auto& c = *static_cast<drm_kite_queue_create*>(p);
    if (c.flags || c.pad || c.queue_class > DRM_KITE_QUEUE_COPY ||
        c.priority > DRM_KITE_PRIORITY_HIGH)
        return -EINVAL;
    if (c.priority == DRM_KITE_PRIORITY_HIGH)
        return -EACCES;
    auto it = f.vms.find(c.vm_id);
    if (it == f.vms.end())
        return -ENOENT;
    auto q = std::make_shared<Queue>();
    q->fake = this;
    q->vm = it->second;
    if (int r = device_->create_queue(q->vm->space, &Fake::complete, q.get(), &q->queue); r != 0)
        return r;
    q->id = c.id = f.next++;
    f.queues[c.id] = q;
    queues_.push_back(q);
    return 0;
}

void Fake::end_queue(std::unique_lock<std::mutex>& lock, const QueuePtr& q, int error) {
    std::erase(queues_, q);
    q->destroyed = true;
    for (Job& j : q->jobs)
        j.done->signal(error);
    q->jobs.clear();
    // The device's threads take the lock to report what they stop.
    lock.unlock();
    q->queue->destroy();
    lock.lock();
    for (auto& fence : q->running)
        fence->signal(error);
    q->running.clear();
    changed_.notify_all();
}

int Fake::queue_destroy(File& f, void* p) {
    auto& d = *static_cast<drm_kite_queue_destroy*>(p);
    if (d.pad)
        return -EINVAL;
    auto it = f.queues.find(d.id);
    if (it == f.queues.end())
        return -ENOENT;
    QueuePtr q = it->second;
    f.queues.erase(it);
    end_queue(*held_, q, ECANCELED);
    return 0;
}

int Fake::queue_submit(File& f, void* p) {
    auto& s = *static_cast<drm_kite_queue_submit*>(p);
    if (s.flags || s.ibs.count > 16 || (s.ibs.count && s.ibs.stride < sizeof(drm_kite_ib)))
        return -EINVAL;
    auto it = f.queues.find(s.queue_id);
    if (it == f.queues.end())
        return -ENOENT;
    Queue& q = *it->second;
    if (q.vm->banned)
        return -ECANCELED;
    uint64_t end = (uint64_t{1} << device_->info().va_bits) - (uint64_t{2} << 20);
    Job job;
    for (uint32_t i = 0; i < s.ibs.count; ++i) {
        drm_kite_ib ib{};
        if (int r = copy_in(&ib, s.ibs.array + uint64_t{i} * s.ibs.stride, sizeof(ib)); r < 0)
            return r;
        if (ib.flags || ib.size == 0 || ib.size % 4 || ib.va % 4 || ib.va < 0x10000 ||
            ib.va >= end || ib.size > end - ib.va)
            return -EINVAL;
        job.ibs.push_back({ib.va, ib.size / 4, 0});
    }
    Syncs syncs;
    if (int r = read_syncs(f, s.syncs, syncs); r < 0)
        return r;
    job.waits = std::move(syncs.waits);
    job.done = std::make_shared<Fence>();
    attach(syncs, job.done);
    q.jobs.push_back(std::move(job));
    changed_.notify_all();
    return 0;
}

int Fake::queue_get_state(File& f, void* p) {
    auto& s = *static_cast<drm_kite_queue_get_state*>(p);
    if (s.pad)
        return -EINVAL;
    auto it = f.queues.find(s.id);
    if (it == f.queues.end())
        return -ENOENT;
    const Vm& vm = *it->second->vm;
    s.state = !vm.banned                ? DRM_KITE_QUEUE_OK
              : vm.guilty_queue == s.id ? DRM_KITE_QUEUE_GUILTY
                                        : DRM_KITE_QUEUE_INNOCENT;
    s.reset_count = 0;
    return 0;
}

} // namespace kite::drm_mock
