// SPDX-License-Identifier: MIT
// The working state of instruction selection, shared by the files of this folder and nobody else.
//
// One Selector lives for one function. Its parts: operands.cpp finds or makes operands, insts.cpp
// translates single instructions, moves.cpp the phi moves of an edge, select.cpp walks the tree.
// Nothing fails inside: the IR is valid, so a value without a home is a bug of ours.
#pragma once

#include "shader-compiler/isel/values.hpp"
#include "shader-compiler/mir/mir.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace kite::cc {

/// See the head of this file.
class Selector {
public:
    Selector(const ir::Function& f, const Tree& tree, const Divergence& divergence)
        : f_(f), tree_(tree), values_(f, tree, divergence, out_),
          steps_(f, tree, divergence.varying,
                 [this](const ir::Inst& v) { return values_.masked(v); }) {}

    /// Selects everything; false if constructs nest too deeply.
    bool run();
    /// The result.
    mir::Function take() { return std::move(out_); }

private:
    // An open construct.
    struct Open {
        const ir::Block* label;
        bool is_loop;
    };
    using Key = std::pair<uint64_t, uint32_t>;
    // Constants and broadcasts made so far, valid while the list they were made in is open.
    struct Scope {
        std::map<Key, mir::Operand> constants;   // bits and registers
        std::map<Key, mir::Operand> first_lanes; // virtual vector register: its value in lane 0
        std::map<Key, mir::Operand> vectors; // virtual scalar register (and offset) and registers
    };

    // select.cpp
    void walk(const std::vector<Node>& nodes);
    void construct(const Node& n);
    void branch(const Node& n);
    mir::Operand condition(const Condition& c);
    void find_inversions(const std::vector<Node>& nodes);
    void simple(hw::Op op, mir::Operand src = {}, uint16_t sub = 0);

    // operands.cpp
    mir::Operand use(const ir::Inst& v, const hw::SlotInfo& slot, hw::Type type, bool want_scalar,
                     std::optional<uint32_t>* literal);
    mir::Operand reg_of(const ir::Inst& v);
    mir::Operand constant(uint64_t bits, unsigned regs, bool vector);
    mir::Operand to_vector(mir::Operand o, unsigned regs);
    mir::Operand to_scalar(mir::Operand o, unsigned regs);
    [[nodiscard]] static std::optional<uint64_t> constant_bits(const ir::Inst& v);
    [[nodiscard]] hw::File file_of(mir::Operand o) const { return out_.vregs[o.reg].file; }

    // addressing.cpp
    [[nodiscard]] uint64_t bound(const ir::Inst& v, unsigned depth) const;
    [[nodiscard]] uint64_t counter_bound(const ir::Inst& phi) const;
    void memory(const mir::Inst& m, const ir::Inst* offset);
    void emit_either(const mir::Inst& wide, const mir::Inst& general, const mir::Operand& first,
                     bool surely_wide);

    // insts.cpp
    void code(const ir::Block& b);
    void inst(const ir::Inst& i);
    void hardware(const ir::Inst& i);
    void collect(const ir::Inst& i);
    void fold_offset(const ir::Inst& i, size_t first_source, mir::Inst& m, bool& offset_done);
    void finish(const ir::Inst& i);

    // moves.cpp
    struct Move {
        uint32_t dst;                 // virtual register
        mir::Operand src;             // register, if not a constant
        std::optional<uint64_t> bits; // constant
        unsigned regs;
        bool masked;
    };
    void moves(const Node& n);
    void emit_move(const Move& m);
    void copy(mir::Operand dst, const mir::Operand& src, unsigned regs, bool masked);
    void put_constant(mir::Operand dst, uint64_t bits, unsigned regs, bool masked);

    mir::Inst& emit(mir::Inst i) {
        out_.insts.push_back(i);
        return out_.insts.back();
    }

    const ir::Function& f_;
    const Tree& tree_;
    mir::Function out_;
    Values values_;
    LaneSteps steps_; // of values that all lanes of a wave hold
    std::vector<Open> open_;
    std::vector<Scope> scopes_;
    std::vector<bool> inverted_; // by value: a comparison computed as its opposite
    uint32_t block_ = 0;         // block whose code is being selected
    bool too_deep_ = false;
};

} // namespace kite::cc
