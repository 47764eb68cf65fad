// SPDX-License-Identifier: MIT
#include "kite/compute.hpp"

#include "forever_spirv.hpp"
#include "square_spirv.hpp"

#include <cstdlib>
#include <gtest/gtest.h>

namespace kite {
namespace {

using namespace std::chrono_literals;

// square.comp: a workgroup of 4 x 2, data = data * data * scale + 9.
KernelOptions square_options() {
    return {.bindings = {{.binding = 3}, {.binding = 7, .uniform = true}},
            .constants = {{.id = 0, .bits = 4}, {.id = 1, .bits = 9}}};
}

ComputeDevice open() {
    auto gpu = ComputeDevice::open();
    if (!gpu) {
        std::fprintf(stderr, "%s\n", gpu.error().message.c_str());
        std::abort();
    }
    return std::move(*gpu);
}

TEST(Compute, DispatchesRunInOrder) {
    ComputeDevice gpu = open();
    EXPECT_TRUE(gpu.wave_size() == 8 || gpu.wave_size() == 16);
    EXPECT_FALSE(gpu.description().empty());
    auto kernel = gpu.kernel(square_spirv, square_options());
    ASSERT_TRUE(kernel) << kernel.error().message;
    EXPECT_EQ(kernel->workgroup(), (std::array<uint32_t, 3>{4, 2, 1}));
    auto data = gpu.buffer(1000);
    auto scale = gpu.buffer(16);
    ASSERT_TRUE(data && scale);
    EXPECT_EQ(data->data().size(), 1000u);
    EXPECT_EQ(data->as<uint32_t>()[249], 0u) << "zeros at first";
    for (uint32_t i = 0; i < 250; ++i) {
        data->as<uint32_t>()[i] = i;
    }
    scale->as<uint32_t>()[0] = 3;
    const uint32_t first = 10;
    Ticket last;
    for (int round = 0; round < 2; ++round) {
        auto ticket = gpu.dispatch(
            *kernel, {2, 1, 1}, {{.binding = 7, .buffer = *scale}, {.binding = 3, .buffer = *data}},
            std::as_bytes(std::span(&first, 1)));
        ASSERT_TRUE(ticket) << ticket.error().message;
        EXPECT_GT(ticket->value, last.value);
        last = *ticket;
    }
    const auto done = gpu.wait(last);
    ASSERT_TRUE(done) << done.error().message;
    for (uint32_t i = 0; i < 250; ++i) {
        const uint32_t once = i * i * 3 + 9;
        const bool touched = i >= first && i < first + 16;
        EXPECT_EQ(data->as<uint32_t>()[i], touched ? once * once * 3 + 9 : i) << i;
    }
}

TEST(Compute, ArgumentsBeyondABufferReadZeroAndChangeNothing) {
    ComputeDevice gpu = open();
    auto kernel = gpu.kernel(square_spirv, square_options());
    auto data = gpu.buffer(256);
    auto scale = gpu.buffer(16);
    ASSERT_TRUE(kernel && data && scale);
    const uint32_t first = 0;
    auto ticket = gpu.dispatch(*kernel, {2, 1, 1},
                               {{.binding = 3, .buffer = *data, .offset = 32, .size_bytes = 8},
                                {.binding = 7, .buffer = *scale}},
                               std::as_bytes(std::span(&first, 1)));
    ASSERT_TRUE(ticket && gpu.wait(*ticket));
    for (uint32_t i = 0; i < 64; ++i) {
        EXPECT_EQ(data->as<uint32_t>()[i], i == 8 || i == 9 ? 9u : 0u) << i;
    }
}

TEST(Compute, BuffersAndKernelsMayGoEarly) {
    ComputeDevice gpu = open();
    Ticket last;
    for (int round = 0; round < 50; ++round) {
        auto kernel = gpu.kernel(square_spirv, square_options());
        auto data = gpu.buffer(256);
        auto scale = gpu.buffer(16);
        ASSERT_TRUE(kernel && data && scale);
        const uint32_t first = 0;
        auto ticket = gpu.dispatch(
            *kernel, {2, 1, 1}, {{.binding = 3, .buffer = *data}, {.binding = 7, .buffer = *scale}},
            std::as_bytes(std::span(&first, 1)));
        ASSERT_TRUE(ticket);
        last = *ticket;
    }
    EXPECT_TRUE(gpu.wait(last));
}

TEST(Compute, ABufferOutlivesItsDevice) {
    Result<Buffer> data;
    {
        ComputeDevice gpu = open();
        data = gpu.buffer(64);
    }
    ASSERT_TRUE(data);
    data->as<uint32_t>()[3] = 7;
    EXPECT_EQ(data->as<uint32_t>()[3], 7u);
}

TEST(Compute, MistakesAreNamed) {
    ComputeDevice gpu = open();
    const auto none = gpu.buffer(0);
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().kind, ErrorKind::invalid_argument);
    const auto huge = gpu.buffer(uint64_t{1} << 50);
    ASSERT_FALSE(huge);
    EXPECT_EQ(huge.error().kind, ErrorKind::out_of_memory);
    const uint32_t nonsense[] = {1, 2, 3, 4, 5, 6};
    const auto bad = gpu.kernel(nonsense, {});
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().kind, ErrorKind::bad_module);
    auto kernel = gpu.kernel(square_spirv, square_options());
    auto data = gpu.buffer(64);
    ASSERT_TRUE(kernel && data);
    const auto missing = gpu.dispatch(*kernel, {1, 1, 1}, {{.binding = 3, .buffer = *data}});
    ASSERT_FALSE(missing);
    EXPECT_NE(missing.error().message.find("binding 7"), std::string::npos);
    const auto crooked = gpu.dispatch(
        *kernel, {1, 1, 1},
        {{.binding = 3, .buffer = *data, .offset = 4}, {.binding = 7, .buffer = *data}});
    EXPECT_FALSE(crooked);
    EXPECT_FALSE(gpu.wait({.value = 100}));
    ComputeDevice other = open();
    auto foreign = other.buffer(64);
    ASSERT_TRUE(foreign);
    EXPECT_FALSE(gpu.dispatch(
        *kernel, {1, 1, 1}, {{.binding = 3, .buffer = *foreign}, {.binding = 7, .buffer = *data}}));
}

TEST(Compute, AHangIsReported) {
    setenv("KITE_HANG_TIMEOUT_MS", "300", 1);
    ComputeDevice gpu = open();
    unsetenv("KITE_HANG_TIMEOUT_MS");
    auto kernel = gpu.kernel(forever_spirv, {.bindings = {{.binding = 0}}});
    ASSERT_TRUE(kernel) << kernel.error().message;
    auto data = gpu.buffer(64);
    ASSERT_TRUE(data);
    auto ticket = gpu.dispatch(*kernel, {1, 1, 1}, {{.binding = 0, .buffer = *data}});
    ASSERT_TRUE(ticket);
    const auto early = gpu.wait(*ticket, 10ms);
    ASSERT_FALSE(early);
    EXPECT_EQ(early.error().kind, ErrorKind::timeout);
    const auto done = gpu.wait(*ticket);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().kind, ErrorKind::device_lost);
    EXPECT_NE(done.error().message.find("300 ms"), std::string::npos) << done.error().message;
    EXPECT_FALSE(gpu.dispatch(*kernel, {1, 1, 1}, {{.binding = 0, .buffer = *data}}));
}

} // namespace
} // namespace kite
