// SPDX-License-Identifier: MIT
// Much of everything: clients side by side, a ring that wraps, more buffers than VRAM.
//
// KITE_DRM_WRAPS sets how often the graphics ring wraps (default 16; a million is the acceptance
// run, with kite.ko's parameter ring_entries=16), KITE_DRM_CLIENTS the largest number of clients
// (32).
#include "tests/drm/node.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <random>
#include <sys/mman.h>
#include <thread>

namespace kite::drm_test {
namespace {

uint64_t number(const char* name, uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text ? std::strtoull(text, nullptr, 0) : otherwise;
}

/// One client: random fills and copies on a file of its own, mirrored on the CPU.
/// @return what went wrong, or empty
std::string client(uint32_t seed, int rounds) {
    std::mt19937 engine(seed);
    auto rng = [&engine] { return static_cast<uint32_t>(engine()); };
    Node node;
    constexpr uint64_t bytes = 1 << 17;
    constexpr uint32_t words = bytes / 8; // data half, in dwords
    Space s(node, bytes);
    std::vector<uint32_t> mirror(words, 0);
    uint32_t line = node.syncobj(), start = s.at;
    for (int i = 1; i <= rounds; ++i) {
        s.at = start;
        std::vector<drm_kite_ib> ibs;
        for (int k = 0; k < 8; ++k) {
            uint32_t n = 1 + rng() % 512, dst = rng() % (words - n);
            if (rng() % 2) {
                hw::FillBufferPacket f;
                f.dst = Space::kVa + dst * 4u;
                f.size_bytes = n * 4u;
                f.value = rng();
                std::fill_n(mirror.begin() + dst, n, f.value);
                ibs.push_back(s.emit(f));
            } else {
                uint32_t src = rng() % (words - n);
                if (src < dst + n && dst < src + n)
                    continue;
                hw::CopyBufferPacket c;
                c.src = Space::kVa + src * 4u;
                c.dst = Space::kVa + dst * 4u;
                c.size_bytes = n * 4u;
                std::copy_n(mirror.begin() + src, n, mirror.begin() + dst);
                ibs.push_back(s.emit(c));
            }
        }
        for (const drm_kite_ib& ib : ibs)
            if (int r = node.submit(s.queue, {ib}, {}); r)
                return "submit: " + std::to_string(r);
        // Signalled after everything before it.
        if (int r = node.submit(s.queue, {}, {signals(line, static_cast<uint64_t>(i))}); r)
            return "submit: " + std::to_string(r);
        if (int r = node.wait(line, static_cast<uint64_t>(i)); r)
            return "wait: " + std::to_string(r);
        if (std::memcmp(mirror.data(), s.host, words * 4) != 0)
            return "wrong contents in round " + std::to_string(i);
    }
    return {};
}

TEST_F(DrmIoctl, ConcurrentClientsDoVerifiedWork) {
    auto most = static_cast<uint32_t>(number("KITE_DRM_CLIENTS", 32));
    for (uint32_t n : {2u, 8u, 32u}) {
        if (n > most)
            continue;
        auto start = std::chrono::steady_clock::now();
        std::vector<std::thread> threads;
        std::vector<std::string> wrong(n);
        for (uint32_t i = 0; i < n; ++i)
            threads.emplace_back([&wrong, n, i] {
                try {
                    wrong[i] = client(n * 1000 + i, 20);
                } catch (const std::exception& e) {
                    wrong[i] = e.what();
                }
            });
        for (auto& t : threads)
            t.join();
        for (uint32_t i = 0; i < n; ++i)
            EXPECT_EQ(wrong[i], "") << "client " << i << " of " << n;
        std::chrono::duration<double> s = std::chrono::steady_clock::now() - start;
        std::printf("%u clients: %.2f s\n", n, s.count());
    }
}

TEST_F(DrmIoctl, TheRingWraps) {
    // Entries of the graphics ring, as kite.ko was told; the fake one of tests/drm_mock has none.
    std::ifstream parameter("/sys/module/kite/parameters/ring_entries");
    uint64_t entries = 0;
    if (!(parameter >> entries))
        entries = 2048;
    Space s(*node);
    hw::NopPacket nop;
    // Ranges of one submission are entries of the ring; at least two submissions fit into it, so
    // that one runs while the next is being written.
    const drm_kite_ib range = s.emit(nop);
    const std::vector<drm_kite_ib> ibs(std::min<size_t>(entries * 7 / 16, node->gpu().max_ibs),
                                       range);
    const uint64_t wraps = number("KITE_DRM_WRAPS", 16);
    const uint64_t total = wraps * entries / ibs.size() + 1;
    uint32_t line = node->syncobj();
    constexpr uint64_t ahead = 256; // submissions in flight
    auto start = std::chrono::steady_clock::now();
    for (uint64_t i = 1; i <= total; ++i) {
        ASSERT_EQ(node->submit(s.queue, ibs, std::array{signals(line, i)}), 0) << i;
        if (i > ahead && i % 64 == 0) {
            ASSERT_EQ(node->wait(line, i - ahead), 0) << i;
        }
    }
    ASSERT_EQ(node->wait(line, total), 0);
    std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    std::printf("%llu wraps of %llu entries, %llu submissions: %.2f s, %.1f us a submission\n",
                static_cast<unsigned long long>(wraps), static_cast<unsigned long long>(entries),
                static_cast<unsigned long long>(total), took.count(),
                took.count() * 1e6 / static_cast<double>(total));
    uint32_t done = node->syncobj();
    ASSERT_EQ(node->submit(s.queue, {s.store(0, 4711)}, {signals(done)}), 0);
    ASSERT_EQ(node->wait(done), 0);
    EXPECT_EQ(s.host[0], 4711u);
}

TEST_F(DrmIoctl, BuffersOfAllFilesTogetherAreLimited) {
    const auto m = node->memory();
    const uint64_t most = m.vram_size + m.system_size;
    const uint64_t piece = most / 12 / 4096 * 4096;
    if (most > uint64_t{4} << 30)
        GTEST_SKIP() << "this machine's memory of " << m.system_size
                     << " bytes is too large to fill";
    uint64_t held = 0;
    const auto take = [&](const Node& from, uint32_t& handle) {
        drm_kite_bo_create args{};
        args.size = piece;
        args.flags = DRM_KITE_BO_SYSTEM;
        const int r = from.call(DRM_IOCTL_KITE_BO_CREATE, args);
        handle = args.handle;
        held += r == 0 ? piece : 0;
        return r;
    };
    auto other = std::make_unique<Node>();
    uint32_t handle = 0, last = 0;
    ASSERT_EQ(take(*other, handle), 0);
    int refused = 0;
    while (held <= most && (refused = take(*node, handle)) == 0)
        last = handle;
    EXPECT_EQ(refused, -ENOMEM);
    EXPECT_LE(held, most);
    EXPECT_GT(held + 3 * piece, m.system_size) << "refused too early";
    ASSERT_EQ(take(*other, handle), -ENOMEM);
    EXPECT_EQ(node->close_bo(last), 0);
    EXPECT_EQ(take(*other, handle), 0) << "what was given back is not to be had";
    other.reset();
    EXPECT_EQ(take(*node, handle), 0) << "what a closed file had is not to be had";
}

TEST_F(DrmIoctl, TwiceTheVramStaysCorrect) {
    // Buffers of all contexts together are twice the VRAM; each keeps its pattern through eviction.
    constexpr uint64_t piece = uint64_t{4} << 20;
    auto m = node->memory();
    uint64_t total = std::min(m.vram_size * 2, m.vram_size + m.system_size / 2);
    if (total > uint64_t{4} << 30)
        GTEST_SKIP() << "VRAM of " << m.vram_size << " bytes is too large to fill twice";
    auto count = static_cast<uint32_t>(total / piece);
    constexpr uint32_t contexts = 8; // a submission needs all buffers of its context at once
    struct Context {
        Node node;
        uint32_t vm = node.vm(), queue = node.queue(vm);
    };
    struct Item {
        Node* node;
        uint32_t vm, queue, line;
        uint64_t va, command_va;
        uint32_t* commands;
    };
    std::vector<std::unique_ptr<Context>> all(contexts);
    for (auto& c : all)
        c = std::make_unique<Context>();
    std::vector<Item> items;
    for (uint32_t i = 0; i < count; ++i) {
        Context& c = *all[i % contexts];
        Item it{&c.node, c.vm, c.queue, c.node.syncobj(), 0, 0, nullptr};
        it.va = 0x20000000 + i * piece;
        it.command_va = 0x10000000 + i * 8192;
        uint32_t bo = c.node.bo(piece, DRM_KITE_BO_VRAM | DRM_KITE_BO_SYSTEM, c.vm);
        uint32_t read = c.node.bo(8192, DRM_KITE_BO_SYSTEM | DRM_KITE_BO_CPU_VISIBLE, c.vm);
        it.commands = static_cast<uint32_t*>(c.node.map(read, 8192));
        ASSERT_EQ(c.node.bind_map(c.vm, bo, it.va, piece), 0);
        ASSERT_EQ(c.node.bind_map(c.vm, read, it.command_va, 8192), 0);
        items.push_back(it);
    }
    auto run = [&](Item& it, uint64_t point, auto packet) {
        packet.pack(it.commands);
        return it.node->submit(it.queue,
                               {{it.command_va, static_cast<uint32_t>(packet.kDwords) * 4, 0}},
                               {signals(it.line, point)});
    };
    for (uint32_t i = 0; i < count; ++i) {
        hw::FillBufferPacket f;
        f.dst = items[i].va;
        f.size_bytes = piece;
        f.value = i;
        ASSERT_EQ(run(items[i], 1, f), 0) << "buffer " << i;
    }
    for (uint32_t i = 0; i < count; ++i)
        ASSERT_EQ(items[i].node->wait(items[i].line, 1), 0);
    for (uint32_t round = 0; round < 3; ++round) {
        for (uint32_t i = 0; i < count; ++i) {
            Item& it = items[i];
            hw::CopyBufferPacket c;
            c.src = it.va + (uint64_t{i} * 4096 + round * 64) % (piece - 4096);
            c.dst = it.command_va + 4096;
            c.size_bytes = 64;
            ASSERT_EQ(run(it, round + 2, c), 0);
            ASSERT_EQ(it.node->wait(it.line, round + 2), 0);
            for (uint32_t k = 0; k < 16; ++k)
                ASSERT_EQ(it.commands[1024 + k], i) << "buffer " << i << " round " << round;
        }
    }
    for (Item& it : items)
        munmap(it.commands, 8192);
}

} // namespace
} // namespace kite::drm_test
