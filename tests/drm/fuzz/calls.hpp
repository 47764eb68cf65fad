// SPDX-License-Identifier: MIT
//
// The calls of the ioctl fuzzer: objects it knows, how it makes arguments, how it bends them.
//
// A Caller belongs to one thread and borrows a file that others may use at the same time; handles
// are drawn from a small range as well as from what was created, so that threads hit each other's
// objects. Nothing is thrown; step() returns false once the kernel misbehaved, after saying how.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace kite::fuzz {

/// How often each call gave each answer.
class Tally {
public:
    /// Counts one answer; 0 is success.
    void count(const char* call, int error) { ++answers_[call][error]; }
    /// Adds another thread's counts.
    void add(const Tally& other);
    /// Prints a line a call.
    void print() const;

private:
    std::map<std::string, std::map<int, uint64_t>> answers_;
};

/// Makes random calls on one file.
class Caller {
public:
    /// `file` and `tally` outlive the caller; the same seed makes the same calls. No call may take
    /// longer than `slow_seconds`.
    Caller(int file, uint64_t seed, double slow_seconds, Tally& tally)
        : file_(file), random_(seed), slow_seconds_(slow_seconds), tally_(tally) {}
    ~Caller();
    Caller(const Caller&) = delete;
    Caller& operator=(const Caller&) = delete;

    /// One call; false if it was too slow or answered with an unknown errno.
    bool step();

private:
    struct Mapping {
        void* at;
        size_t bytes;
    };

    uint64_t below(uint64_t bound) {
        return std::uniform_int_distribution<uint64_t>(0, bound - 1)(random_);
    }
    bool chance(unsigned percent) { return below(100) < percent; }
    uint32_t pick(const std::vector<uint32_t>& known);
    uint64_t address();
    uint64_t size();
    template <typename T>
    void bend(T& value);
    template <typename T>
    int call(const char* name, unsigned long request, T& value);

    void query();
    void get_time();
    void vm_create();
    void vm_destroy();
    void vm_bind();
    void vm_state();
    void bo_create();
    void bo_map();
    void bo_info();
    void bo_madvise();
    void bo_close();
    void bo_prime();
    void queue_create();
    void queue_destroy();
    void queue_submit();
    void queue_state();
    void sync_create();
    void sync_wait();
    void sync_destroy();
    void raw();

    int file_;
    std::mt19937_64 random_;
    double slow_seconds_;
    Tally& tally_;
    bool good_ = true;
    std::vector<uint32_t> vms_, bos_, queues_, syncs_;
    std::vector<Mapping> mappings_;
};

} // namespace kite::fuzz
