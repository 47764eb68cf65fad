// SPDX-License-Identifier: MIT
// The shaders of tests/compiler/spirv through the front end and the optimizer; refusals; mutated
// modules.
#include "shader-compiler/ir/text.hpp"
#include "shader-compiler/opt/pipeline.hpp"
#include "shader-compiler/spirv/test_layout.hpp"
#include "shader-compiler/spirv/translate.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

namespace kite::cc {
namespace {

std::vector<uint32_t> read(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    const std::vector<char> bytes((std::istreambuf_iterator<char>(in)), {});
    std::vector<uint32_t> words(bytes.size() / 4);
    std::memcpy(words.data(), bytes.data(), words.size() * 4);
    return words;
}

std::vector<uint32_t> module(const std::string& name) {
    return read(std::filesystem::path(KITE_TEST_SPV_DIR) / (name + ".spv"));
}

base::Result<std::unique_ptr<ir::Function>> run(const std::vector<uint32_t>& words,
                                                ProgramFacts& facts,
                                                std::vector<SpecConstant> spec = {},
                                                const std::string& entry = "main") {
    const spirv::GuessedLayout layout = spirv::guess_layout(words);
    Options options;
    options.stage = layout.stage;
    options.bindings = layout.bindings;
    options.spec = spec;
    options.entry_point = entry;
    options.spirv_env = 0x00010300;
    return translate(words, options, facts);
}

TEST(Translate, EverySource) {
    unsigned count = 0;
    for (const auto& file : std::filesystem::directory_iterator(KITE_TEST_SPV_DIR)) {
        if (file.path().extension() != ".spv") {
            continue;
        }
        SCOPED_TRACE(file.path().filename().string());
        ++count;
        ProgramFacts facts;
        auto f = run(read(file.path()), facts);
        ASSERT_TRUE(f.has_value()) << f.error().message;
        optimize(**f);
        EXPECT_EQ(ir::validate(**f), "");
        const std::string text = ir::print(**f);
        std::string error;
        const auto again = ir::parse(text, error);
        ASSERT_NE(again, nullptr) << error;
        EXPECT_EQ(ir::print(*again), text);
    }
    EXPECT_GE(count, 10u);
}

TEST(Translate, Facts) {
    ProgramFacts facts;
    ASSERT_TRUE(run(module("saxpy.comp"), facts).has_value());
    EXPECT_EQ(facts.workgroup[0], 64u);
    EXPECT_EQ(facts.push_bytes, 8u);
    ASSERT_TRUE(run(module("interface.vert"), facts).has_value());
    EXPECT_EQ(facts.input_locations & 0x1ffu,
              0x17fu); // dvec3 at 6 spans 6 and 7, read through location 6
    EXPECT_TRUE(facts.uses_view_index);
    ASSERT_TRUE(run(module("images.frag"), facts).has_value());
    EXPECT_TRUE(facts.per_sample);
    ASSERT_TRUE(run(module("dual.frag"), facts).has_value());
    EXPECT_TRUE(facts.early_fragment_tests);
}

TEST(Translate, SpecializationChangesTheCode) {
    ProgramFacts facts;
    const auto words = module("flow.comp");
    auto a = run(words, facts);
    auto b = run(words, facts, {{.id = 3, .bits = 0x1234567}});
    ASSERT_TRUE(a.has_value() && b.has_value());
    EXPECT_EQ(ir::print(**a).find("0x1234567"), std::string::npos);
    EXPECT_NE(ir::print(**b).find("0x1234567"), std::string::npos);
}

TEST(Translate, UnrollsWhatIsSmallOnly) {
    ProgramFacts facts;
    auto f = run(module("unroll.comp"), facts);
    ASSERT_TRUE(f.has_value());
    EXPECT_EQ((*f)->scratch_bytes, 0u); // the arrays became values
    unsigned loops = 0;
    for (const auto& block : (*f)->blocks) {
        loops += block->continue_target != nullptr ? 1u : 0u;
    }
    EXPECT_EQ(loops, 2u); // the run-time loop and the one of 10^8 rounds that asks for unrolling
}

TEST(Translate, Refusals) {
    ProgramFacts facts;
    const auto words = module("saxpy.comp");
    EXPECT_EQ(run({}, facts).error().code, base::ErrorCode::corrupt);
    EXPECT_EQ(run({1, 2, 3, 4, 5, 6}, facts).error().code, base::ErrorCode::corrupt);
    EXPECT_EQ(run(words, facts, {}, "other").error().code, base::ErrorCode::invalid_argument);
    Options bare;
    bare.stage = hw::Stage::compute;
    bare.spirv_env = 0x00010300;
    EXPECT_EQ(translate(words, bare, facts).error().code,
              base::ErrorCode::invalid_argument); // no layout
    auto cut = words;
    cut.resize(words.size() / 2);
    EXPECT_EQ(run(cut, facts).error().code, base::ErrorCode::corrupt);
}

TEST(Translate, MutatedModulesNeverCrash) {
    std::mt19937 random(20261121);
    for (const char* name : {"saxpy.comp", "vkcube.vert", "flow.comp"}) {
        const auto words = module(name);
        for (int n = 0; n < 150; ++n) {
            auto mutated = words;
            for (unsigned k = 0; k <= random() % 3; ++k) {
                uint32_t& w = mutated[5 + random() % (mutated.size() - 5)];
                w = random() % 2 == 0 ? w ^ (1u << (random() % 32))
                                      : static_cast<uint32_t>(random() % words[3]);
            }
            ProgramFacts facts;
            auto f = run(mutated, facts);
            if (f) {
                optimize(**f);
                EXPECT_EQ(ir::validate(**f), "") << name << " round " << n;
            }
        }
    }
}

} // namespace
} // namespace kite::cc
