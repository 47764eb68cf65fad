// SPDX-License-Identifier: MIT
// Tessellation and geometry programs between a batch's vertices and its primitives.
//
// Programs of these stages read vertex records (limits.io_record_bytes, a word per VertexOut slot)
// from the worker's stage memory. A patch lies there as its input records, its output records and
// the patch record; a geometry wave's primitives lie in the upper half, one lane each. What comes
// out is cut into parts that fit a ShadedBatch and handed over in API order. StageShader is
// read-only while a flush runs; a StageScratch belongs to one worker. Hostile programs can write
// anything into their records; sizes and counts come from verified program facts only.
#pragma once

#include "device/exec/emitted.hpp"
#include "device/geometry/batch.hpp"
#include "device/geometry/tessellator.hpp"

#include <functional>
#include <memory>
#include <vector>

namespace kite::dev::geometry {

/// What one worker needs for it.
struct StageScratch {
    ShadedBatch part;                    ///< primitives that are ready
    std::vector<uint32_t> records;       ///< of the batch's vertices
    std::vector<uint32_t> evaluated;     ///< of the points of some patches
    std::vector<Tessellation> divided;   ///< those patches
    std::vector<exec::VertexWave> waves; ///< at most the waves of one patch
    exec::EmittedVertices emitted;       ///< of one geometry wave
    std::vector<uint32_t> seen;          ///< source vertex -> stamp of the part that has it
    std::vector<uint16_t> place;         ///< source vertex -> its number in the part
    uint32_t stamp = 0;                  ///< of the current part
    uint64_t control_patches = 0;        ///< statistics of the last batch
    uint64_t eval_invocations = 0;       ///< likewise
    uint64_t geometry_invocations = 0;   ///< likewise
    uint64_t geometry_primitives = 0;    ///< likewise
};

/// Runs batches through the stages after the vertex program.
class StageShader {
public:
    /// Takes a part's primitives before the next part is made.
    using Sink = std::function<void(const ShadedBatch& part, uint32_t stream)>;

    const BatchShader* vertex = nullptr;     ///< gathers and shades vertices; `whole` is set
    const exec::Routine* control = nullptr;  ///< with evaluate, or null
    const exec::Routine* evaluate = nullptr; ///< with control, or null
    const exec::Routine* geometry = nullptr; ///< or null
    bool lower_left = false;                 ///< origin of the tessellation domain
    uint32_t streams = 1;                    ///< vertex streams that the sink gets

    /// Facts of the program whose outputs are rasterized.
    [[nodiscard]] const exec::ProgramInfo& last() const;
    /// What the rasterizer receives for an input topology.
    [[nodiscard]] PrimitiveClass output_class(hw::Topology topology) const;
    /// Primitives of a batch at most: bounds what one batch can grow to.
    [[nodiscard]] uint32_t batch_primitives() const;
    /// Primitives that one batch can grow to.
    [[nodiscard]] uint64_t most_output() const;
    /// Runs one batch; `in` is scratch too.
    void run(const BatchDesc& desc, const exec::DrawContext& context, exec::WorkerMemory& memory,
             ShadedBatch& in, StageScratch& scratch, const Sink& sink) const;

private:
    struct Source;
    struct Run;
    struct PatchLayout;
    [[nodiscard]] uint64_t growth() const;
    [[nodiscard]] PatchLayout patch_layout() const;
    void shade_records(Run& run) const;
    void tessellate(Run& run) const;
    uint32_t control_patch_group(Run& run, uint32_t first) const;
    void evaluate_points(Run& run, uint32_t patches) const;
    void patch_primitives(Run& run, const Tessellation& patch, const uint32_t* records) const;
    void run_geometry(Run& run, std::span<const uint32_t* const> vertices,
                      std::span<const uint32_t> ids) const;
    void strips(Run& run, uint32_t lane, uint32_t stream) const;
    void append(Run& run, const Source& source, const uint32_t* corners, unsigned count,
                unsigned provoking, uint32_t id) const;
};

} // namespace kite::dev::geometry
