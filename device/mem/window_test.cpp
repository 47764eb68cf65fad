// SPDX-License-Identifier: MIT
#include "device/mem/window.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace kite::dev::mem {
namespace {

struct WindowTest : testing::Test {
    void SetUp() override {
        auto created = Window::create(40);
        ASSERT_TRUE(created.has_value());
        window = std::move(*created);
        fd = *create_vram(1 << 20);
    }
    void TearDown() override { close(fd); }
    uint8_t& byte(uint64_t va) { return *reinterpret_cast<uint8_t*>(window->at(va)); }

    std::unique_ptr<Window> window;
    int fd = -1;
};

TEST_F(WindowTest, HolesReadZeroAndForgetWrites) {
    EXPECT_EQ(byte(0x12345), 0);
    byte(0x12345) = 7;
    byte(~uint64_t{0}) = 9; // the last byte of the window
    *(window->at(~uint64_t{0}) + 0xffffffffu) = std::byte{1};
    window->discard_strays();
    EXPECT_EQ(byte(0x12345), 0);
    EXPECT_EQ(byte(~uint64_t{0}), 0);
}

TEST_F(WindowTest, MapsShareTheFile) {
    ASSERT_EQ(window->map(0x100000, 0x4000, fd, 0x1000, false), 0);
    ASSERT_EQ(window->map(0x200000, 0x1000, fd, 0x2000, false), 0);
    byte(0x101010) = 42;
    EXPECT_EQ(byte(0x200010), 42);
    window->discard_strays();
    EXPECT_EQ(byte(0x200010), 42);
    ASSERT_EQ(window->unmap(0x101000, 0x1000), 0);
    EXPECT_EQ(window->mapped_ranges(), 3u);
    EXPECT_EQ(byte(0x101010), 0);
    byte(0x101010) = 1;
    window->discard_strays();
    EXPECT_EQ(byte(0x101010), 0);
    EXPECT_EQ(byte(0x200010), 42);
}

TEST_F(WindowTest, ReadOnlySwallowsWrites) {
    ASSERT_EQ(window->map(0x100000, 0x1000, fd, 0, false), 0);
    ASSERT_EQ(window->map(0x200000, 0x1000, fd, 0, true), 0);
    byte(0x100000) = 5;
    EXPECT_EQ(byte(0x200000), 5);
    byte(0x200000) = 6;
    EXPECT_EQ(byte(0x100000), 5);
}

TEST_F(WindowTest, RefusesBadRanges) {
    EXPECT_EQ(window->map(0x100, 0x1000, fd, 0, false), -EINVAL);
    EXPECT_EQ(window->map(0x1000, 0x100, fd, 0, false), -EINVAL);
    EXPECT_EQ(window->map(0x1000, 0, fd, 0, false), -EINVAL);
    EXPECT_EQ(window->map(0x1000, 0x1000, fd, 0x80, false), -EINVAL);
    EXPECT_EQ(window->map(0x1000, 0x1000, fd, 1 << 20, false), -EINVAL);
    EXPECT_EQ(window->map(window->mask() & ~uint64_t{4095}, 0x2000, fd, 0, false), -EINVAL);
    EXPECT_EQ(window->map(0x1000, 0x1000, -1, 0, false), -EBADF);
    EXPECT_EQ(window->unmap(uint64_t{1} << 40, 0x1000), -EINVAL);
    EXPECT_EQ(window->mapped_ranges(), 0u);
}

// Overlapping maps and unmaps against a page table of bytes.
TEST_F(WindowTest, IntervalsFollowAModel) {
    for (unsigned page = 0; page < 64; ++page) {
        const uint8_t value = static_cast<uint8_t>(page + 1);
        ASSERT_EQ(pwrite(fd, &value, 1, page * 4096), 1);
    }
    std::vector<uint8_t> model(64);
    uint32_t seed = 1;
    const auto next = [&](uint32_t n) {
        return (seed = seed * 1664525u + 1013904223u) / 65536 % n;
    };
    for (int i = 0; i < 500; ++i) {
        const uint32_t first = next(64), count = 1 + next(64 - first), from = next(64 - count + 1);
        const bool map = next(2) == 0;
        const int r = map ? window->map(first * 4096u, count * 4096u, fd, from * 4096u, false)
                          : window->unmap(first * 4096u, count * 4096u);
        ASSERT_EQ(r, 0);
        for (uint32_t p = 0; p < count; ++p) {
            model[first + p] = map ? static_cast<uint8_t>(from + p + 1) : uint8_t{0};
        }
        if (i % 16 == 0) {
            window->discard_strays();
        }
        for (uint32_t p = 0; p < 64; ++p) {
            ASSERT_EQ(byte(p * 4096u), model[p]) << i << " " << p;
        }
    }
}

// True if reading (or writing) the byte raises SIGSEGV.
bool faults(std::byte* at, bool write) {
    const pid_t child = fork();
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        auto* byte = reinterpret_cast<volatile uint8_t*>(at);
        if (write) {
            *byte = 1;
        }
        _exit(*byte & 0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(FaultingWindow, HolesAndReadOnlyRangesFaultUntilDrowned) {
    auto window = *Window::create(32, Holes::fault);
    const int fd = *create_vram(1 << 20);
    EXPECT_TRUE(faults(window->at(0x5000), false));
    ASSERT_EQ(window->map(0x1000, 0x1000, fd, 0, false), 0);
    ASSERT_EQ(window->map(0x2000, 0x1000, fd, 0, true), 0);
    ASSERT_EQ(window->map_zero(0x3000, 0x1000), 0);
    *window->at(0x1000) = std::byte{7};
    EXPECT_EQ(*window->at(0x2000), std::byte{7});
    EXPECT_FALSE(faults(window->at(0x1000), true));
    EXPECT_FALSE(faults(window->at(0x2000), false));
    EXPECT_TRUE(faults(window->at(0x2000), true));
    *window->at(0x3000) = std::byte{9};
    window->discard_strays();
    EXPECT_EQ(*window->at(0x3000), std::byte{0});
    EXPECT_EQ(*window->at(0x1000), std::byte{1}); // the child's write: shared
    EXPECT_EQ(window->mapped_ranges(), 3u);
    ASSERT_EQ(window->unmap(0x1000, 0x3000), 0);
    EXPECT_TRUE(faults(window->at(0x1000), false));
    EXPECT_TRUE(faults(window->at(0x3000), false));
    EXPECT_EQ(window->mapped_ranges(), 0u);

    ASSERT_EQ(window->map(0x1000, 0x1000, fd, 0, false), 0);
    ASSERT_TRUE(window->drown());
    EXPECT_EQ(*window->at(0x1000), std::byte{0});
    *window->at(0x1000) = std::byte{3}; // does not reach the file
    EXPECT_EQ(*(window->at(0x1000) + 0xffffffff), std::byte{0});
    window->discard_strays();
    EXPECT_EQ(*window->at(0x1000), std::byte{0});
    uint8_t first = 0;
    ASSERT_EQ(pread(fd, &first, 1, 0), 1);
    EXPECT_EQ(first, 1);
    close(fd);
}

} // namespace
} // namespace kite::dev::mem
