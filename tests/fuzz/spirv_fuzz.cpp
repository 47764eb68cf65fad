// SPDX-License-Identifier: MIT
// Fuzzes the front end and the optimizer. With clang this is a libFuzzer target; otherwise main()
// replays the files it is given, so that every seed in tests/fuzz/corpus/spirv stays fixed.
#include "shader-compiler/ir/ir.hpp"
#include "shader-compiler/opt/pipeline.hpp"
#include "shader-compiler/spirv/test_layout.hpp"
#include "shader-compiler/spirv/translate.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::vector<uint32_t> words(size / 4);
    std::memcpy(words.data(), data, words.size() * 4);
    const auto layout = kite::cc::spirv::guess_layout(words);
    kite::cc::Options options;
    options.stage = layout.stage;
    options.bindings = layout.bindings;
    options.spirv_env = 0x00010300;
    kite::cc::ProgramFacts facts;
    auto f = kite::cc::translate(words, options, facts);
    if (f) {
        kite::cc::optimize(**f);
        if (const std::string broken = kite::cc::ir::validate(**f); !broken.empty()) {
            std::fprintf(stderr, "%s\n", broken.c_str());
            std::abort();
        }
    }
    return 0;
}

#ifndef KITE_LIBFUZZER
int main(int argc, char** argv) {
    unsigned count = 0;
    for (int k = 1; k < argc; ++k) {
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
