// SPDX-License-Identifier: MIT
#include "device/front/queue.hpp"

#include "device/exec/compile_clock.hpp"

#include "base/log.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <unistd.h>

namespace kite::dev::front {

Space::Space(Shared& shared, std::unique_ptr<mem::Window> window)
    : shared_(shared), window_(std::move(window)), programs_(*window_) {
    shared_.live.fetch_add(1);
    shared_.watchdog.add(this);
    if (shared_.recorder != nullptr) {
        trace_number_ = shared_.recorder->add_space();
    }
}

Space::~Space() {
    if (shared_.recorder != nullptr) {
        shared_.recorder->remove_space(trace_number_);
    }
    shared_.watchdog.remove(this);
    shared_.live.fetch_sub(1);
}

int Space::map(uint64_t va, uint64_t size, int fd, uint64_t offset, bool read_only) {
    const int r = window_->map(va, size, fd, offset, read_only);
    if (r == 0 && shared_.recorder != nullptr) {
        shared_.recorder->map(trace_number_, va, size, fd, offset, read_only);
    }
    return r;
}

int Space::unmap(uint64_t va, uint64_t size) {
    const int r = window_->unmap(va, size);
    if (r == 0 && shared_.recorder != nullptr) {
        shared_.recorder->unmap(trace_number_, va, size);
    }
    return r;
}

void* Space::host_pointer(uint64_t va) {
    return window_->at(va);
}

void Space::destroy() {
    delete this;
}

void Space::die(Status status, uint64_t address, const std::string& message) {
    const std::lock_guard lock(mutex_);
    if (dead()) {
        return;
    }
    first_.status = status;
    first_.address = address;
    const size_t n = std::min(message.size(), sizeof(first_.message) - 1);
    std::memcpy(first_.message, message.data(), n);
    first_.message[n] = '\0';
    dead_.store(true, std::memory_order_release);
    shared_.counters.faults += 1;
    KITE_LOG(error, "GPU context lost at {:#x}: {}", address, message);
}

bool Space::fault(Fault* out) {
    const std::lock_guard lock(mutex_);
    if (dead()) {
        *out = first_;
    }
    return dead();
}

// Stray writes are thrown away while work runs, so that they cannot eat memory, and once when the
// space idles.
bool Space::inspect(uint64_t) {
    const bool busy = running_.load(std::memory_order_acquire) != 0;
    if (busy || dirty_) {
        window_->discard_strays();
    }
    dirty_ = busy;
    const uint64_t loaded = programs_.loaded();
    shared_.counters.programs += loaded - programs_counted_;
    programs_counted_ = loaded;
    return busy;
}

QueueImpl::QueueImpl(Shared& shared, Space& space, CompletionFn fn, void* user)
    : shared_(shared), space_(space), complete_(fn), user_(user),
      processor_({.window = &space.window(),
                  .programs = &space.programs(),
                  .executor = shared.executor.get(),
                  .pool = shared.pool.get(),
                  .kill = &kill_,
                  .counters = &shared.counters,
                  .print_packets = shared.print_packets}),
      owner_pid_(getpid()) {
    shared_.live.fetch_add(1);
    shared_.watchdog.add(this);
}

QueueImpl::~QueueImpl() {
    shared_.watchdog.remove(this);
    shared_.live.fetch_sub(1);
}

int QueueImpl::start() {
    thread_ =
        start_thread("kite-queue", [](void* self) { static_cast<QueueImpl*>(self)->main(); }, this);
    return thread_.joinable() ? 0 : -EAGAIN;
}

int QueueImpl::submit(const IndirectBuffer* ibs, uint32_t count, uint64_t cookie) {
    if (count != 0 && ibs == nullptr) {
        return -EINVAL;
    }
    {
        const std::lock_guard lock(mutex_);
        if (stop_) {
            return -ENODEV;
        }
        pending_.push_back({.ibs = {ibs, ibs + count}, .cookie = cookie});
    }
    wake_.notify_one();
    return 0;
}

bool QueueImpl::fault(Fault* out) {
    return space_.fault(out);
}

void QueueImpl::destroy() {
    if (getpid() != owner_pid_) { // after fork() the thread is the parent's
        if (thread_.joinable()) {
            thread_.detach();
        }
        return;
    }
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
        kill_.fetch_or(kDestroy);
    }
    wake_.notify_one();
    if (thread_.joinable()) {
        thread_.join();
    }
    delete this;
}

bool QueueImpl::inspect(uint64_t now) {
    const uint64_t started = started_ns_.load(std::memory_order_acquire);
    if (started == 0) {
        return false;
    }
    // Compiling is not hanging.
    const uint64_t compiled = exec::compile_clock_ns() - compiled_ns_.load();
    if (now > started && now - started > shared_.hang_timeout_ns + compiled) {
        kill_.fetch_or(kHang);
    }
    return true;
}

Status QueueImpl::run(const Submission& submission) {
    if (space_.dead() || kill_.load(std::memory_order_relaxed) != 0) {
        return Status::lost;
    }
    if (shared_.recorder == nullptr) {
        return execute(submission);
    }
    shared_.recorder->begin(space_.trace_number(), submission.ibs);
    const Status status = execute(submission);
    shared_.recorder->finish(space_.trace_number(), status);
    return status;
}

Status QueueImpl::execute(const Submission& submission) {
    const uint64_t begin = now_ns();
    compiled_ns_.store(exec::compile_clock_ns());
    started_ns_.store(begin, std::memory_order_release);
    space_.enter();
    shared_.watchdog.notify();
    const auto fault = processor_.execute(submission.ibs);
    space_.leave();
    started_ns_.store(0, std::memory_order_release);
    shared_.counters.busy_ns += now_ns() - begin;
    shared_.counters.submissions += 1;
    if (fault) {
        space_.die(Status::fault, fault->address, fault->message);
        return Status::fault;
    }
    const uint32_t kill = kill_.load(std::memory_order_relaxed);
    if ((kill & kDestroy) != 0) {
        return Status::lost;
    }
    if ((kill & kHang) != 0) {
        const uint64_t va = submission.ibs.empty() ? 0 : submission.ibs.front().address;
        space_.die(Status::hang, va,
                   "submission ran longer than " +
                       std::to_string(shared_.hang_timeout_ns / 1000000) + " ms");
        return Status::hang;
    }
    return Status::ok;
}

void QueueImpl::main() {
    std::unique_lock lock(mutex_);
    for (;;) {
        wake_.wait(lock, [this] { return stop_ || !pending_.empty(); });
        if (pending_.empty()) {
            return; // stopped, nothing left to complete
        }
        const Submission submission = std::move(pending_.front());
        pending_.pop_front();
        lock.unlock();
        const Status status = run(submission);
        if (complete_ != nullptr) {
            complete_(user_, submission.cookie, status);
        }
        lock.lock();
    }
}

} // namespace kite::dev::front
