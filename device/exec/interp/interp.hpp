// SPDX-License-Identifier: MIT
// The interpreter: the semantics of hw/isa, written to be read.
//
// One Wave is the whole state of W lanes: registers, masks, the stack of open constructs, the
// program counter. run() executes instructions until the program ends or the wave arrives at a
// barrier; a workgroup is run by resuming its waves in turn. Every other routine here executes one
// class of instructions on a Wave. Waves belong to one thread; they live in WorkerMemory and are
// reused. Programs are verified before they get here, so nothing can fail; memory accesses are
// masked to the window (see address.hpp).
#pragma once

#include "device/exec/executor.hpp"
#include "kite_hw/verify.hpp"

#include <array>
#include <vector>

namespace kite::dev::exec::interp {

/// One vector register.
using Row = std::array<uint32_t, kMaxLanes>;

/// An open construct (hw/isa/flow.toml).
struct Frame {
    hw::Op kind{};      ///< block, loop or if_
    uint32_t start = 0; ///< its instruction
    uint32_t live = 0;  ///< lanes active after its end
    uint32_t other = 0; ///< if: lanes of the else side
    uint32_t again = 0; ///< loop: lanes that go round again
};

/// The state of one wave.
struct Wave {
    const Program* program = nullptr;  ///< what runs
    const DrawContext* draw = nullptr; ///< draw state
    unsigned width = kMaxLanes;        ///< W
    uint32_t pc = 0;                   ///< next instruction
    uint32_t exec = 0;                 ///< active lanes
    uint32_t live = 0;                 ///< lanes that are not helpers
    bool done = false;                 ///< ran to the end
    std::vector<Row> v;                ///< vector registers
    std::vector<uint32_t> s;           ///< scalar registers
    std::vector<Frame> frames;         ///< open constructs, innermost last
    std::byte* scratch = nullptr;      ///< private memory, interleaved by dword
    std::byte* shared = nullptr;       ///< workgroup memory
    VertexWave* vertex = nullptr;      ///< vertex stage
    FragmentWave* fragment = nullptr;  ///< fragment stage
    std::array<uint32_t, 3> group{};   ///< compute: workgroup id
    uint32_t subgroup = 0;             ///< compute: wave index in the workgroup
    uint32_t subgroup_count = 1;       ///< compute: waves in the workgroup

    /// Ready the wave for a program: registers zero, nothing open.
    void reset(const Program& p, const DrawContext& d, unsigned lanes);
    /// Bit mask of all lanes.
    [[nodiscard]] uint32_t all() const { return (1u << width) - 1u; }
    /// True if the lane is active.
    [[nodiscard]] bool active(unsigned lane) const { return ((exec >> lane) & 1u) != 0; }
    /// Lanes whose stores count.
    [[nodiscard]] uint32_t storing() const { return exec & live; }

    /// One 32-bit register of an operand: `k` registers after its first. Literals and absent
    /// operands too.
    [[nodiscard]] uint32_t reg(const hw::Inst& inst, const hw::Operand& o, unsigned k,
                               unsigned lane) const;
    /// An operand's value for a type: two registers for 64 bits, the low half of one for 16.
    [[nodiscard]] uint64_t value(const hw::Inst& inst, const hw::Operand& o, hw::Type ty,
                                 unsigned lane) const;
    /// A 64-bit register pair.
    [[nodiscard]] uint64_t pair(const hw::Operand& o, unsigned lane) const;
    /// Store to register `k` of the destination in one lane, honouring m. Scalars: lane is ignored.
    void write(const hw::Inst& inst, unsigned k, unsigned lane, uint32_t x);
    /// Store a typed value to the destination.
    void write_value(const hw::Inst& inst, hw::Type ty, unsigned lane, uint64_t x);
    /// How many times an instruction with this destination executes: W, or 1 for a scalar one.
    [[nodiscard]] unsigned lanes_of(const hw::Operand& dst) const {
        return dst.file == hw::File::S ? 1 : width;
    }
};

/// Why run() returned.
enum class Stop : uint8_t { done, barrier };

/// Execute until the end or the next barrier.
Stop run(Wave& wave);

/// Arithmetic on one lane; 16-bit values in the low half, results zero-extended. `bits` of a, b, c
/// beyond the type are ignored.
uint64_t eval_alu(const hw::Inst& inst, uint64_t a, uint64_t b, uint64_t c);

/// reduce/scan's combining operation.
uint64_t eval_reduce_op(hw::ReduceOp op, hw::Type ty, uint64_t a, uint64_t b);
/// reduce/scan's identity.
uint64_t reduce_identity(hw::ReduceOp op, hw::Type ty);

/// Instructions of hw/isa/alu.toml.
void exec_alu(Wave& wave, const hw::Inst& inst);
/// Instructions of hw/isa/lane.toml.
void exec_lane(Wave& wave, const hw::Inst& inst);
/// ld, st, atom.
void exec_mem(Wave& wave, const hw::Inst& inst);
/// Instructions of hw/isa/tex.toml.
void exec_tex(Wave& wave, const hw::Inst& inst);
/// sys, ldattr, ldin, stout, emit, cut.
void exec_io(Wave& wave, const hw::Inst& inst);

} // namespace kite::dev::exec::interp
