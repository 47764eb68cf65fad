// SPDX-License-Identifier: MIT
//
// kite_bench_compute: six compute kernels on the first Vulkan device, each checked against the CPU,
// and with --limits the machine's own limits instead. One line of JSON a result on stdout.
#include "limits.hpp"
#include "vulkan_bench.hpp"

#include "histogram_comp.h"
#include "mandelbrot_comp.h"
#include "nbody_comp.h"
#include "reduction_comp.h"
#include "saxpy_comp.h"
#include "sgemm_comp.h"

#include <cmath>
#include <cstdio>
#include <cstring>
#include <string_view>

namespace kite::bench {
namespace {

void expect_near(const char* what, double is, double should, double tolerance) {
    if (!(std::abs(is - should) <= tolerance)) {
        fail(std::string(what) + ": the device says " + std::to_string(is) + ", the CPU " +
             std::to_string(should));
    }
}

float pattern(size_t i) {
    return static_cast<float>(i * 7919 % 1000) * 0.001f - 0.5f;
}

void fill_pattern(Buffer& buffer) {
    const auto values = buffer.as<float>();
    for (size_t i = 0; i < values.size(); ++i) {
        values[i] = pattern(i);
    }
}

void saxpy(World& world) {
    const uint32_t count = 1u << 23;
    Buffer x(world, count * 4);
    Buffer y(world, count * 4);
    fill_pattern(x);
    fill_pattern(y);
    const Kernel kernel(world, saxpy_comp, {&x, &y});
    const struct {
        uint32_t count;
        float a;
    } push{count, 2.0f};
    VkCommandBuffer commands = world.record(
        [&](VkCommandBuffer cmd) { kernel.dispatch(cmd, &push, sizeof push, count / 256); });
    world.submit_and_wait(commands);
    for (size_t i = 0; i < count; i += 9973) {
        expect_near("saxpy", y.as<float>()[i], 3.0 * pattern(i), 1e-5);
    }
    const double seconds = median_seconds([&] { return world.submit_and_wait(commands); });
    report({"compute", "saxpy", "GB/s", "higher", 12.0 * count / seconds / 1e9});
}

void reduction(World& world) {
    const uint32_t count = 1u << 23;
    Buffer values(world, count * 4);
    Buffer sums(world, count / 2048 * 4);
    Buffer total(world, 16);
    double should = 0;
    const auto numbers = values.as<float>();
    for (size_t i = 0; i < count; ++i) {
        numbers[i] = static_cast<float>(i % 5);
        should += numbers[i];
    }
    const Kernel first(world, reduction_comp, {&values, &sums});
    const Kernel second(world, reduction_comp, {&sums, &total});
    VkCommandBuffer commands = world.record([&](VkCommandBuffer cmd) {
        const uint32_t groups = count / 2048;
        first.dispatch(cmd, &count, sizeof count, groups);
        second.dispatch(cmd, &groups, sizeof groups, groups / 2048);
    });
    const double seconds = median_seconds([&] { return world.submit_and_wait(commands); });
    double is = 0;
    for (size_t i = 0; i < count / 2048 / 2048; ++i) {
        is += total.as<float>()[i];
    }
    expect_near("reduction", is, should, should * 1e-5);
    report({"compute", "reduction", "GB/s", "higher", 4.0 * count / seconds / 1e9});
}

void sgemm(World& world) {
    const uint32_t n = 512;
    Buffer a(world, n * n * 4);
    Buffer b(world, n * n * 4);
    Buffer c(world, n * n * 4);
    fill_pattern(a);
    fill_pattern(b);
    const Kernel kernel(world, sgemm_comp, {&a, &b, &c});
    VkCommandBuffer commands = world.record(
        [&](VkCommandBuffer cmd) { kernel.dispatch(cmd, &n, sizeof n, n / 64, n / 64); });
    const double seconds = median_seconds([&] { return world.submit_and_wait(commands); });
    for (uint32_t at = 0; at < n * n; at += 4999) {
        double should = 0;
        for (uint32_t k = 0; k < n; ++k) {
            should +=
                static_cast<double>(a.as<float>()[at / n * n + k]) * b.as<float>()[k * n + at % n];
        }
        expect_near("sgemm", c.as<float>()[at], should, 1e-3);
    }
    report({"compute", "sgemm", "GFLOP/s", "higher", 2.0 * n * n * n / seconds / 1e9});
}

void nbody(World& world) {
    const uint32_t count = 4096;
    Buffer bodies(world, count * 16);
    Buffer accelerations(world, count * 16);
    fill_pattern(bodies);
    const Kernel kernel(world, nbody_comp, {&bodies, &accelerations});
    VkCommandBuffer commands = world.record(
        [&](VkCommandBuffer cmd) { kernel.dispatch(cmd, &count, sizeof count, count / 256); });
    const double seconds = median_seconds([&] { return world.submit_and_wait(commands); });
    const auto p = bodies.as<float>();
    for (size_t own = 0; own < count; own += 997) {
        double sum = 0;
        double size = 0;
        for (size_t other = 0; other < count; ++other) {
            double r[3];
            double squared = 0.01;
            for (size_t axis = 0; axis < 3; ++axis) {
                r[axis] = static_cast<double>(p[other * 4 + axis]) - p[own * 4 + axis];
                squared += r[axis] * r[axis];
            }
            const double term = r[0] * p[other * 4 + 3] / (squared * std::sqrt(squared));
            sum += term;
            size += std::abs(term);
        }
        expect_near("nbody", accelerations.as<float>()[own * 4], sum, size * 1e-4);
    }
    report({"compute", "nbody", "GFLOP/s", "higher", 20.0 * count * count / seconds / 1e9});
}

void mandelbrot(World& world) {
    const uint32_t size = 1024;
    Buffer picture(world, size * size * 4);
    const Kernel kernel(world, mandelbrot_comp, {&picture});
    VkCommandBuffer commands = world.record([&](VkCommandBuffer cmd) {
        kernel.dispatch(cmd, &size, sizeof size, size / 16, size / 16);
    });
    const double seconds = median_seconds([&] { return world.submit_and_wait(commands); });
    double iterations = 0;
    for (const uint32_t count : picture.as<uint32_t>()) {
        iterations += count;
    }
    const auto at = [&](uint32_t x, uint32_t y) { return picture.as<uint32_t>()[y * size + x]; };
    expect_near("mandelbrot inside", at(size * 3 / 4, size / 2), 256, 0);
    expect_near("mandelbrot corner", at(0, 0), 1, 0);
    if (iterations < 4e7 || iterations > 8e7) {
        fail("mandelbrot: " + std::to_string(iterations) + " iterations in all");
    }
    report({"compute", "mandelbrot", "Giter/s", "higher", iterations / seconds / 1e9});
}

void histogram(World& world) {
    const uint32_t count = 1u << 23;
    Buffer values(world, count * 4);
    Buffer bins(world, 256 * 4);
    std::vector<uint32_t> should(256);
    uint32_t state = 1;
    for (uint32_t& value : values.as<uint32_t>()) {
        state = state * 1664525u + 1013904223u;
        value = state >> 16;
        ++should[value & 255];
    }
    std::memset(bins.as<char>().data(), 0, bins.size_bytes());
    const Kernel kernel(world, histogram_comp, {&values, &bins});
    VkCommandBuffer commands = world.record(
        [&](VkCommandBuffer cmd) { kernel.dispatch(cmd, &count, sizeof count, count / 4096); });
    world.submit_and_wait(commands);
    for (size_t i = 0; i < 256; ++i) {
        expect_near("histogram", bins.as<uint32_t>()[i], should[i], 0);
    }
    const double seconds = median_seconds([&] { return world.submit_and_wait(commands); });
    report({"compute", "histogram", "Gelem/s", "higher", count / seconds / 1e9});
}

int run(int argc, char** argv) {
    const std::string_view wanted = argc > 1 ? argv[1] : "";
    if (wanted == "--limits") {
        report({"limits", "fma", "GFLOP/s", "higher", fma_limit_gflops()});
        report({"limits", "memcpy", "GB/s", "higher", memcpy_limit_gbytes()});
        return 0;
    }
    constexpr struct {
        const char* name;
        void (*run)(World&);
    } kCases[] = {{"saxpy", saxpy}, {"reduction", reduction},   {"sgemm", sgemm},
                  {"nbody", nbody}, {"mandelbrot", mandelbrot}, {"histogram", histogram}};
    World world;
    std::fprintf(stderr, "device: %s\n", world.properties.deviceName);
    bool any = false;
    for (const auto& entry : kCases) {
        if (wanted.empty() || wanted == entry.name) {
            entry.run(world);
            any = true;
        }
    }
    if (!any) {
        fail("no case " + std::string(wanted));
    }
    report({"memory", std::string(wanted.empty() ? "compute" : wanted) + " peak", "MiB", "lower",
            peak_mib()});
    return 0;
}

} // namespace
} // namespace kite::bench

int main(int argc, char** argv) {
    return kite::bench::run(argc, argv);
}
