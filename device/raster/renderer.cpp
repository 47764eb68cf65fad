// SPDX-License-Identifier: MIT
#include "device/raster/renderer.hpp"

#include "base/thread_pool.hpp"
#include "device/raster/flush.hpp"
#include "device/raster/target.hpp"

#include <algorithm>
#include <bit>
#include <vector>

namespace kite::dev {

using base::ErrorCode;
using base::fail;
using raster::PixelRect;
using raster::Target;
using raster::Targets;

namespace {

constexpr size_t kMaxQueuedDraws = 2048;
constexpr uint64_t kMaxQueuedVertices = 1u << 20;
constexpr int kMaxExtent = hw::limits::kMaxImageDim2d;

/// An attachment's part in the load and resolve operations.
struct Plane {
    const hw::Attachment* attachment;
    const Target* target;
};

} // namespace

struct Renderer::Impl {
    explicit Impl(const RenderEnvironment& env) : environment(env), flusher(env) {}

    RenderEnvironment environment;
    raster::Flusher flusher;
    bool open = false;
    RenderingScope scope;
    Targets targets{};
    std::vector<std::unique_ptr<raster::DrawRecord>> queue;
    uint64_t queued_vertices = 0;

    [[nodiscard]] raster::Window window() const {
        return {environment.window, environment.va_mask};
    }
    base::Result<void> attach();
    base::Result<void> add_target(const hw::Attachment& attachment, base::Result<Target> made,
                                  Target& out);
    base::Result<void> resolve();
    base::Result<void> resolve_plane(const hw::Attachment& attachment, const Target& source,
                                     base::Result<Target> made);
    void plan_clears();
    base::Result<void> flush();
};

base::Result<void> Renderer::Impl::add_target(const hw::Attachment& attachment,
                                              base::Result<Target> made, Target& out) {
    if (!made) {
        return std::unexpected(std::move(made.error()));
    }
    if (made->samples != scope.samples) {
        return fail(ErrorCode::invalid_argument, "attachment with {} samples in a scope with {}",
                    made->samples, scope.samples);
    }
    (void)attachment;
    out = *made;
    targets.x1 = std::min(targets.x1, static_cast<int>(out.width));
    targets.y1 = std::min(targets.y1, static_cast<int>(out.height));
    targets.layers = std::min(targets.layers, out.layers);
    return {};
}

base::Result<void> Renderer::Impl::attach() {
    targets = {};
    if (scope.color_count > hw::limits::kMaxRenderTargets) {
        return fail(ErrorCode::invalid_argument, "{} colour attachments", scope.color_count);
    }
    if (!std::has_single_bit(scope.samples) || scope.samples > hw::limits::kMaxSamples) {
        return base::unsupported("this sample count");
    }
    const auto clamp = [](int64_t v) {
        return static_cast<int>(std::clamp<int64_t>(v, 0, kMaxExtent));
    };
    targets.samples = scope.samples;
    targets.color_count = scope.color_count;
    targets.x0 = clamp(scope.area.x);
    targets.y0 = clamp(scope.area.y);
    targets.x1 = clamp(int64_t{scope.area.x} + scope.area.width);
    targets.y1 = clamp(int64_t{scope.area.y} + scope.area.height);
    targets.layers = std::clamp(scope.view_mask != 0 ? 32u : scope.layers, 1u,
                                uint32_t{hw::limits::kMaxImageLayers});
    for (uint32_t i = 0; i < scope.color_count; ++i) {
        if (scope.colors[i].present) {
            if (auto r =
                    add_target(scope.colors[i],
                               raster::make_color_target(window(), scope.colors[i].surface.image),
                               targets.color[i]);
                !r) {
                return r;
            }
        }
    }
    if (scope.depth.present) {
        if (auto r = add_target(scope.depth,
                                raster::make_depth_target(window(), scope.depth.surface.image),
                                targets.depth);
            !r) {
            return r;
        }
    }
    if (scope.stencil.present) {
        if (auto r = add_target(scope.stencil,
                                raster::make_stencil_target(window(), scope.stencil.surface.image),
                                targets.stencil);
            !r) {
            return r;
        }
    }
    targets.x1 = std::max(targets.x0, targets.x1);
    targets.y1 = std::max(targets.y0, targets.y1);
    return {};
}

void Renderer::Impl::plan_clears() {
    const auto add = [this](const hw::Attachment& attachment, const Target& target) {
        if (attachment.present && attachment.load_op == hw::LoadOp::clear) {
            raster::PendingClear clear{.target = &target, .texel = {}};
            const uint32_t value[4] = {attachment.clear[0], attachment.clear[1],
                                       attachment.clear[2], attachment.clear[3]};
            raster::encode_clear(target, value, clear.texel);
            flusher.add_clear(clear);
        }
    };
    for (uint32_t i = 0; i < scope.color_count; ++i) {
        add(scope.colors[i], targets.color[i]);
    }
    add(scope.depth, targets.depth);
    add(scope.stencil, targets.stencil);
}

base::Result<void> Renderer::Impl::flush() {
    auto result = flusher.run(queue);
    queue.clear();
    queued_vertices = 0;
    return result;
}

base::Result<void> Renderer::Impl::resolve_plane(const hw::Attachment& attachment,
                                                 const Target& source, base::Result<Target> made) {
    if (!made) {
        return std::unexpected(std::move(made.error()));
    }
    const Target destination = *made;
    if (destination.samples != 1 || destination.bytes != source.bytes ||
        destination.color != source.color || destination.depth != source.depth ||
        source.samples == 1) {
        return fail(ErrorCode::invalid_argument, "resolve between incompatible attachments");
    }
    const PixelRect area{targets.x0, targets.y0,
                         std::min(targets.x1, static_cast<int>(destination.width)),
                         std::min(targets.y1, static_cast<int>(destination.height))};
    const uint32_t layers = std::min(targets.layers, destination.layers);
    for (uint32_t layer = 0; layer < layers; ++layer) {
        if (scope.view_mask != 0 && (scope.view_mask >> layer & 1u) == 0) {
            continue;
        }
        const auto rows = static_cast<uint64_t>(std::max(0, (area.y1 - area.y0 + 15) / 16));
        environment.pool->parallel_for(rows, [&](uint64_t row, unsigned) {
            const int y0 = area.y0 + static_cast<int>(row) * 16;
            raster::resolve_rect(source, destination, layer,
                                 {area.x0, y0, area.x1, std::min(y0 + 16, area.y1)},
                                 attachment.resolve_mode);
        });
    }
    return {};
}

base::Result<void> Renderer::Impl::resolve() {
    base::Result<void> result;
    const auto wanted = [](const hw::Attachment& a) {
        return a.present && a.resolve_mode != hw::ResolveMode::none;
    };
    for (uint32_t i = 0; i < scope.color_count && result; ++i) {
        if (wanted(scope.colors[i])) {
            result =
                resolve_plane(scope.colors[i], targets.color[i],
                              raster::make_color_target(window(), scope.colors[i].resolve.image));
        }
    }
    if (result && wanted(scope.depth)) {
        result = resolve_plane(scope.depth, targets.depth,
                               raster::make_depth_target(window(), scope.depth.resolve.image));
    }
    if (result && wanted(scope.stencil)) {
        result = resolve_plane(scope.stencil, targets.stencil,
                               raster::make_stencil_target(window(), scope.stencil.resolve.image));
    }
    return result;
}

Renderer::Renderer(const RenderEnvironment& environment)
    : impl_(std::make_unique<Impl>(environment)) {}
Renderer::~Renderer() = default;

bool Renderer::in_scope() const {
    return impl_->open;
}

base::Result<void> Renderer::begin_rendering(const RenderingScope& scope) {
    Impl& s = *impl_;
    if (s.open) {
        return fail(ErrorCode::invalid_argument, "BeginRendering inside a rendering scope");
    }
    s.scope = scope;
    if (auto r = s.attach(); !r) {
        return r;
    }
    if (auto r = s.flusher.open(s.targets, scope.view_mask); !r) {
        return r;
    }
    s.plan_clears();
    s.open = true;
    return {};
}

base::Result<void> Renderer::draw(const DrawState& state, const DrawParams& params) {
    Impl& s = *impl_;
    if (!s.open) {
        return fail(ErrorCode::invalid_argument, "draw outside a rendering scope");
    }
    if (params.count == 0 || params.instance_count == 0) {
        return {};
    }
    auto record =
        raster::make_draw_record(s.environment, s.targets, s.scope.view_mask, state, params);
    if (!record) {
        return std::unexpected(std::move(record.error()));
    }
    if (RenderCounters* c = s.environment.counters; c != nullptr) {
        c->draws.fetch_add(1, std::memory_order_relaxed);
    }
    if (state.statistics != nullptr) {
        state.statistics->input_vertices.fetch_add(uint64_t{params.count} * params.instance_count,
                                                   std::memory_order_relaxed);
    }
    s.queue.push_back(std::move(*record));
    s.queued_vertices += uint64_t{params.count} * params.instance_count;
    if (s.queue.size() >= kMaxQueuedDraws || s.queued_vertices >= kMaxQueuedVertices) {
        return s.flush();
    }
    return {};
}

base::Result<void> Renderer::clear_attachment(const hw::ClearAttachmentPacket& clear) {
    Impl& s = *impl_;
    if (!s.open) {
        return fail(ErrorCode::invalid_argument, "ClearAttachment outside a rendering scope");
    }
    const Target* target = nullptr;
    if (clear.aspect == hw::Aspect::color && clear.index < s.targets.color_count) {
        target = &s.targets.color[clear.index];
    } else if (clear.aspect == hw::Aspect::depth) {
        target = &s.targets.depth;
    } else if (clear.aspect == hw::Aspect::stencil) {
        target = &s.targets.stencil;
    }
    if (target == nullptr || target->base == nullptr) {
        return {}; // Vulkan: clearing an unused attachment does nothing
    }
    if (auto r = s.flush(); !r) {
        return r;
    }
    const auto edge = [](int64_t v, int lo, int hi) {
        return static_cast<int>(std::clamp<int64_t>(v, lo, hi));
    };
    const PixelRect rect{
        edge(clear.rect.x, s.targets.x0, s.targets.x1),
        edge(clear.rect.y, s.targets.y0, s.targets.y1),
        edge(int64_t{clear.rect.x} + clear.rect.width, s.targets.x0, s.targets.x1),
        edge(int64_t{clear.rect.y} + clear.rect.height, s.targets.y0, s.targets.y1)};
    if (rect.empty()) {
        return {};
    }
    std::byte texel[16];
    const uint32_t value[4] = {clear.value[0], clear.value[1], clear.value[2], clear.value[3]};
    raster::encode_clear(*target, value, texel);
    const uint64_t end =
        std::min<uint64_t>(s.targets.layers, uint64_t{clear.base_layer} + clear.layer_count);
    for (uint32_t layer = 0; layer < s.targets.layers; ++layer) {
        const bool seen = s.scope.view_mask == 0 || (s.scope.view_mask >> layer & 1u) != 0;
        if (!seen || layer < clear.base_layer || layer >= end) {
            continue;
        }
        const auto rows = static_cast<uint64_t>((rect.y1 - (rect.y0 & ~63) + 63) / 64);
        s.environment.pool->parallel_for(rows, [&](uint64_t row, unsigned) {
            const int y0 = (rect.y0 & ~63) + static_cast<int>(row) * 64;
            const PixelRect part{rect.x0, std::max(y0, rect.y0), rect.x1,
                                 std::min(y0 + 64, rect.y1)};
            if (!part.empty()) {
                raster::fill_rect(*target, layer, part, texel);
            }
        });
    }
    return {};
}

base::Result<void> Renderer::flush() {
    return impl_->open ? impl_->flush() : base::Result<void>{};
}

base::Result<void> Renderer::end_rendering() {
    Impl& s = *impl_;
    if (!s.open) {
        return fail(ErrorCode::invalid_argument, "EndRendering outside a rendering scope");
    }
    auto result = s.flush();
    if (result) {
        result = s.resolve();
    }
    s.open = false;
    return result;
}

void Renderer::abandon() {
    impl_->queue.clear();
    impl_->queued_vertices = 0;
    impl_->flusher.drop_clears();
    impl_->open = false;
}

} // namespace kite::dev
