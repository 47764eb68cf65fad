// SPDX-License-Identifier: MIT
#include "device/geometry/batch.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace kite::dev::geometry {
namespace {

std::vector<BatchDesc> plan(const VertexInput& input) {
    BatchPlanner planner(input);
    std::vector<BatchDesc> out;
    BatchDesc d{};
    while (planner.next(d)) {
        if (d.primitive_count != 0) {
            out.push_back(d);
        }
    }
    return out;
}

VertexInput triangles(uint32_t count, uint32_t instances = 1) {
    VertexInput in;
    in.topology = hw::Topology::triangle_list;
    in.count = count;
    in.instance_count = instances;
    return in;
}

TEST(Planner, EmptyDrawsMakeNothing) {
    EXPECT_TRUE(plan(triangles(0)).empty());
    EXPECT_TRUE(plan(triangles(2)).empty());
    EXPECT_TRUE(plan(triangles(3, 0)).empty());
    VertexInput patches = triangles(30);
    patches.topology = hw::Topology::patch_list;
    EXPECT_TRUE(plan(patches).empty());
}

TEST(Planner, SplitsLongLists) {
    const auto batches = plan(triangles(3 * 300 + 2));
    ASSERT_EQ(batches.size(), 3u);
    EXPECT_EQ(batches[1].first_primitive, 128u);
    EXPECT_EQ(batches[1].primitive_id, 128u);
    EXPECT_EQ(batches[2].primitive_count, 300u - 256u);
}

TEST(Planner, GroupsSmallInstances) {
    const auto batches = plan(triangles(6, 100)); // 64 instances of two triangles fit a batch
    ASSERT_EQ(batches.size(), 2u);
    EXPECT_EQ(batches[0].instance_count, 64u);
    EXPECT_EQ(batches[1].instance, 64u);
    EXPECT_EQ(batches[1].instance_count, 36u);
}

TEST(Planner, RestartCutsRunsAndKeepsCountingPrimitives) {
    const std::vector<uint16_t> indices = {0, 1, 2, 3, 0xffff, 4, 5, 0xffff, 0xffff, 6, 7, 8};
    VertexInput in;
    in.topology = hw::Topology::triangle_strip;
    in.indexed = true;
    in.restart = true;
    in.indices = reinterpret_cast<const std::byte*>(indices.data());
    in.index_bytes = indices.size() * 2;
    in.count = static_cast<uint32_t>(indices.size());
    in.instance_count = 2;
    const auto batches = plan(in);
    ASSERT_EQ(batches.size(), 4u);
    EXPECT_EQ(batches[0].segment_first, 0u);
    EXPECT_EQ(batches[0].primitive_count, 2u);
    EXPECT_EQ(batches[1].segment_first, 9u);
    EXPECT_EQ(batches[1].primitive_id, 2u);
    EXPECT_EQ(batches[2].instance, 1u);
    EXPECT_EQ(batches[2].primitive_id, 0u);
}

TEST(Planner, LongScansComeUpForAir) {
    // Nothing but restarts, then one triangle: every call returns soon, the triangle is found.
    constexpr uint32_t kRestarts = 1'000'000;
    std::vector<uint8_t> indices(kRestarts, 0xff);
    indices.insert(indices.end(), {1, 2, 3});
    VertexInput in;
    in.topology = hw::Topology::triangle_strip;
    in.indexed = true;
    in.restart = true;
    in.indices = reinterpret_cast<const std::byte*>(indices.data());
    in.index_bytes = indices.size();
    in.index_size = 1;
    in.count = static_cast<uint32_t>(indices.size());
    in.instance_count = 1;
    BatchPlanner planner(in);
    BatchDesc d{};
    unsigned calls = 0;
    while (planner.next(d) && d.primitive_count == 0) {
        ++calls;
    }
    EXPECT_GT(calls, 5u);
    EXPECT_EQ(d.segment_first, kRestarts);
    EXPECT_EQ(d.primitive_count, 1u);
    // One long run without a restart is one segment.
    std::fill(indices.begin(), indices.end(), uint8_t{0});
    uint32_t primitives = 0;
    BatchPlanner run(in);
    while (run.next(d)) {
        EXPECT_EQ(d.segment_first, 0u);
        primitives += d.primitive_count;
    }
    EXPECT_EQ(primitives, in.count - 2);
}

TEST(Planner, OneDrawPerView) {
    VertexInput in = triangles(3, 2);
    in.view_mask = 0b101;
    const auto batches = plan(in);
    ASSERT_EQ(batches.size(), 2u);
    EXPECT_EQ(batches[0].view, 0u);
    EXPECT_EQ(batches[1].view, 2u);
}

TEST(Planner, IndicesOutsideTheBufferAreZero) {
    const uint32_t index[2] = {7, 9};
    VertexInput in;
    in.indices = reinterpret_cast<const std::byte*>(index);
    in.index_bytes = 7; // the second index is cut short
    in.index_size = 4;
    EXPECT_EQ(in.index(0), 7u);
    EXPECT_EQ(in.index(1), 0u);
    EXPECT_EQ(in.index(~uint64_t{0} >> 8), 0u);
}

} // namespace
} // namespace kite::dev::geometry
