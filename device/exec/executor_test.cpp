// SPDX-License-Identifier: MIT
// What every executor must do: control flow, barriers, the kill flag, caching.
#include "device/exec/cpu.hpp"
#include "device/exec/executor.hpp"
#include "device/exec/jit/disk_cache.hpp"
#include "device/exec/jit/guard.hpp"

#include "kite_hw/assemble.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <sys/mman.h>
#include <thread>

namespace kite::dev::exec {
namespace {

constexpr size_t kWindow = 1 << 16;

struct Mode {
    ExecutorConfig::Mode mode;
    unsigned width;
};

std::shared_ptr<const Program> load(const std::string& text, uint32_t threads) {
    std::vector<uint32_t> code;
    std::string error;
    EXPECT_TRUE(hw::assemble_program(text, code, &error)) << error;
    hw::ProgramHeader h;
    h.magic = 0x3150534b;
    h.isa_version = hw::kIsaVersion;
    h.stage = hw::Stage::compute;
    h.instructions = static_cast<uint32_t>(code.size() / 4);
    h.vregs = 16;
    h.sregs = 16;
    h.shared_bytes = 4096;
    h.workgroup = {threads, 1, 1};
    std::vector<uint32_t> words(hw::ProgramHeader::kDwords);
    h.pack(words.data());
    words.insert(words.end(), code.begin(), code.end());
    auto p = load_program(std::as_bytes(std::span(words)));
    EXPECT_TRUE(p) << p.error().message;
    return p ? *p : nullptr;
}

class Executors : public testing::TestWithParam<Mode> {
protected:
    void SetUp() override {
        if (GetParam().mode == ExecutorConfig::Mode::jit && !cpu_has_width(GetParam().width)) {
            GTEST_SKIP() << "this CPU has no such width";
        }
        ExecutorConfig config;
        config.mode = GetParam().mode;
        config.wave_size = GetParam().width;
        executor_ = std::move(*create_executor(config));
        window_ = mmap(nullptr, kWindow + (size_t{4} << 30), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        ASSERT_NE(window_, MAP_FAILED);
        draw_.window = static_cast<std::byte*>(window_);
        draw_.va_mask = kWindow - 1;
        draw_.kill = &kill_;
        draw_.push_va = 0x1000;
    }
    void TearDown() override {
        if (window_ != nullptr) {
            munmap(window_, kWindow + (size_t{4} << 30));
        }
    }
    // Runs a workgroup; every thread's v1 ends up at 4 * its index.
    std::vector<uint32_t> run(const std::string& body, uint32_t threads) {
        const std::string text = "sys s[0:1], push_va\nsys v0, local_index\nshl.u32 v15, v0, 2\n" +
                                 body + "\nst.u32 v1, s[0:1], v15, _\nexit";
        const auto program = load(text, threads);
        if (program == nullptr) {
            return {};
        }
        executor_->routine(program, {})->run_workgroup(draw_, {0, 0, 0}, memory_);
        std::vector<uint32_t> out(threads);
        std::memcpy(out.data(), draw_.window + 0x1000, threads * 4);
        return out;
    }

    std::unique_ptr<Executor> executor_;
    void* window_ = nullptr;
    std::atomic<uint32_t> kill_{0};
    DrawContext draw_;
    WorkerMemory memory_;
};

TEST_P(Executors, DivergentLoopRunsEachLaneItsOwnTimes) {
    const auto out = run(R"(
        mov v1, 0
        mov v2, v0
        block
        loop
        icmp.u32 v3, v2, 0 {cc=eq}
        br v3 {depth=1}
        iadd.u32.m v1, v1, 3
        isub.u32.m v2, v2, 1
        br _
        end
        end)",
                         21);
    for (uint32_t i = 0; i < out.size(); ++i) {
        EXPECT_EQ(out[i], 3 * i);
    }
}

TEST_P(Executors, UniformBranchesProtectScalarWrites) {
    const auto out = run(R"(
        mov s2, 1
        mov s3, 5
        block
        if s2
        br _ {depth=1}
        end
        mov s3, 9
        end
        mov v1, s3)",
                         3);
    EXPECT_EQ(out, std::vector<uint32_t>(3, 5));
}

TEST_P(Executors, NestedIfElse) {
    const auto out = run(R"(
        mov v1, 100
        and.u32 v2, v0, 1
        and.u32 v3, v0, 2
        if v2
        if v3
        mov.m v1, 3
        else
        mov.m v1, 1
        end
        else
        if v3
        mov.m v1, 2
        end
        end)",
                         16);
    const uint32_t want[4] = {100, 1, 2, 3};
    for (uint32_t i = 0; i < out.size(); ++i) {
        EXPECT_EQ(out[i], want[i & 3]);
    }
}

TEST_P(Executors, BarriersOrderSharedMemory) {
    // Thread i writes i, then after the barrier reads the value of thread 63 - i; twice.
    const auto out = run(R"(
        st.u32 v0, _, v15, _ {space=shared}
        barrier
        isub.u32 v2, 63, v0
        shl.u32 v2, v2, 2
        ld.u32 v1, _, v2, _ {space=shared}
        barrier
        iadd.u32 v3, v1, 1000
        st.u32 v3, _, v15, _ {space=shared}
        barrier
        ld.u32 v1, _, v2, _ {space=shared})",
                         64);
    for (uint32_t i = 0; i < out.size(); ++i) {
        EXPECT_EQ(out[i], 1000 + i);
    }
}

// Accumulators that wait at barriers: the JIT keeps them in memory between inner loops.
TEST_P(Executors, AccumulatorsOutliveBarriers) {
    constexpr uint32_t kThreads = 40;
    const auto out = run(R"(
        mov v1, 5
        mov v2, v0
        mov s2, 0
        block
        loop
        icmp.u32 s3, s2, 6 {cc=ge}
        br s3 {depth=1}
        iadd.u32 v3, v0, s2
        st.u32 v3, _, v15, _ {space=shared}
        barrier
        xor.u32 v4, v15, 4
        ld.u32 v4, _, v4, _ {space=shared}
        mov s4, 0
        block
        loop
        icmp.u32 s5, s4, s2 {cc=ge}
        br s5 {depth=1}
        iadd.u32 v1, v1, v4
        imul.u32 v2, v2, v1
        iadd.u32 s4, s4, 1
        br _
        end
        end
        barrier
        iadd.u32 s2, s2, 1
        br _
        end
        end
        iadd.u32 v1, v1, v2)",
                         kThreads);
    for (uint32_t i = 0; i < out.size(); ++i) {
        uint32_t sum = 5;
        uint32_t product = i;
        for (uint32_t turn = 0; turn < 6; ++turn) {
            for (uint32_t k = 0; k < turn; ++k) { // not once in the first turn
                sum += (i ^ 1u) + turn;
                product *= sum;
            }
        }
        EXPECT_EQ(out[i], sum + product) << i;
    }
}

TEST_P(Executors, EndlessLoopsEndWhenKilled) {
    std::thread killer([this] {
        std::this_thread::sleep_for(std::chrono::milliseconds(30));
        kill_ = 1;
    });
    run("loop\nbr _\nend", 40);
    kill_ = 0;
    killer.join();
}

TEST_P(Executors, KillReachesWavesAtBarriers) {
    std::thread killer([this] {
        std::this_thread::sleep_for(std::chrono::milliseconds(30));
        kill_ = 1;
    });
    run("loop\nbarrier\nbr _\nend", 40);
    killer.join();
    kill_ = 0;
}

TEST_P(Executors, OutOfBoundsReadsZeroAndStoresNothing) {
    const uint32_t mark = 77;
    std::memcpy(draw_.window + 0x2000, &mark, 4);
    const auto out = run(R"(
        mov s2, 4096
        ld.u32 v1, s[0:1], _, s2, +4096
        mov v2, 0xfffffffc
        ld.u32 v3, s[0:1], v2, s2, +8
        or.u32 v1, v1, v3
        st.u32 v0, s[0:1], _, s2, +4093)",
                         5);
    EXPECT_EQ(out, std::vector<uint32_t>(5, 0));
    uint32_t after = 0;
    std::memcpy(&after, draw_.window + 0x2000, 4);
    EXPECT_EQ(after, mark);
}

INSTANTIATE_TEST_SUITE_P(All, Executors,
                         testing::Values(Mode{ExecutorConfig::Mode::interpreter, 8},
                                         Mode{ExecutorConfig::Mode::interpreter, 16},
                                         Mode{ExecutorConfig::Mode::jit, 8},
                                         Mode{ExecutorConfig::Mode::jit, 16}),
                         [](const auto& test) {
                             const bool jit = test.param.mode == ExecutorConfig::Mode::jit;
                             return std::string(jit ? "jit" : "interpreter") +
                                    std::to_string(test.param.width);
                         });

TEST(Jit, OverlongProgramsAreInterpreted) {
    if (!cpu_has_width(8)) {
        GTEST_SKIP();
    }
    std::string text = "sys v0, local_index\n";
    for (int half = 0; half < 2; ++half) {
        text += "mov v1, 1\n";
        for (int i = 0; i < 20000; ++i) {
            text += "imul.u32 v2, v0, " + std::to_string(2 * i + 3) + "\nxor.u32 v1, v1, v2\n" +
                    "shl.u32 v1, v1, 1\n";
        }
        text += "mov v3, v1\n";
    }
    text += "exit";
    ExecutorConfig config;
    config.mode = ExecutorConfig::Mode::jit;
    auto executor = std::move(*create_executor(config));
    const auto program = load(text, 8);
    const auto routine = executor->routine(program, {});
    ASSERT_NE(routine, nullptr); // too long or too big: no native code, but a routine
    const std::atomic<uint32_t> kill{0};
    DrawContext draw;
    draw.kill = &kill;
    WorkerMemory memory;
    routine->run_workgroup(draw, {0, 0, 0}, memory);
}

TEST(JitGuard, ComesBackFromFatalErrors) {
    std::string why;
    EXPECT_TRUE(jit::guarded([] {}, why));
    EXPECT_FALSE(jit::guarded([] { jit::raise_fatal_error("on purpose"); }, why));
    EXPECT_EQ(why, "on purpose");
    EXPECT_TRUE(jit::guarded([] {}, why));
}

TEST(DiskCache, KeepsObjectsAndRefusesCorruptOnes) {
    char name[] = "/tmp/kite-cache-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    const std::vector<std::byte> source(40, std::byte{1});
    const std::vector<std::byte> object(1000, std::byte{2});
    {
        const auto cache = jit::DiskCache::open(name, "generator 1");
        ASSERT_NE(cache, nullptr);
        EXPECT_TRUE(cache->load(source).empty());
        cache->store(source, object);
        EXPECT_EQ(cache->load(source), object);
        EXPECT_TRUE(cache->load(object).empty());
        EXPECT_TRUE(jit::DiskCache::open(name, "generator 2")->load(source).empty());
        for (const auto& entry : std::filesystem::directory_iterator(name)) {
            std::fstream f(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
            f.seekp(500);
            f.put('x');
        }
        EXPECT_TRUE(cache->load(source).empty());
    }
    std::filesystem::remove_all(name);
}

TEST(JitCache, SecondExecutorLoadsFromDisk) {
    if (!cpu_has_width(8)) {
        GTEST_SKIP();
    }
    char name[] = "/tmp/kite-cache-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    const auto files = [&] { return std::distance(std::filesystem::directory_iterator(name), {}); };
    ExecutorConfig config;
    config.mode = ExecutorConfig::Mode::jit;
    config.wave_size = 8;
    config.cache_dir = name;
    const auto program = load("exit", 8);
    std::shared_ptr<const Routine> kept;
    for (int i = 0; i < 2; ++i) {
        auto executor = std::move(*create_executor(config));
        kept = executor->routine(program, {});
        EXPECT_EQ(kept, executor->routine(program, {}));
        EXPECT_EQ(files(), 1);
    }
    // Code outlives its executor.
    const std::atomic<uint32_t> kill{0};
    DrawContext draw;
    draw.kill = &kill;
    WorkerMemory memory;
    kept->run_workgroup(draw, {0, 0, 0}, memory);
    std::filesystem::remove_all(name);
}

} // namespace
} // namespace kite::dev::exec
