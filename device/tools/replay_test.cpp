// SPDX-License-Identifier: MIT
// What a device records is replayed to the same bits, by both executors, whole and draw by draw;
// damaged files are refused.
#include "device/embed/packet_gen.hpp"
#include "device/embed/test_gpu.hpp"
#include "device/trace/picture.hpp"
#include "device/trace/player.hpp"

#include "base/log.hpp"

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

namespace kite::dev::trace {
namespace {

using test::Stream;
using test::TestGpu;

constexpr uint64_t kColor = 0x800000; // offset of the colour attachment
constexpr uint64_t kData = 0x400000;  // of what the compute program reads
constexpr uint32_t kDraws = 3;

// A folder that records, and is gone afterwards.
class Recording {
public:
    Recording() {
        char name[] = "/tmp/kite-replay-XXXXXX";
        folder_ = mkdtemp(name);
        setenv("KITE_CAPTURE", folder_.c_str(), 1);
    }
    ~Recording() {
        unsetenv("KITE_CAPTURE");
        std::filesystem::remove_all(folder_);
    }
    Recording(const Recording&) = delete;
    Recording& operator=(const Recording&) = delete;
    // Ends recording; the file's content.
    std::vector<std::byte> bytes() {
        unsetenv("KITE_CAPTURE");
        std::vector<std::byte> all;
        for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
            std::ifstream in(entry.path(), std::ios::binary);
            const std::vector<char> text((std::istreambuf_iterator<char>(in)), {});
            const auto view = std::as_bytes(std::span(text));
            all.insert(all.end(), view.begin(), view.end());
            ++files;
        }
        return all;
    }
    unsigned files = 0;

private:
    std::string folder_;
};

hw::ImageDescriptor color_image() {
    hw::ImageDescriptor d;
    d.address = TestGpu::va(kColor);
    d.format = 37; // r8g8b8a8_unorm
    d.dim = hw::ViewDim::d2;
    d.layout = hw::ImageLayout::linear;
    d.width_minus_1 = 199;
    d.height_minus_1 = 199;
    d.row_pitch = 200 * 4;
    return d;
}

Stream scene(TestGpu& gpu, uint32_t draws) {
    Stream out;
    for (const hw::BindProgramPacket& p : test::load_programs(gpu)) {
        if (p.stage <= hw::Stage::compute) {
            out.add(p);
        }
    }
    hw::Attachment color;
    color.present = true;
    color.load_op = hw::LoadOp::clear;
    color.surface.image = color_image();
    hw::BeginRenderingPacket begin;
    begin.area = {0, 0, 200, 200};
    begin.layers = 1;
    begin.samples = 1;
    out.add(begin, std::span(&color, 1));
    out.add(hw::SetMultisamplePacket{.samples = 1, .sample_mask = ~0u});
    const hw::Viewport viewport{
        .x = 0, .y = 0, .width = 200, .height = 200, .min_depth = 0, .max_depth = 1};
    out.add(hw::SetViewportsPacket{.first = 0, .depth_clip_negative_one = 0},
            std::span(&viewport, 1));
    const hw::Rect scissor{0, 0, 200, 200};
    out.add(hw::SetScissorsPacket{.first = 0}, std::span(&scissor, 1));
    hw::BlendAttachment blend;
    blend.write_mask = 15;
    out.add(
        hw::SetBlendPacket{.logic_op_enable = 0, .logic_op = hw::LogicOp::copy, .constants = {}},
        std::span(&blend, 1));
    out.add(hw::SetInputAssemblyPacket{
        .topology = hw::Topology::triangle_list, .primitive_restart = 0, .provoking_last = 0});
    for (uint32_t i = 0; i < draws; ++i) {
        out.add(hw::DrawPacket{.vertex_count = 12,
                               .instance_count = 1,
                               .first_vertex = 100 * i,
                               .first_instance = 0,
                               .draw_index = 0});
    }
    out.add(hw::EndRenderingPacket{});
    return out;
}

// Copies 32 dwords 64 dwords further; reads what the test put there.
Stream dispatch(TestGpu& gpu) {
    Stream out;
    out.add(test::load_programs(gpu)[2]);
    out.add(hw::SetPushConstantsPacket{.bind_point = hw::BindPoint::compute,
                                       .address = TestGpu::va(kData)});
    out.add(hw::DispatchPacket{.groups = {1, 1, 1}, .base = {0, 0, 0}});
    return out;
}

struct Recorded {
    std::vector<std::byte> file;
    std::vector<uint8_t> image;           // after all draws
    std::vector<uint8_t> partial[kDraws]; // after 1, 2, ... draws
};

std::vector<uint8_t> image_of(TestGpu& gpu) {
    const auto* p = gpu.at<uint8_t>(kColor);
    return {p, p + 200 * 200 * 4};
}

// Two dispatches with a result that the host wipes in between, then a scene of three draws.
Recorded record() {
    Recorded r;
    Recording recording;
    {
        TestGpu gpu({.threads = 2, .executor = 1});
        unsetenv("KITE_CAPTURE");
        for (int round = 0; round < 2; ++round) {
            for (uint32_t i = 0; i < 32; ++i) {
                gpu.at<uint32_t>(kData)[i] = 7 * i + 1;
                gpu.at<uint32_t>(kData)[64 + i] = 0;
            }
            EXPECT_EQ(gpu.run(dispatch(gpu)), Status::ok);
            EXPECT_EQ(gpu.at<uint32_t>(kData)[64 + 31], 7u * 31 + 1);
        }
        EXPECT_EQ(gpu.run(scene(gpu, kDraws)), Status::ok);
        r.image = image_of(gpu);
    }
    r.file = recording.bytes();
    EXPECT_EQ(recording.files, 1u);
    for (uint32_t n = 0; n < kDraws; ++n) {
        TestGpu gpu({.threads = 2, .executor = 1});
        EXPECT_EQ(gpu.run(scene(gpu, n + 1)), Status::ok);
        r.partial[n] = image_of(gpu);
    }
    return r;
}

const Recorded& recorded() {
    static const Recorded r = record();
    return r;
}

PlayerConfig config(uint32_t executor) {
    return {.executor = executor, .threads = 2, .cache_dir = ""};
}

class Replay : public testing::TestWithParam<uint32_t> {};

TEST_P(Replay, WholeFileGivesTheRecordedBits) {
    const auto capture = Capture::parse(recorded().file);
    ASSERT_TRUE(capture) << capture.error().message;
    EXPECT_FALSE(capture->truncated());
    ASSERT_EQ(capture->submissions().size(), 3u);
    auto player = Player::create(*capture, config(GetParam()));
    ASSERT_TRUE(player) << player.error().message;
    for (size_t i = 0; i < 3; ++i) {
        ASSERT_TRUE((*player)->seek(i));
        const auto outcome = (*player)->execute();
        ASSERT_TRUE(outcome) << outcome.error().message;
        EXPECT_EQ(outcome->status, Status::ok) << outcome->fault;
        EXPECT_TRUE(outcome->compared);
        EXPECT_GT(outcome->changed, 0u);
        EXPECT_EQ(outcome->different, 0u) << i;
        EXPECT_EQ(outcome->untouched, 0u) << i;
        if (i == 2) {
            const auto picture = picture_of((*player)->memory(), outcome->stream.targets);
            ASSERT_TRUE(picture) << picture.error().message;
            EXPECT_EQ(picture->rgba, recorded().image);
        }
    }
}

TEST_P(Replay, OneSubmissionWithoutThoseBefore) {
    const auto capture = Capture::parse(recorded().file);
    ASSERT_TRUE(capture);
    auto player = Player::create(*capture, config(GetParam()));
    ASSERT_TRUE(player);
    ASSERT_TRUE((*player)->seek(1));
    EXPECT_FALSE((*player)->seek(0)) << "forward only";
    const auto outcome = (*player)->execute();
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->different, 0u);
}

TEST_P(Replay, DrawByDraw) {
    const auto capture = Capture::parse(recorded().file);
    ASSERT_TRUE(capture);
    for (uint32_t n = 0; n < kDraws; ++n) {
        auto player = Player::create(*capture, config(GetParam()));
        ASSERT_TRUE(player);
        ASSERT_TRUE((*player)->seek(2));
        const auto outcome = (*player)->execute(n + 1);
        ASSERT_TRUE(outcome);
        EXPECT_EQ(outcome->stream.draws, n + 1);
        const auto picture = picture_of((*player)->memory(), outcome->stream.targets);
        ASSERT_TRUE(picture);
        EXPECT_EQ(picture->rgba, recorded().partial[n]) << n + 1 << " draws";
    }
    EXPECT_NE(recorded().partial[0], recorded().partial[1]);
    EXPECT_NE(recorded().partial[1], recorded().partial[2]);
}

INSTANTIATE_TEST_SUITE_P(Executors, Replay, testing::Values(1u, 2u));

TEST(Capture, AFaultIsRecordedAndReplayed) {
    Recording recording;
    {
        TestGpu gpu({.threads = 2, .executor = 1});
        Stream bad;
        bad.add(hw::FillBufferPacket{.dst = TestGpu::va(kData), .size_bytes = 64, .value = 5});
        bad.add(hw::DispatchPacket{.groups = {1, 1, 1}, .base = {0, 0, 0}});
        EXPECT_EQ(gpu.run(bad), Status::fault);
    }
    const auto file = recording.bytes();
    const auto capture = Capture::parse(file);
    ASSERT_TRUE(capture);
    ASSERT_EQ(capture->submissions().size(), 1u);
    auto player = Player::create(*capture, config(1));
    ASSERT_TRUE(player);
    ASSERT_TRUE((*player)->seek(0));
    const auto outcome = (*player)->execute();
    ASSERT_TRUE(outcome);
    EXPECT_EQ(outcome->status, Status::fault);
    EXPECT_NE(outcome->fault.find("no compute program"), std::string::npos) << outcome->fault;
    EXPECT_EQ(outcome->different, 0u);
}

TEST(Capture, ATruncatedFileIsUsedUpToItsEnd) {
    const auto& file = recorded().file;
    const auto capture = Capture::parse(std::span(file).first(file.size() - 3));
    ASSERT_TRUE(capture);
    EXPECT_TRUE(capture->truncated());
    EXPECT_EQ(capture->submissions().size(), 3u);
    EXPECT_FALSE(capture->submissions().back().result);
    for (size_t n = 0; n < file.size(); n += 1 + n / 16) {
        (void)Capture::parse(std::span(file).first(n));
    }
}

TEST(Capture, DamageIsFound) {
    base::set_log_level(base::LogLevel::none);
    std::vector<std::byte> file = recorded().file;
    for (size_t at = 0; at < file.size(); at += 1 + at / 64) {
        file[at] ^= std::byte{0x10};
        const auto capture = Capture::parse(file);
        // A damaged length may look like a file that ends early; all else is refused.
        EXPECT_TRUE(!capture || capture->truncated()) << "byte " << at;
        if (!capture) {
            EXPECT_FALSE(capture.error().message.empty());
        }
        file[at] ^= std::byte{0x10};
    }
}

} // namespace
} // namespace kite::dev::trace
