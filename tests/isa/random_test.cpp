// SPDX-License-Identifier: MIT
// Interpreter and JIT must agree bit for bit on random programs, in both wave sizes.
//
//   isa_random_test [--programs N] [--seed S] [--width 8|16] [--size N] [--lean] [--dump]
//
// Programs have 5 to N + 4 statements (N is 37 unless told). A failure prints its seed and the
// smallest program found by leaving instructions out. --lean: see GeneratorConfig.
#include "device/exec/cpu.hpp"
#include "device/exec/executor.hpp"
#include "tests/isa/bench_state.hpp"
#include "tests/isa/generator.hpp"

#include "base/log.hpp"
#include "kite_hw/disasm.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace {

using namespace kite;
using namespace kite::dev::exec;

struct Side {
    std::unique_ptr<Executor> interpreter, jit;
};

Side executors(unsigned width) {
    Side s;
    ExecutorConfig config;
    config.wave_size = width;
    config.mode = ExecutorConfig::Mode::interpreter;
    s.interpreter = std::move(*create_executor(config));
    config.mode = ExecutorConfig::Mode::jit;
    auto jit = create_executor(config);
    if (jit) {
        s.jit = std::move(*jit);
    }
    return s;
}

std::shared_ptr<const Program> load(const std::vector<uint32_t>& words) {
    auto p = load_program(std::as_bytes(std::span(words)));
    return p ? *p : nullptr;
}

// True if the executors disagree on a program.
bool differs(Side& side, test::World& world, const std::shared_ptr<const Program>& program,
             unsigned width, uint64_t seed, bool explain) {
    const VertexKey key = test::world_formats(seed);
    const auto reference = side.interpreter->routine(program, key);
    const auto native = side.jit->routine(program, key);
    const test::Outcome a = world.run(*reference, width, seed);
    const test::Outcome b = world.run(*native, width, seed);
    if (a == b) {
        return false;
    }
    if (explain) {
        const auto show = [](const char* what, const std::vector<uint32_t>& x,
                             const std::vector<uint32_t>& y) {
            unsigned shown = 0;
            for (size_t i = 0; i < x.size() && i < y.size() && shown < 12; ++i) {
                if (x[i] != y[i]) {
                    std::printf("  %s[%zu]: interpreter %08x, jit %08x\n", what, i, x[i], y[i]);
                    ++shown;
                }
            }
        };
        show("memory", a.memory, b.memory);
        show("output", a.outputs, b.outputs);
        std::printf("  live: interpreter %x, jit %x\n", a.live, b.live);
    }
    return true;
}

// Leaves out as many instructions as possible while the executors still disagree.
std::vector<uint32_t> reduce(Side& side, test::World& world, std::vector<uint32_t> words,
                             unsigned width, uint64_t seed) {
    constexpr size_t kHead = hw::ProgramHeader::kDwords;
    for (size_t chunk = 32; chunk > 0; chunk /= 2) {
        for (size_t at = 0; at + chunk <= (words.size() - kHead) / 4;) {
            auto shorter = words;
            const auto from = shorter.begin() + static_cast<ptrdiff_t>(kHead + at * 4);
            shorter.erase(from, from + static_cast<ptrdiff_t>(chunk * 4));
            shorter[3] -= static_cast<uint32_t>(chunk);
            const auto program = load(shorter);
            if (program != nullptr && differs(side, world, program, width, seed, false)) {
                words = shorter;
            } else {
                ++at;
            }
        }
    }
    return words;
}

// A construct's opening and closing go together.
std::vector<uint32_t> reduce_pairs(Side& side, test::World& world, std::vector<uint32_t> words,
                                   unsigned width, uint64_t seed) {
    constexpr size_t kHead = hw::ProgramHeader::kDwords;
    for (size_t i = 0; i < (words.size() - kHead) / 4; ++i) {
        for (size_t j = i + 1; j < (words.size() - kHead) / 4; ++j) {
            auto shorter = words;
            const auto erase = [&](size_t k) {
                const auto from = shorter.begin() + static_cast<ptrdiff_t>(kHead + k * 4);
                shorter.erase(from, from + 4);
            };
            erase(j);
            erase(i);
            shorter[3] -= 2;
            const auto program = load(shorter);
            if (program != nullptr && differs(side, world, program, width, seed, false)) {
                words = shorter;
                j = i;
            }
        }
    }
    return words;
}

std::string text_of(const std::vector<uint32_t>& words) {
    return hw::disassemble_program(std::span(words).subspan(hw::ProgramHeader::kDwords));
}

test::GeneratorConfig config_for(uint64_t seed, uint64_t sizes, bool lean) {
    test::GeneratorConfig config;
    config.lean = lean;
    constexpr hw::Stage kStages[] = {hw::Stage::compute, hw::Stage::fragment, hw::Stage::vertex,
                                     hw::Stage::compute};
    config.stage = kStages[seed % 4];
    config.waves_share = seed % 4 == 3;
    config.size = 5 + static_cast<unsigned>(seed % sizes);
    return config;
}

} // namespace

int main(int argc, char** argv) {
    uint64_t programs = 400;
    uint64_t seed = static_cast<uint64_t>(
        std::chrono::steady_clock::now().time_since_epoch().count() / 1000000);
    uint64_t sizes = 37;
    unsigned only_width = 0;
    bool dump = false;
    bool lean = false;
    for (int i = 1; i < argc; ++i) {
        const std::string_view arg = argv[i];
        if (arg == "--dump") {
            dump = true;
        } else if (arg == "--lean") {
            lean = true;
        } else if (i + 1 < argc && arg == "--programs") {
            programs = std::strtoull(argv[++i], nullptr, 0);
        } else if (i + 1 < argc && arg == "--seed") {
            seed = std::strtoull(argv[++i], nullptr, 0);
        } else if (i + 1 < argc && arg == "--size") {
            sizes = std::max<uint64_t>(1, std::strtoull(argv[++i], nullptr, 0));
        } else if (i + 1 < argc && arg == "--width") {
            only_width = static_cast<unsigned>(std::strtoul(argv[++i], nullptr, 0));
        } else {
            std::fprintf(stderr, "unknown argument %s\n", argv[i]);
            return 2;
        }
    }
    std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
    unsigned interpreted = 0;
    base::set_log_sink([&](base::LogLevel, std::string_view text) {
        interpreted += text.find("is interpreted") != std::string_view::npos ? 1 : 0;
        std::printf("%.*s\n", static_cast<int>(text.size()), text.data());
    });
    test::World world;
    int failures = 0;
    unsigned widths = 0;
    for (const unsigned width : {16u, 8u}) {
        if ((only_width != 0 && only_width != width) || !cpu_has_width(width)) {
            continue;
        }
        ++widths;
        Side side = executors(width);
        if (side.jit == nullptr) {
            std::printf("no JIT for %u lanes\n", width);
            return 1;
        }
        for (uint64_t i = 0; i < programs; ++i) {
            const uint64_t s = seed + i;
            test::Generator generator(s);
            const auto words = generator.program(config_for(s, sizes, lean));
            std::string why;
            auto loaded = load_program(std::as_bytes(std::span(words)));
            if (dump) {
                std::printf("%s\n", text_of(words).c_str());
                std::fflush(stdout);
            }
            if (!loaded) {
                std::printf("seed %llu: not accepted: %s\n%s\n", static_cast<unsigned long long>(s),
                            loaded.error().message.c_str(), text_of(words).c_str());
                return 1;
            }
            if (!differs(side, world, *loaded, width, s, false)) {
                continue;
            }
            auto small = reduce(side, world, words, width, s);
            small = reduce_pairs(side, world, small, width, s);
            small = reduce(side, world, small, width, s);
            std::printf("seed %llu, %u lanes: interpreter and JIT disagree\n%s\n",
                        static_cast<unsigned long long>(s), width, text_of(small).c_str());
            differs(side, world, load(small), width, s, true);
            if (++failures >= 5) {
                return 1;
            }
        }
        std::printf("%llu programs, %u lanes, %d failures\n",
                    static_cast<unsigned long long>(programs), width, failures);
        std::fflush(stdout);
    }
    if (widths == 0) {
        std::printf("this CPU has no native wave size\n");
        return 77; // skipped
    }
    if (interpreted != 0) {
        std::printf("%u programs were not compiled\n", interpreted);
        return 1;
    }
    return failures != 0 ? 1 : 0;
}
