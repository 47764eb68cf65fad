// SPDX-License-Identifier: MIT
// The shader engine's interface inside the device: verified programs become routines that run
// waves.
//
// Two executors implement it: the interpreter (the semantics of hw/isa) and the LLVM JIT. Front end
// and rasterizer see only this header. A routine is immutable and may run on any number of threads
// at once; contexts passed to it belong to the caller and are used by one thread at a time. Nothing
// here fails at run time: bad memory stays inside the window, endless loops end through the kill
// flag, and a program that can't be compiled runs interpreted (logged once).
//
// Lanes: arrays are [kMaxLanes] with W used. Fragment lanes are quad-major (see
// docs/architecture.md).
#pragma once

#include "base/result.hpp"
#include "kite_hw/descriptors.hpp"
#include "kite_hw/isa.hpp"
#include "kite_hw/limits.hpp"

#include <array>
#include <atomic>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace kite::dev::exec {

inline constexpr unsigned kMaxLanes = 16;     ///< widest wave
inline constexpr unsigned kFragmentOuts = 39; ///< hw::FragmentOut::count
inline constexpr unsigned kVertexOuts = 152;  ///< hw::VertexOut::count

/// Stages whose outputs are those of a vertex.
[[nodiscard]] constexpr bool writes_vertices(hw::Stage stage) {
    return stage == hw::Stage::vertex || stage == hw::Stage::tess_eval ||
           stage == hw::Stage::geometry;
}
/// Stages that read vertex records in shared memory.
[[nodiscard]] constexpr bool reads_records(hw::Stage stage) {
    return stage == hw::Stage::tess_control || stage == hw::Stage::tess_eval ||
           stage == hw::Stage::geometry;
}

/// What the verifier's scan found; the only facts the device trusts.
struct ProgramInfo {
    hw::Stage stage{};                   ///< stage
    uint32_t vregs = 0;                  ///< vector registers used
    uint32_t sregs = 0;                  ///< scalar registers used
    uint32_t scratch_bytes = 0;          ///< private bytes per lane
    uint32_t shared_bytes = 0;           ///< workgroup memory
    std::array<uint32_t, 3> workgroup{}; ///< as ProgramHeader.workgroup, checked
    bool early_fragment_tests = false;   ///< declared
    uint8_t depth_mode = 0;              ///< declared
    bool per_sample = false;     ///< declared, or reads sample_id / sample_pos / InterpLoc.sample
    bool demotes = false;        ///< contains demote
    bool side_effects = false;   ///< stores, atomics, image writes to global memory
    bool fetches = false;        ///< txf or image loads: may read attachments being written
    bool uses_barrier = false;   ///< contains barrier
    bool needs_quads = false;    ///< qread or implicit-lod sampling: helper lanes must run
    bool has_loops = false;      ///< contains loop
    uint32_t color_mask = 0;     ///< fragment: bit r*4+c if colour output written
    bool writes_dual = false;    ///< fragment: dual source outputs written
    bool writes_depth = false;   ///< fragment
    bool writes_stencil = false; ///< fragment
    bool writes_sample_mask = false;              ///< fragment
    bool uses_centroid = false;                   ///< fragment
    bool uses_point_coord = false;                ///< fragment
    bool uses_frag_z = false;                     ///< fragment
    std::bitset<kVertexOuts> outputs;             ///< writes_vertices(): slots written
    std::bitset<hw::limits::kMaxVaryings> inputs; ///< fragment: varying slots read
    uint32_t attributes = 0;                      ///< vertex: locations read

    /// What a routine depends on besides the code: part of program identity and of cache keys.
    [[nodiscard]] std::array<uint32_t, 8> shape() const {
        return {static_cast<uint32_t>(stage),
                vregs,
                sregs,
                scratch_bytes,
                shared_bytes,
                workgroup[0],
                workgroup[1],
                workgroup[2]};
    }
};

/// A loaded, verified, immutable program.
struct Program {
    std::vector<hw::Inst> code; ///< decoded instructions
    /// Per instruction: block/loop -> its end, if -> its else (or end), else -> its end, end ->
    /// what opened the construct; 0 for all others.
    std::vector<uint32_t> partner;
    ProgramInfo info;  ///< facts
    uint64_t hash = 0; ///< xxh3 of the words, computed by the device
};

/// Decodes and verifies a binary (hw::ProgramHeader + words). Hostile input: corrupt with the
/// reason and the instruction index.
[[nodiscard]] base::Result<std::shared_ptr<const Program>>
load_program(std::span<const std::byte> image);

struct EmittedVertices; // emitted.hpp

/// A vertex attribute source. The fetch of element e reads `base + offset + e * stride` if that
/// lies inside `size`, else 0.
struct AttributeSource {
    const std::byte* base =
        nullptr;          ///< host address of the binding's first byte, nullptr = unbound
    uint64_t size = 0;    ///< bytes readable from base
    uint32_t offset = 0;  ///< attribute offset inside the element
    uint32_t stride = 0;  ///< bytes
    uint32_t divisor = 0; ///< as hw::VertexBinding
    uint32_t format = 0;  ///< hw format id
};

/// A number no other draw of this process has.
[[nodiscard]] inline uint64_t next_draw_serial() {
    static std::atomic<uint64_t> next{1};
    return next.fetch_add(1, std::memory_order_relaxed);
}

/// State shared by all waves of a draw or dispatch. Read-only while they run.
struct DrawContext {
    /// Made with the context; what is remembered under it holds for this draw. Executors may read
    /// each descriptor once per draw.
    uint64_t serial = next_draw_serial();
    std::byte* window = nullptr; ///< host address of GPU address 0
    uint64_t va_mask = 0; ///< address & va_mask stays in the window; 4 GiB of guard follow it
    const std::atomic<uint32_t>* kill = nullptr; ///< non-zero: loops end, the routine returns early
    std::array<uint64_t, hw::limits::kMaxSets> set_va{}; ///< sys set_va
    uint64_t push_va = 0;                                ///< sys push_va
    uint64_t dynamic_va = 0;                             ///< sys dynamic_va
    uint32_t base_vertex = 0;                            ///< sys base_vertex
    uint32_t base_instance = 0;                          ///< sys base_instance
    uint32_t draw_index = 0;                             ///< sys draw_index
    uint32_t view_index = 0;                             ///< sys view_index
    std::array<uint32_t, 3> num_groups{};                ///< sys num_groups
    std::array<AttributeSource, hw::limits::kMaxVertexAttributes> attributes{}; ///< by location
};

/// Up to W invocations of a vertex, tessellation or geometry program. Outputs are structure of
/// arrays: out[slot][lane], 0 where never written.
struct alignas(64) VertexWave {
    uint32_t count = 0;                 ///< active lanes 0..count-1
    uint32_t pad[15] = {};              ///< keeps the arrays aligned
    uint32_t vertex_index[kMaxLanes];   ///< sys vertex_index (first vertex / offset added)
    uint32_t instance_index[kMaxLanes]; ///< sys instance_index
    uint32_t out[kVertexOuts]
                [kMaxLanes]; ///< results; only slots in ProgramInfo::outputs are written
    // Stages with reads_records() only:
    uint32_t in_base[kMaxLanes];         ///< sys in_base
    uint32_t out_base[kMaxLanes];        ///< sys out_base
    uint32_t patch_base[kMaxLanes];      ///< sys patch_base
    uint32_t invocation_id[kMaxLanes];   ///< sys invocation_id
    uint32_t primitive_index[kMaxLanes]; ///< sys primitive_index
    float tess_coord[3][kMaxLanes];      ///< sys tess_coord
    uint32_t patch_vertices = 0;         ///< sys patch_vertices
    EmittedVertices* emitted = nullptr;  ///< geometry: not null
};

/// Per-primitive data for fragments; produced by set-up, read by interpolation.
/// With p = (x - origin_x, y - origin_y), a plane is fma(cy, py, fma(cx, px, c0)). rcpw = w plane;
/// smooth barycentrics are i = i plane * (1 / rcpw), j likewise; linear ones are the l* planes.
/// value = fma(j, v2 - v0, fma(i, v1 - v0, v0)).
struct alignas(64) Primitive {
    float w0, wx, wy;         ///< plane of 1/w
    float i0, ix, iy;         ///< plane of b1 / w
    float j0, jx, jy;         ///< plane of b2 / w
    float li0, lix, liy;      ///< plane of b1 (noperspective)
    float lj0, ljx, ljy;      ///< plane of b2
    float z0, zx, zy;         ///< plane of depth (bias included, before clamp)
    float origin_x, origin_y; ///< pixel position the planes are relative to
    const uint32_t* v[3];  ///< varyings of the three vertices, packed: index = rank of the slot in
                           ///< the fragment program's ProgramInfo::inputs
    const uint32_t* flat;  ///< varyings of the provoking vertex
    uint32_t front_facing; ///< 0 or 0xffffffff
    uint32_t primitive_id; ///< sys primitive_id
    uint32_t layer;        ///< sys layer
    uint32_t viewport;     ///< sys viewport_index
    float point_x0, point_dx; ///< gl_PointCoord.x = point_x0 + point_dx * (x - origin_x)
    float point_y0, point_dy; ///< gl_PointCoord.y likewise from y
};

/// One fragment wave. exec lanes run; lanes of exec outside live are helpers.
struct alignas(64) FragmentWave {
    uint32_t exec = 0;      ///< lanes that run (whole quads if ProgramInfo::needs_quads)
    uint32_t live = 0;      ///< covered lanes; demote clears bits; on return: lanes still alive
    uint32_t sample_id = 0; ///< sys sample_id
    float sample_x = 0.5f, sample_y = 0.5f; ///< sys sample_pos
    uint32_t log2_samples = 0;              ///< 0-3: the pattern InterpLoc.sample_index refers to
    const Primitive* primitive = nullptr;   ///< source of inputs
    alignas(64) float x[kMaxLanes];  ///< position the lane is evaluated at: pixel centre, or sample
                                     ///< position per sample
    float y[kMaxLanes];              ///< same
    float z[kMaxLanes];              ///< sys frag_z
    float centroid_x[kMaxLanes];     ///< InterpLoc.centroid position (filled if
                                     ///< ProgramInfo::uses_centroid)
    float centroid_y[kMaxLanes];     ///< same
    uint32_t sample_mask[kMaxLanes]; ///< sys sample_mask_in
    uint32_t out[kFragmentOuts][kMaxLanes]; ///< hw::FragmentOut slots; only written ones are
                                            ///< stored, by lanes of exec
};

/// Scratch and shared memory of one worker thread, grown on demand and reused.
class WorkerMemory {
public:
    WorkerMemory();
    ~WorkerMemory();
    WorkerMemory(const WorkerMemory&) = delete;
    WorkerMemory& operator=(const WorkerMemory&) = delete;
    struct Impl;
    std::unique_ptr<Impl> impl; ///< owned by the executor
};

/// The shared memory of tessellation and geometry programs: limits.stage_io_bytes bytes that stay
/// as they are until the worker runs a compute workgroup.
[[nodiscard]] std::byte* stage_memory(WorkerMemory& memory);

/// A program made executable.
class Routine {
public:
    virtual ~Routine() = default;
    /// The program.
    [[nodiscard]] virtual const Program& program() const = 0;
    /// Runs a vertex, tess_eval or geometry wave.
    virtual void run_vertex(const DrawContext& draw, VertexWave& wave,
                            WorkerMemory& memory) const = 0;
    /// Runs the waves of a tess_control program that meet at barriers.
    virtual void run_control(const DrawContext& draw, std::span<VertexWave> waves,
                             WorkerMemory& memory) const = 0;
    /// Runs a fragment wave.
    virtual void run_fragment(const DrawContext& draw, FragmentWave& wave,
                              WorkerMemory& memory) const = 0;
    /// Runs all waves of a workgroup, barriers included. group = gl_WorkGroupID.
    virtual void run_workgroup(const DrawContext& draw, const std::array<uint32_t, 3>& group,
                               WorkerMemory& memory) const = 0;
};

/// Static state a vertex routine is specialised by: the format per location (0 = not fetched
/// through the table).
struct VertexKey {
    std::array<uint16_t, hw::limits::kMaxVertexAttributes> format{}; ///< hw format ids
    bool operator==(const VertexKey&) const = default;
};

/// Turns programs into routines. Thread-safe; routines are cached by (program hash, key).
class Executor {
public:
    virtual ~Executor() = default;
    /// Lanes per wave.
    [[nodiscard]] virtual unsigned wave_size() const = 0;
    /// Text for DeviceInfo::description.
    [[nodiscard]] virtual std::string description() const = 0;
    /// Never fails: falls back to the interpreter. May compile (and may wait for a running compile
    /// of the same key).
    [[nodiscard]] virtual std::shared_ptr<const Routine>
    routine(const std::shared_ptr<const Program>& program, const VertexKey& key) = 0;
    /// Starts compiling in the background.
    virtual void prefetch(const std::shared_ptr<const Program>& program, const VertexKey& key) = 0;
};

/// How to execute.
struct ExecutorConfig {
    enum class Mode {
        automatic,
        interpreter,
        jit
    } mode = Mode::automatic; ///< automatic = JIT with interpreter fallback
    unsigned wave_size = 0;   ///< 8, 16 or 0 = by CPU
    std::string cache_dir;    ///< code cache directory, empty = none
    std::string identity;     ///< of this build: cached code of another is not used
};
/// Creates an executor.
[[nodiscard]] base::Result<std::unique_ptr<Executor>> create_executor(const ExecutorConfig& config);

} // namespace kite::dev::exec
