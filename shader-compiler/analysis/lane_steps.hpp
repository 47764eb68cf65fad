// SPDX-License-Identifier: MIT
// How 32-bit integers change from lane to lane: value = first + step * lane, and what divides
// `first`.
//
// Tiled kernels split a local index with shifts and masks; knowing that the index starts at a
// multiple of the wave size shows that the high part is the same in all lanes and the low part
// still counts up by one. The wave size is not known to the compiler, so a fact only counts if it
// holds for every size. Pure; a query looks at a bounded number of values; cannot fail.
#pragma once

#include "shader-compiler/ir/ir.hpp"
#include "shader-compiler/structure/tree.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace kite::cc {

/// Lanes of the widest wave.
inline constexpr uint32_t kWidestWave = 16;

/// See the head of this file. Refers to the function, the tree and the flags it is made with.
class LaneSteps {
public:
    /// Says of a varying value that it must not be relied on.
    using Exclude = std::function<bool(const ir::Inst&)>;

    /// `varying` by value id: may differ between lanes.
    LaneSteps(const ir::Function& f, const Tree& tree, const std::vector<bool>& varying,
              Exclude exclude = {})
        : f_(f), tree_(tree), varying_(varying), exclude_(std::move(exclude)) {}

    /// The difference between neighbouring lanes' values, modulo 2^32, where block `use` reads
    /// them, if it is the same for all active lanes and wave sizes.
    [[nodiscard]] std::optional<uint32_t> step(const ir::Inst& v, uint32_t use) const;
    /// True if the instruction gives all active lanes the same from operands that are not the same.
    [[nodiscard]] bool evens_out(const ir::Inst& v) const;

private:
    struct Fact {
        uint32_t step;
        unsigned align; // lane 0's value is a multiple of 2^align
    };
    struct Query {
        unsigned log2_lanes;
        unsigned budget; // values that may still be looked at
    };

    std::optional<Fact> fact(const ir::Inst& v, uint32_t use, Query& q) const;
    std::optional<Fact> system_value(const ir::Inst& v, const Query& q) const;
    std::optional<Fact> binary(const ir::Inst& v, Query& q) const;

    const ir::Function& f_;
    const Tree& tree_;
    const std::vector<bool>& varying_;
    Exclude exclude_;
};

} // namespace kite::cc
