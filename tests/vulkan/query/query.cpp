// SPDX-License-Identifier: MIT
// Occlusion, timestamp and statistics queries, and where their results go.
#include "tests/vulkan/harness/graphics.hpp"

#include "query_shaders.hpp"

using namespace kite::vktest;

namespace {

class Query : public GraphicsTest {
protected:
    VkQueryPool pool(VkQueryType type, uint32_t count, VkQueryPipelineStatisticFlags what = 0) {
        const VkQueryPoolCreateInfo info{.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
                                         .queryType = type,
                                         .queryCount = count,
                                         .pipelineStatistics = what};
        VkQueryPool made = VK_NULL_HANDLE;
        must(vkCreateQueryPool(device, &info, nullptr, &made));
        defer([this, made] { vkDestroyQueryPool(device, made, nullptr); });
        return made;
    }
    /// Draws rectangles, each in a query of its own.
    void draw_queries(const Target& t, VkQueryPool queries, VkQueryControlFlags flags,
                      const std::vector<std::array<float, 4>>& rectangles) {
        std::vector<Vertex> vertices;
        for (const auto& [x0, y0, x1, y1] : rectangles) {
            const auto more = rectangle(t, x0, y0, x1, y1, 0.5F);
            vertices.insert(vertices.end(), more.begin(), more.end());
        }
        const Buffer data = buffer_of(vertices);
        DrawState state{.vert = glsl::pass_vert, .frag = glsl::color_frag};
        if (t.info.depth != VK_FORMAT_UNDEFINED) {
            state.depth.depthTestEnable = VK_TRUE;
            state.depth.depthWriteEnable = VK_TRUE;
            state.depth.depthCompareOp = VK_COMPARE_OP_LESS;
        }
        const VkPipeline made = pipeline(t, state);
        run([&](VkCommandBuffer c) {
            const auto count = static_cast<uint32_t>(rectangles.size());
            vkCmdResetQueryPool(c, queries, 0, count);
            begin(c, t);
            vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_GRAPHICS, made);
            const VkDeviceSize zero = 0;
            vkCmdBindVertexBuffers(c, 0, 1, &data.handle, &zero);
            for (uint32_t i = 0; i < count; ++i) {
                vkCmdBeginQuery(c, queries, i, flags);
                vkCmdDraw(c, 6, 1, i * 6, 0);
                vkCmdEndQuery(c, queries, i);
            }
            vkCmdEndRenderPass(c);
        });
    }
};

TEST_F(Query, OcclusionIsExact) {
    if (!world.features.core.occlusionQueryPrecise) {
        GTEST_SKIP() << "no occlusionQueryPrecise";
    }
    const Target t = target({.depth = VK_FORMAT_D32_SFLOAT, .width = 100, .height = 80});
    const VkQueryPool queries = pool(VK_QUERY_TYPE_OCCLUSION, 4);
    // The second one lies half below the first; the third is outside.
    draw_queries(t, queries, VK_QUERY_CONTROL_PRECISE_BIT,
                 {{0, 0, 70, 80}, {60, 0, 80, 80}, {120, 0, 150, 80}, {99, 79, 100, 80}});
    uint64_t results[4];
    must(vkGetQueryPoolResults(device, queries, 0, 4, sizeof(results), results, 8,
                               VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT));
    EXPECT_EQ(results[0], 5600U);
    EXPECT_EQ(results[1], 800U);
    EXPECT_EQ(results[2], 0U);
    EXPECT_EQ(results[3], 1U);
}

TEST_F(Query, OcclusionCountsSamples) {
    if (!world.features.core.occlusionQueryPrecise) {
        GTEST_SKIP() << "no occlusionQueryPrecise";
    }
    const Target t = target({.samples = VK_SAMPLE_COUNT_4_BIT});
    const VkQueryPool queries = pool(VK_QUERY_TYPE_OCCLUSION, 1);
    draw_queries(t, queries, VK_QUERY_CONTROL_PRECISE_BIT, {{0, 0, 10, 10}});
    uint32_t result = 0;
    must(vkGetQueryPoolResults(device, queries, 0, 1, 4, &result, 4, VK_QUERY_RESULT_WAIT_BIT));
    EXPECT_EQ(result, 400U);
}

TEST_F(Query, AvailabilityStrideAndReset) {
    const Target t = target({});
    const VkQueryPool queries = pool(VK_QUERY_TYPE_OCCLUSION, 4);
    draw_queries(t, queries, 0, {{0, 0, 4, 4}, {20, 0, 24, 4}});
    run([&](VkCommandBuffer c) { vkCmdResetQueryPool(c, queries, 2, 2); });
    uint32_t results[4 * 4];
    std::fill_n(results, 16, 0xEEEEEEEEU);
    EXPECT_EQ(vkGetQueryPoolResults(device, queries, 0, 4, sizeof(results), results, 16,
                                    VK_QUERY_RESULT_WITH_AVAILABILITY_BIT),
              VK_NOT_READY);
    EXPECT_NE(results[0], 0U);
    EXPECT_NE(results[1], 0U);
    EXPECT_EQ(results[4], 0U);
    EXPECT_NE(results[5], 0U);
    EXPECT_EQ(results[9], 0U); // reset: not available
    EXPECT_EQ(results[2], 0xEEEEEEEEU);
}

TEST_F(Query, ResultsCopiedToABuffer) {
    const Target t = target({});
    const VkQueryPool queries = pool(VK_QUERY_TYPE_OCCLUSION, 2);
    const bool precise = world.features.core.occlusionQueryPrecise != 0;
    draw_queries(t, queries, precise ? VkQueryControlFlags{VK_QUERY_CONTROL_PRECISE_BIT} : 0,
                 {{0, 0, 4, 4}, {0, 0, 5, 5}});
    const Buffer out = buffer(96);
    run([&](VkCommandBuffer c) {
        vkCmdCopyQueryPoolResults(c, queries, 0, 2, out.handle, 8, 24,
                                  VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT |
                                      VK_QUERY_RESULT_WITH_AVAILABILITY_BIT);
        vkCmdCopyQueryPoolResults(c, queries, 1, 1, out.handle, 64, 4, VK_QUERY_RESULT_WAIT_BIT);
    });
    const auto words = out.as<uint64_t>();
    if (precise) {
        EXPECT_EQ(words[1], 16U);
        EXPECT_EQ(words[4], 25U);
        EXPECT_EQ(out.as<uint32_t>()[16], 25U);
    }
    EXPECT_NE(words[1], 0U);
    EXPECT_NE(words[2], 0U);
    EXPECT_EQ(words[3], 0U);
    EXPECT_NE(words[5], 0U);
}

TEST_F(Query, TimestampsGoForward) {
    if (world.queue_properties.timestampValidBits == 0) {
        GTEST_SKIP() << "no timestamps";
    }
    EXPECT_GT(world.limits.timestampPeriod, 0.0F);
    const VkQueryPool queries = pool(VK_QUERY_TYPE_TIMESTAMP, 4);
    const Buffer data = buffer(8 << 20);
    run([&](VkCommandBuffer c) {
        vkCmdResetQueryPool(c, queries, 0, 4);
        vkCmdWriteTimestamp(c, VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT, queries, 0);
        vkCmdFillBuffer(c, data.handle, 0, VK_WHOLE_SIZE, 1);
        barrier(c);
        vkCmdWriteTimestamp(c, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, queries, 1);
        vkCmdWriteTimestamp(c, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, queries, 2);
    });
    run([&](VkCommandBuffer c) {
        vkCmdWriteTimestamp(c, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, queries, 3);
    });
    uint64_t times[4];
    must(vkGetQueryPoolResults(device, queries, 0, 4, sizeof(times), times, 8,
                               VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT));
    EXPECT_LT(times[0], times[1]);
    EXPECT_LE(times[1], times[2]);
    EXPECT_LT(times[2], times[3]);
    const double seconds =
        static_cast<double>(times[3] - times[0]) * world.limits.timestampPeriod * 1e-9;
    EXPECT_LT(seconds, 10);
    EXPECT_GT(seconds, 1e-6);
}

TEST_F(Query, PipelineStatistics) {
    if (!world.features.core.pipelineStatisticsQuery) {
        GTEST_SKIP() << "no pipelineStatisticsQuery";
    }
    const Target t = target({});
    const VkQueryPool queries =
        pool(VK_QUERY_TYPE_PIPELINE_STATISTICS, 1,
             VK_QUERY_PIPELINE_STATISTIC_INPUT_ASSEMBLY_VERTICES_BIT |
                 VK_QUERY_PIPELINE_STATISTIC_INPUT_ASSEMBLY_PRIMITIVES_BIT |
                 VK_QUERY_PIPELINE_STATISTIC_VERTEX_SHADER_INVOCATIONS_BIT |
                 VK_QUERY_PIPELINE_STATISTIC_CLIPPING_INVOCATIONS_BIT |
                 VK_QUERY_PIPELINE_STATISTIC_FRAGMENT_SHADER_INVOCATIONS_BIT);
    draw_queries(t, queries, 0, {{0, 0, 8, 8}});
    uint64_t results[5];
    must(vkGetQueryPoolResults(device, queries, 0, 1, sizeof(results), results, sizeof(results),
                               VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT));
    EXPECT_EQ(results[0], 6U);
    EXPECT_EQ(results[1], 2U);
    EXPECT_GE(results[2], 4U);
    EXPECT_GE(results[3], 2U);
    EXPECT_GE(results[4], 64U);
    EXPECT_LE(results[4], 256U);
    // A copy holds the values asked for and nothing else.
    const Buffer out = buffer(64);
    run([&](VkCommandBuffer c) {
        vkCmdCopyQueryPoolResults(c, queries, 0, 1, out.handle, 0, 24,
                                  VK_QUERY_RESULT_WAIT_BIT | VK_QUERY_RESULT_WITH_AVAILABILITY_BIT);
    });
    for (uint32_t i = 0; i < 5; ++i) {
        EXPECT_EQ(out.as<uint32_t>()[i], results[i]);
    }
    EXPECT_EQ(out.as<uint32_t>()[5], 1U);
    EXPECT_EQ(out.as<uint32_t>()[6], 0U);
}

TEST_F(Query, HostReset) {
    if (!world.features.host_query_reset.hostQueryReset) {
        GTEST_SKIP() << "no hostQueryReset";
    }
    const Target t = target({});
    const VkQueryPool queries = pool(VK_QUERY_TYPE_OCCLUSION, 1);
    draw_queries(t, queries, 0, {{0, 0, 4, 4}});
    uint32_t result = 0;
    EXPECT_EQ(vkGetQueryPoolResults(device, queries, 0, 1, 4, &result, 4, 0), VK_SUCCESS);
    world.load<PFN_vkResetQueryPoolEXT>("vkResetQueryPoolEXT")(device, queries, 0, 1);
    EXPECT_EQ(vkGetQueryPoolResults(device, queries, 0, 1, 4, &result, 4, 0), VK_NOT_READY);
}

} // namespace
