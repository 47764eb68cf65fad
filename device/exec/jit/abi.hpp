// SPDX-License-Identifier: MIT
// What generated code may touch besides the shared structs of executor.hpp: its environment and
// helpers.
//
// A routine is `void(const WaveEnv*)`. All addresses reach it through the environment, so that
// object code has no relocations into this process and can be cached on disk; kAbiVersion is part
// of the cache key and changes with any layout or helper here or in executor.hpp. A WaveEnv lives
// on the caller's stack for one wave. Helpers are plain functions, thread-safe, and never fail.
#pragma once

#include "device/exec/executor.hpp"
#include "device/exec/tex/texture.hpp"

namespace kite::dev::exec {
class FiberPool;
}

namespace kite::dev::exec::jit::texgen {
class Cell;
class Library;
struct Slot;
} // namespace kite::dev::exec::jit::texgen

namespace kite::dev::exec::jit {

/// Bump when generated code of an older build must not be reused.
inline constexpr uint32_t kAbiVersion = 7;
/// Zero bytes that out-of-bounds scalar loads read.
inline constexpr unsigned kZeroBytes = 128;

struct Helpers;

/// Everything a wave starts from.
struct WaveEnv {
    const DrawContext* draw = nullptr;   ///< draw state
    void* wave = nullptr;                ///< VertexWave or FragmentWave
    const hw::Inst* code = nullptr;      ///< the program's instructions
    std::byte* scratch = nullptr;        ///< interleaved private memory
    std::byte* shared = nullptr;         ///< workgroup memory
    const Helpers* helpers = nullptr;    ///< the table below
    const std::byte* zeros = nullptr;    ///< kZeroBytes zero bytes
    FiberPool* fibers = nullptr;         ///< set if waves can wait at barriers
    texgen::Library* textures = nullptr; ///< generated texture routines
    texgen::Cell* cells = nullptr; ///< their inline caches, one per instruction of texture_cells()
    texgen::Slot* slots = nullptr; ///< the worker's last descriptors, texgen::kSlots
    uint32_t group[3] = {};        ///< workgroup id
    uint32_t subgroup = 0;         ///< wave index in the workgroup
    uint32_t subgroup_count = 1;   ///< waves in the workgroup
    uint32_t exec = 0;             ///< compute: active lanes
};

/// The generated function.
using Entry = void (*)(const WaveEnv*);

/// Operands of an atomic on all lanes; addresses are located, bounds-checked and aligned by the
/// code.
struct AtomicLanes {
    uint64_t address[kMaxLanes];   ///< host addresses
    uint64_t value[kMaxLanes];     ///< operand
    uint64_t comparand[kMaxLanes]; ///< cmpxchg
    uint64_t old[kMaxLanes];       ///< result
    uint32_t mask;                 ///< lanes that do it
};

/// Scratch access of any alignment; rows are registers.
struct ScratchLanes {
    uint32_t offset[kMaxLanes];   ///< byte offset in the lane's own memory, in bounds
    uint32_t data[32][kMaxLanes]; ///< loaded or stored registers
    uint32_t mask;                ///< lanes that do it
    uint32_t width;               ///< W
};

/// Functions generated code calls.
struct Helpers {
    void (*alu)(const hw::Inst* inst, const uint64_t* a, const uint64_t* b, const uint64_t* c,
                uint64_t* d, uint32_t count); ///< any arithmetic instruction, by the interpreter
    void (*atomic)(const hw::Inst* inst, AtomicLanes* lanes); ///< atom
    void (*scratch)(const hw::Inst* inst, std::byte* base,
                    ScratchLanes* lanes); ///< misaligned ld/st
    void (*tex)(const hw::Inst* inst, const DrawContext* draw,
                tex::Lanes* lanes); ///< image instructions
    void (*tex_uniform)(const WaveEnv* env, const hw::Inst* inst, tex::Lanes* lanes,
                        uint64_t image_va, uint64_t sampler_va,
                        uint32_t cell); ///< tex, txg, txf with uniform descriptors
    void (*attribute)(const hw::Inst* inst, const DrawContext* draw, const VertexWave* wave,
                      uint32_t* rows);   ///< ldattr: 8 rows of kMaxLanes
    void (*barrier)(const WaveEnv* env); ///< barrier
    uint64_t (*clock)();                 ///< sys clock
    void (*emit)(VertexWave* wave, uint32_t lanes, uint32_t stream); ///< emit
    void (*cut)(VertexWave* wave, uint32_t lanes, uint32_t stream);  ///< cut
};

/// True for the instructions that have a texture cell: tex, txg and txf whose descriptors are
/// scalar.
[[nodiscard]] bool has_texture_cell(const hw::Inst& inst);
/// Cells a program needs; instructions are numbered in program order.
[[nodiscard]] size_t texture_cells(const Program& program);

/// The table.
[[nodiscard]] const Helpers& helpers();
/// kZeroBytes zeros.
[[nodiscard]] const std::byte* zeros();

} // namespace kite::dev::exec::jit
