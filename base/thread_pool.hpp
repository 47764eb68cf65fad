// SPDX-License-Identifier: MIT
// Worker threads that execute GPU work, sized by what this process may use.
//
// acquire() gives the process-wide pool; the last owner's release joins the workers, so a library
// that holds it only as long as it has devices can be unloaded. Workers block every signal except
// SIGSEGV and SIGSYS (sandboxes handle those), and are named "kite-worker". After fork() the
// child's acquire() makes a new pool; an inherited one runs everything on the caller.
//
// parallel_for() may be called from any thread, also from a worker and from several at once: the
// caller takes part, so it never waits for a busy pool. Tasks given to submit() run once, in order
// of submission but concurrently. Callables must not throw. Threads that cannot be created are
// missed, not fatal: the pool is then smaller.
//
// Example: auto pool = ThreadPool::acquire();
//          pool->parallel_for(tiles, [&](uint64_t tile, unsigned worker) { draw(tile,
//          arena[worker]); });
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <sys/types.h>

#include "base/function_ref.hpp"

namespace kite::base {

/// A pool of worker threads.
class ThreadPool {
public:
    /// The process-wide pool, created on demand.
    static std::shared_ptr<ThreadPool> acquire();
    /// Threads a pool has by default: KITE_NUM_THREADS, else available_cpus().
    static unsigned default_threads();

    /// A pool of its own; `threads` counts the thread that calls parallel_for.
    explicit ThreadPool(unsigned threads = default_threads());
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;
    /// Runs the tasks still queued, then joins.
    ~ThreadPool();

    /// Threads that work on one parallel_for at most; `worker` arguments are below this.
    unsigned concurrency() const { return concurrency_; }

    /// Call fn(index, worker) for every index in [0, count) and return when all are done. `worker`
    /// is unique among the threads inside this call. Indices are handed out in growing order, in
    /// runs of about `grain` or more.
    void parallel_for(uint64_t count, FunctionRef<void(uint64_t index, unsigned worker)> fn,
                      uint64_t grain = 1);

    /// Run fn on a worker some time.
    void submit(std::function<void()> fn);
    /// Wait until every task submitted so far is done. Not from inside a task.
    void wait_idle();

private:
    struct Job;
    void start_workers();
    void worker_main();
    bool run_one(std::unique_lock<std::mutex>& lock);
    Job* find_job() const;
    static void run_job(Job& job, unsigned worker);
    bool forked() const;

    unsigned concurrency_;
    pid_t owner_;
    // Apart from the rest because a forked child must leave it alone.
    struct Sync {
        std::mutex mutex;
        std::condition_variable work_cv;
        std::condition_variable done_cv;
        std::vector<std::thread> workers;
    };
    std::unique_ptr<Sync> sync_ = std::make_unique<Sync>();
    std::vector<Job*> jobs_;
    std::deque<std::function<void()>> tasks_;
    unsigned running_tasks_ = 0;
    unsigned sleeping_ = 0;
    bool stop_ = false;
    // Counts events a spinning worker should look at.
    std::atomic<uint64_t> wake_count_ = 0;
};

} // namespace kite::base
