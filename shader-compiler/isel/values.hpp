// SPDX-License-Identifier: MIT
// Where IR values live: which virtual register, of which file, and which part of it.
//
// Built once per function before any code is selected. `extract` and `unpack64` name parts of their
// operand's registers; elements of a `collect` are computed in place where nothing forbids it. A
// value that outlives a loop which lanes leave at different times is written masked if it is a
// vector, or gets a second, vector home (its escape copy) if it is a scalar. Immutable while code
// is selected.
#pragma once

#include "shader-compiler/analysis/divergence.hpp"
#include "shader-compiler/ir/ir.hpp"
#include "shader-compiler/mir/mir.hpp"
#include "shader-compiler/structure/tree.hpp"

#include <cstdint>
#include <vector>

namespace kite::cc {

/// The registers of a value.
struct Home {
    static constexpr uint32_t kNone = ~0u;
    uint32_t vreg = kNone; ///< virtual register
    uint8_t sub = 0;       ///< first register inside it

    /// True if there is a register.
    [[nodiscard]] bool valid() const { return vreg != kNone; }
    /// As an operand, from register `k` of the value on.
    [[nodiscard]] mir::Operand at(unsigned k = 0) const { return mir::Operand::of(vreg, sub + k); }
};

/// A value taken back through extract and unpack64.
struct Part {
    const ir::Inst* root; ///< defines the registers; may be constant or undef
    unsigned first;       ///< first 32-bit register of the part
};

/// See the head of this file.
class Values {
public:
    /// Assigns homes, adding virtual registers to `out`.
    Values(const ir::Function& f, const Tree& tree, const Divergence& divergence,
           mir::Function& out);

    /// The root of a value and the part of it that the value is.
    [[nodiscard]] static Part part_of(const ir::Inst& v);
    /// Home of a root that is neither constant nor undef, where its own code runs.
    [[nodiscard]] const Home& home(const ir::Inst& root) const { return homes_[root.id]; }
    /// Escape copy of a scalar root; not valid if it has none.
    [[nodiscard]] const Home& escape(const ir::Inst& root) const { return escapes_[root.id]; }
    /// Where code of block `use` finds the value (not constant, not undef).
    [[nodiscard]] Home find(const ir::Inst& v, uint32_t use) const;
    /// True if writes of this root must keep the lanes that are not active.
    [[nodiscard]] bool masked(const ir::Inst& root) const { return masked_[root.id]; }
    /// True if no lane can hold a value of the phi before an edge enters its loop.
    [[nodiscard]] bool fresh_at(const ir::Inst& phi, int32_t loop) const;
    /// Uses of a value as an operand or condition.
    [[nodiscard]] uint32_t uses(const ir::Inst& v) const { return uses_[v.id]; }

private:
    void count_uses();
    void find_escapes();
    void note_escape(const ir::Inst& v, uint32_t use);
    void assign(mir::Function& out, const Divergence& divergence);
    void place_elements(const ir::Inst& tuple, const mir::Function& out, const Divergence& d);

    const ir::Function& f_;
    const Tree& tree_;
    std::vector<Home> homes_, escapes_;
    std::vector<bool> masked_;       // vector roots
    std::vector<bool> wants_vector_; // tuples that some use needs in vector registers
    std::vector<int32_t> left_loop_; // outermost divergent loop a root outlives, -1
    std::vector<std::vector<int32_t>> arrives_from_; // phis: divergent loops that their edges leave
    std::vector<uint32_t> uses_;
};

} // namespace kite::cc
