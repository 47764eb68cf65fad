// SPDX-License-Identifier: MIT
// Runs queued draws: rounds of vertex work and binning, then tiles, each phase spread over the
// pool.
//
// The ordering guarantee: batches are numbered in API order; each worker sets up batches in growing
// order, a tile merges the workers' lists by number, and a tile belongs to one worker at a time. So
// every pixel sees primitives in API order whatever the scheduling. Load clears wait for the first
// round and are done tile by tile, while the tile is in cache. Used by Renderer, one thread.
#pragma once

#include "device/raster/draw_record.hpp"
#include "device/raster/hot.hpp"
#include "device/raster/setup.hpp"

#include <memory>
#include <vector>

namespace kite::dev::raster {

/// A load operation not done yet.
struct PendingClear {
    const Target* target; ///< plane
    std::byte texel[16];  ///< encoded value
};

/// The flush machinery of one renderer.
class Flusher {
public:
    explicit Flusher(const RenderEnvironment& environment);
    ~Flusher();
    Flusher(const Flusher&) = delete;
    Flusher& operator=(const Flusher&) = delete;

    /// A scope begins; the targets outlive it.
    [[nodiscard]] base::Result<void> open(const Targets& targets, uint32_t view_mask);
    /// Clears the render area of a target before anything is drawn.
    void add_clear(const PendingClear& clear) { clears_.push_back(clear); }
    /// Forgets pending clears.
    void drop_clears() { clears_.clear(); }
    /// Executes the draws. Fails (device lost) when the kill flag stopped it.
    [[nodiscard]] base::Result<void> run(const std::vector<std::unique_ptr<DrawRecord>>& draws);

private:
    struct Worker;
    struct Planned {
        const DrawRecord* draw;
        geometry::BatchDesc desc;
    };

    bool plan_round(const std::vector<std::unique_ptr<DrawRecord>>& draws);
    void begin_bins();
    void geometry_phase(size_t first, size_t end);
    void shade_batches(size_t first, size_t end);
    [[nodiscard]] size_t bin_bytes() const;
    bool run_round();
    void tile_phase();
    void shade_batch(Worker& worker, uint32_t index);
    void shade_stages(Worker& worker, uint32_t index);
    void draw_tile(Worker& worker, size_t bin);
    [[nodiscard]] bool killed() const;

    RenderEnvironment environment_;
    const HotCode& hot_;
    const Targets* targets_ = nullptr;
    uint32_t view_mask_ = 0;
    BinGrid grid_;
    std::vector<std::unique_ptr<Worker>> workers_;
    std::vector<WorkerBins*> bins_;
    std::vector<PendingClear> clears_;
    std::vector<Planned> round_;
    std::vector<geometry::CapturedBatch> captured_; // of the step's batches
    size_t step_first_ = 0;                         // number of its first batch in the round
    std::vector<uint32_t> tiles_;
    std::vector<uint8_t> tile_marked_;
    size_t draw_at_ = 0;
    std::unique_ptr<geometry::BatchPlanner> planner_;
};

} // namespace kite::dev::raster
