// SPDX-License-Identifier: MIT
#include "device/front/state.hpp"

#include <algorithm>
#include <bit>

namespace kite::dev::front {

using base::ErrorCode;
using base::fail;
using hw::Packet;

namespace {

/// Copies a packet's trailing array to table[first...].
template <class P, size_t N>
base::Result<uint32_t> fill_table(std::span<const uint32_t> words, uint32_t first,
                                  std::array<typename P::Element, N>& table) {
    const uint32_t count = P::count(static_cast<uint32_t>(words.size()));
    if (first > N || count > N - first) {
        return fail(ErrorCode::corrupt, "entries {} to {} of {}", first, uint64_t{first} + count,
                    N);
    }
    for (uint32_t i = 0; i < count; ++i) {
        table[first + i] = P::unpack_element(words.data(), i);
    }
    return count;
}

template <class T>
base::Result<void> done(base::Result<T> result) {
    if (!result) {
        return std::unexpected(std::move(result.error()));
    }
    return {};
}

base::Result<void> bind_program(State& s, const hw::BindProgramPacket& p, ProgramCache& programs) {
    std::shared_ptr<const exec::Program> program;
    if (p.address != 0) {
        auto loaded = programs.get(p.address, p.size_bytes, p.hash);
        if (!loaded) {
            return std::unexpected(std::move(loaded.error()));
        }
        program = std::move(*loaded);
        if (program->info.stage != p.stage) {
            return fail(ErrorCode::corrupt, "program at {:#x} is for another stage", p.address);
        }
    }
    switch (p.stage) {
    case hw::Stage::vertex:
        s.draw.vertex = std::move(program);
        break;
    case hw::Stage::fragment:
        s.draw.fragment = std::move(program);
        break;
    case hw::Stage::compute:
        s.compute.program = std::move(program);
        break;
    case hw::Stage::tess_control:
        s.draw.tess_control = std::move(program);
        break;
    case hw::Stage::tess_eval:
        s.draw.tess_eval = std::move(program);
        break;
    case hw::Stage::geometry:
        s.draw.geometry = std::move(program);
        break;
    }
    return {};
}

base::Result<void> set_blend(DrawState& s, std::span<const uint32_t> words) {
    const auto p = hw::SetBlendPacket::unpack(words.data());
    auto count = fill_table<hw::SetBlendPacket>(words, 0, s.blend);
    if (!count) {
        return done(std::move(count));
    }
    s.blend_count = *count;
    s.logic_op_enable = p.logic_op_enable != 0;
    s.logic_op = p.logic_op;
    s.blend_constants = p.constants;
    return {};
}

base::Result<void> set_transform_feedback(DrawState& s, std::span<const uint32_t> words) {
    using P = hw::SetTransformFeedbackPacket;
    const auto p = P::unpack(words.data());
    const uint32_t count = P::count(static_cast<uint32_t>(words.size()));
    if (p.raster_stream >= kStreams || count > hw::limits::kMaxCapturedWords) {
        return fail(ErrorCode::corrupt, "stream {} or {} captured words", p.raster_stream, count);
    }
    auto layout = std::make_shared<CaptureLayout>();
    layout->strides = p.strides;
    for (const uint32_t stride : layout->strides) {
        if (stride % 4 != 0 || stride > hw::limits::kMaxCaptureStride) {
            return fail(ErrorCode::corrupt, "{} bytes per vertex", stride);
        }
    }
    for (uint32_t i = 0; i < count; ++i) {
        const hw::CapturedWord w = P::unpack_element(words.data(), i);
        if (w.slot >= exec::kVertexOuts || w.offset % 4 != 0 ||
            w.offset + 4 > layout->strides[w.buffer]) {
            return fail(ErrorCode::corrupt, "slot {} at byte {} of {} in buffer {}", w.slot,
                        w.offset, layout->strides[w.buffer], w.buffer);
        }
        layout->words.push_back(w);
    }
    s.raster_stream = p.raster_stream;
    s.capture_layout = count != 0 ? std::move(layout) : nullptr;
    return {};
}

} // namespace

void State::reset() {
    DrawState fresh;
    fresh.samples_passed = draw.samples_passed;
    fresh.statistics = draw.statistics;
    fresh.stream_counters = draw.stream_counters;
    fresh.primitives_generated = draw.primitives_generated;
    draw = std::move(fresh);
    draw.multisample.samples = 1;
    draw.multisample.sample_mask = ~0u;
    compute = ComputeState{};
    predicate = Predicate{};
}

bool State::handles(Packet id) {
    return id == Packet::reset_state || id == Packet::set_predicate ||
           (id >= Packet::bind_program && id <= Packet::set_transform_feedback);
}

base::Result<void> State::apply(std::span<const uint32_t> words, ProgramCache& programs) {
    const uint32_t* w = words.data();
    const auto compute_point = [](hw::BindPoint point) { return point == hw::BindPoint::compute; };
    switch (hw::packet_id(words[0])) {
    case Packet::reset_state:
        reset();
        return {};
    case Packet::set_predicate: {
        const auto p = hw::SetPredicatePacket::unpack(w);
        predicate = {p.address, p.inverted != 0};
        return {};
    }
    case Packet::bind_program:
        return bind_program(*this, hw::BindProgramPacket::unpack(w), programs);
    case Packet::set_descriptor_sets: {
        const auto p = hw::SetDescriptorSetsPacket::unpack(w);
        return done(fill_table<hw::SetDescriptorSetsPacket>(
            words, p.first, compute_point(p.bind_point) ? compute.set_va : draw.set_va));
    }
    case Packet::set_push_constants: {
        const auto p = hw::SetPushConstantsPacket::unpack(w);
        (compute_point(p.bind_point) ? compute.push_va : draw.push_va) = p.address;
        return {};
    }
    case Packet::set_dynamic_buffers: {
        const auto p = hw::SetDynamicBuffersPacket::unpack(w);
        (compute_point(p.bind_point) ? compute.dynamic_va : draw.dynamic_va) = p.address;
        return {};
    }
    case Packet::set_vertex_attributes: {
        auto count = fill_table<hw::SetVertexAttributesPacket>(words, 0, draw.attributes);
        draw.attribute_count = count.value_or(0);
        return done(std::move(count));
    }
    case Packet::set_vertex_buffers:
        return done(fill_table<hw::SetVertexBuffersPacket>(
            words, hw::SetVertexBuffersPacket::unpack(w).first, draw.bindings));
    case Packet::set_index_buffer: {
        const auto p = hw::SetIndexBufferPacket::unpack(w);
        draw.index = {p.address, p.size_bytes, p.type};
        return {};
    }
    case Packet::set_input_assembly: {
        const auto p = hw::SetInputAssemblyPacket::unpack(w);
        draw.topology = p.topology;
        draw.primitive_restart = p.primitive_restart != 0;
        draw.provoking_last = p.provoking_last != 0;
        return {};
    }
    case Packet::set_tessellation: {
        const auto p = hw::SetTessellationPacket::unpack(w);
        if (p.patch_vertices == 0 || p.patch_vertices > hw::limits::kMaxPatchVertices) {
            return fail(ErrorCode::corrupt, "patches of {} vertices", p.patch_vertices);
        }
        draw.patch_vertices = p.patch_vertices;
        draw.tess_lower_left = p.lower_left != 0;
        return {};
    }
    case Packet::set_transform_feedback:
        return set_transform_feedback(draw, words);
    case Packet::set_viewports: {
        const auto p = hw::SetViewportsPacket::unpack(w);
        draw.depth_clip_negative_one = p.depth_clip_negative_one != 0;
        return done(fill_table<hw::SetViewportsPacket>(words, p.first, draw.viewports));
    }
    case Packet::set_scissors:
        return done(fill_table<hw::SetScissorsPacket>(words, hw::SetScissorsPacket::unpack(w).first,
                                                      draw.scissors));
    case Packet::set_raster_state:
        draw.raster = hw::SetRasterStatePacket::unpack(w);
        return {};
    case Packet::set_multisample: {
        draw.multisample = hw::SetMultisamplePacket::unpack(w);
        if (!std::has_single_bit(draw.multisample.samples) ||
            draw.multisample.samples > hw::limits::kMaxSamples) {
            return fail(ErrorCode::corrupt, "{} rasterization samples", draw.multisample.samples);
        }
        return {};
    }
    case Packet::set_depth_stencil:
        draw.depth_stencil = hw::SetDepthStencilPacket::unpack(w);
        return {};
    case Packet::set_blend:
        return set_blend(draw, words);
    default:
        return fail(ErrorCode::corrupt, "not a state packet");
    }
}

} // namespace kite::dev::front
