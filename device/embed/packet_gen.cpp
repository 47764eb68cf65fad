// SPDX-License-Identifier: MIT
#include "device/embed/packet_gen.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace kite::dev::test {

namespace {

constexpr uint32_t kFormats[] = {9,   13,  37,  41,  44,  50,  64,  76,  97,  98,
                                 100, 107, 109, 122, 124, 125, 126, 127, 131, 145};

} // namespace

uint32_t PacketGenerator::small() {
    switch (below(8)) {
    case 0:
        return 0;
    case 1:
        return random();
    case 2:
        return below(4096);
    default:
        return below(24);
    }
}

uint64_t PacketGenerator::address() {
    if (below(16) == 0) {
        return static_cast<uint64_t>(random()) << 32 | random();
    }
    return TestGpu::va(TestGpu::kFree + (uint64_t{1} << 20) + (random() & 0x3fffc0));
}

void PacketGenerator::image(uint32_t* words) {
    hw::ImageDescriptor d;
    d.address = address() & ~uint64_t{63};
    d.format = kFormats[below(std::size(kFormats))];
    d.dim = below(4) == 0 ? hw::ViewDim::d3 : hw::ViewDim::d2;
    d.image_3d = d.dim == hw::ViewDim::d3;
    d.layout = below(3) == 0 ? hw::ImageLayout::linear : hw::ImageLayout::tiled;
    d.log2_samples = d.layout == hw::ImageLayout::tiled && samples_ == 4 ? 2 : 0;
    d.width_minus_1 = below(80);
    d.height_minus_1 = below(80);
    d.depth_minus_1 = below(4);
    d.layer_count_minus_1 = d.image_3d ? 0 : below(d.depth_minus_1 + 1);
    d.resource_levels_minus_1 = below(3);
    d.base_level = below(d.resource_levels_minus_1 + 1);
    d.row_pitch = 80 * 16 + 64;
    d.layer_stride_64 = 4096;
    for (unsigned l = 0; l < 3; ++l) {
        d.level_offset_64[l] = l * 1024;
    }
    d.pack(words);
    if (below(16) == 0) {
        words[below(16)] ^= 1u << below(32);
    }
}

void PacketGenerator::field(const hw::FieldInfo& f, uint32_t* words) {
    for (uint32_t i = 0; i < f.count; ++i) {
        uint32_t* w = words + f.at + i * f.step;
        switch (f.kind) {
        case hw::FieldKind::u32:
            w[0] = f.zero ? 0 : small();
            break;
        case hw::FieldKind::i32:
            w[0] = below(8) == 0 ? random() : below(64) - below(8);
            break;
        case hw::FieldKind::f32:
            w[0] = below(8) == 0 ? random()
                                 : std::bit_cast<uint32_t>(static_cast<float>(below(256)) / 4.0f);
            break;
        case hw::FieldKind::u64: {
            const uint64_t value = below(2) == 0 ? address() : uint64_t{small()} * 4;
            std::memcpy(w, &value, 8);
            break;
        }
        case hw::FieldKind::va: {
            const uint64_t value = address();
            std::memcpy(w, &value, 8);
            break;
        }
        case hw::FieldKind::enumerator:
            w[0] = f.values.empty() ? 0
                                    : f.values[below(static_cast<uint32_t>(f.values.size()))].value;
            break;
        case hw::FieldKind::bits:
            w[0] = 0;
            for (const hw::BitInfo& b : f.bits) {
                const uint32_t mask = b.hi - b.lo >= 31 ? ~0u : (1u << (b.hi - b.lo + 1)) - 1;
                w[0] |= (b.values.empty()
                             ? random() & mask
                             : b.values[below(static_cast<uint32_t>(b.values.size()))].value)
                        << b.lo;
            }
            break;
        case hw::FieldKind::record:
            record(*f.record, w, 0);
            break;
        }
    }
}

void PacketGenerator::record(const hw::RecordInfo& r, uint32_t* words, uint32_t from) {
    if (std::string_view(r.name) == "ImageDescriptor") {
        image(words);
        return;
    }
    for (const hw::FieldInfo& f : r.fields) {
        if (f.at >= from) {
            field(f, words);
        }
    }
}

void PacketGenerator::packet(const hw::PacketInfo& info, Stream& out) {
    const hw::RecordInfo& r = *info.record;
    const uint32_t elements = r.array != nullptr ? below(4) : 0;
    const uint32_t length = r.dwords + elements * (r.array != nullptr ? r.array->step : 0);
    const size_t at = out.words.size();
    out.words.resize(at + length);
    uint32_t* words = out.words.data() + at;
    record(r, words, 1);
    for (uint32_t i = 0; i < elements; ++i) {
        hw::FieldInfo element = *r.array;
        element.at = r.dwords + i * r.array->step;
        element.count = 1;
        field(element, words);
    }
    words[0] = hw::packet_header(info.id, length);
}

// A scope whose attachments fit one another, so that draws reach the rasterizer.
void PacketGenerator::rendering(Stream& out) {
    hw::ImageDescriptor d;
    d.address = TestGpu::va(0x800000);
    d.format = kFormats[below(12)];
    d.dim = hw::ViewDim::d2;
    d.layout = samples_ == 4 || below(2) == 0 ? hw::ImageLayout::tiled : hw::ImageLayout::linear;
    d.log2_samples = samples_ == 4 ? 2 : 0;
    d.width_minus_1 = below(200);
    d.height_minus_1 = below(200);
    d.row_pitch = 201 * 16;
    hw::Attachment color;
    color.present = true;
    color.load_op = hw::LoadOp::clear;
    color.surface.image = d;
    hw::BeginRenderingPacket begin;
    begin.area = {0, 0, 200, 200};
    begin.layers = 1;
    begin.samples = samples_;
    if (below(2) == 0) {
        d.address = TestGpu::va(0xc00000);
        d.format = 126;
        begin.depth = color;
        begin.depth.surface.image = d;
    }
    out.add(begin, std::span(&color, 1));
    out.add(hw::SetMultisamplePacket{.samples = samples_, .sample_mask = ~0u});
    const hw::Viewport viewport{
        .x = 0, .y = 0, .width = 180, .height = 180, .min_depth = 0, .max_depth = 1};
    out.add(hw::SetViewportsPacket{.first = 0, .depth_clip_negative_one = 0},
            std::span(&viewport, 1));
    const hw::Rect scissor{0, 0, 190, 190};
    out.add(hw::SetScissorsPacket{.first = 0}, std::span(&scissor, 1));
    for (unsigned i = below(4); i != 0; --i) {
        const auto packets = hw::all_packets();
        const auto state = std::ranges::find(packets, static_cast<hw::Packet>(0x20 + below(10)),
                                             &hw::PacketInfo::id);
        if (state != packets.end() && state->id != hw::Packet::set_multisample) {
            packet(*state, out);
        }
        more_stages(out);
        hw::BlendAttachment blend;
        blend.write_mask = 15;
        out.add(hw::SetBlendPacket{.logic_op_enable = 0,
                                   .logic_op = hw::LogicOp::copy,
                                   .constants = {}},
                std::span(&blend, 1));
        const bool captures = below(3) == 0;
        if (captures) {
            begin_capture(out);
        }
        out.add(hw::DrawPacket{.vertex_count = below(300),
                               .instance_count = 1 + below(3),
                               .first_vertex = small(),
                               .first_instance = 0,
                               .draw_index = 0});
        if (captures) {
            const uint64_t counters[] = {TestGpu::va(0xf00000), 0, TestGpu::va(0xf00004)};
            out.add(hw::EndTransformFeedbackPacket{}, counters);
        }
    }
    out.add(hw::EndRenderingPacket{});
}

/// Captures random outputs into small buffers, now and then where the last ones ended.
void PacketGenerator::begin_capture(Stream& out) {
    std::array<hw::CapturedWord, 12> captured;
    for (hw::CapturedWord& w : captured) {
        w = {.slot = below(152), .buffer = below(4), .stream = below(4), .offset = below(16) * 4};
    }
    out.add(hw::SetTransformFeedbackPacket{.raster_stream = below(6) == 0 ? below(4) : 0,
                                           .strides = {64, 64, 128, 68}},
            std::span(captured).first(below(13)));
    std::array<hw::CaptureBuffer, 4> buffers;
    for (uint32_t i = 0; i < buffers.size(); ++i) {
        buffers[i] = {.address = TestGpu::va(0xe00000 + i * 0x10000),
                      .size_bytes = below(0x10000),
                      .counter = below(4) == 0 ? TestGpu::va(0xf00000 + i % 2 * 4) : 0};
    }
    out.add(hw::BeginTransformFeedbackPacket{}, std::span(buffers).first(below(5)));
}

/// Tessellation, geometry, both or neither for the next draws.
void PacketGenerator::more_stages(Stream& out) {
    const bool tessellation = below(4) == 0;
    const bool geometry = below(4) == 0;
    for (const hw::BindProgramPacket& p : programs_) {
        const bool tess = p.stage == hw::Stage::tess_control || p.stage == hw::Stage::tess_eval;
        if (tess || p.stage == hw::Stage::geometry) {
            const bool on = tess ? tessellation : geometry;
            out.add(on ? p : hw::BindProgramPacket{.stage = p.stage});
        }
    }
    if (tessellation) {
        out.add(hw::SetInputAssemblyPacket{.topology = hw::Topology::patch_list});
        out.add(hw::SetTessellationPacket{.patch_vertices = 1 + below(32), .lower_left = below(2)});
    } else if (geometry) {
        out.add(hw::SetInputAssemblyPacket{
            .topology = static_cast<hw::Topology>(3 + below(3))}); // kinds of triangles
    }
}

Stream PacketGenerator::stream(unsigned packets, std::span<const hw::BindProgramPacket> programs) {
    Stream out;
    samples_ = below(4) == 0 ? 4 : 1;
    programs_ = programs;
    for (const hw::BindProgramPacket& p : programs) {
        if (p.stage <= hw::Stage::compute) {
            out.add(p);
        }
    }
    const auto all = hw::all_packets();
    for (unsigned i = 0; i < packets; ++i) {
        const hw::PacketInfo& info = all[below(static_cast<uint32_t>(all.size()))];
        // Waiting for what never comes only costs time.
        const bool waits =
            info.id == hw::Packet::wait_event || info.id == hw::Packet::copy_query_results;
        if (info.id == hw::Packet::begin_rendering && below(8) != 0) {
            rendering(out);
        } else if (!waits || below(64) == 0) {
            packet(info, out);
        }
    }
    return out;
}

std::vector<hw::BindProgramPacket> load_programs(TestGpu& gpu) {
    constexpr std::string_view kVertex = R"(
        sys v0, vertex_index
        imul.u32 v1, v0, 0x9e3779b1
        cvt.f32 v2, v1 {sty=i32}
        fmul.f32 v2, v2, 0x30800000
        imul.u32 v1, v1, 0x85ebca6b
        cvt.f32 v3, v1 {sty=i32}
        fmul.f32 v3, v3, 0x30800000
        mov v4, 0x3f000000
        mov v5, 0x3f800000
        stout v[2:5], +128 {n=4}
        stout v[2:5] {n=4}
        exit
    )";
    constexpr std::string_view kFragment = R"(
        ldin v[0:3], _, _ {n=4}
        stout v[0:3] {n=4}
        exit
    )";
    constexpr std::string_view kCompute = R"(
        sys s[0:1], push_va
        sys v0, local_index
        shl.u32 v1, v0, 0x2
        ld.u32 v2, s[0:1], v1, _
        st.u32 v2, s[0:1], v1, _, +256
        exit
    )";
    // Levels and positions from what lies in the input records.
    constexpr std::string_view kControl = R"(
        sys v0, in_base
        sys v1, out_base
        sys v2, patch_base
        sys v3, invocation_id
        imul.u32 v3, v3, 0x260
        iadd.u32 v1, v1, v3
        ld.u32 v[4:7], _, v0, _, +512 {n=4,space=shared}
        st.u32 v[4:7], _, v1, _, +512 {n=4,space=shared}
        barrier
        fmul.f32 v4, v4, 0x42a00000
        fmul.f32 v5, v5, 0x42a00000
        st.u32 v[4:7], _, v2, _, +512 {n=4,space=shared}
        st.u32 v[4:5], _, v2, _, +528 {n=2,space=shared}
        exit
    )";
    constexpr std::string_view kEvaluate = R"(
        sys v0, in_base
        sys v1, tess_coord
        sys v2, tess_coord[1]
        ld.u32 v[4:7], _, v0, _, +512 {n=4,space=shared}
        fadd.f32 v4, v4, v1
        fadd.f32 v5, v5, v2
        stout v[4:7], +128 {n=4}
        stout v[4:7] {n=4}
        exit
    )";
    constexpr std::string_view kGeometry = R"(
        sys v0, in_base
        ld.u32 v[4:7], _, v0, _, +512 {n=4,space=shared}
        stout v[4:7], +128 {n=4}
        emit
        ld.u32 v[4:7], _, v0, _, +1120 {n=4,space=shared}
        stout v[4:7], +128 {n=4}
        emit
        ld.u32 v[4:7], _, v0, _, +1728 {n=4,space=shared}
        stout v[4:7], +128 {n=4}
        emit +1
        emit
        cut
        emit
        exit
    )";
    hw::GeometryMode geometry;
    geometry.input = hw::GeometryInput::triangles;
    geometry.output = hw::GeometryOutput::triangle_strip;
    uint32_t mode = 0;
    geometry.pack(&mode);
    return {gpu.load(TestGpu::kFree, hw::Stage::vertex, kVertex),
            gpu.load(TestGpu::kFree + 0x1000, hw::Stage::fragment, kFragment),
            gpu.load(TestGpu::kFree + 0x2000, hw::Stage::compute, kCompute, {32, 1, 1}),
            gpu.load(TestGpu::kFree + 0x3000, hw::Stage::tess_control, kControl, {5, 0, 0}),
            gpu.load(TestGpu::kFree + 0x4000, hw::Stage::tess_eval, kEvaluate, {8, 0, 0}),
            gpu.load(TestGpu::kFree + 0x5000, hw::Stage::geometry, kGeometry, {3, 4, mode})};
}

} // namespace kite::dev::test
