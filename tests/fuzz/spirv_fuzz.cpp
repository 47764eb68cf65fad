// SPDX-License-Identifier: MIT
// Fuzzes the whole compiler: what the front end accepts must come out as a program that the
// hardware's verifier accepts, with every check of the compiler's own on the way. With clang this
// is a libFuzzer target; otherwise main() replays the files it is given, so that every seed in
// tests/fuzz/corpus/spirv stays fixed.
#include "base/log.hpp"
#include "device/exec/executor.hpp"
#include "shader-compiler/driver/backend.hpp"
#include "shader-compiler/ir/ir.hpp"
#include "shader-compiler/opt/pipeline.hpp"
#include "shader-compiler/spirv/test_layout.hpp"
#include "shader-compiler/spirv/translate.hpp"
#include "tests/fuzz/replay_folders.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

void require(const std::string& broken) {
    if (!broken.empty()) {
        std::fprintf(stderr, "%s\n", broken.c_str());
        std::abort();
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    kite::base::set_log_level(kite::base::LogLevel::none);
    std::vector<uint32_t> words(size / 4);
    if (!words.empty()) {
        std::memcpy(words.data(), data, words.size() * 4);
    }
    const auto layout = kite::cc::spirv::guess_layout(words);
    kite::cc::Options options;
    options.stage = layout.stage;
    options.bindings = layout.bindings;
    options.spirv_env = 0x00010300;
    kite::cc::ProgramFacts facts;
    auto f = kite::cc::translate(words, options, facts);
    if (f) {
        kite::cc::optimize(**f);
        require(kite::cc::ir::validate(**f));
        kite::cc::BackendOptions backend;
        backend.debug.validate = true;
        kite::cc::Program program;
        program.facts = facts;
        if (auto done = kite::cc::run_backend(**f, backend, program); !done) {
            require(done.error().message.starts_with("compiler bug") ? done.error().message : "");
        } else if (auto loaded = kite::dev::exec::load_program(program.binary); !loaded) {
            require(loaded.error().message);
        }
    }
    return 0;
}

#ifndef KITE_LIBFUZZER
int main(int argc, char** argv) {
    return kite::fuzz::replay_folders(argc, argv, LLVMFuzzerTestOneInput);
}
#endif
