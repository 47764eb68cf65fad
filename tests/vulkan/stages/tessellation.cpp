// SPDX-License-Identifier: MIT
// Tessellation: domains covered once, control points shared by invocations, patch outputs, winding.
#include "tests/vulkan/harness/graphics.hpp"

#include "stages_shaders.hpp"

#include <cmath>

using namespace kite::vktest;

namespace {

class Tessellation : public GraphicsTest {
protected:
    void SetUp() override {
        if (!world.features.core.tessellationShader) {
            GTEST_SKIP() << "no tessellationShader";
        }
    }
    /// Draws `patches` patches with levels in push constants: outer 0-3, inner 0-1.
    std::vector<uint32_t> patches(DrawState state, uint32_t count, std::array<float, 6> levels,
                                  const Descriptors* bound = nullptr) {
        Target t = target({});
        state.topology = VK_PRIMITIVE_TOPOLOGY_PATCH_LIST;
        state.bindings.emplace();
        state.layout = bound != nullptr ? bound->layout : plain_layout();
        VkPipelineColorBlendAttachmentState add = opaque();
        add.blendEnable = VK_TRUE;
        add.srcColorBlendFactor = add.dstColorBlendFactor = VK_BLEND_FACTOR_ONE;
        state.blend = {add};
        const VkPipeline made = pipeline(t, state);
        render(t, [&](VkCommandBuffer c) {
            vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_GRAPHICS, made);
            if (bound != nullptr) {
                vkCmdBindDescriptorSets(c, VK_PIPELINE_BIND_POINT_GRAPHICS, bound->layout, 0, 1,
                                        &bound->set, 0, nullptr);
            }
            vkCmdPushConstants(c, state.layout, VK_SHADER_STAGE_ALL, 0, sizeof(levels),
                               levels.data());
            vkCmdDraw(c, count * state.patch_vertices, 1, 0, 0);
        });
        return read<uint32_t>(t.result());
    }
};

/*glsl corner.vert
void main() {
    gl_Position = vec4(gl_VertexIndex & 1, (gl_VertexIndex >> 1) & 1, 0, 1) * 2.0 - vec4(1, 1, 0,
1);
}
*/
/*glsl levels.tesc
layout(vertices = 4) out;
layout(push_constant) uniform P { float levels[6]; };
void main() {
    gl_out[gl_InvocationID].gl_Position = gl_in[gl_InvocationID].gl_Position;
    if (gl_InvocationID == 0) {
        for (int i = 0; i < 4; ++i) gl_TessLevelOuter[i] = levels[i];
        for (int i = 0; i < 2; ++i) gl_TessLevelInner[i] = levels[4 + i];
    }
}
*/
/*glsl quad.tese -DSPACING=equal_spacing -DORDER=ccw
| quad_even -DSPACING=fractional_even_spacing -DORDER=ccw
| quad_odd -DSPACING=fractional_odd_spacing -DORDER=ccw
layout(quads, SPACING, ORDER) in;
layout(location = 0) out vec4 v_color;
void main() {
    vec2 p = mix(gl_in[0].gl_Position.xy, gl_in[3].gl_Position.xy, gl_TessCoord.xy);
    gl_Position = vec4(p, 0, 1);
    v_color = vec4(1.0 / 255.0);
}
*/
// Half of the square each: corners 0, 1, 2 and 3, 2, 1.
/*glsl half.tese -DSPACING=equal_spacing | half_odd -DSPACING=fractional_odd_spacing
layout(triangles, SPACING, cw) in;
layout(location = 0) out vec4 v_color;
void main() {
    vec2 a = vec2(-1, -1), b = vec2(1, -1), c = vec2(-1, 1);
    vec2 p = a * gl_TessCoord.x + b * gl_TessCoord.y + c * gl_TessCoord.z;
    gl_Position = vec4((gl_PrimitiveID & 1) == 0 ? p : -p, 0, 1);
    v_color = vec4(1.0 / 255.0);
}
*/
TEST_F(Tessellation, DomainsAreCoveredOnce) {
    const std::array<float, 6> levels[] = {
        {1, 1, 1, 1, 1, 1}, {5, 5, 5, 5, 5, 5}, {2, 7, 3, 12, 4.5F, 9.25F}, {64, 1, 33, 2, 64, 17}};
    for (const auto& level : levels) {
        for (const Spirv tese :
             {Spirv(glsl::quad_tese), Spirv(glsl::quad_even_tese), Spirv(glsl::quad_odd_tese)}) {
            DrawState state{.vert = glsl::corner_vert, .frag = glsl::color_frag};
            state.tesc = glsl::levels_tesc;
            state.tese = tese;
            state.patch_vertices = 4;
            for (const uint32_t pixel : patches(state, 1, level)) {
                ASSERT_EQ(pixel, 0x00010101U);
            }
        }
        for (const Spirv tese : {Spirv(glsl::half_tese), Spirv(glsl::half_odd_tese)}) {
            DrawState state{.vert = glsl::corner_vert, .frag = glsl::color_frag};
            state.tesc = glsl::levels_tesc;
            state.tese = tese;
            state.patch_vertices = 4;
            // The common edge, u = 0, is divided alike from both sides.
            for (const uint32_t pixel : patches(state, 2, level)) {
                ASSERT_EQ(pixel, 0x00010101U);
            }
        }
    }
}

TEST_F(Tessellation, WindingFollowsTheDomainsOrigin) {
    for (const bool lower : {false, true}) {
        for (const bool cull_front : {false, true}) {
            DrawState state{.vert = glsl::corner_vert, .frag = glsl::color_frag};
            state.tesc = glsl::levels_tesc;
            state.tese = glsl::quad_tese; // ccw; u to the right, v downwards on the screen
            state.patch_vertices = 4;
            state.domain_origin = lower ? VK_TESSELLATION_DOMAIN_ORIGIN_LOWER_LEFT
                                        : VK_TESSELLATION_DOMAIN_ORIGIN_UPPER_LEFT;
            state.raster.frontFace = VK_FRONT_FACE_COUNTER_CLOCKWISE;
            state.raster.cullMode = cull_front ? VK_CULL_MODE_FRONT_BIT : VK_CULL_MODE_BACK_BIT;
            const auto pixels = patches(state, 1, {3, 3, 3, 3, 3, 3});
            EXPECT_EQ(pixels[8 * 16 + 8], lower == cull_front ? 0x00010101U : 0U)
                << lower << cull_front;
        }
    }
}

TEST_F(Tessellation, LevelsOfZeroDiscardPatches) {
    DrawState state{.vert = glsl::corner_vert, .frag = glsl::color_frag};
    state.tesc = glsl::levels_tesc;
    state.tese = glsl::quad_tese;
    state.patch_vertices = 4;
    EXPECT_EQ(patches(state, 1, {1, 1, 0, 1, 1, 1})[0], 0U);
    EXPECT_EQ(patches(state, 1, {1, 1, std::nanf(""), 1, 1, 1})[0], 0U);
    EXPECT_EQ(patches(state, 1, {1, 1, 1, 1, 1, 1})[0], 0x00010101U);
}

/*glsl index_out.vert
layout(location = 2) out ivec3 index;
void main() { index = ivec3(gl_VertexIndex, 7, gl_VertexIndex * 3); }
*/
// Each invocation reads what its neighbour wrote; a patch output sums all of them.
/*glsl share.tesc -DCOUNT=3 | share32 -DCOUNT=32
layout(vertices = COUNT) out;
layout(location = 2) in ivec3 index[];
layout(location = 0) out ivec2 shared_index[];
layout(location = 1) out int from_next[];
layout(location = 5) patch out int sum[2];
void main() {
    shared_index[gl_InvocationID] = ivec2(index[gl_InvocationID].z, gl_PatchVerticesIn);
    from_next[gl_InvocationID] = 0;
    barrier();
    from_next[gl_InvocationID] = shared_index[(gl_InvocationID + 1) % COUNT].x / 3;
    barrier();
    if (gl_InvocationID == 0) {
        int total = 0;
        for (int i = 0; i < COUNT; ++i) total += from_next[i];
        sum[gl_PrimitiveID & 1] = total;
    }
    gl_TessLevelOuter[0] = 1; gl_TessLevelOuter[1] = 1;
}
*/
/*glsl share.tese
layout(isolines, point_mode) in;
layout(location = 0) in ivec2 shared_index[];
layout(location = 1) in int from_next[];
layout(location = 5) patch in int sum[2];
layout(set = 0, binding = 0) buffer R { int r[]; };
void main() {
    int at = gl_PrimitiveID * 8;
    r[at] = sum[gl_PrimitiveID & 1];
    r[at + 1] = from_next[0];
    r[at + 2] = from_next[gl_PatchVerticesIn - 1];
    r[at + 3] = shared_index[1].y;
    r[at + 4] = gl_PatchVerticesIn;
    gl_Position = vec4(0);
    gl_PointSize = 1.0;
}
*/
TEST_F(Tessellation, InvocationsShareOutputs) {
    if (!world.features.core.vertexPipelineStoresAndAtomics) {
        GTEST_SKIP() << "no vertexPipelineStoresAndAtomics";
    }
    for (const int count : {3, 32}) {
        const Buffer out = buffer(8 * 4 * 8);
        const Descriptors bound = descriptors({storage(out)});
        std::memset(out.data, 0, out.size_bytes);
        DrawState state{.vert = glsl::index_out_vert, .frag = {}};
        state.tesc = count == 3 ? Spirv(glsl::share_tesc) : Spirv(glsl::share32_tesc);
        state.tese = glsl::share_tese;
        state.patch_vertices = static_cast<uint32_t>(count);
        (void)patches(state, 7, {}, &bound);
        for (int p = 0; p < 7; ++p) {
            const int* r = out.as<int>().data() + size_t{8} * static_cast<size_t>(p);
            const int first = p * count;
            EXPECT_EQ(r[0], count * first + count * (count - 1) / 2) << p;
            EXPECT_EQ(r[1], first + 1) << p;
            EXPECT_EQ(r[2], first) << p;
            EXPECT_EQ(r[3], count) << p;
            EXPECT_EQ(r[4], count) << p;
        }
    }
}

/*glsl count.tese -DDOMAIN=triangles | count_lines -DDOMAIN=isolines
layout(DOMAIN, equal_spacing) in;
layout(location = 0) out vec4 v_color;
layout(location = 3) out float id;
void main() {
    gl_Position = vec4(gl_TessCoord.xy, 0, 1);
    id = float(gl_PrimitiveID);
}
*/
/*glsl count3.geom -DINPUT=triangles -DN=3 | count2 -DINPUT=lines -DN=2
layout(INPUT) in;
layout(points, max_vertices = 1) out;
layout(location = 3) in float id[];
layout(set = 0, binding = 0) buffer R { uint r[]; };
void main() {
    atomicAdd(r[0], 1u);
    if (id[0] == id[N - 1] && int(id[0]) == gl_PrimitiveIDIn) atomicAdd(r[1 + gl_PrimitiveIDIn],
1u);
}
*/
TEST_F(Tessellation, FeedsGeometryShaders) {
    if (!world.features.core.geometryShader) {
        GTEST_SKIP() << "no geometryShader";
    }
    const Buffer out = buffer(64);
    const Descriptors bound = descriptors({storage(out)});
    DrawState state{.vert = glsl::corner_vert, .frag = {}};
    state.tesc = glsl::levels_tesc;
    state.patch_vertices = 4;
    state.raster.rasterizerDiscardEnable = VK_TRUE;
    std::memset(out.data, 0, out.size_bytes);
    state.tese = glsl::count_tese;
    state.geom = glsl::count3_geom;
    (void)patches(state, 3, {4, 4, 4, 0, 4, 0}, &bound);
    EXPECT_EQ(out.as<uint32_t>()[0], 3 * 24U);
    EXPECT_EQ(out.as<uint32_t>()[3], 24U);
    std::memset(out.data, 0, out.size_bytes);
    state.tese = glsl::count_lines_tese;
    state.geom = glsl::count2_geom;
    (void)patches(state, 2, {3, 5, 0, 0, 0, 0}, &bound);
    EXPECT_EQ(out.as<uint32_t>()[0], 2 * 15U);
    EXPECT_EQ(out.as<uint32_t>()[2], 15U);
}

} // namespace
