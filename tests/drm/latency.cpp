// SPDX-License-Identifier: MIT
// Submit-to-fence latency on the raw ioctls: one line of JSON.
//
// "sync": a submission without packets, "nop": one Nop packet, "fill": 4 KiB filled. Each is
// submitted, then waited for, one at a time; the time runs from before QUEUE_SUBMIT until the wait
// returns. "stream": Nops submitted as fast as they go, waited for at the end.
#include "tests/drm/node.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>

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
    auto measure = [&](const char* name, const std::function<int()>& submit) {
        std::vector<double> times;
        for (int i = 0; i < rounds; ++i) {
            auto start = Clock::now();
            ++point;
            if (submit() != 0 || node.wait(line, point) != 0) {
                std::fprintf(stderr, "%s failed\n", name);
                std::exit(1);
            }
            times.push_back(us(Clock::now() - start));
        }
        report(name, times);
    };
    std::printf("{\"rounds\": %d, ", rounds);
    measure("sync", [&] { return node.submit(s.queue, {}, {signals(line, point)}); });
    std::printf(", ");
    measure("nop", [&] { return node.submit(s.queue, {nop_ib}, {signals(line, point)}); });
    std::printf(", ");
    measure("fill", [&] { return node.submit(s.queue, {fill_ib}, {signals(line, point)}); });
    auto start = Clock::now();
    for (int i = 0; i < rounds; ++i)
        if (node.submit(s.queue, {nop_ib}, {signals(line, ++point)}) != 0)
            return 1;
    if (node.wait(line, point) != 0)
        return 1;
    std::printf(", \"stream_us_each\": %.1f}\n", us(Clock::now() - start) / rounds);
    return 0;
}
