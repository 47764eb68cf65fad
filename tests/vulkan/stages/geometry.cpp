// SPDX-License-Identifier: MIT
// Geometry shaders: what they receive for every topology, strips, invocations, layers,
// gl_PrimitiveID.
#include "tests/vulkan/harness/graphics.hpp"

#include "stages_shaders.hpp"

#include <algorithm>
#include <map>

using namespace kite::vktest;

namespace {

class Geometry : public GraphicsTest {
protected:
    void SetUp() override {
        if (!world.features.core.geometryShader) {
            GTEST_SKIP() << "no geometryShader";
        }
    }
};

/*glsl index.vert
layout(location = 0) out uint index;
void main() { index = uint(gl_VertexIndex); gl_Position = vec4(0, 0, 0, 1); }
*/
/*glsl list1.geom -DINPUT=points -DN=1 | list2 -DINPUT=lines -DN=2
| list4 -DINPUT=lines_adjacency -DN=4 | list3 -DINPUT=triangles -DN=3
| list6 -DINPUT=triangles_adjacency -DN=6
layout(INPUT) in;
layout(points, max_vertices = 1) out;
layout(location = 0) in uint index[];
layout(set = 0, binding = 0) buffer R { uint r[]; };
void main() {
    for (int i = 0; i < N; ++i) r[gl_PrimitiveIDIn * N + i] = index[i] + 1u;
}
*/
TEST_F(Geometry, ReceivesPrimitivesInTheOrderOfTheSpecification) {
    struct Case {
        VkPrimitiveTopology topology;
        Spirv geom;
        uint32_t vertices;
        std::vector<uint32_t> expected;
    };
    const Case cases[] = {
        {VK_PRIMITIVE_TOPOLOGY_POINT_LIST, glsl::list1_geom, 3, {0, 1, 2}},
        {VK_PRIMITIVE_TOPOLOGY_LINE_LIST, glsl::list2_geom, 5, {0, 1, 2, 3}},
        {VK_PRIMITIVE_TOPOLOGY_LINE_STRIP, glsl::list2_geom, 4, {0, 1, 1, 2, 2, 3}},
        {VK_PRIMITIVE_TOPOLOGY_TRIANGLE_LIST, glsl::list3_geom, 7, {0, 1, 2, 3, 4, 5}},
        {VK_PRIMITIVE_TOPOLOGY_TRIANGLE_STRIP, glsl::list3_geom, 5, {0, 1, 2, 1, 3, 2, 2, 3, 4}},
        {VK_PRIMITIVE_TOPOLOGY_TRIANGLE_FAN, glsl::list3_geom, 5, {1, 2, 0, 2, 3, 0, 3, 4, 0}},
        {VK_PRIMITIVE_TOPOLOGY_LINE_LIST_WITH_ADJACENCY,
         glsl::list4_geom,
         9,
         {0, 1, 2, 3, 4, 5, 6, 7}},
        {VK_PRIMITIVE_TOPOLOGY_LINE_STRIP_WITH_ADJACENCY,
         glsl::list4_geom,
         6,
         {0, 1, 2, 3, 1, 2, 3, 4, 2, 3, 4, 5}},
        {VK_PRIMITIVE_TOPOLOGY_TRIANGLE_LIST_WITH_ADJACENCY,
         glsl::list6_geom,
         12,
         {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}},
        {VK_PRIMITIVE_TOPOLOGY_TRIANGLE_STRIP_WITH_ADJACENCY,
         glsl::list6_geom,
         6,
         {0, 1, 2, 5, 4, 3}},
    };
    for (const Case& c : cases) {
        SCOPED_TRACE(c.topology);
        Target t = target({});
        const Buffer out = buffer(256);
        const Descriptors bound = descriptors({storage(out)});
        std::memset(out.data, 0, 256);
        DrawState state{.vert = glsl::index_vert, .geom = c.geom};
        state.topology = c.topology;
        state.bindings.emplace();
        state.raster.rasterizerDiscardEnable = VK_TRUE;
        draw(t, state, c.vertices, &bound);
        std::vector<uint32_t> found;
        for (uint32_t i = 0; i < 64 && out.as<uint32_t>()[i] != 0; ++i) {
            found.push_back(out.as<uint32_t>()[i] - 1);
        }
        EXPECT_EQ(found, c.expected);
    }
}

// Every triangle of a strip names its three edges and their neighbours, whatever vertex comes
// first.
TEST_F(Geometry, TriangleStripAdjacencyNamesNeighbours) {
    constexpr uint32_t kTriangles = 300; // more than a batch
    constexpr uint32_t kVertices = 2 * kTriangles + 4;
    Target t = target({});
    const Buffer out = buffer(size_t{kTriangles} * 6 * 4);
    const Descriptors bound = descriptors({storage(out)});
    DrawState state{.vert = glsl::index_vert, .geom = glsl::list6_geom};
    state.topology = VK_PRIMITIVE_TOPOLOGY_TRIANGLE_STRIP_WITH_ADJACENCY;
    state.bindings.emplace();
    state.raster.rasterizerDiscardEnable = VK_TRUE;
    draw(t, state, kVertices, &bound);
    for (uint32_t p = 0; p < kTriangles; ++p) {
        const uint32_t* r = out.as<uint32_t>().data() + size_t{p} * 6;
        std::map<std::pair<uint32_t, uint32_t>, uint32_t> across; // edge -> adjacent vertex
        for (uint32_t k = 0; k < 3; ++k) {
            const uint32_t a = r[2 * k] - 1;
            const uint32_t b = r[(2 * k + 2) % 6] - 1;
            across[std::pair(std::min(a, b), std::max(a, b))] = r[2 * k + 1] - 1;
        }
        const uint32_t before = p == 0 ? 1 : 2 * p - 2;
        const uint32_t after = p + 1 == kTriangles ? 2 * p + 5 : 2 * p + 6;
        const std::map<std::pair<uint32_t, uint32_t>, uint32_t> expected{
            {{2 * p, 2 * p + 2}, before},
            {{2 * p + 2, 2 * p + 4}, after},
            {{2 * p, 2 * p + 4}, 2 * p + 3}};
        ASSERT_EQ(across, expected) << "triangle " << p;
    }
}

/*glsl cell.vert
layout(location = 0) out vec4 v_color;
void main() {
    v_color = vec4(float(gl_VertexIndex) / 255.0, 0, 0, 1);
    gl_Position = vec4(gl_VertexIndex % 4, gl_VertexIndex / 4, 0, 1);
}
*/
// A point becomes two strips: the left and the right half of its 4x4 cell.
/*glsl cell.geom
layout(points) in;
layout(triangle_strip, max_vertices = 8) out;
layout(location = 0) in vec4 v_color[];
layout(location = 0) out vec4 color;
void main() {
    vec2 corner = gl_in[0].gl_Position.xy * 0.5 - 1.0;
    for (int half_ = 0; half_ < 2; ++half_) {
        for (int i = 0; i < 4; ++i) {
            gl_Position = vec4(corner + vec2(0.25 * (half_ + (i & 1)), 0.25 * (i & 2)), 0, 1);
            color = v_color[0] + vec4(0, float(half_ + 1) / 255.0, 0, 0);
            EmitVertex();
        }
        EndPrimitive();
    }
}
*/
TEST_F(Geometry, PointsBecomeStrips) {
    Target t = target({});
    DrawState state{.vert = glsl::cell_vert, .frag = glsl::color_frag, .geom = glsl::cell_geom};
    state.topology = VK_PRIMITIVE_TOPOLOGY_POINT_LIST;
    state.bindings.emplace();
    draw(t, state, 16);
    const auto pixels = read<uint32_t>(t.result());
    for (uint32_t y = 0; y < 16; ++y) {
        for (uint32_t x = 0; x < 16; ++x) {
            const uint32_t cell = y / 4 * 4 + x / 4;
            const uint32_t half = x % 4 < 2 ? 1 : 2;
            ASSERT_EQ(pixels[y * 16 + x], 0xFF000000U | half << 8 | cell) << x << ", " << y;
        }
    }
}

/*glsl layer.geom
layout(triangles, invocations = 4) in;
layout(triangle_strip, max_vertices = 3) out;
in gl_PerVertex { vec4 gl_Position; float gl_PointSize; } gl_in[];
layout(location = 0) flat out uint v;
void main() {
    for (int i = 0; i < 3; ++i) {
        gl_Position = gl_in[i].gl_Position;
        gl_Layer = gl_InvocationID;
        gl_PrimitiveID = gl_PrimitiveIDIn * 10 + gl_InvocationID;
        v = uint(i);
        EmitVertex();
    }
}
*/
/*glsl id.frag
layout(location = 0) flat in uint v;
layout(location = 0) out uint color;
void main() { color = uint(gl_PrimitiveID) * 100 + v * 10 + uint(gl_Layer) + 1000; }
*/
TEST_F(Geometry, InvocationsWriteLayersAndIds) {
    Target t = target({.colors = {VK_FORMAT_R32_UINT}, .layers = 4});
    DrawState state{.vert = glsl::pass_vert, .frag = glsl::id_frag, .geom = glsl::layer_geom};
    auto vertices = rectangle(t, 0, 0, 8, 16);
    const auto right = rectangle(t, 8, 0, 16, 16);
    vertices.insert(vertices.end(), right.begin(), right.end());
    draw(t, state, vertices);
    for (uint32_t layer = 0; layer < 4; ++layer) {
        const auto pixels = read<uint32_t>(t.result(), 0, layer);
        for (const uint32_t x : {1U, 6U, 9U, 14U}) {
            const uint32_t value = pixels[8 * 16 + x] - 1000;
            const uint32_t primitive = value / 1000;
            EXPECT_EQ(value % 1000 / 100, layer) << x;
            EXPECT_EQ(value % 10, layer) << x;
            EXPECT_EQ(value % 100 / 10, 0U) << "provoking vertex";
            EXPECT_EQ(primitive / 2, x / 8) << x;
        }
    }
}

// Lines and a dynamically indexed input array; clip distances cut the right half off.
/*glsl wide.vert
layout(location = 0) out float values[8];
void main() {
    for (int i = 0; i < 8; ++i) values[i] = float(i * 2 + gl_VertexIndex);
    gl_Position = vec4(gl_VertexIndex == 0 ? -1.0 : 1.0, 0.03125, 0, 1);
}
*/
/*glsl wide.geom
layout(lines) in;
layout(line_strip, max_vertices = 2) out;
layout(location = 0) in float values[][8];
layout(push_constant) uniform P { uint which; };
layout(location = 0) flat out float value;
out gl_PerVertex { vec4 gl_Position; float gl_ClipDistance[1]; };
void main() {
    for (int i = 0; i < 2; ++i) {
        value = values[1 - i][which & 7u];
        gl_Position = gl_in[i].gl_Position;
        gl_ClipDistance[0] = i == 0 ? 1.0 : -1.0;
        EmitVertex();
    }
}
*/
/*glsl value.frag
layout(location = 0) flat in float value;
layout(location = 0) out float color;
void main() { color = value; }
*/
TEST_F(Geometry, LinesWithIndexedInputsAndClipDistances) {
    if (!world.features.core.shaderClipDistance) {
        GTEST_SKIP() << "no shaderClipDistance";
    }
    Target t = target({.colors = {VK_FORMAT_R32_SFLOAT}});
    DrawState state{.vert = glsl::wide_vert, .frag = glsl::value_frag, .geom = glsl::wide_geom};
    state.topology = VK_PRIMITIVE_TOPOLOGY_LINE_LIST;
    state.bindings.emplace();
    state.layout = plain_layout();
    const VkPipeline made = pipeline(t, state);
    const uint32_t which = 5;
    render(t, [&](VkCommandBuffer c) {
        vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_GRAPHICS, made);
        vkCmdPushConstants(c, state.layout, VK_SHADER_STAGE_ALL, 0, 4, &which);
        vkCmdDraw(c, 2, 1, 0, 0);
    });
    const auto pixels = read<float>(t.result());
    for (uint32_t x = 0; x < 16; ++x) {
        EXPECT_EQ(pixels[8 * 16 + x], x < 8 ? 11.0F : 0.0F) << x;
    }
}

} // namespace
