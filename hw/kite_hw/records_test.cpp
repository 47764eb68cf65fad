// SPDX-License-Identifier: MIT
#include <vector>

#include <gtest/gtest.h>

#include "kite_hw/formats.hpp"
#include "kite_hw/limits.hpp"
#include "kite_hw/packet_dump.hpp"

namespace kite::hw {
namespace {

TEST(Packets, PackWritesHeaderAndFields) {
    uint32_t w[DrawPacket::kDwords] = {};
    const DrawPacket draw{.vertex_count = 3,
                          .instance_count = 1,
                          .first_vertex = 7,
                          .first_instance = 0,
                          .draw_index = 5};
    draw.pack(w);
    EXPECT_EQ(w[0], 0x32u | (6u << 16));
    EXPECT_EQ(w[1], 3u);
    EXPECT_EQ(w[3], 7u);
    EXPECT_EQ(DrawPacket::unpack(w), draw);
    EXPECT_EQ(packet_id(w[0]), Packet::draw);
    EXPECT_TRUE(check_packet(w));
}

TEST(Packets, TrailingArrays) {
    std::vector<uint32_t> w(SetViewportsPacket::dwords(2));
    SetViewportsPacket{.first = 1}.pack(w.data(), 2);
    const Viewport a{.x = 1, .y = 2, .width = 3, .height = -4, .min_depth = 0, .max_depth = 1};
    SetViewportsPacket::pack_element(w.data(), 0, a);
    SetViewportsPacket::pack_element(w.data(), 1, Viewport{.width = 9});
    EXPECT_TRUE(check_packet(w));
    EXPECT_EQ(SetViewportsPacket::count(packet_dwords(w[0])), 2u);
    EXPECT_EQ(SetViewportsPacket::unpack_element(w.data(), 0), a);
    EXPECT_EQ(SetViewportsPacket::unpack_element(w.data(), 1).width, 9.0f);
    const std::string text = dump_packet(w);
    EXPECT_NE(text.find("SetViewports (15 dwords)"), std::string::npos) << text;
    EXPECT_NE(text.find("viewports[1]"), std::string::npos) << text;

    std::vector<uint32_t> sets(SetDescriptorSetsPacket::dwords(1));
    SetDescriptorSetsPacket{.bind_point = BindPoint::compute}.pack(sets.data(), 1);
    SetDescriptorSetsPacket::pack_element(sets.data(), 0, 0x123456789aull);
    EXPECT_EQ(SetDescriptorSetsPacket::unpack_element(sets.data(), 0), 0x123456789aull);
    EXPECT_TRUE(check_packet(sets));
}

TEST(Packets, CheckRefusesBadOnes) {
    std::string why;
    EXPECT_FALSE(check_packet({}, &why));
    std::vector<uint32_t> w(BlitImagePacket::kDwords);
    BlitImagePacket{.filter = Filter::linear}.pack(w.data());
    EXPECT_TRUE(check_packet(w, &why)) << why;
    EXPECT_FALSE(check_packet(std::span(w).first(w.size() - 1), &why)); // past its buffer
    auto bad = w;
    bad[0] += 1u << 16;
    bad.push_back(0);
    EXPECT_FALSE(check_packet(bad, &why)); // length
    EXPECT_NE(why.find("bad length"), std::string::npos) << why;
    bad = w;
    bad[0] = packet_header(static_cast<Packet>(0x7777), packet_dwords(w[0]));
    EXPECT_FALSE(check_packet(bad, &why)); // id
    const uint32_t filter_at = 14;         // header, four corners of three, layers, filter
    bad = w;
    bad[filter_at] = 9;
    EXPECT_FALSE(check_packet(bad, &why));
    EXPECT_EQ(why, "BlitImage: filter: unknown value");
    bad = w;
    bad[filter_at + 1 + 3] = 1u << 31; // reserved bits of the source's swizzle word
    EXPECT_FALSE(check_packet(bad, &why));
    EXPECT_NE(why.find("src.image.w3: reserved bits"), std::string::npos) << why;
    bad = w;
    bad[0] = packet_header(Packet::nop, 0);
    EXPECT_FALSE(check_packet(bad, &why));
}

// Every packet and struct: a record whose owned bits are all set must survive unpack and pack.
template <typename T>
void round_trip_struct(const RecordInfo& info) {
    ASSERT_EQ(info.dwords, T::kDwords) << info.name;
    std::vector<uint32_t> in(T::kDwords);
    for (size_t i = 0; i < in.size(); ++i) {
        in[i] = static_cast<uint32_t>(i * 0x01234567u + 0x3f000000u);
    }
    std::vector<uint32_t> once(T::kDwords);
    std::vector<uint32_t> twice(T::kDwords);
    const T value = T::unpack(in.data());
    value.pack(once.data());
    EXPECT_TRUE(T::reserved_zero(once.data())) << info.name;
    T::unpack(once.data()).pack(twice.data());
    EXPECT_EQ(once, twice) << info.name;
    EXPECT_EQ(T::unpack(once.data()), value) << info.name;
}

const RecordInfo& find_struct(std::string_view name) {
    for (const RecordInfo* info : all_structs()) {
        if (name == info->name) {
            return *info;
        }
    }
    ADD_FAILURE() << name;
    return *all_structs().front();
}

TEST(Descriptors, RoundTrip) {
    round_trip_struct<BufferDescriptor>(find_struct("BufferDescriptor"));
    round_trip_struct<ImageDescriptor>(find_struct("ImageDescriptor"));
    round_trip_struct<SamplerDescriptor>(find_struct("SamplerDescriptor"));
    round_trip_struct<ProgramHeader>(find_struct("ProgramHeader"));
    round_trip_struct<Attachment>(find_struct("Attachment"));
    round_trip_struct<StencilFace>(find_struct("StencilFace"));
}

TEST(Descriptors, SizesAreWhatTheDocsSay) {
    EXPECT_EQ(BufferDescriptor::kBytes, 16u);
    EXPECT_EQ(ImageDescriptor::kBytes, 128u);
    EXPECT_EQ(SamplerDescriptor::kBytes, 32u);
    EXPECT_EQ(QuerySlot::kBytes, 16u);
}

TEST(Descriptors, BitPlacement) {
    uint32_t w[SamplerDescriptor::kDwords] = {};
    SamplerDescriptor s;
    s.min_filter = Filter::linear;
    s.wrap_v = Wrap::clamp_to_border;
    s.lod_bias = 1.0f;
    s.pack(w);
    EXPECT_EQ(w[0], (1u << 1) | (3u << 6));
    EXPECT_EQ(w[1], 0x3f800000u);
    w[0] |= 1u << 31;
    EXPECT_FALSE(SamplerDescriptor::reserved_zero(w));
    EXPECT_FALSE(check_record(find_struct("SamplerDescriptor"), w));
}

TEST(Packets, DumpOfGarbageEnds) {
    uint32_t state = 1;
    for (int i = 0; i < 20000; ++i) {
        uint32_t w[24];
        for (uint32_t& x : w) {
            state = state * 1664525u + 1013904223u;
            x = state;
        }
        w[0] = (state % 0x60) | ((state >> 8) % 40) << 16;
        std::string why;
        static_cast<void>(check_packet(w, &why));
        EXPECT_FALSE(dump_stream(w).empty());
    }
}

TEST(Formats, KnownLayouts) {
    const FormatInfo* f = format_info(37); // VK_FORMAT_R8G8B8A8_UNORM
    ASSERT_NE(f, nullptr);
    EXPECT_STREQ(f->name, "R8G8B8A8_UNORM");
    EXPECT_EQ(f->bytes_per_block, 4);
    EXPECT_EQ(f->ch[2].shift, 16);
    EXPECT_TRUE(f->has(FormatCap::blend) && f->has(FormatCap::storage));
    f = format_info(static_cast<uint32_t>(Format::b8g8r8a8_srgb));
    EXPECT_EQ(f->ch[0].shift, 16);
    EXPECT_EQ(f->ch[3].type, ChannelType::unorm);
    EXPECT_TRUE(f->srgb);
    f = format_info(static_cast<uint32_t>(Format::r5g6b5_unorm_pack16));
    EXPECT_EQ(f->ch[0].shift, 11);
    EXPECT_EQ(f->ch[1].bits, 6);
    f = format_info(static_cast<uint32_t>(Format::a2b10g10r10_unorm_pack32));
    EXPECT_EQ(f->ch[3].shift, 30);
    f = format_info(static_cast<uint32_t>(Format::e5b9g9r9_ufloat_pack32));
    EXPECT_TRUE(f->shared_exponent);
    EXPECT_EQ(f->ch[2].shift, 18);
    f = format_info(static_cast<uint32_t>(Format::d24_unorm_s8_uint));
    EXPECT_TRUE(f->two_planes() && f->depth && f->stencil);
    EXPECT_EQ(f->plane[0], static_cast<uint16_t>(Format::x8_d24_unorm_pack32));
    f = format_info(static_cast<uint32_t>(Format::bc1_rgb_unorm_block));
    EXPECT_EQ(f->block_w * f->block_h, 16);
    EXPECT_EQ(f->bytes_per_block, 8);
    f = format_info(static_cast<uint32_t>(Format::a8_unorm));
    EXPECT_EQ(f->first().bits, 8);
    EXPECT_FALSE(f->is_integer());
}

TEST(Formats, NumbersBothWays) {
    EXPECT_EQ(format_info(0), nullptr);
    EXPECT_EQ(format_info(185), nullptr);
    EXPECT_EQ(format_info(0xffffffffu), nullptr);
    EXPECT_EQ(format_from_vk(1000340000), 200u);
    EXPECT_EQ(format_from_vk(200), 0u);
    EXPECT_EQ(format_from_vk(37), 37u);
    EXPECT_EQ(format_from_vk(0), 0u);
    for (const FormatInfo& f : all_formats()) {
        EXPECT_EQ(format_info(f.id), &f);
        EXPECT_EQ(format_from_vk(f.vk), f.id) << f.name;
        EXPECT_GT(f.bytes_per_block, 0) << f.name;
        for (const Channel& c : f.ch) {
            EXPECT_LE(c.shift + c.bits, f.bytes_per_block * 8) << f.name;
        }
    }
}

TEST(Formats, MandatoryCapabilities) {
    // Spot checks of the Vulkan specification's tables of required format support.
    const auto has = [](Format id, FormatCap cap) {
        return format_info(static_cast<uint32_t>(id))->has(cap);
    };
    EXPECT_TRUE(has(Format::r32_uint, FormatCap::storage_atomic));
    EXPECT_TRUE(has(Format::r32_sint, FormatCap::storage_texel_atomic));
    EXPECT_TRUE(has(Format::r32g32b32_sfloat, FormatCap::vertex));
    EXPECT_FALSE(has(Format::r32g32b32_sfloat, FormatCap::sampled));
    EXPECT_TRUE(has(Format::r5g6b5_unorm_pack16, FormatCap::blend));
    EXPECT_TRUE(has(Format::b10g11r11_ufloat_pack32, FormatCap::filter_linear));
    EXPECT_TRUE(has(Format::d16_unorm, FormatCap::depth_stencil));
    EXPECT_TRUE(has(Format::x8_d24_unorm_pack32, FormatCap::depth_stencil));
    EXPECT_TRUE(has(Format::d32_sfloat, FormatCap::sampled));
    EXPECT_FALSE(has(Format::r8g8b8a8_uint, FormatCap::blend));
    EXPECT_FALSE(has(Format::r8g8b8a8_uint, FormatCap::filter_linear));
    EXPECT_TRUE(has(Format::a8b8g8r8_srgb_pack32, FormatCap::color));
    EXPECT_TRUE(has(Format::bc7_unorm_block, FormatCap::filter_linear));
    EXPECT_FALSE(has(Format::astc_4x4_unorm_block, FormatCap::sampled));
}

TEST(Limits, AreConsistent) {
    EXPECT_EQ(limits::kVaBits, 40u);
    EXPECT_GE(limits::kMaxImageLevels, 15u); // 16384 texels
}

} // namespace
} // namespace kite::hw
