// SPDX-License-Identifier: MIT
// Rendering packets: checked here as far as the packet goes, executed by the renderer.
#include "device/front/processor.hpp"

#include <atomic>
#include <cstring>

namespace kite::dev::front {

using base::ErrorCode;
using base::fail;
using hw::Packet;

base::Result<void> Processor::render(Words words) {
    const uint32_t* w = words.data();
    const Packet id = hw::packet_id(words[0]);
    if (id == Packet::begin_rendering) {
        return begin_rendering(words);
    }
    if (id == Packet::end_rendering) {
        auto done = renderer_.end_rendering();
        if (done && !killed()) {
            queries_.finish();
        }
        return done;
    }
    if (id == Packet::begin_transform_feedback) {
        return begin_capture(words);
    }
    if (id == Packet::end_transform_feedback) {
        return end_capture(words);
    }
    auto skip = skipped();
    if (!skip) {
        return std::unexpected(std::move(skip.error()));
    }
    if (*skip) {
        return {};
    }
    switch (id) {
    case Packet::draw: {
        const auto p = hw::DrawPacket::unpack(w);
        return renderer_.draw(state_.draw, {.indexed = false,
                                            .count = p.vertex_count,
                                            .instance_count = p.instance_count,
                                            .first = p.first_vertex,
                                            .vertex_offset = 0,
                                            .first_instance = p.first_instance,
                                            .draw_index = p.draw_index});
    }
    case Packet::draw_indexed: {
        const auto p = hw::DrawIndexedPacket::unpack(w);
        return renderer_.draw(state_.draw, {.indexed = true,
                                            .count = p.index_count,
                                            .instance_count = p.instance_count,
                                            .first = p.first_index,
                                            .vertex_offset = p.vertex_offset,
                                            .first_instance = p.first_instance,
                                            .draw_index = p.draw_index});
    }
    case Packet::draw_indirect:
        return draw_indirect(hw::DrawIndirectPacket::unpack(w));
    case Packet::draw_byte_count:
        return draw_byte_count(hw::DrawByteCountPacket::unpack(w));
    case Packet::clear_attachment:
        return renderer_.clear_attachment(hw::ClearAttachmentPacket::unpack(w));
    default:
        return fail(ErrorCode::unsupported, "unknown packet");
    }
}

base::Result<void> Processor::begin_rendering(Words words) {
    const auto p = hw::BeginRenderingPacket::unpack(words.data());
    RenderingScope scope;
    scope.area = p.area;
    scope.layers = p.layers;
    scope.view_mask = p.view_mask;
    scope.samples = p.samples;
    scope.depth = p.depth;
    scope.stencil = p.stencil;
    scope.color_count = hw::BeginRenderingPacket::count(static_cast<uint32_t>(words.size()));
    if (scope.color_count > scope.colors.size()) {
        return fail(ErrorCode::corrupt, "{} colour attachments", scope.color_count);
    }
    for (uint32_t i = 0; i < scope.color_count; ++i) {
        scope.colors[i] = hw::BeginRenderingPacket::unpack_element(words.data(), i);
    }
    return renderer_.begin_rendering(scope);
}

base::Result<void> Processor::draw_indirect(const hw::DrawIndirectPacket& p) {
    uint32_t count = p.max_count;
    if (p.count_address != 0) {
        auto limit = read_dword(p.count_address);
        if (!limit) {
            return std::unexpected(std::move(limit.error()));
        }
        count = std::min(count, *limit);
    }
    const uint32_t dwords = p.indexed != 0 ? 5 : 4;
    const uint64_t stride = count > 1 ? p.stride : dwords * 4;
    if (p.address % 4 != 0 || stride % 4 != 0 || (count > 1 && stride < uint64_t{dwords} * 4)) {
        return fail(ErrorCode::corrupt, "address {:#x} or stride {} is misaligned or too small",
                    p.address, stride);
    }
    if (count == 0) {
        return {};
    }
    if (!env_.window->contains(p.address, (count - 1) * stride + uint64_t{dwords} * 4)) {
        return fail(ErrorCode::corrupt, "parameters outside the address space");
    }
    for (uint32_t i = 0; i < count && !killed(); ++i) {
        uint32_t v[5] = {};
        std::memcpy(v, env_.window->at(p.address + i * stride), size_t{dwords} * 4);
        DrawParams params{
            .indexed = p.indexed != 0, .count = v[0], .instance_count = v[1], .first = v[2]};
        params.vertex_offset = p.indexed != 0 ? static_cast<int32_t>(v[3]) : 0;
        params.first_instance = p.indexed != 0 ? v[4] : v[3];
        params.draw_index = i;
        if (auto done = renderer_.draw(state_.draw, params); !done) {
            return done;
        }
    }
    return {};
}

base::Result<void> Processor::draw_byte_count(const hw::DrawByteCountPacket& p) {
    if (p.vertex_stride == 0) {
        return fail(ErrorCode::corrupt, "vertices of 0 bytes");
    }
    auto bytes = read_dword(p.counter);
    if (!bytes) {
        return std::unexpected(std::move(bytes.error()));
    }
    const uint32_t used = *bytes > p.counter_offset ? *bytes - p.counter_offset : 0;
    return renderer_.draw(state_.draw, {.indexed = false,
                                        .count = used / p.vertex_stride,
                                        .instance_count = p.instance_count,
                                        .first = 0,
                                        .vertex_offset = 0,
                                        .first_instance = p.first_instance,
                                        .draw_index = 0});
}

// Draws finish in order and add to the target as they do, so draws queued before this packet do
// not matter to it.
base::Result<void> Processor::begin_capture(Words words) {
    using P = hw::BeginTransformFeedbackPacket;
    const uint32_t count = P::count(static_cast<uint32_t>(words.size()));
    if (state_.draw.capture_target != nullptr || !renderer_.in_scope()) {
        return fail(ErrorCode::corrupt, "outside a rendering scope, or active already");
    }
    if (count > kCaptureBuffers) {
        return fail(ErrorCode::corrupt, "{} buffers", count);
    }
    auto target = std::make_shared<CaptureTarget>();
    for (uint32_t i = 0; i < count; ++i) {
        const hw::CaptureBuffer b = P::unpack_element(words.data(), i);
        if (b.size_bytes == 0) {
            continue;
        }
        if (!env_.window->contains(b.address, b.size_bytes)) {
            return fail(ErrorCode::corrupt, "buffer {} lies outside the address space", i);
        }
        CaptureTarget::Buffer& buffer = target->buffers[i];
        buffer = {.base = env_.window->at(b.address), .size_bytes = b.size_bytes, .written = 0};
        if (b.counter != 0) {
            auto written = read_dword(b.counter);
            if (!written) {
                return std::unexpected(std::move(written.error()));
            }
            buffer.written = *written;
        }
    }
    state_.draw.capture_target = std::move(target);
    return {};
}

base::Result<void> Processor::end_capture(Words words) {
    using P = hw::EndTransformFeedbackPacket;
    const uint32_t count = P::count(static_cast<uint32_t>(words.size()));
    const auto target = std::move(state_.draw.capture_target);
    if (target == nullptr || count > kCaptureBuffers) {
        return fail(ErrorCode::corrupt, "not active, or {} buffers", count);
    }
    if (auto done = flush(); !done) {
        return done;
    }
    for (uint32_t i = 0; i < count && !killed(); ++i) {
        const uint64_t counter = P::unpack_element(words.data(), i);
        if (counter == 0) {
            continue;
        }
        if (auto now = read_dword(counter); !now) {
            return std::unexpected(std::move(now.error()));
        }
        std::atomic_ref(*reinterpret_cast<uint32_t*>(env_.window->at(counter)))
            .store(static_cast<uint32_t>(target->buffers[i].written), std::memory_order_release);
    }
    return {};
}

} // namespace kite::dev::front
