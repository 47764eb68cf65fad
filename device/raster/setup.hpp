// SPDX-License-Identifier: MIT
// Primitive set-up: shaded batches become binned primitives with edge functions and interpolation
// planes.
//
// A SetupWorker belongs to one worker thread during the geometry phase of a flush. Positions snap
// to 1/256 pixel, edges are exact integers with the top-left rule, so adjacent triangles cover each
// sample exactly once. Nothing fails: primitives that are culled, clipped away or not finite
// produce nothing.
#pragma once

#include "device/geometry/clip.hpp"
#include "device/raster/bins.hpp"
#include "device/raster/draw_record.hpp"

#include <cstdint>
#include <vector>

namespace kite::dev::raster {

/// How tiles map to bins.
struct BinGrid {
    uint32_t columns = 0;   ///< bins in x
    uint32_t rows = 0;      ///< bins in y
    uint32_t layers = 1;    ///< layers
    uint32_t log2_tile = 6; ///< bin edge: 64 pixels, more for huge targets
    /// Number of bins.
    [[nodiscard]] size_t count() const { return size_t{columns} * rows * layers; }
};

/// A vertex in screen space.
struct ScreenVertex {
    int32_t fx, fy; ///< position in sub-pixels
    float z;        ///< depth
    float rcpw;     ///< 1 / w
    float b1, b2;   ///< weights of the original vertices 1 and 2
    float l1, l2;   ///< the same, linear
};

/// Sets up batches for one worker.
class SetupWorker {
public:
    WorkerBins bins;               ///< output
    uint64_t clip_invocations = 0; ///< primitives before clipping
    uint64_t clip_primitives = 0;  ///< primitives that were binned
    /// Starts a flush.
    void begin(const BinGrid& grid);
    /// Sets up all primitives of a batch. `sequence` orders batches.
    void run(const DrawRecord& draw, const geometry::ShadedBatch& batch, uint32_t view,
             uint32_t sequence);

private:
    struct Vertex { // projected, by vertex of the batch
        int32_t fx, fy;
        float z, rcpw;
        uint32_t code; // outcode
    };
    struct Source { // the original primitive
        const geometry::Assembled* primitive;
        uint32_t layer;
        uint32_t viewport;
    };

    void project_all();
    Vertex project(const ViewportTransform& viewport, uint32_t vertex) const;
    uint32_t outcode(const ViewportTransform& viewport, uint32_t vertex) const;
    ScreenVertex to_screen(const ViewportTransform& viewport, const geometry::ClipVertex& v) const;
    geometry::ClipVertex clip_vertex(uint32_t vertex, unsigned corner) const;
    unsigned clip_planes(const Source& source, uint32_t codes, bool sides,
                         geometry::ClipPlane* planes) const;
    const uint32_t* varyings(uint32_t vertex);
    bool source_of(const geometry::Assembled& primitive, Source& source) const;

    void triangle(const geometry::Assembled& primitive);
    void clipped_triangle(const Source& source, uint32_t codes);
    void emit_triangle(const Source& source, const ScreenVertex* v, int64_t area);
    void polygon_outline(const Source& source, bool front, float bias);
    void line(const Source& source, uint32_t va, uint32_t vb, float bias, bool front);
    void point(const Source& source, uint32_t vertex, float bias, bool front);
    bool culled(int64_t area, bool& front) const;
    float bias_of(float slope, float max_z) const;
    float outline_bias(const ScreenVertex* v, int64_t area) const;

    BinnedPrim* new_prim(const Source& source, bool front);
    void bin(const BinnedPrim* prim);

    BinGrid grid_;
    const DrawRecord* draw_ = nullptr;
    const SetupState* state_ = nullptr;
    const geometry::ShadedBatch* batch_ = nullptr;
    const PixelState* pixels_ = nullptr;
    uint32_t view_ = 0;
    uint32_t sequence_ = 0;
    std::vector<Vertex> vertices_;
    std::vector<const uint32_t*> packed_;
};

} // namespace kite::dev::raster
