// SPDX-License-Identifier: MIT
// Hostile binaries: whatever the verifier accepts must run to an end in both executors.
//
// With clang this is a libFuzzer target whose input is a program binary; otherwise main() replays
// the folders it is given, runs `--random COUNT [SEED]` damaged random programs, or writes seeds
// with `--write FOLDER COUNT`. Loops end at their first round, because the kill flag is up. Success
// is not crashing.
#include "device/exec/cpu.hpp"
#include "device/exec/executor.hpp"
#include "tests/fuzz/replay_folders.hpp"
#include "tests/isa/bench_state.hpp"
#include "tests/isa/generator.hpp"

#include "base/log.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace {

using namespace kite;
using namespace kite::dev::exec;

struct Bench {
    test::World world;
    std::unique_ptr<Executor> interpreter, jit;

    Bench() {
        base::set_log_level(base::LogLevel::error);
        world.set_kill(true);
        ExecutorConfig config;
        config.mode = ExecutorConfig::Mode::interpreter;
        interpreter = std::move(*create_executor(config));
        config.mode = ExecutorConfig::Mode::jit;
        if (cpu_has_width(8)) {
            jit = std::move(*create_executor(config));
        }
    }

    // True if the verifier accepted the program.
    bool run(std::span<const std::byte> image, uint64_t seed) {
        const auto program = load_program(image);
        if (!program) {
            return false;
        }
        for (Executor* executor : {interpreter.get(), jit.get()}) {
            if (executor != nullptr) {
                const auto routine = executor->routine(*program, test::world_formats(seed));
                (void)world.run(*routine, executor->wave_size(), seed);
            }
        }
        return true;
    }
};

Bench& bench() {
    static Bench b;
    return b;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    bench().run(std::as_bytes(std::span(data, size)), size);
    return 0;
}

#ifndef KITE_LIBFUZZER
namespace {

// Flips bits, copies instructions over others, and swaps some.
void damage(std::vector<uint32_t>& words, std::mt19937_64& random) {
    constexpr size_t kHead = hw::ProgramHeader::kDwords;
    const size_t count = (words.size() - kHead) / 4;
    const auto inst = [&] {
        return words.begin() + static_cast<ptrdiff_t>(kHead + random() % count * 4);
    };
    for (uint64_t i = 0, n = random() % 4; i < n; ++i) {
        switch (random() % 4) {
        case 0:
            words[random() % words.size()] ^= 1u << (random() % 32);
            break;
        case 1:
            *(inst() + static_cast<ptrdiff_t>(random() % 4)) ^= 1u << (random() % 32);
            break;
        case 2: {
            const auto from = inst();
            std::copy(from, from + 4, inst());
            break;
        }
        default: {
            const auto a = inst();
            std::swap_ranges(a, a + 4, inst());
            break;
        }
        }
    }
}

} // namespace

int main(int argc, char** argv) {
    if (argc >= 3 && std::string_view(argv[1]) == "--random") {
        const uint64_t wanted = std::strtoull(argv[2], nullptr, 10);
        const uint64_t seed = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1;
        uint64_t accepted = 0;
        for (uint64_t s = seed; s < seed + wanted; ++s) {
            test::GeneratorConfig config;
            config.stage = static_cast<hw::Stage>(s % 3);
            config.size = 4 + static_cast<unsigned>(s % 13);
            config.waves_share = s % 2 == 0;
            test::Generator generator(s);
            auto words = generator.program(config);
            std::mt19937_64 random(s);
            damage(words, random);
            accepted += bench().run(std::as_bytes(std::span(words)), s) ? 1 : 0;
        }
        std::printf("%llu of %llu programs accepted\n", static_cast<unsigned long long>(accepted),
                    static_cast<unsigned long long>(wanted));
        return accepted > 0 ? 0 : 1;
    }
    if (argc == 4 && std::string_view(argv[1]) == "--write") {
        for (uint64_t s = 0; s < std::strtoull(argv[3], nullptr, 10); ++s) {
            test::GeneratorConfig config;
            config.stage = static_cast<hw::Stage>(s % 3);
            config.size = 2 + static_cast<unsigned>(s % 9);
            const auto words = test::Generator(s).program(config);
            std::ofstream(argv[2] + ("/program-" + std::to_string(s)), std::ios::binary)
                .write(reinterpret_cast<const char*>(words.data()),
                       static_cast<std::streamsize>(words.size() * 4));
        }
        return 0;
    }
    return kite::fuzz::replay_folders(argc, argv, LLVMFuzzerTestOneInput);
}
#endif
