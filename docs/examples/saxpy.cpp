// SPDX-License-Identifier: MIT
// Compute on Kite without Vulkan: y = a * x + y for a million numbers, checked on the host.
//
//   ./kite shell -- build/docs/examples/example_saxpy
#include "kite/compute.hpp"

#include "saxpy_spirv.hpp" // glslangValidator --vn saxpy_spirv: the shader as an array

#include <cstdio>

int main() {
    constexpr uint32_t kCount = 1000000;
    constexpr uint32_t kGroup = 64; // local_size_x of the shader

    auto gpu = kite::ComputeDevice::open();
    if (!gpu) {
        std::printf("%s\n", gpu.error().message.c_str());
        return 1;
    }
    auto x = gpu->buffer(kCount * sizeof(float));
    auto y = gpu->buffer(kCount * sizeof(float));
    auto kernel = gpu->kernel(saxpy_spirv, {.bindings = {{.binding = 0}, {.binding = 1}}});
    if (!x || !y || !kernel) {
        std::printf("%s\n", (!x ? x.error() : !y ? y.error() : kernel.error()).message.c_str());
        return 1;
    }
    for (uint32_t i = 0; i < kCount; ++i) {
        x->as<float>()[i] = static_cast<float>(i % 1000);
        y->as<float>()[i] = 1.0f;
    }
    const struct {
        float a;
        uint32_t count;
    } push{.a = 2.0f, .count = kCount};
    auto ticket = gpu->dispatch(*kernel, {(kCount + kGroup - 1) / kGroup, 1, 1},
                                {{.binding = 0, .buffer = *x}, {.binding = 1, .buffer = *y}},
                                std::as_bytes(std::span(&push, 1)));
    auto done = ticket ? gpu->wait(*ticket) : std::unexpected(ticket.error());
    if (!done) {
        std::printf("%s\n", done.error().message.c_str());
        return 1;
    }
    for (uint32_t i = 0; i < kCount; ++i) {
        if (y->as<float>()[i] != 2.0f * static_cast<float>(i % 1000) + 1.0f) {
            std::printf("y[%u] is wrong\n", i);
            return 1;
        }
    }
    std::printf("%u numbers on %.*s: right\n", kCount, static_cast<int>(gpu->description().size()),
                gpu->description().data());
    return 0;
}
