// SPDX-License-Identifier: MIT
//
// Fuzzer of kite.ko's ioctls: mostly sensible calls on live objects, some of them bent.
//
//     kite_ioctl_fuzz NODE [--seconds N] [--seed N] [--processes N] [--slow N]
//
// Each process opens the node itself and lets two threads share the file, so that calls race; now
// and then it closes the file and opens it anew. The kernel is the judge: run it on the kernel of
// ./kite kernel --debug and look for splats. The program itself fails when a call takes longer than
// --slow seconds (30), or answers with an errno that the interface does not know.
#include "calls.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
    const char* node = nullptr;
    unsigned seconds = 60;
    uint64_t seed = 1;
    unsigned processes = 2;
    unsigned slow_seconds = 30;
};

/// One thread's share: calls until the time is over; returns false if something was wrong.
bool work(int file, uint64_t seed, Clock::time_point end, unsigned slow_seconds,
          kite::fuzz::Tally& tally) {
    kite::fuzz::Caller caller(file, seed, slow_seconds, tally);
    for (unsigned i = 0; i < 3000 && Clock::now() < end; ++i) {
        if (!caller.step()) {
            return false;
        }
    }
    return true;
}

/// One process: files opened and closed again, two threads on each; returns its exit status.
int process(const Options& options, uint64_t seed) {
    const auto end = Clock::now() + std::chrono::seconds(options.seconds);
    std::array<kite::fuzz::Tally, 2> tallies;
    bool good = true;
    for (uint64_t round = 0; good && Clock::now() < end; ++round) {
        const int file = open(options.node, O_RDWR | O_CLOEXEC);
        if (file < 0) {
            std::printf("%s: %s\n", options.node, strerror(errno));
            return 1;
        }
        std::array<bool, 2> fine{};
        std::vector<std::thread> threads;
        for (size_t i = 0; i < fine.size(); ++i) {
            threads.emplace_back([&, i] {
                fine[i] = work(file, seed + round * 2 + i, end, options.slow_seconds, tallies[i]);
            });
        }
        for (std::thread& thread : threads) {
            thread.join();
        }
        good = fine[0] && fine[1];
        close(file);
    }
    tallies[0].add(tallies[1]);
    tallies[0].print();
    return good ? 0 : 1;
}

bool parse(int argc, char** argv, Options& options) {
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        const char* value = i + 1 < argc ? argv[i + 1] : nullptr;
        if (!word.starts_with("--")) {
            options.node = argv[i];
            continue;
        }
        if (value == nullptr) {
            return false;
        }
        const uint64_t number = std::strtoull(value, nullptr, 10);
        ++i;
        if (word == "--seconds") {
            options.seconds = static_cast<unsigned>(number);
        } else if (word == "--seed") {
            options.seed = number;
        } else if (word == "--processes") {
            options.processes = static_cast<unsigned>(number);
        } else if (word == "--slow") {
            options.slow_seconds = static_cast<unsigned>(number);
        } else {
            return false;
        }
    }
    return options.node != nullptr;
}

} // namespace

int main(int argc, char** argv) {
    Options options;
    if (!parse(argc, argv, options)) {
        std::printf("kite_ioctl_fuzz NODE [--seconds N] [--seed N] [--processes N] [--slow N]\n");
        return 2;
    }
    std::printf("seed %" PRIu64 ", %u s\n", options.seed, options.seconds);
    std::fflush(stdout);
    std::vector<pid_t> children;
    for (unsigned i = 0; i < options.processes; ++i) {
        const pid_t child = fork();
        if (child == 0) {
            const int status = process(options, options.seed + i * 1'000'000ull);
            std::fflush(stdout);
            _exit(status);
        }
        children.push_back(child);
    }
    int worst = 0;
    for (const pid_t child : children) {
        int status = 0;
        waitpid(child, &status, 0);
        if (WIFSIGNALED(status)) {
            std::printf("a process ended by signal %d\n", WTERMSIG(status));
            worst = 1;
        } else if (WEXITSTATUS(status) != 0) {
            worst = WEXITSTATUS(status);
        }
    }
    std::printf(worst == 0 ? "no call misbehaved\n" : "FAILED\n");
    return worst;
}
