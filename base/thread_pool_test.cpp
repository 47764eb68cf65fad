// SPDX-License-Identifier: MIT
#include "base/thread_pool.hpp"

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <set>

#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "base/cpu_limit.hpp"

namespace kite::base {
namespace {

namespace fs = std::filesystem;

TEST(ThreadPool, EveryIndexOnce) {
    for (const unsigned threads : {1u, 2u, 5u}) {
        ThreadPool pool(threads);
        for (const uint64_t count : {0u, 1u, 2u, 7u, 1000u, 100000u}) {
            for (const uint64_t grain : {1u, 64u, 100000u}) {
                std::vector<std::atomic<int>> hits(count);
                pool.parallel_for(
                    count,
                    [&](uint64_t i, unsigned worker) {
                        ASSERT_LT(worker, pool.concurrency());
                        hits[i].fetch_add(1);
                    },
                    grain);
                for (const auto& hit : hits) {
                    ASSERT_EQ(hit.load(), 1);
                }
            }
        }
    }
}

TEST(ThreadPool, WorkerNumbersAreUniqueInsideACall) {
    ThreadPool pool(4);
    for (int round = 0; round < 200; ++round) {
        std::array<std::atomic<int>, 4> inside = {};
        pool.parallel_for(64, [&](uint64_t, unsigned worker) {
            EXPECT_EQ(inside[worker].fetch_add(1), 0);
            std::this_thread::yield();
            inside[worker].fetch_sub(1);
        });
    }
}

TEST(ThreadPool, SeveralThreadsTakePart) {
    ThreadPool pool(2);
    std::mutex mutex;
    std::set<std::thread::id> threads;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (threads.size() < 2 && std::chrono::steady_clock::now() < deadline) {
        pool.parallel_for(16, [&](uint64_t, unsigned) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
            const std::lock_guard lock(mutex);
            threads.insert(std::this_thread::get_id());
        });
    }
    EXPECT_EQ(threads.size(), 2u);
}

TEST(ThreadPool, NestedAndConcurrentCalls) {
    ThreadPool pool(3);
    std::atomic<uint64_t> sum = 0;
    std::vector<std::thread> callers;
    for (int c = 0; c < 4; ++c) {
        callers.emplace_back([&] {
            for (int i = 0; i < 50; ++i) {
                pool.parallel_for(8, [&](uint64_t, unsigned) {
                    pool.parallel_for(8, [&](uint64_t k, unsigned) { sum += k; });
                });
            }
        });
    }
    for (std::thread& caller : callers) {
        caller.join();
    }
    EXPECT_EQ(sum.load(), 4u * 50 * 8 * 28);
}

TEST(ThreadPool, TasksRunEvenAtTheEnd) {
    std::atomic<int> done = 0;
    {
        ThreadPool pool(2);
        for (int i = 0; i < 100; ++i) {
            pool.submit([&] { done += 1; });
        }
        pool.wait_idle();
        EXPECT_EQ(done.load(), 100);
        for (int i = 0; i < 100; ++i) {
            pool.submit([&] { done += 1; });
        }
    }
    EXPECT_EQ(done.load(), 200);
}

TEST(ThreadPool, ABusyWorkerDoesNotDelayTheCaller) {
    ThreadPool pool(2);
    std::atomic<bool> release = false;
    pool.submit([&] { release.wait(false); });
    std::atomic<int> hits = 0;
    pool.parallel_for(100, [&](uint64_t, unsigned) { hits += 1; });
    EXPECT_EQ(hits.load(), 100);
    release = true;
    release.notify_all();
    pool.wait_idle();
}

TEST(ThreadPool, WorkersBlockSignalsButSegvAndSys) {
    ThreadPool pool(2);
    sigset_t mask;
    ::sigemptyset(&mask);
    pool.submit([&] { ::pthread_sigmask(SIG_BLOCK, nullptr, &mask); });
    pool.wait_idle();
    EXPECT_EQ(::sigismember(&mask, SIGTERM), 1);
    EXPECT_EQ(::sigismember(&mask, SIGALRM), 1);
    EXPECT_EQ(::sigismember(&mask, SIGSEGV), 0);
    EXPECT_EQ(::sigismember(&mask, SIGSYS), 0);
    sigset_t own;
    ::pthread_sigmask(SIG_BLOCK, nullptr, &own);
    EXPECT_EQ(::sigismember(&own, SIGTERM), 0); // the caller's mask is back
}

TEST(ThreadPool, SharedWhileOwned) {
    const auto a = ThreadPool::acquire();
    EXPECT_EQ(a, ThreadPool::acquire());
}

TEST(ThreadPool, SurvivesFork) {
    auto pool = ThreadPool::acquire();
    pool->parallel_for(100, [](uint64_t, unsigned) {});
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        ::alarm(20);
        std::atomic<int> hits = 0;
        pool->parallel_for(100, [&](uint64_t, unsigned) { hits += 1; }); // the inherited one
        auto fresh = ThreadPool::acquire();
        fresh->parallel_for(100, [&](uint64_t, unsigned) { hits += 1; });
        fresh->submit([&] { hits += 1; });
        fresh->wait_idle();
        const bool ok = fresh != pool && hits == 201;
        fresh.reset();
        pool.reset();
        ::_exit(ok ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

class CpuLimitTest : public testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/kite_cpu_limit_XXXXXX";
        root_ = ::mkdtemp(name);
    }
    void TearDown() override { fs::remove_all(root_); }
    void put(const fs::path& file, const char* text) {
        fs::create_directories((root_ / file).parent_path());
        std::ofstream(root_ / file) << text;
    }
    double quota() { return cgroup_cpu_quota(root_ / "proc", root_ / "cg"); }
    fs::path root_;
};

TEST_F(CpuLimitTest, NoGroupsNoLimit) {
    EXPECT_EQ(quota(), 0.0);
}

TEST_F(CpuLimitTest, Version2TakesTheTightestAncestor) {
    put("proc/cgroup", "0::/a/b\n");
    put("cg/a/b/cpu.max", "max 100000\n");
    EXPECT_EQ(quota(), 0.0);
    put("cg/a/cpu.max", "150000 100000\n");
    EXPECT_EQ(quota(), 1.5);
    put("cg/a/b/cpu.max", "300000 100000\n");
    EXPECT_EQ(quota(), 1.5);
    put("cg/cpu.max", "50000 100000\n"); // a container sees its own group as the root
    EXPECT_EQ(quota(), 0.5);
}

TEST_F(CpuLimitTest, Version1) {
    put("proc/cgroup", "5:cpu,cpuacct:/x\n3:cpuset:/x\n");
    put("cg/cpu,cpuacct/x/cpu.cfs_quota_us", "200000\n");
    put("cg/cpu,cpuacct/x/cpu.cfs_period_us", "100000\n");
    EXPECT_EQ(quota(), 2.0);
    put("cg/cpu,cpuacct/x/cpu.cfs_quota_us", "-1\n");
    EXPECT_EQ(quota(), 0.0);
}

TEST_F(CpuLimitTest, GarbageIsNoLimit) {
    put("proc/cgroup", "nonsense\n0::\n::\n1:cpu:relative\n0::/a\n");
    put("cg/a/cpu.max", "fast please\n");
    EXPECT_EQ(quota(), 0.0);
    EXPECT_GE(available_cpus(), 1u);
}

} // namespace
} // namespace kite::base
