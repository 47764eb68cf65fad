// SPDX-License-Identifier: MIT
// Vertex work: a draw is cut into batches of primitives; a batch fetches indices, shades each
// vertex once and assembles.
//
// A BatchPlanner enumerates the batches of one draw in API order (views, instances, segments
// between restart indices). A ShadedBatch is a worker's scratch, refilled for every batch. Batches
// are independent, so any worker may shade any of them. Index buffers are hostile and may change
// while they are read: each index is read once and bounds are checked against sizes only.
#pragma once

#include "device/exec/executor.hpp"
#include "device/geometry/draw_state.hpp"

#include <cstdint>
#include <vector>

namespace kite::dev::geometry {

inline constexpr uint32_t kBatchPrimitives = 128; ///< primitives of a batch
inline constexpr uint32_t kBatchVertices = 1024;  ///< vertices of a batch at most
inline constexpr uint32_t kMaxDistances = hw::limits::kMaxClipDistances; ///< clip (cull) distances

/// What the primitives of a topology are.
enum class PrimitiveClass : uint8_t { point, line, triangle };

/// Everything vertex work needs of a draw.
struct VertexInput {
    hw::Topology topology{};                      ///< topology
    bool indexed = false;                         ///< fetch indices
    bool restart = false;                         ///< all-ones restarts
    bool provoking_last = false;                  ///< convention
    const std::byte* indices = nullptr;           ///< host address of the index buffer
    uint64_t index_bytes = 0;                     ///< readable bytes
    uint32_t index_size = 2;                      ///< 1, 2 or 4
    uint32_t first = 0;                           ///< first vertex or index
    uint32_t count = 0;                           ///< vertices or indices
    int32_t vertex_offset = 0;                    ///< added to indices
    uint32_t first_instance = 0;                  ///< first instance
    uint32_t instance_count = 0;                  ///< instances
    uint32_t view_mask = 0;                       ///< views, 0 = one pass with view 0
    uint32_t patch_vertices = 0;                  ///< patch lists: vertices of a patch
    uint32_t batch_primitives = kBatchPrimitives; ///< primitives of a batch at most

    /// Index number `element` of the draw; 0 outside the buffer.
    [[nodiscard]] uint32_t index(uint64_t element) const;
};

/// Points, lines or triangles.
[[nodiscard]] PrimitiveClass primitive_class(hw::Topology topology);
/// Primitives that `elements` vertices make.
[[nodiscard]] uint32_t primitive_count(hw::Topology topology, uint32_t elements,
                                       uint32_t patch_vertices = 0);
/// Vertices of one primitive including adjacent ones, as geometry and tessellation programs see it.
[[nodiscard]] uint32_t primitive_vertices(hw::Topology topology, uint32_t patch_vertices);

/// A range of primitives.
struct BatchDesc {
    uint32_t view;            ///< view index
    uint32_t instance;        ///< first instance, relative
    uint32_t instance_count;  ///< whole instances, 1 unless they are small
    uint32_t segment_first;   ///< first element of the run between restarts
    uint32_t first_primitive; ///< in the run
    uint32_t primitive_count; ///< in the run (per instance)
    uint32_t primitive_id;    ///< gl_PrimitiveID of the first one
    bool ends_run;            ///< the run's last primitive is among them
};

/// Enumerates the batches of a draw; memory use is constant.
class BatchPlanner {
public:
    explicit BatchPlanner(const VertexInput& input);
    /// The next batch; false at the end. Scans at most a bounded number of indices before it
    /// returns, then sets `batch.primitive_count` to 0 for "nothing yet, call again".
    [[nodiscard]] bool next(BatchDesc& batch);

private:
    bool next_segment(uint32_t& budget);
    bool next_instance();

    const VertexInput* input_;
    uint32_t views_left_; // views not yet finished, including the current one
    uint32_t instance_ = 0;
    uint32_t step_ = 1; // instances per batch
    uint32_t scan_ = 0; // element after the segment
    uint32_t segment_first_ = 0;
    uint32_t segment_primitives_ = 0;
    uint32_t primitive_ = 0; // next in the segment
    uint32_t primitive_id_ = 0;
    bool scanning_ = false; // segment_first_ is set, its end is not found yet
    bool done_ = false;
};

/// One assembled primitive: vertex numbers in the batch, v[0..n-1] in rasterization order.
struct Assembled {
    uint16_t v[3];         ///< vertices
    uint16_t provoking;    ///< the vertex that flat inputs come from
    uint32_t primitive_id; ///< gl_PrimitiveID
    uint8_t lead;          ///< captured in the order v[lead], v[lead + 1] ... of the cycle
};

/// A batch after its vertex program ran. Arrays are indexed by vertex number.
struct ShadedBatch {
    explicit ShadedBatch();

    alignas(64) float x[kBatchVertices];       ///< clip coordinates
    float y[kBatchVertices];                   ///< clip coordinates
    float z[kBatchVertices];                   ///< clip coordinates
    float w[kBatchVertices];                   ///< clip coordinates
    float point_size[kBatchVertices];          ///< if the program writes it
    uint32_t layer[kBatchVertices];            ///< if the program writes it
    uint32_t viewport[kBatchVertices];         ///< if the program writes it
    float clip[kMaxDistances][kBatchVertices]; ///< clip distances written
    float cull[kMaxDistances][kBatchVertices]; ///< cull distances written
    uint32_t vertex_index[kBatchVertices];     ///< inputs of the program
    uint32_t instance_index[kBatchVertices];   ///< inputs of the program
    uint32_t vertex_count = 0;                 ///< vertices
    std::vector<uint32_t>
        varyings; ///< row r of the wanted slots: varyings[r * kBatchVertices + vertex]
    Assembled primitives[kBatchPrimitives]; ///< assembled
    uint32_t primitive_count = 0;           ///< entries of primitives
    std::vector<uint16_t> members;          ///< BatchShader::whole: vertices of all primitives
    exec::VertexWave wave;                  ///< scratch

    /// Puts the inputs of up to `width` vertices from `first` on into `wave`; returns how many.
    uint32_t begin_wave(uint32_t first, uint32_t width);

private:
    friend class BatchShader;
    uint16_t slots_[kBatchVertices];
    struct Seen {
        uint32_t index;
        uint32_t stamp;
        uint16_t vertex;
    };
    static constexpr uint32_t kSeen = 256;
    Seen seen_[kSeen];
    uint32_t stamp_ = 0;
};

/// Shades batches of one draw.
class BatchShader {
public:
    /// Varying slots (in rank order) that end up in ShadedBatch::varyings.
    std::vector<uint8_t> slots;
    const VertexInput* input = nullptr;     ///< draw
    const exec::Routine* routine = nullptr; ///< vertex program
    unsigned wave_size = 16;                ///< lanes
    bool whole = false; ///< gather() fills ShadedBatch::members instead of ::primitives

    /// Runs one batch; `context` is that of the batch's view.
    void run(const BatchDesc& desc, const exec::DrawContext& context, exec::WorkerMemory& memory,
             ShadedBatch& out) const;

    /// The first half of run(): which vertices there are and which primitives they make.
    void gather(const BatchDesc& desc, ShadedBatch& out) const;

private:
    void list_members(const BatchDesc& desc, uint32_t base_element, uint32_t center,
                      const uint16_t* slots, ShadedBatch& out) const;
    void assemble(const BatchDesc& desc, uint32_t base_element, uint32_t center,
                  const uint16_t* slots, ShadedBatch& out) const;
    void shade(const exec::DrawContext& context, exec::WorkerMemory& memory,
               ShadedBatch& out) const;
};

} // namespace kite::dev::geometry
