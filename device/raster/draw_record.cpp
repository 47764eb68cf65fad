// SPDX-License-Identifier: MIT
#include "device/raster/draw_record.hpp"

#include "device/geometry/slots.hpp"

#include "kite_hw/formats.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace kite::dev::raster {

namespace {

using base::ErrorCode;
using base::fail;

float sane(float v, float lo, float hi) {
    return v >= lo ? std::min(v, hi) : lo;
} // NaN gives lo

/// A host range of at most `size` bytes at a GPU address.
std::pair<const std::byte*, uint64_t> host_range(const RenderEnvironment& env, uint64_t address,
                                                 uint64_t size) {
    const uint64_t offset = address & env.va_mask;
    return {env.window + offset, std::min(size, env.va_mask + 1 - offset)};
}

void guard_band(float scale, float offset, float& lo, float& hi) {
    constexpr auto kLo = static_cast<float>(kGuardMin);
    constexpr auto kHi = static_cast<float>(kGuardMax);
    if (std::fabs(scale) < 1e-6f) {
        const bool visible = offset >= kLo && offset <= kHi;
        lo = visible ? -1e30f : 1.0f;
        hi = visible ? 1e30f : -1.0f;
        return;
    }
    const float a = (kLo - offset) / scale;
    const float b = (kHi - offset) / scale;
    lo = std::min(a, b);
    hi = std::max(a, b);
}

ViewportTransform make_viewport(const Targets& targets, const DrawState& state, size_t index) {
    const hw::Viewport& v = state.viewports[index];
    const hw::Rect& scissor = state.scissors[index];
    constexpr float kFar = 65536.0f;
    const float x = sane(v.x, -kFar, kFar);
    const float y = sane(v.y, -kFar, kFar);
    const float width = sane(v.width, 0, kFar);
    const float height = sane(v.height, -kFar, kFar);
    constexpr float kDeep = 1e30f; // Vulkan's own range is 0..1 unless it is unrestricted
    const float near = sane(v.min_depth, -kDeep, kDeep);
    const float far = sane(v.max_depth, -kDeep, kDeep);
    ViewportTransform t{};
    t.sx = width * 0.5f;
    t.ox = x + t.sx;
    t.sy = height * 0.5f;
    t.oy = y + t.sy;
    t.sz = state.depth_clip_negative_one ? (far - near) * 0.5f : far - near;
    t.oz = state.depth_clip_negative_one ? (far + near) * 0.5f : near;
    guard_band(t.sx, t.ox, t.gx0, t.gx1);
    guard_band(t.sy, t.oy, t.gy0, t.gy1);
    t.min_depth = std::min(near, far);
    t.max_depth = std::max(near, far);
    const auto clip = [](int64_t lo, int64_t size, int area_lo, int area_hi, int& out_lo,
                         int& out_hi) {
        out_lo = static_cast<int>(std::clamp<int64_t>(lo, area_lo, area_hi));
        out_hi = static_cast<int>(std::clamp<int64_t>(lo + size, area_lo, area_hi)) - 1;
    };
    clip(scissor.x, scissor.width, targets.x0, targets.x1, t.sx0, t.sx1);
    clip(scissor.y, scissor.height, targets.y0, targets.y1, t.sy0, t.sy1);
    // Triangles end at the viewport's edge: pixels (multisampled: any part) inside it.
    const float centre = targets.samples > 1 ? 0.0f : 0.5f;
    const auto first = [centre](float lo) {
        return static_cast<int>(centre != 0 ? std::ceil(lo - centre) : std::floor(lo));
    };
    const auto last = [centre](float hi) { return static_cast<int>(std::ceil(hi - centre)) - 1; };
    t.x0 = std::max(t.sx0, first(x));
    t.x1 = std::min(t.sx1, last(x + width));
    t.y0 = std::max(t.sy0, first(std::min(y, y + height)));
    t.y1 = std::min(t.sy1, last(std::max(y, y + height)));
    return t;
}

StencilFace make_face(const hw::StencilFace& f) {
    return {.fail_op = static_cast<uint8_t>(f.fail_op),
            .pass_op = static_cast<uint8_t>(f.pass_op),
            .depth_fail_op = static_cast<uint8_t>(f.depth_fail_op),
            .compare = static_cast<uint8_t>(f.compare_op),
            .compare_mask = static_cast<uint8_t>(f.compare_mask),
            .write_mask = static_cast<uint8_t>(f.write_mask),
            .reference = static_cast<uint8_t>(f.reference)};
}

BlendTarget make_blend(const Target& target, const hw::BlendAttachment& b, bool logic) {
    BlendTarget out{};
    out.enable = b.enable && !logic && target.color != ColorClass::integer;
    out.advanced = out.enable && b.advanced;
    out.generic = logic || out.advanced;
    out.advanced_op = static_cast<uint8_t>(b.advanced_op);
    out.overlap = static_cast<uint8_t>(b.overlap);
    out.src_premultiplied = !b.src_straight;
    out.dst_premultiplied = !b.dst_straight;
    out.clamp_results = b.clamp_results;
    out.src_color = static_cast<uint8_t>(b.src_color);
    out.dst_color = static_cast<uint8_t>(b.dst_color);
    out.color_op = static_cast<uint8_t>(b.color_op);
    out.src_alpha = static_cast<uint8_t>(b.src_alpha);
    out.dst_alpha = static_cast<uint8_t>(b.dst_alpha);
    out.alpha_op = static_cast<uint8_t>(b.alpha_op);
    out.write_mask = static_cast<uint8_t>(b.write_mask & 0xfu);
    out.full_write = true;
    for (unsigned i = 0; i < 16; ++i) {
        unsigned all = 0;
        unsigned written = 0;
        for (unsigned c = 0; c < 4; ++c) {
            all |= target.texel_mask[c][i];
            written |= (out.write_mask >> c & 1u) != 0 ? target.texel_mask[c][i] : 0u;
        }
        out.bytes_mask[i] = static_cast<uint8_t>(written);
        out.full_write = out.full_write && written == all;
    }
    return out;
}

bool writes_stencil_plane(const StencilFace& f) {
    constexpr auto kKeep = static_cast<uint8_t>(hw::StencilOp::keep);
    return f.write_mask != 0 &&
           (f.fail_op != kKeep || f.pass_op != kKeep || f.depth_fail_op != kKeep);
}

TestOrder test_order(const PixelState& s, const exec::ProgramInfo* info) {
    if (!s.depth_test && !s.stencil_test && !s.depth_bounds) {
        return TestOrder::none;
    }
    if (info == nullptr || info->early_fragment_tests) {
        return TestOrder::early;
    }
    if (info->writes_depth || info->writes_stencil || info->side_effects) {
        return TestOrder::late;
    }
    // An input attachment may be the depth or stencil plane: the program reads what was there
    // before its own fragment's write.
    const bool writes = s.depth_write || (s.stencil_test && (writes_stencil_plane(s.stencil[0]) ||
                                                             writes_stencil_plane(s.stencil[1])));
    if (info->demotes || info->writes_sample_mask || s.alpha_to_coverage ||
        (info->fetches && writes)) {
        if (s.stencil_test || s.depth_bounds) {
            return TestOrder::late;
        }
        return s.depth_write ? TestOrder::early_test_late_write : TestOrder::early;
    }
    return TestOrder::early;
}

void make_pixel_state(const Targets& targets, const DrawState& state, const exec::Routine* fragment,
                      PixelState& s) {
    const exec::ProgramInfo* info = fragment != nullptr ? &fragment->program().info : nullptr;
    const hw::SetDepthStencilPacket& ds = state.depth_stencil;
    s.fragment = fragment;
    s.depth_test = ds.depth_test && targets.depth.base != nullptr;
    s.depth_write = ds.depth_write && s.depth_test;
    s.depth_bounds = ds.depth_bounds_test && targets.depth.base != nullptr;
    s.stencil_test = ds.stencil_test && targets.stencil.base != nullptr;
    s.depth_compare = static_cast<uint8_t>(ds.depth_compare);
    s.stencil[0] = make_face(ds.front);
    s.stencil[1] = make_face(ds.back);
    s.min_bounds = ds.min_bounds;
    s.max_bounds = ds.max_bounds;
    s.samples = targets.samples;
    s.pattern = &kSamplePatterns[std::countr_zero(targets.samples)];
    s.sample_mask = state.multisample.sample_mask;
    s.alpha_to_coverage =
        state.multisample.alpha_to_coverage && info != nullptr && (info->color_mask & 8u) != 0;
    s.alpha_to_one = state.multisample.alpha_to_one;
    s.logic_op_enable = state.logic_op_enable;
    s.logic_op = static_cast<uint8_t>(state.logic_op);
    for (unsigned i = 0; i < 4; ++i) {
        s.blend_constants[i] = state.blend_constants[i];
        s.unorm_constants[i] = std::clamp(state.blend_constants[i], 0.0f, 1.0f);
    }
    s.samples_passed = state.samples_passed;
    s.invocations = state.statistics != nullptr ? &state.statistics->fragment_invocations : nullptr;
    for (uint32_t i = 0; i < targets.color_count; ++i) {
        const hw::BlendAttachment none{};
        s.blend[i] = make_blend(targets.color[i], i < state.blend_count ? state.blend[i] : none,
                                s.logic_op_enable);
        const bool written = info != nullptr && (info->color_mask >> (i * 4) & 0xfu) != 0;
        if (written && s.blend[i].write_mask != 0 && targets.color[i].base != nullptr) {
            s.color_written |= 1u << i;
        }
    }
    if (info != nullptr) {
        s.needs_quads = info->needs_quads;
        s.uses_z = info->uses_frag_z;
        s.uses_centroid = info->uses_centroid;
        s.writes_depth = info->writes_depth;
        s.writes_stencil = info->writes_stencil;
        s.writes_sample_mask = info->writes_sample_mask;
        const bool shading =
            state.multisample.sample_shading &&
            state.multisample.min_sample_shading * static_cast<float>(s.samples) > 1.0f;
        s.per_sample = s.samples > 1 && (info->per_sample || shading);
        s.out_rows[0] = info->color_mask;
        s.out_rows[1] = (info->writes_dual ? 0xfu : 0u) | (info->writes_depth ? 1u << 4 : 0u) |
                        (info->writes_stencil ? 1u << 5 : 0u) |
                        (info->writes_sample_mask ? 1u << 6 : 0u);
    }
    s.order = test_order(s, info);
    const bool idle = info != nullptr && s.color_written == 0 && !info->demotes &&
                      !info->side_effects && !info->writes_depth && !info->writes_stencil &&
                      !info->writes_sample_mask && !s.alpha_to_coverage && s.invocations == nullptr;
    if (idle) { // nothing the program computes is kept
        s.fragment = nullptr;
        s.order = test_order(s, nullptr);
    }
    if (s.fragment == nullptr) {
        s.color_written = 0;
    }
}

base::Result<void> make_setup(const Targets& targets, uint32_t view_mask, const DrawState& state,
                              const exec::ProgramInfo& last, SetupState& s) {
    const hw::SetRasterStatePacket& r = state.raster;
    if (r.line_stipple) {
        return base::unsupported("stippled lines");
    }
    s.polygon_mode = r.polygon_mode;
    s.cull_front = r.cull_front;
    s.cull_back = r.cull_back;
    s.front_clockwise = r.front_clockwise;
    s.depth_clip = r.depth_clip;
    s.depth_clamp = r.depth_clamp;
    s.negative_one = state.depth_clip_negative_one;
    s.depth_bias = r.depth_bias;
    s.bias_constant = std::isfinite(r.bias_constant) ? r.bias_constant : 0.0f;
    s.bias_slope = std::isfinite(r.bias_slope) ? r.bias_slope : 0.0f;
    s.bias_clamp = std::isfinite(r.bias_clamp) ? r.bias_clamp : 0.0f;
    s.depth = targets.depth.base != nullptr ? targets.depth.depth : DepthClass::none;
    s.bias_scaled = r.bias_unit == hw::BiasUnit::format && s.depth == DepthClass::d32;
    if (r.bias_unit != hw::BiasUnit::one && !s.bias_scaled) {
        s.bias_constant *= s.depth == DepthClass::d16 ? 0x1p-16f : 0x1p-24f;
    }
    // Fixed-point depth holds 0..1; floats are limited by the viewport, and only when clamped.
    constexpr float kMax = std::numeric_limits<float>::max();
    s.depth_low = s.depth == DepthClass::d32 ? -kMax : 0.0f;
    s.depth_high = s.depth == DepthClass::d32 ? kMax : 1.0f;
    s.line_bresenham = r.line_bresenham;
    s.line_width = sane(r.line_width, 0, hw::limits::kMaxLineWidth);
    s.samples = targets.samples;
    for (uint32_t i = 0; i < geometry::kMaxDistances; ++i) {
        s.clip_count = last.outputs[geometry::kClip + i] ? i + 1 : s.clip_count;
        s.cull_count = last.outputs[geometry::kCull + i] ? i + 1 : s.cull_count;
    }
    s.writes_point_size = last.outputs[geometry::kPointSize];
    s.writes_layer = last.outputs[geometry::kLayer];
    s.writes_viewport = last.outputs[geometry::kViewport];
    s.multiview = view_mask != 0;
    s.layers = targets.layers;
    s.viewport_count = s.writes_viewport ? hw::limits::kMaxViewports : 1;
    for (uint32_t i = 0; i < s.viewport_count; ++i) {
        s.viewports[i] = make_viewport(targets, state, i);
    }
    return {};
}

base::Result<void> make_input(const RenderEnvironment& env, uint32_t view_mask,
                              const DrawState& state, const DrawParams& params,
                              geometry::VertexInput& in) {
    const bool patches = state.topology == hw::Topology::patch_list;
    if (state.topology > hw::Topology::patch_list || patches != (state.tess_eval != nullptr) ||
        patches != (state.tess_control != nullptr)) {
        return fail(ErrorCode::invalid_argument,
                    "tessellation programs and patch lists go together");
    }
    in.topology = state.topology;
    in.patch_vertices = patches ? state.patch_vertices : 0;
    in.indexed = params.indexed;
    in.restart = params.indexed && state.primitive_restart;
    in.provoking_last = state.provoking_last;
    in.first = params.first;
    in.count = params.count;
    in.vertex_offset = params.vertex_offset;
    in.first_instance = params.first_instance;
    in.instance_count = params.instance_count;
    in.view_mask = view_mask;
    if (params.indexed) {
        const auto [base, size] = host_range(env, state.index.address,
                                             state.index.address == 0 ? 0 : state.index.size_bytes);
        in.indices = base;
        in.index_bytes = size;
        in.index_size = state.index.type == hw::IndexType::uint32  ? 4
                        : state.index.type == hw::IndexType::uint8 ? 1
                                                                   : 2;
    }
    return {};
}

base::Result<exec::VertexKey> bind_attributes(const RenderEnvironment& env, const DrawState& state,
                                              uint32_t used, exec::DrawContext& context) {
    exec::VertexKey key;
    const uint32_t count =
        std::min<uint32_t>(state.attribute_count, hw::limits::kMaxVertexAttributes);
    for (uint32_t i = 0; i < count; ++i) {
        const hw::VertexAttribute& a = state.attributes[i];
        if (a.location >= hw::limits::kMaxVertexAttributes ||
            a.binding >= hw::limits::kMaxVertexBindings) {
            return fail(ErrorCode::invalid_argument, "vertex attribute location {} binding {}",
                        a.location, a.binding);
        }
        if ((used >> a.location & 1u) == 0) {
            continue;
        }
        const hw::FormatInfo* info = hw::format_info(a.format);
        if (info == nullptr || !info->has(hw::FormatCap::vertex)) {
            return fail(ErrorCode::invalid_argument, "vertex attribute format {}", a.format);
        }
        const hw::VertexBinding& b = state.bindings[a.binding];
        exec::AttributeSource& source = context.attributes[a.location];
        source.offset = a.offset;
        source.stride = b.stride;
        source.divisor = b.divisor;
        source.format = a.format;
        if (b.address != 0) {
            const auto [base, size] = host_range(env, b.address, b.size_bytes);
            source.base = base;
            source.size = size;
        }
        key.format[a.location] = static_cast<uint16_t>(a.format);
    }
    return key;
}

bool is_of(const std::shared_ptr<const exec::Program>& program, hw::Stage stage) {
    return program == nullptr || program->info.stage == stage;
}

/// Vertices per primitive that a geometry program expects.
uint32_t geometry_vertices(const exec::ProgramInfo& info) {
    switch (hw::GeometryMode::unpack(info.workgroup.data() + 2).input) {
    case hw::GeometryInput::points:
        return 1;
    case hw::GeometryInput::lines:
        return 2;
    case hw::GeometryInput::lines_adjacency:
        return 4;
    case hw::GeometryInput::triangles:
        return 3;
    case hw::GeometryInput::triangles_adjacency:
        return 6;
    }
    return 0;
}

uint32_t tessellated_vertices(const exec::ProgramInfo& info) {
    const auto mode = hw::TessMode::unpack(info.workgroup.data());
    return mode.points ? 1 : mode.domain == hw::TessDomain::isolines ? 2 : 3;
}

base::Result<void> make_stages(const RenderEnvironment& env, const DrawState& state,
                               DrawRecord& d) {
    if (state.geometry != nullptr) {
        const uint32_t given =
            state.tess_eval != nullptr
                ? tessellated_vertices(state.tess_eval->info)
                : geometry::primitive_vertices(state.topology, state.patch_vertices);
        if (given != geometry_vertices(state.geometry->info)) {
            return fail(ErrorCode::invalid_argument,
                        "the geometry program is for other primitives");
        }
    }
    d.stages = std::make_unique<geometry::StageShader>();
    const std::shared_ptr<const exec::Program> programs[] = {state.tess_control, state.tess_eval,
                                                             state.geometry};
    const exec::Routine** const routines[] = {&d.stages->control, &d.stages->evaluate,
                                              &d.stages->geometry};
    for (size_t i = 0; i < std::size(programs); ++i) {
        if (programs[i] != nullptr) {
            d.more[i] = env.executor->routine(programs[i], {});
            *routines[i] = d.more[i].get();
        }
    }
    d.stages->vertex = &d.shader;
    d.stages->lower_left = state.tess_lower_left;
    d.shader.whole = true;
    d.input.batch_primitives = d.stages->batch_primitives();
    return {};
}

} // namespace

base::Result<std::unique_ptr<DrawRecord>>
make_draw_record(const RenderEnvironment& env, const Targets& targets, uint32_t view_mask,
                 const DrawState& state, const DrawParams& params) {
    if (state.vertex == nullptr) {
        return fail(ErrorCode::invalid_argument, "draw without a vertex program");
    }
    if (!is_of(state.vertex, hw::Stage::vertex) || !is_of(state.fragment, hw::Stage::fragment) ||
        !is_of(state.tess_control, hw::Stage::tess_control) ||
        !is_of(state.tess_eval, hw::Stage::tess_eval) ||
        !is_of(state.geometry, hw::Stage::geometry)) {
        return fail(ErrorCode::invalid_argument, "draw with a program of another stage");
    }
    if (!state.raster.rasterizer_discard && state.multisample.samples != targets.samples) {
        return fail(ErrorCode::invalid_argument, "draw with {} samples in a scope with {}",
                    state.multisample.samples, targets.samples);
    }
    auto record = std::make_unique<DrawRecord>();
    DrawRecord& d = *record;
    if (auto made = make_input(env, view_mask, state, params, d.input); !made) {
        return std::unexpected(std::move(made.error()));
    }
    auto context = std::make_unique<exec::DrawContext>();
    auto key = bind_attributes(env, state, state.vertex->info.attributes, *context);
    if (!key) {
        return std::unexpected(std::move(key.error()));
    }
    context->window = env.window;
    context->va_mask = env.va_mask;
    context->kill = env.kill;
    context->set_va = state.set_va;
    context->push_va = state.push_va;
    context->dynamic_va = state.dynamic_va;
    context->base_vertex =
        params.indexed ? static_cast<uint32_t>(params.vertex_offset) : params.first;
    context->base_instance = params.first_instance;
    context->draw_index = params.draw_index;
    d.vertex = env.executor->routine(state.vertex, *key);
    d.discard = state.raster.rasterizer_discard;
    d.statistics = state.statistics;
    if (state.fragment != nullptr && !d.discard) {
        d.fragment = env.executor->routine(state.fragment, {});
    }
    d.shader.input = &d.input;
    d.shader.routine = d.vertex.get();
    d.shader.wave_size = env.executor->wave_size();
    if (state.tess_eval != nullptr || state.geometry != nullptr) {
        if (auto made = make_stages(env, state, d); !made) {
            return std::unexpected(std::move(made.error()));
        }
    }
    const exec::ProgramInfo& last = d.stages != nullptr ? d.stages->last() : state.vertex->info;
    if (auto made = make_setup(targets, view_mask, state, last, d.setup); !made) {
        return std::unexpected(std::move(made.error()));
    }
    d.setup.kind = d.stages != nullptr ? d.stages->output_class(state.topology)
                                       : geometry::primitive_class(state.topology);
    PixelState pixels{};
    make_pixel_state(targets, state, d.fragment.get(), pixels);

    if (d.fragment != nullptr) {
        for (uint32_t slot = 0; slot < hw::limits::kMaxVaryings; ++slot) {
            if (state.fragment->info.inputs[slot]) {
                d.shader.slots.push_back(static_cast<uint8_t>(slot));
            }
        }
    }
    d.setup.varying_rows = static_cast<uint32_t>(d.shader.slots.size());
    const auto corners = static_cast<uint32_t>(d.setup.kind) + 1; // of a point, line or triangle
    d.capture = geometry::Capture::make(state, corners, d.shader.slots);
    d.raster_stream = state.raster_stream;
    if (d.stages != nullptr) {
        d.stages->streams = 1u << d.raster_stream | (d.capture ? d.capture->streams() : 0u);
    }
    const uint32_t views = view_mask == 0 ? 1 : static_cast<uint32_t>(std::bit_width(view_mask));
    for (uint32_t view = 0; view < views; ++view) {
        d.contexts.push_back(view + 1 == views ? std::move(context)
                                               : std::make_unique<exec::DrawContext>(*context));
        d.contexts.back()->view_index = view;
        pixels.context = d.contexts.back().get();
        d.pixels.push_back(pixels);
    }
    return record;
}

} // namespace kite::dev::raster
