// SPDX-License-Identifier: MIT
// How fast generated code is: the inner loop of a matrix product, and what compiling costs.
//
//   isa_jit_bench        (KITE_JIT_DEBUG=asm shows the code)
//
// Prints GFLOPS of one thread and the compile time; fails only if the numbers can't be measured.
#include "device/exec/executor.hpp"

#include "kite_hw/assemble.hpp"

#include <chrono>
#include <cstdio>
#include <cstring>
#include <sys/mman.h>
#include <vector>

namespace {

using namespace kite;
using namespace kite::dev::exec;

// Eight rows times W columns per wave; A is packed by eight rows, B by W columns.
constexpr const char* kProduct = R"(
    sys s[0:1], push_va
    sys s[2:3], dynamic_va
    mov s4, 65536
    mov s5, 0
    mov s6, 0
    mov s7, 256
    block
    loop
    ld.u32 v8, s[2:3], s6, s4 {mode=consecutive}
    ld.u32 s[8:15], s[0:1], s5, s4 {n=8}
    ffma.f32 v0, s8, v8, v0
    ffma.f32 v1, s9, v8, v1
    ffma.f32 v2, s10, v8, v2
    ffma.f32 v3, s11, v8, v3
    ffma.f32 v4, s12, v8, v4
    ffma.f32 v5, s13, v8, v5
    ffma.f32 v6, s14, v8, v6
    ffma.f32 v7, s15, v8, v7
    iadd.u32 s5, s5, 32
    iadd.u32 s6, s6, 64
    isub.u32 s7, s7, 1
    icmp.u32 s16, s7, 0 {cc=eq}
    br s16 {depth=1}
    br _
    end
    end
    fadd.f32 v0, v0, v1
    fadd.f32 v2, v2, v3
    fadd.f32 v4, v4, v5
    fadd.f32 v6, v6, v7
    fadd.f32 v0, v0, v2
    fadd.f32 v4, v4, v6
    fadd.f32 v0, v0, v4
    st.u32 v0, s[2:3], _, _, +66000 {mode=consecutive}
    exit
)";

std::shared_ptr<const Program> assemble(const char* text) {
    std::vector<uint32_t> code;
    std::string error;
    if (!hw::assemble_program(text, code, &error)) {
        std::printf("assembly: %s\n", error.c_str());
        return nullptr;
    }
    hw::ProgramHeader h;
    h.magic = 0x3150534b;
    h.isa_version = hw::kIsaVersion;
    h.stage = hw::Stage::compute;
    h.instructions = static_cast<uint32_t>(code.size() / 4);
    h.vregs = 16;
    h.sregs = 32;
    h.workgroup = {16, 1, 1};
    std::vector<uint32_t> words(hw::ProgramHeader::kDwords);
    h.pack(words.data());
    words.insert(words.end(), code.begin(), code.end());
    auto p = load_program(std::as_bytes(std::span(words)));
    if (!p) {
        std::printf("verifier: %s\n", p.error().message.c_str());
        return nullptr;
    }
    return *p;
}

} // namespace

int main() {
    ExecutorConfig config;
    config.mode = ExecutorConfig::Mode::jit;
    auto executor = create_executor(config);
    const auto program = assemble(kProduct);
    if (!executor || program == nullptr) {
        return 1;
    }
    const auto before = std::chrono::steady_clock::now();
    const auto routine = (*executor)->routine(program, {});
    const auto compiled = std::chrono::steady_clock::now();
    std::printf("%s\n", (*executor)->description().c_str());
    std::printf("compiled in %.2f ms\n",
                std::chrono::duration<double, std::milli>(compiled - before).count());

    constexpr size_t kBytes = size_t{1} << 20;
    void* window = mmap(nullptr, kBytes + (size_t{4} << 30), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (window == MAP_FAILED) {
        return 1;
    }
    std::memset(window, 0, kBytes);
    const std::atomic<uint32_t> kill{0};
    DrawContext draw;
    draw.window = static_cast<std::byte*>(window);
    draw.va_mask = kBytes - 1;
    draw.kill = &kill;
    draw.push_va = 0x1000;
    draw.dynamic_va = 0x20000;
    WorkerMemory memory;
    double best = 0;
    for (int repeat = 0; repeat < 20; ++repeat) {
        constexpr int kGroups = 2000;
        const auto start = std::chrono::steady_clock::now();
        for (uint32_t g = 0; g < kGroups; ++g) {
            routine->run_workgroup(draw, {g, 0, 0}, memory);
        }
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
        const double flops = 2.0 * 8 * 16 * 256 * kGroups;
        best = std::max(best, flops / took.count() / 1e9);
    }
    std::printf("matrix product: %.1f GFLOPS\n", best);
    return best > 0 ? 0 : 1;
}
