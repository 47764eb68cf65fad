// SPDX-License-Identifier: MIT
// Submit-to-fence latency on the raw ioctls: one line of JSON.
//
// "sync": a submission without packets, "nop": one Nop packet, "fill": 4 KiB filled. Each is
// submitted, then waited for, one at a time; the time runs from before QUEUE_SUBMIT until the wait
// returns. "stream": Nops submitted as fast as they go, waited for at the end. Where there is a
// virtio-gpu too, "virtio_create": the one command that its ioctls queue and fence without virgl,
// making a resource of a page, then DRM_IOCTL_VIRTGPU_WAIT.
#include "tests/drm/node.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <functional>
#include <unistd.h>
#include <virtgpu_drm.h>
#include <xf86drm.h>

using namespace kite;
using namespace kite::drm_test;
using Clock = std::chrono::steady_clock;

namespace {

double us(Clock::duration d) {
    return std::chrono::duration<double, std::micro>(d).count();
}

void report(const char* name, std::vector<double>& v) {
    std::ranges::sort(v);
    auto at = [&](double q) {
        return v[static_cast<size_t>(q * static_cast<double>(v.size() - 1))];
    };
    std::printf("\"%s\": {\"median_us\": %.1f, \"p10_us\": %.1f, \"p99_us\": %.1f}", name, at(0.5),
                at(0.1), at(0.99));
}

using Step = std::function<int()>;

/// Times @p step, after which @p undo is called untimed, and prints its line of the report.
void measure(const char* name, int rounds, const Step& step, const Step& undo = {}) {
    std::vector<double> times;
    for (int i = 0; i < rounds; ++i) {
        const auto start = Clock::now();
        const bool done = step() == 0;
        times.push_back(us(Clock::now() - start));
        if (!done || (undo && undo() != 0)) {
            std::fprintf(stderr, "%s failed\n", name);
            std::exit(1);
        }
    }
    report(name, times);
    std::printf(", ");
}

void measure_virtio(int rounds) {
    const std::string path = find_node("virtio_gpu");
    const int fd = path.empty() ? -1 : open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return;
    drm_virtgpu_resource_create made{};
    const auto create = [&] {
        made = {};
        made.target = 2; // a two-dimensional texture, all that there is without virgl
        made.format = 1; // B8G8R8A8_UNORM
        made.width = made.height = 32;
        made.depth = made.array_size = 1;
        made.size = 4096;
        if (drmIoctl(fd, DRM_IOCTL_VIRTGPU_RESOURCE_CREATE, &made))
            return -1;
        drm_virtgpu_3d_wait wait{.handle = made.bo_handle, .flags = 0};
        return drmIoctl(fd, DRM_IOCTL_VIRTGPU_WAIT, &wait);
    };
    measure("virtio_create", rounds, create,
            [&] { return drmCloseBufferHandle(fd, made.bo_handle); });
    close(fd);
}

} // namespace

int main(int argc, char** argv) {
    if (find_node().empty()) {
        std::fprintf(stderr, "no kite render node\n");
        return 77;
    }
    int rounds = argc > 1 ? std::atoi(argv[1]) : 1000;
    Node node;
    Space s(node);
    uint32_t line = node.syncobj();
    hw::NopPacket nop;
    hw::FillBufferPacket fill;
    fill.dst = Space::kVa;
    fill.size_bytes = 4096;
    fill.value = 1;
    drm_kite_ib nop_ib = s.emit(nop), fill_ib = s.emit(fill);
    uint64_t point = 0;
    const auto timed = [&](const char* name, const Step& submit) {
        measure(name, rounds, [&] {
            ++point;
            return submit() != 0 ? -1 : node.wait(line, point);
        });
    };
    std::printf("{\"rounds\": %d, ", rounds);
    timed("sync", [&] { return node.submit(s.queue, {}, {signals(line, point)}); });
    timed("nop", [&] { return node.submit(s.queue, {nop_ib}, {signals(line, point)}); });
    timed("fill", [&] { return node.submit(s.queue, {fill_ib}, {signals(line, point)}); });
    measure_virtio(rounds);
    const auto start = Clock::now();
    for (int i = 0; i < rounds; ++i)
        if (node.submit(s.queue, {nop_ib}, {signals(line, ++point)}) != 0)
            return 1;
    if (node.wait(line, point) != 0)
        return 1;
    std::printf("\"stream_us_each\": %.1f}\n", us(Clock::now() - start) / rounds);
    return 0;
}
