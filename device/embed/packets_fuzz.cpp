// SPDX-License-Identifier: MIT
// Fuzzes the device through its command stream. With clang this is a libFuzzer target whose input
// is packets; otherwise main() replays the folders it is given, or runs `--random COUNT [SEED]`
// generated streams.
#include "device/embed/packet_gen.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

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
    std::memcpy(stream.words.data(), data, stream.words.size() * 4);
    kite::dev::test::run(stream);
    return 0;
}

#ifndef KITE_LIBFUZZER
int main(int argc, char** argv) {
    using namespace kite::dev::test;
    unsigned count = 0;
    if (argc >= 3 && std::strcmp(argv[1], "--random") == 0) {
        const auto wanted = static_cast<unsigned>(std::strtoul(argv[2], nullptr, 10));
        const auto seed = argc > 3 ? static_cast<uint32_t>(std::strtoul(argv[3], nullptr, 10)) : 1u;
        for (; count < wanted; ++count) {
            std::printf("seed %u\n", seed + count);
            std::fflush(stdout);
            TestGpu gpu({.threads = 2, .executor = 1, .hang_timeout_ms = 300});
            const auto programs = load_programs(gpu);
            (void)gpu.run(PacketGenerator(seed + count).stream(24, programs));
        }
    }
    for (int k = 1; k < argc && count == 0; ++k) {
        for (const auto& file : std::filesystem::directory_iterator(argv[k])) {
            std::ifstream in(file.path(), std::ios::binary);
            const std::vector<char> bytes((std::istreambuf_iterator<char>(in)), {});
            LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
            ++count;
        }
    }
    std::printf("%u inputs\n", count);
    return count == 0 ? 1 : 0;
}
#endif
