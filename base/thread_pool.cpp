// SPDX-License-Identifier: MIT
#include "base/thread_pool.hpp"

#include <algorithm>
#include <system_error>

#include <pthread.h>
#include <unistd.h>

#include "base/cpu_limit.hpp"
#include "base/env.hpp"
#include "base/log.hpp"
#include "base/worker_signals.hpp"

namespace kite::base {

namespace {

// A worker spins about this many pauses (some 20 us) before it sleeps, because draws follow each
// other closely and a wake-up costs more than that.
constexpr int kSpinPauses = 400;

void pause_cpu() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#else
    std::this_thread::yield();
#endif
}

struct Shared {
    std::mutex mutex;
    std::weak_ptr<ThreadPool> pool;
};

// Leaked on purpose: acquire() may be called while the process exits.
Shared& shared() {
    static Shared& instance = *[] {
        auto* s = new Shared;
        ::pthread_atfork([] { shared().mutex.lock(); }, [] { shared().mutex.unlock(); },
                         [] {
                             // The workers did not survive; whoever still owns the pool keeps it.
                             shared().pool.reset();
                             shared().mutex.unlock();
                         });
        return s;
    }();
    return instance;
}

} // namespace

// One parallel_for in flight. Lives on its caller's stack; `users` keeps it alive for workers.
struct ThreadPool::Job {
    FunctionRef<void(uint64_t, unsigned)> fn;
    uint64_t count;
    uint64_t grain;
    unsigned max_workers;
    std::atomic<uint64_t> next = 0;
    // Both under the pool's mutex.
    unsigned joined = 0;
    unsigned users = 0;
};

std::shared_ptr<ThreadPool> ThreadPool::acquire() {
    Shared& s = shared();
    const std::lock_guard lock(s.mutex);
    auto pool = s.pool.lock();
    if (!pool) {
        pool = std::make_shared<ThreadPool>();
        s.pool = pool;
    }
    return pool;
}

unsigned ThreadPool::default_threads() {
    if (const auto wanted = env_number(env::kNumThreads, 1, 256)) {
        return static_cast<unsigned>(*wanted);
    }
    return std::min(available_cpus(), 256u);
}

ThreadPool::ThreadPool(unsigned threads) : concurrency_(std::max(threads, 1u)), owner_(::getpid()) {
    start_workers();
}

void ThreadPool::start_workers() {
    const sigset_t before = block_worker_signals();
    const unsigned wanted = std::max(concurrency_ - 1, 1u);
    for (unsigned i = 0; i < wanted; ++i) {
        try {
            sync_->workers.emplace_back([this] { worker_main(); });
        } catch (const std::system_error& error) {
            KITE_LOG(warn, "only {} of {} worker threads: {}", i, wanted, error.what());
            break;
        }
        ::pthread_setname_np(sync_->workers.back().native_handle(), "kite-worker");
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

ThreadPool::~ThreadPool() {
    if (forked()) {
        // The threads are the parent's: their handles cannot be joined here, and destroying a
        // condition variable would wait for them.
        static_cast<void>(sync_.release());
        return;
    }
    {
        const std::lock_guard lock(sync_->mutex);
        stop_ = true;
        wake_count_.fetch_add(1, std::memory_order_release);
    }
    sync_->work_cv.notify_all();
    for (std::thread& worker : sync_->workers) {
        worker.join();
    }
    for (auto& task : tasks_) {
        task();
    }
}

bool ThreadPool::forked() const {
    return ::getpid() != owner_;
}

ThreadPool::Job* ThreadPool::find_job() const {
    for (Job* job : jobs_) {
        if (job->joined < job->max_workers &&
            job->next.load(std::memory_order_relaxed) < job->count) {
            return job;
        }
    }
    return nullptr;
}

void ThreadPool::run_job(Job& job, unsigned worker) {
    while (true) {
        // Large runs while much is left, single ones at the end.
        const uint64_t seen = job.next.load(std::memory_order_relaxed);
        if (seen >= job.count) {
            return;
        }
        const uint64_t run =
            std::max(job.grain, (job.count - seen) / (uint64_t{job.max_workers} * 4));
        const uint64_t first = job.next.fetch_add(run, std::memory_order_relaxed);
        if (first >= job.count) {
            return;
        }
        const uint64_t end = first + std::min(run, job.count - first);
        for (uint64_t i = first; i < end; ++i) {
            job.fn(i, worker);
        }
    }
}

// Run one piece of work if there is one; the lock is held before and after.
bool ThreadPool::run_one(std::unique_lock<std::mutex>& lock) {
    if (Job* job = find_job()) {
        const unsigned worker = job->joined++;
        ++job->users;
        lock.unlock();
        run_job(*job, worker);
        lock.lock();
        if (--job->users == 0) {
            sync_->done_cv.notify_all();
        }
        return true;
    }
    if (!tasks_.empty()) {
        std::function<void()> task = std::move(tasks_.front());
        tasks_.pop_front();
        ++running_tasks_;
        lock.unlock();
        task();
        task = nullptr;
        lock.lock();
        if (--running_tasks_ == 0) {
            sync_->done_cv.notify_all();
        }
        return true;
    }
    return false;
}

void ThreadPool::worker_main() {
    std::unique_lock lock(sync_->mutex);
    while (true) {
        if (run_one(lock)) {
            continue;
        }
        if (stop_) {
            return;
        }
        const uint64_t seen = wake_count_.load(std::memory_order_relaxed);
        lock.unlock();
        for (int i = 0; i < kSpinPauses && wake_count_.load(std::memory_order_acquire) == seen;
             ++i) {
            pause_cpu();
        }
        lock.lock();
        if (wake_count_.load(std::memory_order_relaxed) == seen) {
            ++sleeping_;
            sync_->work_cv.wait(
                lock, [&] { return wake_count_.load(std::memory_order_relaxed) != seen; });
            --sleeping_;
        }
    }
}

void ThreadPool::parallel_for(uint64_t count, FunctionRef<void(uint64_t, unsigned)> fn,
                              uint64_t grain) {
    grain = std::max<uint64_t>(grain, 1);
    if (concurrency_ == 1 || count <= grain || sync_->workers.empty() || forked()) {
        for (uint64_t i = 0; i < count; ++i) {
            fn(i, 0);
        }
        return;
    }
    Job job{.fn = fn, .count = count, .grain = grain, .max_workers = concurrency_};
    job.joined = 1; // the caller is worker 0
    bool wake = false;
    {
        const std::lock_guard lock(sync_->mutex);
        jobs_.push_back(&job);
        wake_count_.fetch_add(1, std::memory_order_release);
        wake = sleeping_ > 0;
    }
    if (wake) {
        sync_->work_cv.notify_all();
    }
    run_job(job, 0);
    std::unique_lock lock(sync_->mutex);
    jobs_.erase(std::ranges::find(jobs_, &job));
    // The last runs of others are short; spinning saves the wake-up of this thread.
    for (int i = 0; i < kSpinPauses && job.users != 0; ++i) {
        lock.unlock();
        pause_cpu();
        lock.lock();
    }
    sync_->done_cv.wait(lock, [&] { return job.users == 0; });
}

void ThreadPool::submit(std::function<void()> fn) {
    if (sync_->workers.empty() || forked()) {
        fn();
        return;
    }
    {
        const std::lock_guard lock(sync_->mutex);
        tasks_.push_back(std::move(fn));
        wake_count_.fetch_add(1, std::memory_order_release);
    }
    sync_->work_cv.notify_one();
}

void ThreadPool::wait_idle() {
    if (forked()) {
        return;
    }
    std::unique_lock lock(sync_->mutex);
    sync_->done_cv.wait(lock, [this] { return tasks_.empty() && running_tasks_ == 0; });
}

} // namespace kite::base
