// SPDX-License-Identifier: MIT
#include "device/pci/sandbox/sandbox.hpp"

#include "base/unique_fd.hpp"

#include <cerrno>
#include <csignal>
#include <functional>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace kite::dev::pci {
namespace {

// Exit status (or -signal) of a filtered child that runs `body`.
int filtered(const std::function<int()>& body) {
    const pid_t child = fork();
    if (child == 0) {
        if (!drop_privileges("nobody", "") || !filter_system_calls()) {
            _exit(100);
        }
        _exit(body());
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

bool refused(long result) {
    return result < 0 && errno == EPERM;
}

TEST(Sandbox, StartingAProgramEndsTheProcess) {
    EXPECT_EQ(filtered([] { return execl("/bin/true", "true", nullptr); }), -SIGSYS);
}

TEST(Sandbox, WhatIsNotListedIsRefused) {
    EXPECT_EQ(filtered([] { return refused(socket(AF_UNIX, SOCK_STREAM, 0)) ? 0 : 1; }), 0);
    EXPECT_EQ(filtered([] { return refused(socket(AF_INET, SOCK_STREAM, 0)) ? 0 : 1; }), 0);
    EXPECT_EQ(filtered([] { return refused(fork()) ? 0 : 1; }), 0);
    EXPECT_EQ(filtered([] { return refused(setuid(0)) ? 0 : 1; }), 0);
    EXPECT_EQ(filtered([] { return refused(memfd_create("x", 0)) ? 0 : 1; }), 0);
    EXPECT_EQ(filtered([] { return refused(ptrace(PTRACE_TRACEME, 0, 0, 0)) ? 0 : 1; }), 0);
}

TEST(Sandbox, ThreadsMemoryAndCodeWork) {
    EXPECT_EQ(filtered([] {
                  int answer = 1;
                  std::thread([&] { answer = 0; }).join();
                  void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                  const bool code =
                      page != MAP_FAILED && mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0;
                  pthread_setname_np(pthread_self(), "named");
                  return code ? answer : 2;
              }),
              0);
}

TEST(Sandbox, RootIsGone) {
    EXPECT_EQ(filtered([] { return geteuid() == 0 ? 1 : 0; }), 0);
}

TEST(Sandbox, ThreadsThatRunAlreadyAreFilteredToo) {
    const pid_t child = fork();
    if (child == 0) {
        std::atomic<bool> go{false};
        int status = 9;
        std::thread early([&] {
            while (!go.load()) {
                std::this_thread::yield();
            }
            status = refused(socket(AF_UNIX, SOCK_STREAM, 0)) ? 0 : 1;
        });
        const bool ok = filter_system_calls().has_value();
        go.store(true);
        early.join();
        _exit(ok ? status : 100);
    }
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
}

} // namespace
} // namespace kite::dev::pci
