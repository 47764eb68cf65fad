// SPDX-License-Identifier: MIT
// Random structured control flow through the whole back end, run on the interpreter in both wave
// sizes and compared lane by lane with a model that reconverges where SPIR-V says.
//   KITE_FLOW_SEED=n KITE_FLOW_PROGRAMS=n choose the programs.
#include "shader-compiler/driver/backend.hpp"
#include "shader-compiler/ir/edit.hpp"
#include "shader-compiler/structure/loops.hpp"
#include "tests/compiler/e2e/flow_program.hpp"
#include "tests/compiler/e2e/runner.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

namespace kite::test {
namespace {

constexpr uint32_t kGroups = 3;

uint32_t number_from(const char* name, uint32_t fallback) {
    const char* text = std::getenv(name);
    return text != nullptr ? static_cast<uint32_t>(std::strtoul(text, nullptr, 10)) : fallback;
}

// Runs one program; returns what is wrong.
// `model` computes what a wave's variables should be.
template <typename Source, typename Model>
std::string check(const Source& source, unsigned width, const cc::RegisterBudget& budget,
                  Model&& model, Runner::Mode mode = Runner::Mode::interpreter) {
    auto f = build(source);
    cc::ir::remove_unreachable_blocks(*f);
    f->renumber();
    const cc::FlowFacts facts(*f);
    std::sort(f->blocks.begin(), f->blocks.end(),
              [&](const auto& a, const auto& b) { return facts.rpo(a->id) < facts.rpo(b->id); });
    f->renumber();
    if (const std::string why = cc::ir::validate(*f); !why.empty()) {
        return "the generator made bad IR: " + why;
    }
    cc::Program program;
    cc::BackendOptions options;
    options.debug.validate = true;
    options.want_asm = true;
    options.budget = budget;
    if (auto done = cc::run_backend(*f, options, program); !done) {
        return done.error().message;
    }
    Runner runner(width, mode);
    const uint64_t out = runner.allocate(kGroups * kGroupLanes * kVariables * 4);
    runner.push_constants()[0] = static_cast<uint32_t>(out);
    if (const std::string why = runner.run(program, {kGroups, 1, 1}); !why.empty()) {
        return why + "\n" + program.asm_dump;
    }
    for (uint32_t g = 0; g < kGroups; ++g) {
        for (uint32_t s = 0; s * width < kGroupLanes; ++s) {
            const uint32_t lanes = std::min(width, kGroupLanes - s * width);
            Lanes want = initial(g, s, width);
            model(source, lanes, want);
            for (uint32_t i = 0; i < lanes; ++i) {
                const uint32_t* row =
                    runner.words(out) + (g * kGroupLanes + s * width + i) * kVariables;
                for (uint32_t k = 0; k < kVariables; ++k) {
                    if (row[k] != want[k][i]) {
                        return "group " + std::to_string(g) + " wave " + std::to_string(s) +
                               " lane " + std::to_string(i) + " variable " + std::to_string(k) +
                               ": " + std::to_string(row[k]) + ", expected " +
                               std::to_string(want[k][i]) + "\n" + cc::ir::print(*f) +
                               program.asm_dump;
                    }
                }
            }
        }
    }
    return {};
}

void check_many(uint32_t salt, uint32_t count, const cc::RegisterBudget& budget,
                Runner::Mode mode = Runner::Mode::interpreter) {
    const uint32_t seed = number_from("KITE_FLOW_SEED", 1);
    const uint32_t programs = number_from("KITE_FLOW_PROGRAMS", count);
    for (uint32_t i = 0; i < programs; ++i) {
        std::mt19937 rng(seed + i * 2654435761u + salt);
        const FlowProgram source = generate(rng);
        for (const unsigned width : {8u, 16u}) {
            const std::string why = check(
                source, width, budget,
                [&](const FlowProgram& p, uint32_t lanes, Lanes& want) {
                    simulate(p, (1u << lanes) - 1, width, want);
                },
                mode);
            ASSERT_TRUE(why.empty())
                << "program " << i << " of seed " << seed << ", " << width << " lanes: " << why;
        }
    }
}

TEST(Flow, RandomProgramsMatchTheModel) {
    check_many(0, 300, {});
}

// Nothing names merge blocks here, so lanes may meet late or never, but each must compute its own
// result.
// Each is compiled by LLVM too, so there are fewer of them.
TEST(Flow, JitAgreesWithTheModel) {
    check_many(99, 12, {}, Runner::Mode::jit);
}

// Nothing names merge blocks here, so lanes may meet late or never, but each must compute its own
// result.
TEST(Flow, UnstructuredGraphsKeepLanesApart) {
    const uint32_t seed = number_from("KITE_FLOW_SEED", 1);
    uint32_t refused = 0;
    const uint32_t graphs = number_from("KITE_FLOW_PROGRAMS", 300);
    for (uint32_t i = 0; i < graphs; ++i) {
        std::mt19937 rng(seed + i * 2654435761u + 5);
        const Graph graph = generate_graph(rng);
        const std::string why =
            check(graph, i % 2 == 0 ? 8 : 16, {}, [](const Graph& g, uint32_t lanes, Lanes& want) {
                for (uint32_t lane = 0; lane < lanes; ++lane) {
                    simulate(g, lane, want);
                }
            });
        if (why.starts_with("irreducible control flow")) {
            ++refused;
            continue;
        }
        ASSERT_TRUE(why.empty()) << "graph " << i << " of seed " << seed << ": " << why;
    }
    EXPECT_LT(refused, graphs / 2);
}

TEST(Flow, SpillingChangesNothing) {
    check_many(77, 100, {.vregs = 14});
    check_many(78, 100, {.vregs = 160, .sregs = 10});
}

} // namespace
} // namespace kite::test
