// SPDX-License-Identifier: MIT
// Random structured programs, their meaning on a wave of lanes, and their IR.
//
// generate() makes a syntax tree of assignments, ifs, switches with fall-through, loops with break
// and continue, early returns and votes over a few variables. simulate() runs it lane mask by lane
// mask, reconverging where SPIR-V does. build() turns it into IR in SSA form with merge and
// continue blocks named. The three know nothing of the compiler's back end.
#pragma once

#include "shader-compiler/ir/ir.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <random>
#include <vector>

namespace kite::test {

/// Variables that programs read and write; the last kMaxLoops count iterations.
inline constexpr unsigned kVariables = 6;
inline constexpr unsigned kMaxLoops = 4;                   ///< loop nesting
inline constexpr unsigned kSlots = kVariables + kMaxLoops; ///< all variables
inline constexpr unsigned kGroupLanes = 24; ///< invocations of a workgroup: not a multiple of 16

/// An operand: variable, or constant.
struct Ref {
    bool is_constant = true; ///< which one
    uint32_t value = 0;      ///< variable number or constant
};

/// A statement.
struct Stmt {
    /// What it does.
    enum class Kind : uint8_t {
        assign,    ///< dst = a op b
        if_,       ///< if (a < b) body else other
        loop,      ///< for (count = 0; count < a; ++count) body, with b as the mask of the bound
        break_,    ///< leave the loop where a < b
        continue_, ///< next iteration where a < b
        return_,   ///< leave the program where a < b
        switch_,   ///< switch (a & 3) with cases
    };
    Kind kind{};                   ///< kind
    unsigned op = 0;               ///< assign: see kOps in the source
    unsigned dst = 0;              ///< assign: variable
    Ref a, b;                      ///< operands
    unsigned depth = 0;            ///< loop: which counter
    std::vector<Stmt> body, other; ///< if, loop
    std::vector<std::vector<Stmt>>
        cases;               ///< switch: case i is taken for value i, the last one is the default
    std::vector<bool> falls; ///< switch: case goes on into the next one
};

/// A program.
using FlowProgram = std::vector<Stmt>;

/// Makes a program.
[[nodiscard]] FlowProgram generate(std::mt19937& rng);

/// Variables of all lanes of one wave.
using Lanes = std::array<std::array<uint32_t, 16>, kSlots>;

/// Start values of a wave.
[[nodiscard]] Lanes initial(uint32_t group, uint32_t subgroup, unsigned width);

/// Runs the program on the lanes of `mask`.
void simulate(const FlowProgram& program, uint32_t mask, unsigned width, Lanes& lanes);

/// A random graph of blocks without any structure named; block i branches to `near` (a later block)
/// or `far` (any).
struct GraphBlock {
    std::vector<Stmt> code; ///< assignments without votes
    Ref a, b;               ///< far is taken where a < b (and while fuel lasts)
    unsigned near = 0;      ///< block
    unsigned far = 0;       ///< block
};
/// Blocks; the last one ends the program.
using Graph = std::vector<GraphBlock>;
/// Makes a graph; it may be irreducible.
[[nodiscard]] Graph generate_graph(std::mt19937& rng);
/// Runs one lane.
void simulate(const Graph& graph, unsigned lane, Lanes& lanes);
/// The graph as IR, as build() below.
[[nodiscard]] std::unique_ptr<cc::ir::Function> build(const Graph& graph);

/// The program as IR: stores variable k of invocation i of group g at push_va's buffer, word
/// (g * kGroupLanes + i) * kVariables + k. The first two words of the push constants are the
/// buffer's address.
[[nodiscard]] std::unique_ptr<cc::ir::Function> build(const FlowProgram& program);

} // namespace kite::test
