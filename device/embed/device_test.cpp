// SPDX-License-Identifier: MIT
// The device through its public interface: packets built by hand, results compared with plain
// loops.
#include "device/embed/packet_gen.hpp"
#include "device/embed/test_gpu.hpp"
#include "kite_hw/formats.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <gtest/gtest.h>

namespace kite::dev::test {
namespace {

// out[i] = in[i] * 3 + 1 for the 64 invocations of each group; the push constants hold the two
// addresses.
constexpr std::string_view kScale = R"(
    sys s[0:1], push_va
    sys s2, group_id[0]
    sys v0, local_index
    shl.u32 s3, s2, 0x6
    iadd.u32 v0, v0, s3
    shl.u32 v1, v0, 0x2
    ld.u64 s[4:5], s[0:1], _, _
    ld.u64 s[6:7], s[0:1], _, _, +8
    ld.u32 v2, s[4:5], v1, _
    imul.u32 v2, v2, 0x3
    iadd.u32 v2, v2, 0x1
    st.u32 v2, s[6:7], v1, _
    exit
)";

constexpr uint64_t kProgram = TestGpu::kFree, kPush = kProgram + 0x10000, kIn = kPush + 0x10000,
                   kOut = kIn + 0x100000;

class DeviceTest : public testing::TestWithParam<DeviceConfig> {
protected:
    TestGpu gpu{GetParam()};

    Stream scale_state() {
        Stream s;
        s.add(gpu.load(kProgram, hw::Stage::compute, kScale, {64, 1, 1}));
        s.add(hw::SetPushConstantsPacket{.bind_point = hw::BindPoint::compute,
                                         .address = TestGpu::va(kPush)});
        gpu.at<uint64_t>(kPush)[0] = TestGpu::va(kIn);
        gpu.at<uint64_t>(kPush)[1] = TestGpu::va(kOut);
        for (uint32_t i = 0; i < 65536; ++i) {
            gpu.at<uint32_t>(kIn)[i] = i * 2654435761u;
        }
        std::memset(gpu.at<uint32_t>(kOut), 0, 65536 * 4);
        return s;
    }
    void expect_scaled(uint32_t first, uint32_t count, uint32_t all = 65536) {
        for (uint32_t i = 0; i < all; ++i) {
            const bool inside = i >= first && i - first < count;
            ASSERT_EQ(gpu.at<uint32_t>(kOut)[i], inside ? gpu.at<uint32_t>(kIn)[i] * 3 + 1 : 0u)
                << i;
        }
    }
};

TEST_P(DeviceTest, Dispatch) {
    Stream s = scale_state();
    s.add(hw::DispatchPacket{.groups = {1000, 1, 1}, .base = {5, 0, 0}});
    ASSERT_EQ(gpu.run(s), Status::ok);
    expect_scaled(5 * 64, 1000 * 64);
}

TEST_P(DeviceTest, DispatchIndirectAndPredicate) {
    Stream s = scale_state();
    const uint32_t groups[3] = {3, 1, 1};
    std::memcpy(gpu.at<uint32_t>(kPush + 256), groups, sizeof(groups));
    gpu.at<uint32_t>(kPush + 512)[0] = 0;
    s.add(hw::SetPredicatePacket{.address = TestGpu::va(kPush + 512), .inverted = 0});
    s.add(hw::DispatchPacket{.groups = {100, 1, 1}, .base = {}}); // skipped: the dword is zero
    s.add(hw::SetPredicatePacket{.address = TestGpu::va(kPush + 512), .inverted = 1});
    s.add(hw::DispatchIndirectPacket{.address = TestGpu::va(kPush + 256)});
    ASSERT_EQ(gpu.run(s), Status::ok);
    expect_scaled(0, 3 * 64);
}

TEST_P(DeviceTest, FillCopyCallAndQueries) {
    Stream inner;
    inner.add(
        hw::FillBufferPacket{.dst = TestGpu::va(kIn), .size_bytes = 4096, .value = 0xabcd0123});
    std::memcpy(gpu.at<uint32_t>(kPush), inner.words.data(), inner.words.size() * 4);
    Stream s;
    s.add(hw::CallPacket{.address = TestGpu::va(kPush),
                         .dwords = static_cast<uint32_t>(inner.words.size())});
    s.add(hw::CopyBufferPacket{
        .src = TestGpu::va(kIn), .dst = TestGpu::va(kOut + 3), .size_bytes = 4000});
    s.add(hw::WriteTimestampPacket{.address = TestGpu::va(kProgram)});
    s.add(hw::WriteEventPacket{.address = TestGpu::va(kProgram + 64), .value = 7});
    s.add(hw::WaitEventPacket{.address = TestGpu::va(kProgram + 64), .value = 7});
    hw::CopyQueryResultsPacket results;
    results.src = TestGpu::va(kProgram);
    results.slot_bytes = 16;
    results.count = 2;
    results.select = 1;
    results.dst = TestGpu::va(kProgram + 128);
    results.dst_stride = 16;
    results.wide = results.availability = true;
    s.add(results);
    std::memset(gpu.at<uint64_t>(kProgram), 0, 256);
    const uint64_t before = gpu.device->timestamp();
    ASSERT_EQ(gpu.run(s), Status::ok);
    EXPECT_EQ(0, std::memcmp(gpu.at<uint8_t>(kIn), gpu.at<uint8_t>(kOut + 3), 4000));
    EXPECT_EQ(gpu.at<uint32_t>(kIn)[1023], 0xabcd0123u);
    EXPECT_EQ(gpu.at<uint32_t>(kIn)[1024], 0u);
    const uint64_t* out = gpu.at<uint64_t>(kProgram + 128);
    EXPECT_GE(out[0], before);
    EXPECT_LE(out[0], gpu.device->timestamp());
    EXPECT_EQ(out[1], 1u);
    EXPECT_EQ(out[2], 0u); // never written
    EXPECT_EQ(out[3], 0u);
}

// One triangle that covers everything: the renderer is reached, and what it counts reaches memory.
TEST_P(DeviceTest, DrawCountsIntoQueries) {
    constexpr std::string_view kVertex = R"(
        sys v0, vertex_index
        icmp.u32 v1, v0, 0x1 {cc=eq}
        icmp.u32 v2, v0, 0x2 {cc=eq}
        mov v3, 0xbf800000
        mov v4, 0x40400000
        sel v5, v1, v4, v3
        sel v6, v2, v4, v3
        mov v7, 0x0
        mov v8, 0x3f800000
        stout v[5:8], +128 {n=4}
        exit
    )";
    constexpr std::string_view kFragment = R"(
        mov v0, 0x3f800000
        mov v1, 0x0
        mov v2, 0x3f000000
        mov v3, 0x3f800000
        stout v[0:3] {n=4}
        exit
    )";
    constexpr uint32_t kWidth = 100, kHeight = 70;
    hw::ImageDescriptor image;
    image.address = TestGpu::va(kIn);
    image.format = static_cast<uint32_t>(hw::Format::r8g8b8a8_unorm);
    image.dim = hw::ViewDim::d2;
    image.layout = hw::ImageLayout::linear;
    image.width_minus_1 = kWidth - 1;
    image.height_minus_1 = kHeight - 1;
    image.row_pitch = 448;
    hw::Attachment color;
    color.present = true;
    color.load_op = hw::LoadOp::clear;
    color.surface.image = image;
    const hw::Viewport viewport{
        .x = 0, .y = 0, .width = kWidth, .height = kHeight, .min_depth = 0, .max_depth = 1};
    const hw::Rect scissor{0, 0, kWidth - 10, kHeight};
    hw::BlendAttachment blend;
    blend.write_mask = 15;
    const uint64_t occlusion = TestGpu::va(kOut), statistics = TestGpu::va(kOut + 64);
    std::memset(gpu.at<std::byte>(kOut), 0, 256);

    Stream s;
    s.add(gpu.load(kProgram, hw::Stage::vertex, kVertex));
    s.add(gpu.load(kProgram + 0x1000, hw::Stage::fragment, kFragment));
    s.add(hw::BeginRenderingPacket{.area = {0, 0, kWidth, kHeight}, .layers = 1, .samples = 1},
          std::span(&color, 1));
    s.add(hw::SetViewportsPacket{}, std::span(&viewport, 1));
    s.add(hw::SetScissorsPacket{}, std::span(&scissor, 1));
    s.add(hw::SetBlendPacket{.logic_op = hw::LogicOp::copy}, std::span(&blend, 1));
    s.add(hw::SetInputAssemblyPacket{.topology = hw::Topology::triangle_list});
    s.add(hw::QueryBeginPacket{.type = hw::QueryType::occlusion, .address = occlusion});
    s.add(hw::QueryBeginPacket{.type = hw::QueryType::pipeline_statistics, .address = statistics});
    s.add(hw::DrawPacket{.vertex_count = 3, .instance_count = 2});
    s.add(hw::QueryEndPacket{.type = hw::QueryType::pipeline_statistics, .address = statistics});
    // Another query of the type overlaps the first one and goes on after it.
    const uint64_t overlapping = TestGpu::va(kOut + 32);
    s.add(hw::QueryBeginPacket{.type = hw::QueryType::occlusion, .address = overlapping});
    s.add(hw::DrawPacket{.vertex_count = 3, .instance_count = 1});
    s.add(hw::QueryEndPacket{.type = hw::QueryType::occlusion, .address = occlusion});
    s.add(hw::DrawPacket{.vertex_count = 3, .instance_count = 3});
    s.add(hw::QueryEndPacket{.type = hw::QueryType::occlusion, .address = overlapping});
    s.add(hw::EndRenderingPacket{});
    ASSERT_EQ(gpu.run(s), Status::ok);

    constexpr uint32_t kCovered = (kWidth - 10) * kHeight;
    EXPECT_EQ(gpu.at<uint64_t>(kOut)[0], 3 * kCovered);
    EXPECT_EQ(gpu.at<uint64_t>(kOut)[4], 4 * kCovered);
    EXPECT_EQ(gpu.at<uint64_t>(kOut)[5], 1u);
    EXPECT_EQ(gpu.at<uint64_t>(kOut)[1], 1u);
    const uint64_t* counts = gpu.at<uint64_t>(kOut + 64);
    EXPECT_EQ(counts[0], 6u); // vertices
    EXPECT_EQ(counts[1], 2u); // primitives
    EXPECT_EQ(counts[5], 2u); // reach clipping
    EXPECT_GE(counts[7], uint64_t{2} * kCovered);
    EXPECT_EQ(counts[11], 1u); // available
    for (uint32_t y = 0; y < kHeight; ++y) {
        for (uint32_t x = 0; x < kWidth; ++x) {
            ASSERT_EQ(gpu.at<uint32_t>(kIn + y * 448)[x], x < kWidth - 10 ? 0xff8000ffu : 0u)
                << x << "," << y;
        }
    }
}

TEST_P(DeviceTest, FaultKillsTheContextOnly) {
    Stream bad;
    bad.add(hw::BarrierPacket{});
    bad.words.push_back(0x00010fff); // unknown packet
    EXPECT_EQ(gpu.run(bad), Status::fault);
    Fault fault{};
    ASSERT_TRUE(gpu.queue->fault(&fault));
    EXPECT_EQ(fault.status, Status::fault);
    EXPECT_EQ(fault.address, TestGpu::va(8));
    Stream good;
    good.add(hw::BarrierPacket{});
    EXPECT_EQ(gpu.run(good), Status::lost);
    TestGpu other(GetParam());
    EXPECT_EQ(other.run(good), Status::ok);
    EXPECT_FALSE(other.queue->fault(&fault));
}

TEST_P(DeviceTest, FaultMessagesNameThePacket) {
    const auto message = [](const Stream& s) {
        TestGpu fresh(GetParam());
        std::memset(fresh.at<std::byte>(kProgram), 0xff, 4096);
        Fault fault{};
        EXPECT_EQ(fresh.run(s), Status::fault);
        EXPECT_TRUE(fresh.queue->fault(&fault));
        return std::string(fault.message);
    };
    Stream s;
    s.add(hw::DispatchPacket{.groups = {1, 1, 1}, .base = {}});
    EXPECT_EQ(message(s), "dispatch: no compute program is bound");
    s = {};
    s.add(hw::BindProgramPacket{.stage = hw::Stage::compute,
                                .address = TestGpu::va(kProgram),
                                .size_bytes = 4096,
                                .hash = 1});
    EXPECT_EQ(message(s).substr(0, 13), "bind_program:");
    s = {};
    s.add(hw::CallPacket{.address = TestGpu::kBase,
                         .dwords = hw::CallPacket::kDwords}); // calls itself
    EXPECT_EQ(message(s), "call: nested too deeply");
    s = {};
    s.add(hw::FillBufferPacket{.dst = ~uint64_t{3}, .size_bytes = 64, .value = 1});
    EXPECT_EQ(message(s), "fill_buffer: range outside the address space");
    s = {};
    s.words = {hw::packet_header(hw::Packet::nop, 100)};
    EXPECT_EQ(message(s), "packet longer than its buffer");
    s = {};
    s.add(hw::QueryEndPacket{.type = hw::QueryType::occlusion, .address = TestGpu::va(kProgram)});
    EXPECT_EQ(message(s), "query_end: end of a query that is not active");
    s = {};
    const hw::CapturedWord word{.slot = 0, .buffer = 1, .stream = 0, .offset = 8};
    s.add(hw::SetTransformFeedbackPacket{.raster_stream = 0, .strides = {64, 8, 64, 64}},
          std::span(&word, 1));
    EXPECT_EQ(message(s), "set_transform_feedback: slot 0 at byte 8 of 8 in buffer 1");
    s = {};
    s.add(hw::SetTransformFeedbackPacket{.raster_stream = 4, .strides = {}}, {});
    EXPECT_EQ(message(s), "set_transform_feedback: stream 4 or 0 captured words");
    s = {};
    s.add(hw::BeginTransformFeedbackPacket{}, {});
    EXPECT_EQ(message(s), "begin_transform_feedback: outside a rendering scope, or active already");
    const hw::BeginRenderingPacket scope{.area = {0, 0, 1, 1}, .layers = 1, .samples = 1};
    const hw::CaptureBuffer outside{
        .address = TestGpu::va(0), .size_bytes = ~uint64_t{0}, .counter = 0};
    s = {};
    s.add(scope, {});
    s.add(hw::BeginTransformFeedbackPacket{}, std::span(&outside, 1));
    EXPECT_EQ(message(s), "begin_transform_feedback: buffer 0 lies outside the address space");
    s = {};
    s.add(hw::EndTransformFeedbackPacket{}, {});
    EXPECT_EQ(message(s), "end_transform_feedback: not active, or 0 buffers");
    s = {};
    s.add(scope, {});
    s.add(hw::DrawByteCountPacket{.counter = TestGpu::va(kProgram), .vertex_stride = 0});
    EXPECT_EQ(message(s), "draw_byte_count: vertices of 0 bytes");
    s = {};
    s.add(hw::QueryBeginPacket{
        .type = hw::QueryType::transform_feedback, .address = TestGpu::va(kProgram), .index = 4});
    EXPECT_EQ(message(s), "query_begin: vertex stream 4");
    s = {};
    s.add(hw::DrawPacket{.vertex_count = 3, .instance_count = 1});
    EXPECT_EQ(message(s).substr(0, 5), "draw:");
}

TEST_P(DeviceTest, WildAddressesAreHarmless) {
    Stream s = scale_state();
    gpu.at<uint64_t>(kPush)[0] = 0xfffffffffffffff0u;
    gpu.at<uint64_t>(kPush)[1] = 0x123456789abcdef0u;
    s.add(hw::DispatchPacket{.groups = {64, 1, 1}, .base = {}});
    EXPECT_EQ(gpu.run(s), Status::ok);
}

TEST_P(DeviceTest, EndlessLoopsAreKilled) {
    DeviceConfig config = GetParam();
    config.hang_timeout_ms = 200;
    TestGpu impatient(config);
    Stream s;
    s.add(impatient.load(kProgram, hw::Stage::compute, "loop\nbr _\nend\nexit\n"));
    s.add(hw::DispatchPacket{.groups = {4, 1, 1}, .base = {}});
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(impatient.run(s), Status::hang);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
    Fault fault{};
    EXPECT_TRUE(impatient.queue->fault(&fault));
    EXPECT_EQ(fault.status, Status::hang);
}

TEST_P(DeviceTest, DestroyEndsWaitingWork) {
    Stream s;
    s.add(hw::WaitEventPacket{.address = TestGpu::va(kPush), .value = 1});
    std::memcpy(gpu.at<uint32_t>(0), s.words.data(), s.words.size() * 4);
    struct Seen {
        std::atomic<int> lost{0};
    } seen;
    Queue* queue = nullptr;
    const auto count = [](void* user, uint64_t, Status status) {
        static_cast<Seen*>(user)->lost += status == Status::lost ? 1 : 100;
    };
    ASSERT_EQ(gpu.device->create_queue(gpu.space, count, &seen, &queue), 0);
    const IndirectBuffer ib{
        .address = TestGpu::va(0), .dwords = static_cast<uint32_t>(s.words.size()), .reserved = 0};
    for (uint64_t i = 0; i < 3; ++i) {
        ASSERT_EQ(queue->submit(&ib, 1, i), 0);
    }
    queue->destroy();
    EXPECT_EQ(seen.lost, 3);
}

// Generated streams never take the process down, and enough of them run to their end to be worth
// it.
TEST_P(DeviceTest, RandomPackets) {
    DeviceConfig config = GetParam();
    config.hang_timeout_ms = 500;
    unsigned ok = 0;
    for (uint32_t seed = 1; seed <= 60; ++seed) {
        TestGpu fresh(config);
        const auto programs = load_programs(fresh);
        ok += fresh.run(PacketGenerator(seed).stream(seed % 12, programs)) == Status::ok;
    }
    EXPECT_GT(ok, 5u);
}

TEST(DeviceCreate, RefusesBadConfigurations) {
    Device* device = nullptr;
    DeviceConfig config;
    config.abi = kDeviceAbi + 1;
    EXPECT_LT(kite_device_create(&config, &device), 0);
    config = {};
    config.wave_size = 12;
    EXPECT_LT(kite_device_create(&config, &device), 0);
    EXPECT_LT(kite_device_create(nullptr, &device), 0);
}

TEST(DeviceCreate, InfoAndCounters) {
    TestGpu gpu({.wave_size = 8, .threads = 3, .executor = 1});
    const DeviceInfo& info = gpu.device->info();
    EXPECT_EQ(info.wave_size, 8u);
    EXPECT_EQ(info.threads, 3u);
    EXPECT_EQ(info.va_bits, 40u);
    EXPECT_NE(info.description[0], '\0');
    Stream s;
    s.add(hw::BarrierPacket{});
    EXPECT_EQ(gpu.run(s), Status::ok);
    Device::Counter counters[64];
    const uint32_t n = gpu.device->counters(counters, 64);
    const auto find = [&](std::string_view name) {
        const auto* c =
            std::find_if(counters, counters + n, [&](const auto& e) { return name == e.name; });
        return c == counters + n ? ~uint64_t{0} : c->value;
    };
    EXPECT_EQ(find("submissions"), 1u);
    EXPECT_EQ(find("packets"), 1u);
}

INSTANTIATE_TEST_SUITE_P(Executors, DeviceTest,
                         testing::Values(DeviceConfig{.wave_size = 8, .threads = 2, .executor = 1},
                                         DeviceConfig{.wave_size = 16, .threads = 1, .executor = 1},
                                         DeviceConfig{.threads = 2, .executor = 0}),
                         [](const auto& each) {
                             const DeviceConfig& c = each.param;
                             return std::string(c.executor == 1 ? "interp" : "automatic") +
                                    std::to_string(c.wave_size);
                         });

} // namespace
} // namespace kite::dev::test
