// SPDX-License-Identifier: MIT
#include "limits.hpp"

#include "vulkan_bench.hpp"

#include <immintrin.h>
#include <sched.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <thread>

namespace kite::bench {
namespace {

constexpr int kRounds = 2'000'000;
constexpr int kChains = 10; // enough independent sums to hide the latency of an FMA

__attribute__((target("avx512f"))) float fma_avx512() {
    __m512 sums[kChains];
    for (int i = 0; i < kChains; ++i) {
        sums[i] = _mm512_set1_ps(static_cast<float>(i));
    }
    const __m512 a = _mm512_set1_ps(0.999f);
    const __m512 b = _mm512_set1_ps(0.001f);
    for (int round = 0; round < kRounds; ++round) {
#pragma GCC unroll 10
        for (int i = 0; i < kChains; ++i) {
            sums[i] = _mm512_fmadd_ps(sums[i], a, b);
        }
    }
    float total = 0;
    for (const __m512& sum : sums) {
        alignas(64) float lanes[16];
        _mm512_store_ps(lanes, sum);
        total += lanes[0] + lanes[15];
    }
    return total;
}

__attribute__((target("avx2,fma"))) float fma_avx2() {
    __m256 sums[kChains];
    for (int i = 0; i < kChains; ++i) {
        sums[i] = _mm256_set1_ps(static_cast<float>(i));
    }
    const __m256 a = _mm256_set1_ps(0.999f);
    const __m256 b = _mm256_set1_ps(0.001f);
    for (int round = 0; round < kRounds; ++round) {
#pragma GCC unroll 10
        for (int i = 0; i < kChains; ++i) {
            sums[i] = _mm256_fmadd_ps(sums[i], a, b);
        }
    }
    float total = 0;
    for (const __m256& sum : sums) {
        alignas(32) float lanes[8];
        _mm256_store_ps(lanes, sum);
        total += lanes[0] + lanes[7];
    }
    return total;
}

float fma_plain() {
    float sums[kChains] = {};
    for (int round = 0; round < kRounds; ++round) {
        for (float& sum : sums) {
            sum = sum * 0.999f + 0.001f;
        }
    }
    return sums[0] + sums[kChains - 1];
}

size_t cpu_count() {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) != 0) {
        return 1;
    }
    return static_cast<size_t>(std::max(1, CPU_COUNT(&set)));
}

/// Seconds from starting `work(index)` on every CPU to the last one's end.
template <typename Work>
double on_all_cpus(size_t count, const Work& work) {
    const double start = now_seconds();
    {
        std::vector<std::jthread> threads;
        for (size_t i = 0; i < count; ++i) {
            threads.emplace_back([&work, i] { work(i); });
        }
    }
    return now_seconds() - start;
}

} // namespace

double fma_limit_gflops() {
    auto work = fma_plain;
    double lanes = 1;
    if (__builtin_cpu_supports("avx512f")) {
        work = fma_avx512;
        lanes = 16;
    } else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        work = fma_avx2;
        lanes = 8;
    }
    const size_t count = cpu_count();
    std::vector<float> results(count);
    double best = 1e9;
    for (int attempt = 0; attempt < 5; ++attempt) {
        best = std::min(best, on_all_cpus(count, [&](size_t i) { results[i] = work(); }));
    }
    return 2.0 * lanes * kChains * kRounds * static_cast<double>(count) / best / 1e9;
}

double memcpy_limit_gbytes() {
    constexpr size_t kBytes = size_t{128} << 20;
    const size_t count = cpu_count();
    std::vector<std::unique_ptr<char[]>> blocks;
    for (size_t i = 0; i < count * 2; ++i) {
        blocks.push_back(std::make_unique<char[]>(kBytes));
    }
    double best = 1e9;
    for (int attempt = 0; attempt < 5; ++attempt) {
        best = std::min(best, on_all_cpus(count, [&](size_t i) {
                            std::memcpy(blocks[i * 2].get(), blocks[i * 2 + 1].get(), kBytes);
                        }));
    }
    return 2.0 * static_cast<double>(kBytes * count) / best / 1e9;
}

} // namespace kite::bench
