// SPDX-License-Identifier: MIT
// The fake's scheduler: starts what no longer waits, and hears from the device.
#include "tests/drm_mock/fake.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <pthread.h>

namespace kite::drm_mock {
namespace {

bool over(const Job& j) {
    return std::ranges::all_of(j.waits, [](const FencePtr& f) { return f->signalled; });
}

} // namespace

void Fake::ban(Queue& q, dev::Status status) {
    Vm& vm = *q.vm;
    if (vm.banned)
        return;
    vm.banned = true;
    vm.guilty_queue = q.id;
    vm.cause = status == dev::Status::hang ? 1 : 2;
    vm.why = "context lost";
    dev::Fault f{};
    if (q.queue && q.queue->fault(&f)) {
        vm.why = static_cast<const char*>(f.message);
        vm.address = f.address;
    }
}

void Fake::complete(void* user, uint64_t, dev::Status status) {
    auto* q = static_cast<Queue*>(user);
    Fake& fake = *q->fake;
    {
        std::lock_guard lock(fake.mutex_);
        if (status != dev::Status::ok && !q->destroyed)
            fake.ban(*q, status);
        int error = 0;
        if (status != dev::Status::ok)
            error = status == dev::Status::hang ? ETIME : ECANCELED;
        if (!q->running.empty()) {
            q->running.front()->signal(error);
            q->running.pop_front();
        }
    }
    fake.changed_.notify_all();
}

bool Fake::step() {
    bool moved = false;
    for (auto& vm : vms_) {
        while (!vm->jobs.empty() && over(vm->jobs.front())) {
            Job j = std::move(vm->jobs.front());
            vm->jobs.pop_front();
            for (const BindOp& op : j.binds)
                if (!vm->banned)
                    apply(*vm, op);
            j.done->signal(vm->banned ? ECANCELED : 0);
            moved = true;
        }
    }
    for (auto& q : queues_) {
        while (!q->jobs.empty() && (q->vm->banned || over(q->jobs.front()))) {
            // Errors come in order, too: what runs ends first.
            if (q->vm->banned && !q->running.empty())
                break;
            Job j = std::move(q->jobs.front());
            q->jobs.pop_front();
            moved = true;
            if (q->vm->banned) {
                j.done->signal(ECANCELED);
                continue;
            }
            q->running.push_back(j.done);
            int r = q->queue->submit(j.ibs.data(), static_cast<uint32_t>(j.ibs.size()), 0);
            if (r != 0) {
                q->running.pop_back();
                ban(*q, dev::Status::lost);
                j.done->signal(ECANCELED);
            }
        }
    }
    return moved;
}

void Fake::run() {
    sigset_t set;
    sigfillset(&set);
    pthread_sigmask(SIG_SETMASK, &set, nullptr);
    pthread_setname_np(pthread_self(), "kite-mock");
    std::unique_lock lock(mutex_);
    for (;;) {
        if (step())
            changed_.notify_all();
        else
            changed_.wait(lock);
    }
}

} // namespace kite::drm_mock
