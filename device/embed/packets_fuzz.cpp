// SPDX-License-Identifier: MIT
// Fuzzes the device through its command stream. With clang this is a libFuzzer target whose input
// is packets; otherwise main() replays the folders it is given, runs `--random COUNT [SEED]`
// generated streams, or writes such as seeds with `--write FOLDER COUNT`.
#include "device/embed/packet_gen.hpp"
#include "tests/fuzz/replay_folders.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace kite::dev::test {
namespace {

// A context per input, so that a fault of one input does not silence the next.
void run(const Stream& stream) {
    TestGpu gpu({.threads = 2, .executor = 1, .hang_timeout_ms = 300});
    (void)load_programs(gpu);
    if (stream.words.size() * 4 <= TestGpu::kFree) {
        (void)gpu.run(stream);
    }
}

} // namespace
} // namespace kite::dev::test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    kite::dev::test::Stream stream;
    stream.words.resize(size / 4);
    if (!stream.words.empty()) {
        std::memcpy(stream.words.data(), data, stream.words.size() * 4);
    }
    kite::dev::test::run(stream);
    return 0;
}

#ifndef KITE_LIBFUZZER
int main(int argc, char** argv) {
    using namespace kite::dev::test;
    if (argc >= 3 && std::strcmp(argv[1], "--random") == 0) {
        const auto wanted = static_cast<unsigned>(std::strtoul(argv[2], nullptr, 10));
        const auto seed = argc > 3 ? static_cast<uint32_t>(std::strtoul(argv[3], nullptr, 10)) : 1u;
        for (unsigned count = 0; count < wanted; ++count) {
            std::printf("seed %u\n", seed + count);
            std::fflush(stdout);
            TestGpu gpu({.threads = 2, .executor = 1, .hang_timeout_ms = 300});
            const auto programs = load_programs(gpu);
            (void)gpu.run(PacketGenerator(seed + count).stream(24, programs));
        }
        return wanted == 0 ? 1 : 0;
    }
    if (argc == 4 && std::strcmp(argv[1], "--write") == 0) {
        TestGpu gpu({.threads = 1, .executor = 1});
        const auto programs = load_programs(gpu);
        const auto wanted = static_cast<uint32_t>(std::strtoul(argv[3], nullptr, 10));
        for (uint32_t seed = 0; seed < wanted; ++seed) {
            const Stream stream = PacketGenerator(seed).stream(4 + seed % 8, programs);
            std::ofstream(argv[2] + ("/stream-" + std::to_string(seed)), std::ios::binary)
                .write(reinterpret_cast<const char*>(stream.words.data()),
                       static_cast<std::streamsize>(stream.words.size() * 4));
        }
        return 0;
    }
    return kite::fuzz::replay_folders(argc, argv, LLVMFuzzerTestOneInput);
}
#endif
