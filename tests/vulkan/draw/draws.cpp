// SPDX-License-Identifier: MIT
// Draw commands: direct, indexed, instanced, indirect; topologies with restart; vertex formats.
#include "tests/vulkan/harness/format.hpp"
#include "tests/vulkan/harness/graphics.hpp"

#include "draw_shaders.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

using namespace kite::vktest;

namespace {

class Draw : public GraphicsTest {};

// Every vertex adds one to the cell that its indices name; rasterisation is not needed.
/*glsl cells.vert
layout(set = 0, binding = 0) buffer R { uint r[]; };
layout(push_constant) uniform P { uint width; };
void main() {
    atomicAdd(r[uint(gl_InstanceIndex) * width + uint(gl_VertexIndex)], 1);
    gl_Position = vec4(0, 0, 0, 1);
    gl_PointSize = 1.0;
}
*/
class DrawCommands : public Draw {
protected:
    void SetUp() override {
        if (!world.features.core.vertexPipelineStoresAndAtomics) {
            GTEST_SKIP() << "no vertexPipelineStoresAndAtomics";
        }
        target_ = target({});
        out_ = buffer(size_t{kWidth} * 16 * 4);
        bound_ = descriptors({storage(out_)});
        DrawState state{.vert = glsl::cells_vert};
        state.topology = VK_PRIMITIVE_TOPOLOGY_POINT_LIST;
        state.bindings.emplace();
        state.layout = bound_.layout;
        state.raster.rasterizerDiscardEnable = VK_TRUE;
        pipeline_ = pipeline(target_, state);
    }
    /// Runs and returns the (instance, vertex) cells that were visited.
    std::vector<std::pair<uint32_t, uint32_t>>
    cells(const std::function<void(VkCommandBuffer)>& record) {
        std::memset(out_.data, 0, out_.size_bytes);
        render(target_, [&](VkCommandBuffer c) {
            vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_GRAPHICS, pipeline_);
            vkCmdBindDescriptorSets(c, VK_PIPELINE_BIND_POINT_GRAPHICS, bound_.layout, 0, 1,
                                    &bound_.set, 0, nullptr);
            vkCmdPushConstants(c, bound_.layout, VK_SHADER_STAGE_ALL, 0, 4, &kWidth);
            record(c);
        });
        std::vector<std::pair<uint32_t, uint32_t>> found;
        for (uint32_t i = 0; i < 16 * kWidth; ++i) {
            if (out_.as<uint32_t>()[i] != 0) {
                found.emplace_back(i / kWidth, i % kWidth);
            }
        }
        return found;
    }
    using Cells = std::vector<std::pair<uint32_t, uint32_t>>;
    static constexpr uint32_t kWidth = 64;
    Target target_;
    Buffer out_;
    Descriptors bound_;
    VkPipeline pipeline_ = VK_NULL_HANDLE;
};

TEST_F(DrawCommands, FirstVertexAndInstance) {
    EXPECT_EQ(cells([](VkCommandBuffer c) { vkCmdDraw(c, 3, 2, 5, 4); }),
              (Cells{{4, 5}, {4, 6}, {4, 7}, {5, 5}, {5, 6}, {5, 7}}));
    EXPECT_EQ(cells([](VkCommandBuffer c) {
                  vkCmdDraw(c, 0, 1, 0, 0);
                  vkCmdDraw(c, 1, 0, 0, 0);
              }),
              Cells{});
}

TEST_F(DrawCommands, IndexedWithOffsets) {
    const Buffer wide = buffer_of(std::vector<uint32_t>{9, 9, 10, 20, 30, 9});
    const Buffer narrow = buffer_of(std::vector<uint16_t>{9, 9, 1, 40, 7, 9});
    EXPECT_EQ(cells([&](VkCommandBuffer c) {
                  vkCmdBindIndexBuffer(c, wide.handle, 4, VK_INDEX_TYPE_UINT32);
                  vkCmdDrawIndexed(c, 3, 1, 1, -5, 2);
              }),
              (Cells{{2, 5}, {2, 15}, {2, 25}}));
    EXPECT_EQ(cells([&](VkCommandBuffer c) {
                  vkCmdBindIndexBuffer(c, narrow.handle, 2, VK_INDEX_TYPE_UINT16);
                  vkCmdDrawIndexed(c, 3, 1, 1, 3, 0);
              }),
              (Cells{{0, 4}, {0, 10}, {0, 43}}));
    if (world.features.index8.indexTypeUint8) {
        const Buffer bytes = buffer_of(std::vector<uint8_t>{3, 50, 4, 0});
        EXPECT_EQ(cells([&](VkCommandBuffer c) {
                      vkCmdBindIndexBuffer(c, bytes.handle, 0, VK_INDEX_TYPE_UINT8_EXT);
                      vkCmdDrawIndexed(c, 3, 1, 0, 0, 0);
                  }),
                  (Cells{{0, 3}, {0, 4}, {0, 50}}));
    }
}

TEST_F(DrawCommands, IndirectWithStride) {
    if (!world.features.core.multiDrawIndirect || !world.features.core.drawIndirectFirstInstance) {
        GTEST_SKIP() << "no multiDrawIndirect or drawIndirectFirstInstance";
    }
    const Buffer direct = buffer_of(std::vector<uint32_t>{2, 1, 10, 0, 99, 1, 2, 20, 3, 99});
    EXPECT_EQ(cells([&](VkCommandBuffer c) { vkCmdDrawIndirect(c, direct.handle, 0, 2, 20); }),
              (Cells{{0, 10}, {0, 11}, {3, 20}, {4, 20}}));
    const Buffer indices = buffer_of(std::vector<uint32_t>{1, 2, 3, 4});
    const Buffer indexed = buffer_of(std::vector<uint32_t>{0, 2, 1, 1, 30, 1, 1, 1, 3, 0, 2});
    EXPECT_EQ(cells([&](VkCommandBuffer c) {
                  vkCmdBindIndexBuffer(c, indices.handle, 0, VK_INDEX_TYPE_UINT32);
                  vkCmdDrawIndexedIndirect(c, indexed.handle, 4, 2, 20);
              }),
              (Cells{{1, 32}, {1, 33}, {2, 4}}));
}

TEST_F(DrawCommands, IndirectCount) {
    if (!world.has("VK_KHR_draw_indirect_count")) {
        GTEST_SKIP() << "no VK_KHR_draw_indirect_count";
    }
    const auto draw_count = world.load<PFN_vkCmdDrawIndirectCountKHR>("vkCmdDrawIndirectCountKHR");
    const Buffer data =
        buffer_of(std::vector<uint32_t>{1, 1, 10, 0, 1, 1, 20, 0, 1, 1, 30, 0, 2, 9});
    EXPECT_EQ(
        cells([&](VkCommandBuffer c) { draw_count(c, data.handle, 0, data.handle, 48, 3, 16); }),
        (Cells{{0, 10}, {0, 20}}));
    EXPECT_EQ(
        cells([&](VkCommandBuffer c) { draw_count(c, data.handle, 0, data.handle, 52, 3, 16); }),
        (Cells{{0, 10}, {0, 20}, {0, 30}}));
}

// --- topologies: each primitive writes its number into the pixels that it covers

/*glsl number.frag
layout(location = 0) out uint color;
void main() { color = uint(gl_PrimitiveID) + 1u; }
*/
class Topologies : public Draw {
protected:
    /// Draws these positions (pixels of 16x16) through indices; numbers of the primitives.
    std::vector<uint32_t> numbers(VkPrimitiveTopology topology,
                                  const std::vector<std::array<float, 2>>& points,
                                  const std::vector<uint16_t>& indices, bool restart) {
        const Target t = target({.colors = {VK_FORMAT_R32_UINT}});
        DrawState state{.vert = glsl::pass_vert, .frag = glsl::number_frag};
        state.topology = topology;
        state.restart = restart;
        std::vector<Vertex> vertices;
        for (const auto& [x, y] : points) {
            vertices.push_back(at(t, x, y));
        }
        const Buffer data = buffer_of(vertices), index = buffer_of(indices);
        const VkPipeline made = pipeline(t, state);
        render(t, [&](VkCommandBuffer c) {
            vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_GRAPHICS, made);
            const VkDeviceSize zero = 0;
            vkCmdBindVertexBuffers(c, 0, 1, &data.handle, &zero);
            vkCmdBindIndexBuffer(c, index.handle, 0, VK_INDEX_TYPE_UINT16);
            vkCmdDrawIndexed(c, static_cast<uint32_t>(indices.size()), 1, 0, 0, 0);
        });
        return read<uint32_t>(t.result());
    }
};

TEST_F(Topologies, TriangleStripWithRestart) {
    // gl_PrimitiveID in a fragment shader needs the geometryShader capability.
    if (!world.features.core.geometryShader) {
        GTEST_SKIP() << "gl_PrimitiveID needs geometryShader";
    }
    // Quads at columns 0, 4 and 8; the first two joined, then a restart.
    const std::vector<std::array<float, 2>> points{{0, 0}, {0, 16}, {4, 0},  {4, 16},
                                                   {8, 0}, {8, 16}, {12, 0}, {12, 16}};
    const auto pixels = numbers(VK_PRIMITIVE_TOPOLOGY_TRIANGLE_STRIP, points,
                                {0, 1, 2, 3, 0xFFFF, 4, 5, 6, 7}, true);
    EXPECT_EQ(pixels[0], 1U);
    EXPECT_EQ(pixels[15 * 16 + 3], 2U);
    EXPECT_EQ(pixels[16 + 5], 0U);
    EXPECT_EQ(pixels[8], 3U);
    EXPECT_EQ(pixels[15 * 16 + 11], 4U);
}

/*glsl shade.vert
layout(location = 0) in vec4 position;
layout(location = 1) in vec4 color;
layout(location = 0) flat out uint v;
void main() { gl_Position = position; gl_PointSize = 1.0; v = uint(gl_VertexIndex) + 1u; }
*/
/*glsl shade.frag
layout(location = 0) flat in uint v;
layout(location = 0) out uint color;
void main() { color = v; }
*/
TEST_F(Topologies, ProvokingVertexIsTheFirst) {
    struct Case {
        VkPrimitiveTopology topology;
        std::vector<uint16_t> indices;
        /// Pixel and the vertex that names it, 0 for none.
        std::vector<std::array<uint32_t, 3>> expected;
    };
    // Points 0..7: pairs at columns 0, 4, 8, 12, y 0 and 16; 8: the centre row.
    const std::vector<std::array<float, 2>> points{
        {0.5F, 0},  {0.5F, 16},  {4.5F, 0},    {4.5F, 16},   {8.5F, 0},    {8.5F, 16},
        {12.5F, 0}, {12.5F, 16}, {0.5F, 8.5F}, {5.5F, 8.5F}, {10.5F, 8.5F}};
    const Case cases[] = {
        {VK_PRIMITIVE_TOPOLOGY_TRIANGLE_LIST, {0, 1, 2, 6, 7, 5, 1}, {{1, 2, 1}, {11, 14, 7}}},
        // A strip's odd triangles turn round, their first vertex stays the provoking one.
        {VK_PRIMITIVE_TOPOLOGY_TRIANGLE_STRIP,
         {0, 1, 2, 3, 4, 5},
         {{1, 2, 1}, {3, 13, 2}, {5, 2, 3}, {7, 13, 4}}},
        {VK_PRIMITIVE_TOPOLOGY_TRIANGLE_STRIP,
         {0, 1, 2, 0xFFFF, 4, 5, 6, 0xFFFF},
         {{1, 2, 1}, {4, 13, 0}, {9, 2, 5}}},
        // A fan's provoking vertex is the one after the hub.
        {VK_PRIMITIVE_TOPOLOGY_TRIANGLE_FAN,
         {1, 0, 2, 4, 0xFFFF, 7, 5, 6},
         {{1, 2, 1}, {4, 5, 3}, {11, 14, 6}}},
        {VK_PRIMITIVE_TOPOLOGY_LINE_LIST, {8, 9, 9, 10}, {{3, 8, 9}, {8, 8, 10}}},
        {VK_PRIMITIVE_TOPOLOGY_LINE_STRIP, {8, 9, 10}, {{3, 8, 9}, {8, 8, 10}}},
        {VK_PRIMITIVE_TOPOLOGY_LINE_STRIP, {8, 9, 0xFFFF, 10, 9}, {{3, 8, 9}, {8, 8, 11}}},
        {VK_PRIMITIVE_TOPOLOGY_POINT_LIST, {8, 10}, {{0, 8, 9}, {5, 8, 0}, {10, 8, 11}}},
    };
    for (const auto& test : cases) {
        SCOPED_TRACE(test.topology);
        const Target t = target({.colors = {VK_FORMAT_R32_UINT}});
        DrawState state{.vert = glsl::shade_vert, .frag = glsl::shade_frag};
        state.topology = test.topology;
        state.restart = test.topology != VK_PRIMITIVE_TOPOLOGY_TRIANGLE_LIST &&
                        test.topology != VK_PRIMITIVE_TOPOLOGY_LINE_LIST &&
                        test.topology != VK_PRIMITIVE_TOPOLOGY_POINT_LIST;
        std::vector<Vertex> vertices;
        for (const auto& [x, y] : points) {
            vertices.push_back(at(t, x, y));
        }
        const Buffer data = buffer_of(vertices), index = buffer_of(test.indices);
        const VkPipeline made = pipeline(t, state);
        render(t, [&](VkCommandBuffer c) {
            vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_GRAPHICS, made);
            const VkDeviceSize zero = 0;
            vkCmdBindVertexBuffers(c, 0, 1, &data.handle, &zero);
            vkCmdBindIndexBuffer(c, index.handle, 0, VK_INDEX_TYPE_UINT16);
            vkCmdDrawIndexed(c, static_cast<uint32_t>(test.indices.size()), 1, 0, 0, 0);
        });
        const auto pixels = read<uint32_t>(t.result());
        for (const auto& [x, y, vertex] : test.expected) {
            EXPECT_EQ(pixels[y * 16 + x], vertex) << x << "," << y;
        }
    }
}

// --- vertex input

/*glsl fetch_f.vert -DT=vec4 -DO=vec4
| fetch_u -DT=uvec4 -DO=uvec4
| fetch_i -DT=ivec4 -DO=ivec4
layout(location = 5) in T value;
layout(set = 0, binding = 0) buffer R { O r[]; };
void main() { r[gl_VertexIndex] = value; gl_Position = vec4(0, 0, 0, 1); gl_PointSize = 1.0; }
*/
TEST_F(Draw, EveryVertexFormat) {
    if (!world.features.core.vertexPipelineStoresAndAtomics) {
        GTEST_SKIP() << "no vertexPipelineStoresAndAtomics";
    }
    const Target t = target({});
    for (const auto& format : color_formats()) {
        VkFormatProperties properties;
        vkGetPhysicalDeviceFormatProperties(world.physical, format.format, &properties);
        // Nobody feeds vertices in 16-bit packed colours, and lavapipe misreads them.
        if ((properties.bufferFeatures & VK_FORMAT_FEATURE_VERTEX_BUFFER_BIT) == 0 ||
            format.format <= VK_FORMAT_A1R5G5B5_UNORM_PACK16) {
            continue;
        }
        SCOPED_TRACE(format.format);
        const uint32_t stride = (format.bytes + 3U) / 4 * 4 + 4, offset = 4;
        const Buffer data = buffer(size_t{stride} * 8 + offset), out = buffer(128);
        for (size_t i = 0; i < data.size_bytes; ++i) {
            data.as<uint8_t>()[i] = static_cast<uint8_t>(i * 29 + 3) & 0x7B;
        }
        DrawState state{};
        state.vert = format.kind == Kind::kUint   ? Spirv(glsl::fetch_u_vert)
                     : format.kind == Kind::kSint ? Spirv(glsl::fetch_i_vert)
                                                  : Spirv(glsl::fetch_f_vert);
        state.topology = VK_PRIMITIVE_TOPOLOGY_POINT_LIST;
        state.raster.rasterizerDiscardEnable = VK_TRUE;
        state.bindings = {{3, stride, VK_VERTEX_INPUT_RATE_VERTEX}};
        state.attributes = {{5, 3, format.format, 0}};
        const auto bound = descriptors({storage(out)});
        state.layout = bound.layout;
        const VkPipeline made = pipeline(t, state);
        render(t, [&](VkCommandBuffer c) {
            vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_GRAPHICS, made);
            vkCmdBindDescriptorSets(c, VK_PIPELINE_BIND_POINT_GRAPHICS, bound.layout, 0, 1,
                                    &bound.set, 0, nullptr);
            const VkDeviceSize at = offset;
            vkCmdBindVertexBuffers(c, 3, 1, &data.handle, &at);
            vkCmdDraw(c, 8, 1, 0, 0);
        });
        for (uint32_t i = 0; i < 8; ++i) {
            const Texel expected =
                decode(format.format, &data.as<uint8_t>()[offset + size_t{i} * stride]);
            for (uint32_t k = 0; k < 4; ++k) {
                const uint32_t bits = out.as<uint32_t>()[i * 4 + k];
                const double got = format.kind == Kind::kUint ? bits
                                   : format.kind == Kind::kSint
                                       ? static_cast<int32_t>(bits)
                                       : static_cast<double>(std::bit_cast<float>(bits));
                ASSERT_NEAR(got, expected[k], std::abs(expected[k]) * 1e-6)
                    << "vertex " << i << " component " << k;
            }
        }
    }
}

/*glsl instanced.vert
layout(location = 0) in uint a;
layout(location = 1) in uint b;
layout(set = 0, binding = 0) buffer R { uvec2 r[]; };
void main() { r[gl_InstanceIndex * 4 + gl_VertexIndex] = uvec2(a, b); gl_Position = vec4(0);
    gl_PointSize = 1.0; }
*/
TEST_F(Draw, InstanceRateAndDivisors) {
    if (!world.features.core.vertexPipelineStoresAndAtomics) {
        GTEST_SKIP() << "no vertexPipelineStoresAndAtomics";
    }
    const Target t = target({});
    const Buffer data = buffer_of(std::vector<uint32_t>{100, 101, 102, 103, 104, 105, 106, 107});
    const Buffer out = buffer(8 * 32);
    const auto bound = descriptors({storage(out)});
    const bool divide = world.features.divisor.vertexAttributeInstanceRateDivisor != 0;
    const VkVertexInputBindingDivisorDescription divisor{1, 3};
    const VkPipelineVertexInputDivisorStateCreateInfo divisors{
        .sType = VK_STRUCTURE_TYPE_PIPELINE_VERTEX_INPUT_DIVISOR_STATE_CREATE_INFO,
        .vertexBindingDivisorCount = 1,
        .pVertexBindingDivisors = &divisor};
    DrawState state{.vert = glsl::instanced_vert};
    state.topology = VK_PRIMITIVE_TOPOLOGY_POINT_LIST;
    state.raster.rasterizerDiscardEnable = VK_TRUE;
    state.bindings = {{0, 4, VK_VERTEX_INPUT_RATE_VERTEX}, {1, 4, VK_VERTEX_INPUT_RATE_INSTANCE}};
    state.attributes = {{0, 0, VK_FORMAT_R32_UINT, 0}, {1, 1, VK_FORMAT_R32_UINT, 0}};
    state.layout = bound.layout;
    state.vertex_next = divide ? &divisors : nullptr;
    const VkPipeline made = pipeline(t, state);
    render(t, [&](VkCommandBuffer c) {
        vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_GRAPHICS, made);
        vkCmdBindDescriptorSets(c, VK_PIPELINE_BIND_POINT_GRAPHICS, bound.layout, 0, 1, &bound.set,
                                0, nullptr);
        const VkBuffer both[] = {data.handle, data.handle};
        const VkDeviceSize offsets[] = {0, 4};
        vkCmdBindVertexBuffers(c, 0, 2, both, offsets);
        vkCmdDraw(c, 4, 6, 0, 1);
    });
    for (uint32_t i = 1; i < 7; ++i) {
        for (uint32_t v = 0; v < 4; ++v) {
            EXPECT_EQ(out.as<uint32_t>()[(i * 4 + v) * 2], 100 + v);
            // The element is firstInstance + (instance - firstInstance) / divisor.
            EXPECT_EQ(out.as<uint32_t>()[(i * 4 + v) * 2 + 1],
                      101 + (divide ? 1 + (i - 1) / 3 : i));
        }
    }
}

} // namespace
