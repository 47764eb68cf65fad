// SPDX-License-Identifier: MIT
#include "device/raster/flush.hpp"

#include "base/thread_pool.hpp"
#include "device/raster/target.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace kite::dev::raster {

namespace {

constexpr size_t kRoundBatches = 1024; // bounds the plan of a round
constexpr size_t kBinBudget = 128u
                              << 20; // bytes of primitives and lists after which tiles are drawn
constexpr size_t kMaxBins = 1u << 20;

} // namespace

/// What one thread works with.
struct Flusher::Worker {
    SetupWorker setup;
    geometry::ShadedBatch batch;
    std::unique_ptr<geometry::StageScratch> stages; ///< made for the first draw that has any
    exec::FragmentWave wave{};
    exec::FragmentWave half{};
    exec::WorkerMemory memory;
    TileContext tile{};
    uint64_t vertices = 0;
    uint64_t tiles = 0;
};

Flusher::Flusher(const RenderEnvironment& environment)
    : environment_(environment), hot_(hot_code()) {
    const size_t count =
        std::min<size_t>(std::max(1u, environment.pool->concurrency()), TileCursor::kMaxWorkers);
    for (size_t i = 0; i < count; ++i) {
        workers_.push_back(std::make_unique<Worker>());
        bins_.push_back(&workers_.back()->setup.bins);
    }
}

Flusher::~Flusher() = default;

bool Flusher::killed() const {
    return environment_.kill != nullptr && environment_.kill->load(std::memory_order_relaxed) != 0;
}

base::Result<void> Flusher::open(const Targets& targets, uint32_t view_mask) {
    targets_ = &targets;
    view_mask_ = view_mask;
    clears_.clear();
    grid_ = {};
    grid_.layers = targets.layers;
    for (;;) {
        const uint32_t last = (1u << grid_.log2_tile) - 1;
        grid_.columns = std::max(1u, (static_cast<uint32_t>(targets.x1) + last) >> grid_.log2_tile);
        grid_.rows = std::max(1u, (static_cast<uint32_t>(targets.y1) + last) >> grid_.log2_tile);
        if (grid_.count() <= kMaxBins) {
            return {};
        }
        ++grid_.log2_tile;
    }
}

bool Flusher::plan_round(const std::vector<std::unique_ptr<DrawRecord>>& draws) {
    round_.clear();
    while (round_.size() < kRoundBatches && draw_at_ < draws.size()) {
        const DrawRecord& draw = *draws[draw_at_];
        if (planner_ == nullptr) {
            planner_ = std::make_unique<geometry::BatchPlanner>(draw.input);
        }
        Planned planned{&draw, {}};
        if (!planner_->next(planned.desc)) {
            planner_.reset();
            ++draw_at_;
        } else if (planned.desc.primitive_count != 0) {
            round_.push_back(planned);
        } else if (killed()) {
            break;
        }
    }
    return !round_.empty();
}

void Flusher::shade_batch(Worker& worker, uint32_t index) {
    const auto& [draw, desc] = round_[index];
    const exec::DrawContext& context =
        *draw->contexts[std::min<size_t>(desc.view, draw->contexts.size() - 1)];
    if (draw->stages != nullptr) {
        shade_stages(worker, index);
    } else {
        draw->shader.run(desc, context, worker.memory, worker.batch);
        if (draw->capture != nullptr) {
            draw->capture->take(worker.batch, 0, captured_[index - step_first_]);
        }
        if (!draw->discard && draw->raster_stream == 0) {
            worker.setup.run(*draw, worker.batch, desc.view, index);
        }
    }
    worker.vertices += worker.batch.vertex_count;
    if (PipelineStatistics* s = draw->statistics; s != nullptr) {
        const uint64_t primitives = worker.batch.primitive_count;
        s->input_primitives.fetch_add(primitives, std::memory_order_relaxed);
        s->vertex_invocations.fetch_add(worker.batch.vertex_count, std::memory_order_relaxed);
        s->clip_invocations.fetch_add(worker.setup.clip_invocations, std::memory_order_relaxed);
        s->clip_primitives.fetch_add(worker.setup.clip_primitives, std::memory_order_relaxed);
    }
    if (RenderCounters* c = environment_.counters; c != nullptr) {
        c->vertices.fetch_add(worker.batch.vertex_count, std::memory_order_relaxed);
        c->primitives.fetch_add(worker.setup.clip_primitives, std::memory_order_relaxed);
    }
    worker.setup.clip_invocations = 0;
    worker.setup.clip_primitives = 0;
}

void Flusher::shade_stages(Worker& worker, uint32_t index) {
    const auto& [draw, desc] = round_[index];
    if (worker.stages == nullptr) {
        worker.stages = std::make_unique<geometry::StageScratch>();
    }
    geometry::StageScratch& scratch = *worker.stages;
    const exec::DrawContext& context =
        *draw->contexts[std::min<size_t>(desc.view, draw->contexts.size() - 1)];
    const auto set_up = [&](const geometry::ShadedBatch& part, uint32_t stream) {
        if (draw->capture != nullptr && !killed()) {
            draw->capture->take(part, stream, captured_[index - step_first_]);
        }
        if (!draw->discard && stream == draw->raster_stream && !killed()) {
            worker.setup.run(*draw, part, desc.view, index);
        }
    };
    draw->stages->run(desc, context, worker.memory, worker.batch, scratch, set_up);
    if (PipelineStatistics* s = draw->statistics; s != nullptr) {
        const auto add = [](std::atomic<uint64_t>& to, uint64_t n) {
            to.fetch_add(n, std::memory_order_relaxed);
        };
        add(s->control_patches, scratch.control_patches);
        add(s->eval_invocations, scratch.eval_invocations);
        add(s->geometry_invocations, scratch.geometry_invocations);
        add(s->geometry_primitives, scratch.geometry_primitives);
    }
}

void Flusher::begin_bins() {
    for (auto& worker : workers_) {
        worker->setup.begin(grid_);
    }
}

size_t Flusher::bin_bytes() const {
    size_t used = 0;
    for (const WorkerBins* bins : bins_) {
        used += bins->arena.used_bytes();
    }
    return used;
}

void Flusher::geometry_phase(size_t first, size_t end) {
    step_first_ = first;
    const bool captures =
        std::any_of(round_.begin() + static_cast<ptrdiff_t>(first),
                    round_.begin() + static_cast<ptrdiff_t>(end),
                    [](const Planned& planned) { return planned.draw->capture != nullptr; });
    if (captures && captured_.size() < end - first) {
        captured_.resize(end - first);
    }
    shade_batches(first, end);
    if (killed()) {
        captured_.clear();
        return;
    }
    for (size_t i = first; captures && i < end; ++i) { // in API order
        if (const auto& capture = round_[i].draw->capture; capture != nullptr) {
            capture->commit(captured_[i - first]);
        }
    }
}

void Flusher::shade_batches(size_t first, size_t end) {
    if (end - first == 1) {
        shade_batch(*workers_[0], static_cast<uint32_t>(first));
        return;
    }
    environment_.pool->parallel_for(end - first, [this, first](uint64_t i, unsigned thread) {
        if (!killed()) {
            shade_batch(*workers_[thread], static_cast<uint32_t>(first + i));
        }
    });
}

/// Batches of the round in steps that cannot overshoot the budget by much even if every primitive
/// covers every bin; tiles are drawn whenever the budget is used up, and at the end.
bool Flusher::run_round() {
    size_t worst = geometry::kBatchPrimitives * sizeof(void*) * grid_.count();
    for (const Planned& planned : round_) {
        if (planned.draw->stages != nullptr) { // primitives multiply
            worst =
                std::max<size_t>(worst, planned.draw->stages->most_output() * sizeof(BinnedPrim));
        }
        if (const auto& capture = planned.draw->capture; capture != nullptr) {
            const uint64_t most = planned.draw->stages != nullptr
                                      ? planned.draw->stages->most_output()
                                      : geometry::kBatchPrimitives;
            worst = std::max<size_t>(worst, capture->worst_bytes(most));
        }
    }
    const size_t step = std::clamp<size_t>(kBinBudget / worst, 1, kRoundBatches);
    begin_bins();
    for (size_t first = 0; first < round_.size(); first += step) {
        if (bin_bytes() > kBinBudget) {
            tile_phase();
            begin_bins();
        }
        geometry_phase(first, std::min(first + step, round_.size()));
        if (killed()) {
            return false;
        }
    }
    tile_phase();
    return !killed();
}

void Flusher::draw_tile(Worker& worker, size_t bin) {
    const size_t per_layer = size_t{grid_.columns} * grid_.rows;
    const auto layer = static_cast<uint32_t>(bin / per_layer);
    const int edge = 1 << grid_.log2_tile;
    const int bin_x = static_cast<int>(bin % grid_.columns) * edge;
    const int bin_y = static_cast<int>(bin / grid_.columns % grid_.rows) * edge;
    if (!clears_.empty() && (view_mask_ == 0 || (view_mask_ >> layer & 1u) != 0)) {
        const PixelRect rect{std::max(bin_x, targets_->x0), std::max(bin_y, targets_->y0),
                             std::min(bin_x + edge, targets_->x1),
                             std::min(bin_y + edge, targets_->y1)};
        if (!rect.empty()) {
            for (const PendingClear& clear : clears_) {
                fill_rect(*clear.target, layer, rect, clear.texel);
            }
        }
    }
    TileCursor cursor(bins_, bin);
    uint32_t since_check = 0;
    while (const BinnedPrim* prim = cursor.next()) {
        if ((++since_check & 63u) == 0 && killed()) {
            return;
        }
        if (edge == kTile) {
            hot_.draw(worker.tile, *prim, bin_x, bin_y);
            continue;
        }
        const int x1 = std::min<int>(prim->x1, bin_x + edge - 1);
        const int y1 = std::min<int>(prim->y1, bin_y + edge - 1);
        for (int y = std::max<int>(prim->y0, bin_y) & ~(kTile - 1); y <= y1; y += kTile) {
            for (int x = std::max<int>(prim->x0, bin_x) & ~(kTile - 1); x <= x1; x += kTile) {
                hot_.draw(worker.tile, *prim, x, y);
            }
        }
    }
    ++worker.tiles;
}

void Flusher::tile_phase() {
    tiles_.clear();
    if (!clears_.empty()) {
        tiles_.resize(grid_.count());
        std::iota(tiles_.begin(), tiles_.end(), 0u);
    } else {
        tile_marked_.resize(grid_.count());
        for (const WorkerBins* bins : bins_) {
            for (const uint32_t bin : bins->touched()) {
                if (tile_marked_[bin] == 0) {
                    tile_marked_[bin] = 1;
                    tiles_.push_back(bin);
                }
            }
        }
        for (const uint32_t bin : tiles_) {
            tile_marked_[bin] = 0;
        }
    }
    for (auto& worker : workers_) {
        worker->tile = {.targets = targets_,
                        .wave = &worker->wave,
                        .half = &worker->half,
                        .memory = &worker->memory,
                        .wave_size = environment_.executor->wave_size(),
                        .srgb = &srgb_tables(),
                        .current = nullptr,
                        .samples = 0,
                        .invocations = 0,
                        .waves = 0};
    }
    environment_.pool->parallel_for(tiles_.size(), [this](uint64_t i, unsigned thread) {
        if (!killed()) {
            draw_tile(*workers_[thread], tiles_[i]);
        }
    });
    clears_.clear();
    for (auto& worker : workers_) {
        settle_counts(worker->tile);
        if (RenderCounters* c = environment_.counters; c != nullptr) {
            c->waves.fetch_add(worker->tile.waves, std::memory_order_relaxed);
            c->tiles.fetch_add(worker->tiles, std::memory_order_relaxed);
        }
        worker->tiles = 0;
    }
}

base::Result<void> Flusher::run(const std::vector<std::unique_ptr<DrawRecord>>& draws) {
    draw_at_ = 0;
    planner_.reset();
    const bool staged = std::any_of(draws.begin(), draws.end(),
                                    [](const auto& draw) { return draw->stages != nullptr; });
    for (size_t i = 0; staged && i < workers_.size(); ++i) { // nothing of other work to be read
        std::memset(exec::stage_memory(workers_[i]->memory), 0, hw::limits::kStageIoBytes);
    }
    if (RenderCounters* c = environment_.counters; c != nullptr && !draws.empty()) {
        c->flushes.fetch_add(1, std::memory_order_relaxed);
    }
    bool drawn = false;
    while (plan_round(draws)) {
        drawn = true;
        if (!run_round()) {
            break;
        }
    }
    planner_.reset();
    if (!drawn && !clears_.empty()) {
        begin_bins();
        tile_phase();
    }
    if (killed()) {
        return base::fail(base::ErrorCode::device_lost, "rendering was stopped");
    }
    return {};
}

} // namespace kite::dev::raster
