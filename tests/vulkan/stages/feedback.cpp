// SPDX-License-Identifier: MIT
// Transform feedback: order of captured primitives, layout of a vertex, overflow, pause and resume,
// streams, queries.
#include "tests/vulkan/harness/graphics.hpp"

#include "stages_shaders.hpp"

#include <algorithm>
#include <numeric>

using namespace kite::vktest;

namespace {

constexpr uint32_t kUntouched = 0xEEEEEEEE;

class Feedback : public GraphicsTest {
protected:
    void SetUp() override {
        if (!world.features.feedback.transformFeedback) {
            GTEST_SKIP() << "no transformFeedback";
        }
        properties.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TRANSFORM_FEEDBACK_PROPERTIES_EXT;
        VkPhysicalDeviceProperties2 all{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
                                        .pNext = &properties};
        vkGetPhysicalDeviceProperties2(world.physical, &all);
        bind = world.load<PFN_vkCmdBindTransformFeedbackBuffersEXT>(
            "vkCmdBindTransformFeedbackBuffersEXT");
        start = world.load<PFN_vkCmdBeginTransformFeedbackEXT>("vkCmdBeginTransformFeedbackEXT");
        stop = world.load<PFN_vkCmdEndTransformFeedbackEXT>("vkCmdEndTransformFeedbackEXT");
        begin_query = world.load<PFN_vkCmdBeginQueryIndexedEXT>("vkCmdBeginQueryIndexedEXT");
        end_query = world.load<PFN_vkCmdEndQueryIndexedEXT>("vkCmdEndQueryIndexedEXT");
        draw_bytes = world.load<PFN_vkCmdDrawIndirectByteCountEXT>("vkCmdDrawIndirectByteCountEXT");
    }

    /// A capture buffer of so many words, all kUntouched.
    Buffer capture(size_t words) {
        const Buffer made = buffer(words * 4, VK_BUFFER_USAGE_TRANSFORM_FEEDBACK_BUFFER_BIT_EXT |
                                                  VK_BUFFER_USAGE_VERTEX_BUFFER_BIT);
        std::ranges::fill(made.as<uint32_t>(), kUntouched);
        return made;
    }
    Buffer counter() {
        return buffer(16, VK_BUFFER_USAGE_TRANSFORM_FEEDBACK_COUNTER_BUFFER_BIT_EXT |
                              VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT);
    }
    VkQueryPool query(VkQueryType type, uint32_t count) {
        const VkQueryPoolCreateInfo info{.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
                                         .queryType = type,
                                         .queryCount = count};
        VkQueryPool made = VK_NULL_HANDLE;
        must(vkCreateQueryPool(device, &info, nullptr, &made));
        defer([this, made] { vkDestroyQueryPool(device, made, nullptr); });
        return made;
    }
    /// State of a pipeline that only captures.
    static DrawState discarding(Spirv vert, VkPrimitiveTopology topology) {
        DrawState state{.vert = vert};
        state.topology = topology;
        state.bindings.emplace();
        state.raster.rasterizerDiscardEnable = VK_TRUE;
        return state;
    }
    void bind_all(VkCommandBuffer c, const std::vector<Buffer>& buffers) const {
        for (uint32_t i = 0; i < buffers.size(); ++i) {
            const VkDeviceSize zero = 0;
            bind(c, i, 1, &buffers[i].handle, &zero, &buffers[i].size_bytes);
        }
    }
    /// Captures one draw.
    void record(const DrawState& state, uint32_t vertices, const std::vector<Buffer>& buffers,
                uint32_t instances = 1) {
        const Target t = target({});
        const VkPipeline made = pipeline(t, state);
        render(t, [&](VkCommandBuffer c) {
            vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_GRAPHICS, made);
            bind_all(c, buffers);
            start(c, 0, 0, nullptr, nullptr);
            vkCmdDraw(c, vertices, instances, 0, 0);
            stop(c, 0, 0, nullptr, nullptr);
        });
    }
    /// What lies in a buffer before the first untouched word.
    static std::vector<uint32_t> captured(const Buffer& buffer) {
        const auto words = buffer.as<uint32_t>();
        return {words.begin(), std::ranges::find(words, kUntouched)};
    }

    VkPhysicalDeviceTransformFeedbackPropertiesEXT properties{};
    PFN_vkCmdBindTransformFeedbackBuffersEXT bind = nullptr;
    PFN_vkCmdBeginTransformFeedbackEXT start = nullptr;
    PFN_vkCmdEndTransformFeedbackEXT stop = nullptr;
    PFN_vkCmdBeginQueryIndexedEXT begin_query = nullptr;
    PFN_vkCmdEndQueryIndexedEXT end_query = nullptr;
    PFN_vkCmdDrawIndirectByteCountEXT draw_bytes = nullptr;
};

/*glsl number.vert -DBUFFER=0 | number2 -DBUFFER=2
layout(location = 0, xfb_buffer = BUFFER, xfb_stride = 4, xfb_offset = 0) out uint number;
void main() {
    number = uint(gl_VertexIndex + 1000 * gl_InstanceIndex);
    gl_Position = vec4(0);
    gl_PointSize = 1.0;
}
*/
TEST_F(Feedback, PrimitivesInTheOrderOfTheSpecification) {
    struct Case {
        VkPrimitiveTopology topology;
        uint32_t vertices;
        std::vector<uint32_t> expected;
    };
    const Case cases[] = {
        {VK_PRIMITIVE_TOPOLOGY_POINT_LIST, 3, {0, 1, 2}},
        {VK_PRIMITIVE_TOPOLOGY_LINE_LIST, 5, {0, 1, 2, 3}},
        {VK_PRIMITIVE_TOPOLOGY_LINE_STRIP, 4, {0, 1, 1, 2, 2, 3}},
        {VK_PRIMITIVE_TOPOLOGY_TRIANGLE_LIST, 7, {0, 1, 2, 3, 4, 5}},
        {VK_PRIMITIVE_TOPOLOGY_TRIANGLE_STRIP, 5, {0, 1, 2, 1, 3, 2, 2, 3, 4}},
        {VK_PRIMITIVE_TOPOLOGY_TRIANGLE_FAN, 5, {1, 2, 0, 2, 3, 0, 3, 4, 0}},
        {VK_PRIMITIVE_TOPOLOGY_LINE_LIST_WITH_ADJACENCY, 9, {1, 2, 5, 6}},
        {VK_PRIMITIVE_TOPOLOGY_LINE_STRIP_WITH_ADJACENCY, 6, {1, 2, 2, 3, 3, 4}},
        {VK_PRIMITIVE_TOPOLOGY_TRIANGLE_LIST_WITH_ADJACENCY, 12, {0, 2, 4, 6, 8, 10}},
        {VK_PRIMITIVE_TOPOLOGY_TRIANGLE_STRIP_WITH_ADJACENCY, 8, {0, 2, 4, 2, 6, 4}},
    };
    for (const Case& c : cases) {
        SCOPED_TRACE(c.topology);
        const Buffer out = capture(64);
        record(discarding(glsl::number_vert, c.topology), c.vertices, {out});
        EXPECT_EQ(captured(out), c.expected);
    }
}

TEST_F(Feedback, TheProvokingVertexStaysTheLast) {
    if (!world.features.provoking.transformFeedbackPreservesProvokingVertex) {
        GTEST_SKIP() << "no transformFeedbackPreservesProvokingVertex";
    }
    VkPhysicalDeviceProvokingVertexPropertiesEXT facts{
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROVOKING_VERTEX_PROPERTIES_EXT};
    VkPhysicalDeviceProperties2 all{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
                                    .pNext = &facts};
    vkGetPhysicalDeviceProperties2(world.physical, &all);
    VkPipelineRasterizationProvokingVertexStateCreateInfoEXT last{
        .sType = VK_STRUCTURE_TYPE_PIPELINE_RASTERIZATION_PROVOKING_VERTEX_STATE_CREATE_INFO_EXT,
        .provokingVertexMode = VK_PROVOKING_VERTEX_MODE_LAST_VERTEX_EXT};
    const auto found = [&](VkPrimitiveTopology topology) {
        DrawState state = discarding(glsl::number_vert, topology);
        state.raster.pNext = &last;
        const Buffer out = capture(64);
        record(state, 5, {out});
        return captured(out);
    };
    using Words = std::vector<uint32_t>;
    EXPECT_EQ(found(VK_PRIMITIVE_TOPOLOGY_TRIANGLE_STRIP), (Words{0, 1, 2, 2, 1, 3, 2, 3, 4}));
    if (facts.transformFeedbackPreservesTriangleFanProvokingVertex) {
        EXPECT_EQ(found(VK_PRIMITIVE_TOPOLOGY_TRIANGLE_FAN), (Words{0, 1, 2, 0, 2, 3, 0, 3, 4}));
    }
}

// The code is the same, only where it is captured to is not.
TEST_F(Feedback, EqualShadersWithOtherBuffers) {
    const Target t = target({});
    const VkPipeline made[] = {
        pipeline(t, discarding(glsl::number_vert, VK_PRIMITIVE_TOPOLOGY_POINT_LIST)),
        pipeline(t, discarding(glsl::number2_vert, VK_PRIMITIVE_TOPOLOGY_POINT_LIST))};
    const std::vector<Buffer> out{capture(8), capture(8), capture(8)};
    render(t, [&](VkCommandBuffer c) {
        bind_all(c, out);
        for (uint32_t i = 0; i < 2; ++i) {
            vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_GRAPHICS, made[i]);
            start(c, 0, 0, nullptr, nullptr);
            vkCmdDraw(c, 2, 1, i * 10, 0);
            stop(c, 0, 0, nullptr, nullptr);
        }
    });
    EXPECT_EQ(captured(out[0]), (std::vector<uint32_t>{0, 1}));
    EXPECT_TRUE(captured(out[1]).empty());
    EXPECT_EQ(captured(out[2]), (std::vector<uint32_t>{10, 11}));
}

// Many batches on many workers; bytes between vertices stay as they were.
/*glsl spread.vert
layout(location = 3, xfb_buffer = 1, xfb_stride = 16, xfb_offset = 4) out uvec2 a;
layout(location = 0, component = 1, xfb_buffer = 2, xfb_stride = 4, xfb_offset = 0) out uint b;
void main() {
    a = uvec2(gl_VertexIndex, gl_InstanceIndex);
    b = uint(gl_VertexIndex * 3);
    gl_Position = vec4(0);
}
*/
TEST_F(Feedback, ManyPrimitivesAndInstancesInOrder) {
    constexpr uint32_t kVertices = 5000;
    constexpr uint32_t kInstances = 3;
    const Buffer unused = capture(4);
    const Buffer a = capture(size_t{kVertices} * kInstances * 4);
    const Buffer b = capture(size_t{kVertices} * kInstances + 8);
    record(discarding(glsl::spread_vert, VK_PRIMITIVE_TOPOLOGY_LINE_LIST), kVertices,
           {unused, a, b}, kInstances);
    for (uint32_t i = 0; i < kVertices * kInstances; ++i) {
        const auto* words = a.as<uint32_t>().data() + size_t{i} * 4;
        ASSERT_EQ(words[0], kUntouched) << i;
        ASSERT_EQ(words[1], i % kVertices) << i;
        ASSERT_EQ(words[2], i / kVertices) << i;
        ASSERT_EQ(words[3], kUntouched) << i;
        ASSERT_EQ(b.as<uint32_t>()[i], i % kVertices * 3) << i;
    }
    EXPECT_EQ(b.as<uint32_t>()[kVertices * kInstances], kUntouched);
    EXPECT_TRUE(captured(unused).empty());
}

// A block, arrays, a matrix, doubles and built-ins, where GLSL's rules put them.
/*glsl layout.vert
struct Pair { float x; vec2 y; };
layout(xfb_buffer = 0, xfb_stride = 128) out;
layout(xfb_buffer = 0) out gl_PerVertex {
    layout(xfb_offset = 0) vec4 gl_Position;
    layout(xfb_offset = 100) float gl_PointSize;
    layout(xfb_offset = 104) float gl_ClipDistance[2];
};
layout(location = 0, xfb_buffer = 0, xfb_offset = 16) out mat2x3 m;
layout(location = 4, xfb_buffer = 0, xfb_offset = 40) out dvec2 d;
layout(location = 6, xfb_buffer = 0, xfb_offset = 56) out Pair p[2];
layout(location = 12, xfb_buffer = 0) out Block {
    layout(xfb_offset = 80) uvec2 first;
    float skipped;
    layout(xfb_offset = 96) int last;
};
void main() {
    gl_Position = vec4(1, 2, 3, 4);
    gl_PointSize = 5.0;
    gl_ClipDistance[0] = 6.0;
    gl_ClipDistance[1] = 7.0;
    m = mat2x3(10, 11, 12, 13, 14, 15);
    d = dvec2(20.25, -21.5);
    p[0] = Pair(30.0, vec2(31, 32));
    p[1] = Pair(33.0, vec2(34, 35));
    first = uvec2(40, 41);
    skipped = 42.0;
    last = -43;
}
*/
TEST_F(Feedback, LayoutOfAVertex) {
    if (!world.features.core.shaderFloat64 || !world.features.core.shaderClipDistance) {
        GTEST_SKIP() << "no shaderFloat64 or shaderClipDistance";
    }
    const Buffer out = capture(32);
    record(discarding(glsl::layout_vert, VK_PRIMITIVE_TOPOLOGY_POINT_LIST), 1, {out});
    const auto real = [&](uint32_t byte) { return out.as<float>()[byte / 4]; };
    for (uint32_t i = 0; i < 4; ++i) {
        EXPECT_EQ(real(i * 4), static_cast<float>(i + 1));
    }
    for (uint32_t i = 0; i < 6; ++i) {
        EXPECT_EQ(real(16 + i * 4), static_cast<float>(i + 10));
        EXPECT_EQ(real(56 + i * 4), static_cast<float>(i + 30));
    }
    EXPECT_EQ(out.as<double>()[5], 20.25);
    EXPECT_EQ(out.as<double>()[6], -21.5);
    EXPECT_EQ(out.as<uint32_t>()[20], 40U);
    EXPECT_EQ(out.as<uint32_t>()[21], 41U);
    EXPECT_EQ(out.as<uint32_t>()[22], kUntouched);
    EXPECT_EQ(out.as<uint32_t>()[23], kUntouched);
    EXPECT_EQ(out.as<int32_t>()[24], -43);
    EXPECT_EQ(real(100), 5.0F);
    EXPECT_EQ(real(104), 6.0F);
    EXPECT_EQ(real(108), 7.0F);
    EXPECT_EQ(out.as<uint32_t>()[28], kUntouched);
}

TEST_F(Feedback, OverflowDropsWholePrimitivesAndQueriesSaySo) {
    if (!properties.transformFeedbackQueries) {
        GTEST_SKIP() << "no transformFeedbackQueries";
    }
    const Target t = target({});
    const VkPipeline made =
        pipeline(t, discarding(glsl::number_vert, VK_PRIMITIVE_TOPOLOGY_TRIANGLE_LIST));
    const VkQueryPool queries = query(VK_QUERY_TYPE_TRANSFORM_FEEDBACK_STREAM_EXT, 3);
    const Buffer out = capture(1003); // 334 triangles and a word
    run([&](VkCommandBuffer c) {
        vkCmdResetQueryPool(c, queries, 0, 3);
        begin(c, t);
        vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_GRAPHICS, made);
        bind_all(c, {out});
        begin_query(c, queries, 0, 0, 0);
        start(c, 0, 0, nullptr, nullptr);
        vkCmdDraw(c, 600, 1, 0, 0);
        vkCmdDraw(c, 602, 1, 600, 0);
        stop(c, 0, 0, nullptr, nullptr);
        end_query(c, queries, 0, 0);
        vkCmdBeginQuery(c, queries, 1, 0);
        start(c, 0, 0, nullptr, nullptr);
        vkCmdDraw(c, 3, 1, 0, 0);
        stop(c, 0, 0, nullptr, nullptr);
        vkCmdDraw(c, 3, 1, 0, 0); // not captured
        vkCmdEndQuery(c, queries, 1);
        vkCmdEndRenderPass(c);
    });
    for (uint32_t i = 0; i < 1002; ++i) {
        ASSERT_EQ(out.as<uint32_t>()[i], i);
    }
    EXPECT_EQ(out.as<uint32_t>()[1002], kUntouched);
    uint64_t results[2][3] = {};
    must(vkGetQueryPoolResults(device, queries, 0, 2, sizeof(results), results, 24,
                               VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT |
                                   VK_QUERY_RESULT_WITH_AVAILABILITY_BIT));
    EXPECT_EQ(results[0][0], 334U);
    EXPECT_EQ(results[0][1], 400U);
    EXPECT_EQ(results[0][2], 1U);
    EXPECT_EQ(results[1][0], 1U);
    EXPECT_EQ(results[1][1], 1U);
}

// Captured in two passes with another draw between them, then drawn as often as the counter says.
TEST_F(Feedback, PauseResumeAndDrawWhatWasCaptured) {
    const Target t = target({});
    const VkPipeline made =
        pipeline(t, discarding(glsl::number_vert, VK_PRIMITIVE_TOPOLOGY_POINT_LIST));
    const Buffer out = capture(64);
    const Buffer again = capture(64);
    const Buffer count = counter();
    const VkDeviceSize at = 4;
    std::ranges::fill(count.as<uint32_t>(), kUntouched);
    run([&](VkCommandBuffer c) {
        begin(c, t);
        vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_GRAPHICS, made);
        bind_all(c, {out});
        start(c, 0, 0, nullptr, nullptr);
        vkCmdDraw(c, 5, 1, 0, 0);
        stop(c, 0, 1, &count.handle, &at);
        vkCmdDraw(c, 7, 1, 100, 0);
        vkCmdEndRenderPass(c);
        barrier(c);
        begin(c, t);
        start(c, 0, 1, &count.handle, &at);
        vkCmdDraw(c, 3, 1, 20, 0);
        stop(c, 0, 1, &count.handle, &at);
        vkCmdEndRenderPass(c);
    });
    EXPECT_EQ(captured(out), (std::vector<uint32_t>{0, 1, 2, 3, 4, 20, 21, 22}));
    EXPECT_EQ(count.as<uint32_t>()[1], 32U);
    EXPECT_EQ(count.as<uint32_t>()[0], kUntouched);
    if (!properties.transformFeedbackDraw) {
        GTEST_SKIP() << "no transformFeedbackDraw";
    }
    render(t, [&](VkCommandBuffer c) {
        vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_GRAPHICS, made);
        bind_all(c, {again});
        start(c, 0, 0, nullptr, nullptr);
        draw_bytes(c, 1, 2, count.handle, at, 8, 4); // (32 - 8) / 4 points of instance 2
        stop(c, 0, 0, nullptr, nullptr);
    });
    EXPECT_EQ(captured(again), (std::vector<uint32_t>{2000, 2001, 2002, 2003, 2004, 2005}));
}

/*glsl eighth.tesc
layout(vertices = 1) out;
void main() {
    for (int i = 0; i < 4; ++i) gl_TessLevelOuter[i] = 2.0;
    gl_TessLevelInner[0] = gl_TessLevelInner[1] = 2.0;
}
*/
/*glsl eighth.tese
layout(quads, equal_spacing, ccw) in;
layout(location = 0, xfb_buffer = 0, xfb_stride = 12, xfb_offset = 0) out vec2 uv;
layout(location = 1, xfb_buffer = 0, xfb_offset = 8) out int patch_id;
void main() { uv = gl_TessCoord.xy; patch_id = gl_PrimitiveID; gl_Position = vec4(0); }
*/
TEST_F(Feedback, TessellationIsCapturedAsTriangles) {
    if (!world.features.core.tessellationShader) {
        GTEST_SKIP() << "no tessellationShader";
    }
    constexpr uint32_t kPatches = 40;
    DrawState state = discarding(glsl::index_vert, VK_PRIMITIVE_TOPOLOGY_PATCH_LIST);
    state.tesc = glsl::eighth_tesc;
    state.tese = glsl::eighth_tese;
    state.patch_vertices = 1;
    const Buffer out = capture(size_t{kPatches} * 8 * 9 + 8);
    record(state, kPatches, {out});
    const auto words = out.as<float>();
    for (uint32_t patch = 0; patch < kPatches; ++patch) {
        float area = 0;
        for (uint32_t triangle = 0; triangle < 8; ++triangle) {
            const float* v = words.data() + (size_t{patch} * 8 + triangle) * 9;
            area += ((v[3] - v[0]) * (v[7] - v[1]) - (v[6] - v[0]) * (v[4] - v[1])) / 2;
            for (uint32_t k = 0; k < 3; ++k) {
                int32_t id = 0;
                std::memcpy(&id, v + k * 3 + 2, 4);
                ASSERT_EQ(id, static_cast<int32_t>(patch));
            }
        }
        ASSERT_NEAR(std::abs(area), 1.0F, 1e-6F) << "patch " << patch;
    }
    EXPECT_EQ(out.as<uint32_t>()[kPatches * 8 * 9], kUntouched);
}

/*glsl streams.geom -DOUTPUT=points
layout(points, invocations = 2) in;
layout(OUTPUT, max_vertices = 24) out;
layout(location = 0) in uint number[];
layout(stream = 0, location = 0, xfb_buffer = 0, xfb_stride = 4, xfb_offset = 0) out uint a;
layout(stream = 1, location = 1, xfb_buffer = 3, xfb_stride = 8, xfb_offset = 4) out uint b;
layout(stream = 3, location = 2, xfb_buffer = 1, xfb_stride = 4, xfb_offset = 0) out uint c;
void main() {
    uint n = number[0] * 100u + uint(gl_InvocationID) * 10u;
    for (uint i = 0u; i < 3u; ++i) {
        gl_PointSize = 1.0;
        a = n + i;
        EmitStreamVertex(0);
        gl_PointSize = 1.0;
        b = 10000u + n + i;
        EmitStreamVertex(1);
        if (i == 1u) { gl_PointSize = 1.0; c = 20000u + n; EmitStreamVertex(3); }
    }
    EndStreamPrimitive(1);
}
*/
TEST_F(Feedback, StreamsGoToTheirBuffers) {
    if (!world.features.feedback.geometryStreams || !properties.transformFeedbackQueries) {
        GTEST_SKIP() << "no geometryStreams or queries";
    }
    constexpr uint32_t kPoints = 200;
    const Target t = target({});
    DrawState state = discarding(glsl::index_vert, VK_PRIMITIVE_TOPOLOGY_POINT_LIST);
    state.geom = glsl::streams_geom;
    const VkPipeline made = pipeline(t, state);
    const std::vector<Buffer> out{capture(kPoints * 6 + 1), capture(kPoints * 2 + 1), capture(4),
                                  capture(kPoints * 12)};
    const VkQueryPool queries = query(VK_QUERY_TYPE_TRANSFORM_FEEDBACK_STREAM_EXT, 4);
    run([&](VkCommandBuffer c) {
        vkCmdResetQueryPool(c, queries, 0, 4);
        begin(c, t);
        vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_GRAPHICS, made);
        bind_all(c, out);
        begin_query(c, queries, 1, 0, 1);
        begin_query(c, queries, 3, 0, 3);
        start(c, 0, 0, nullptr, nullptr);
        vkCmdDraw(c, kPoints, 1, 0, 0);
        stop(c, 0, 0, nullptr, nullptr);
        end_query(c, queries, 3, 3);
        end_query(c, queries, 1, 1);
        vkCmdEndRenderPass(c);
    });
    for (uint32_t i = 0; i < kPoints * 2; ++i) {
        const uint32_t n = i / 2 * 100 + i % 2 * 10;
        ASSERT_EQ(out[1].as<uint32_t>()[i], 20000 + n) << i;
        for (uint32_t k = 0; k < 3; ++k) {
            ASSERT_EQ(out[0].as<uint32_t>()[i * 3 + k], n + k) << i;
            ASSERT_EQ(out[3].as<uint32_t>()[(i * 3 + k) * 2 + 1], 10000 + n + k) << i;
            ASSERT_EQ(out[3].as<uint32_t>()[(i * 3 + k) * 2], kUntouched) << i;
        }
    }
    EXPECT_EQ(out[0].as<uint32_t>()[kPoints * 6], kUntouched);
    EXPECT_EQ(out[1].as<uint32_t>()[kPoints * 2], kUntouched);
    uint32_t results[2] = {};
    for (const uint32_t stream : {1U, 3U}) {
        must(vkGetQueryPoolResults(device, queries, stream, 1, sizeof(results), results, 8,
                                   VK_QUERY_RESULT_WAIT_BIT));
        EXPECT_EQ(results[0], stream == 1 ? kPoints * 6 : kPoints * 2);
        EXPECT_EQ(results[1], results[0]);
    }
}

/*glsl pick.geom
layout(points) in;
layout(points, max_vertices = 2) out;
layout(stream = 0, location = 0) out vec4 other;
layout(stream = 1, location = 1) out vec4 v_color;
void main() {
    gl_Position = vec4(-0.96875, -0.96875, 0, 1);
    gl_PointSize = 1.0;
    other = vec4(1);
    EmitStreamVertex(0);
    gl_Position = vec4(-0.96875, -0.96875, 0, 1);
    gl_PointSize = 1.0;
    v_color = vec4(0, 1, 0, 1);
    EmitStreamVertex(1);
}
*/
/*glsl pick.frag
layout(location = 1) in vec4 v_color;
layout(location = 0) out vec4 color;
void main() { color = v_color; }
*/
TEST_F(Feedback, RasterizationStreamSelect) {
    if (!world.features.feedback.geometryStreams ||
        !properties.transformFeedbackRasterizationStreamSelect) {
        GTEST_SKIP() << "no transformFeedbackRasterizationStreamSelect";
    }
    VkPipelineRasterizationStateStreamCreateInfoEXT stream{
        .sType = VK_STRUCTURE_TYPE_PIPELINE_RASTERIZATION_STATE_STREAM_CREATE_INFO_EXT,
        .rasterizationStream = 1};
    const Target t = target({.width = 32, .height = 32});
    DrawState state{.vert = glsl::index_vert, .frag = glsl::pick_frag, .geom = glsl::pick_geom};
    state.topology = VK_PRIMITIVE_TOPOLOGY_POINT_LIST;
    state.bindings.emplace();
    state.raster.pNext = &stream;
    draw(t, state, 1);
    const auto pixels = read<uint32_t>(t.result());
    EXPECT_EQ(pixels[0], 0xFF00FF00U);
    EXPECT_EQ(std::ranges::count(pixels, 0U), 32 * 32 - 1);
}

TEST_F(Feedback, PrimitivesGeneratedWithoutCapturing) {
    if (!world.features.generated.primitivesGeneratedQueryWithRasterizerDiscard) {
        GTEST_SKIP() << "no primitivesGeneratedQueryWithRasterizerDiscard";
    }
    const Target t = target({});
    const VkPipeline strip =
        pipeline(t, discarding(glsl::number_vert, VK_PRIMITIVE_TOPOLOGY_TRIANGLE_STRIP));
    const VkQueryPool queries = query(VK_QUERY_TYPE_PRIMITIVES_GENERATED_EXT, 1);
    run([&](VkCommandBuffer c) {
        vkCmdResetQueryPool(c, queries, 0, 1);
        begin(c, t);
        vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_GRAPHICS, strip);
        vkCmdBeginQuery(c, queries, 0, 0);
        vkCmdDraw(c, 1002, 2, 0, 0);
        vkCmdEndQuery(c, queries, 0);
        vkCmdDraw(c, 1002, 2, 0, 0);
        vkCmdEndRenderPass(c);
    });
    uint32_t result = 0;
    must(vkGetQueryPoolResults(device, queries, 0, 1, 4, &result, 4, VK_QUERY_RESULT_WAIT_BIT));
    EXPECT_EQ(result, 2000U);
}

} // namespace
