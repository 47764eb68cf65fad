// SPDX-License-Identifier: MIT
// What shaders may do beyond the core, and shaders without pipelines.
#include "tests/vulkan/harness/graphics.hpp"

#include "extensions_shaders.hpp"

#include <bit>

using namespace kite::vktest;

namespace {

class ExtensionShaders : public GraphicsTest {};

/*glsl wide_atomics.comp
#extension GL_EXT_shader_atomic_int64 : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) buffer R { uint64_t sum; uint64_t top; int64_t low; uint64_t old; };
shared uint64_t part;
void main() {
    uint64_t i = gl_GlobalInvocationID.x;
    if (gl_LocalInvocationIndex == 0) part = 0;
    barrier();
    atomicAdd(part, i << 30);
    atomicMax(top, i << 32);
    atomicMin(low, -int64_t(i << 33));
    barrier();
    if (gl_LocalInvocationIndex == 0) {
        atomicAdd(sum, part);
        atomicCompSwap(old, uint64_t(5) << 40, uint64_t(9));
    }
}
*/
TEST_F(ExtensionShaders, Atomics64) {
    if (!world.features.atomic_int64.shaderBufferInt64Atomics ||
        !world.features.atomic_int64.shaderSharedInt64Atomics || !world.features.core.shaderInt64) {
        GTEST_SKIP() << "no 64-bit atomics";
    }
    const Buffer out = buffer_of<uint64_t>({1, 0, 0, 5ULL << 40});
    compute(glsl::wide_atomics_comp, {storage(out)}, {3, 1, 1});
    const auto r = out.as<uint64_t>();
    EXPECT_EQ(r[0], 1 + (uint64_t{192 * 191 / 2} << 30));
    EXPECT_EQ(r[1], 191ULL << 32);
    EXPECT_EQ(r[2], static_cast<uint64_t>(-(int64_t{191} << 33)));
    EXPECT_EQ(r[3], 9U);
}

/*glsl float_atomics.comp
#extension GL_EXT_shader_atomic_float : require
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) buffer R { float sum; float last; };
shared float part;
void main() {
    if (gl_LocalInvocationIndex == 0) part = 0.0;
    barrier();
    atomicAdd(part, 0.25);
    barrier();
    if (gl_LocalInvocationIndex == 0) {
        atomicAdd(sum, part);
        atomicExchange(last, part);
    }
}
*/
TEST_F(ExtensionShaders, FloatAtomics) {
    if (!world.features.atomic_float.shaderBufferFloat32AtomicAdd ||
        !world.features.atomic_float.shaderSharedFloat32AtomicAdd) {
        GTEST_SKIP() << "no float atomics";
    }
    const Buffer out = buffer_of<float>({100, 0});
    compute(glsl::float_atomics_comp, {storage(out)}, {5, 1, 1});
    EXPECT_EQ(out.as<float>()[0], 180);
    EXPECT_EQ(out.as<float>()[1], 16);
}

/*glsl aliased.comp --target-env spirv1.4
#extension GL_EXT_shared_memory_block : require
layout(local_size_x = 16) in;
layout(set = 0, binding = 0) buffer R { uint r[]; };
layout(std430) shared A { uvec2 pairs[16]; };
layout(std430) shared B { uint words[32]; };
void main() {
    uint i = gl_LocalInvocationIndex;
    pairs[i] = uvec2(i, 100 + i);
    barrier();
    r[2 * i] = words[2 * i];
    r[2 * i + 1] = words[2 * i + 1];
}
*/
TEST_F(ExtensionShaders, WorkgroupMemoryLayouts) {
    if (!world.features.workgroup_layout.workgroupMemoryExplicitLayout ||
        !world.has("VK_KHR_spirv_1_4")) {
        GTEST_SKIP() << "no workgroupMemoryExplicitLayout";
    }
    const Buffer out = buffer(128);
    compute(glsl::aliased_comp, {storage(out)}, {1, 1, 1});
    for (uint32_t i = 0; i < 16; ++i) {
        EXPECT_EQ(out.as<uint32_t>()[2 * i], i);
        EXPECT_EQ(out.as<uint32_t>()[2 * i + 1], 100 + i);
    }
}

/*glsl count.comp
layout(local_size_x_id = 0) in;
layout(set = 0, binding = 0) buffer R { uint r; };
void main() { atomicAdd(r, 1); }
*/
// Programs whose instructions are equal and whose workgroups are not, one after another in the same
// memory.
TEST_F(ExtensionShaders, EqualCodeOtherWorkgroups) {
    const Buffer out = buffer(4);
    const auto bound = descriptors({storage(out)});
    const VkShaderModule code = module(glsl::count_comp);
    for (const uint32_t size : {6U, 1U, 30U, 6U, 64U}) {
        const VkSpecializationMapEntry entry{0, 0, 4};
        const VkSpecializationInfo special{1, &entry, 4, &size};
        const VkComputePipelineCreateInfo info{
            .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
            .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                      .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                      .module = code,
                      .pName = "main",
                      .pSpecializationInfo = &special},
            .layout = bound.layout};
        VkPipeline made = VK_NULL_HANDLE;
        must(vkCreateComputePipelines(device, VK_NULL_HANDLE, 1, &info, nullptr, &made));
        out.as<uint32_t>()[0] = 0;
        run([&](VkCommandBuffer c) {
            vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_COMPUTE, made);
            vkCmdBindDescriptorSets(c, VK_PIPELINE_BIND_POINT_COMPUTE, bound.layout, 0, 1,
                                    &bound.set, 0, nullptr);
            vkCmdDispatch(c, 1, 1, 1);
        });
        vkDestroyPipeline(device, made, nullptr);
        EXPECT_EQ(out.as<uint32_t>()[0], size);
    }
}

/*glsl folded.comp
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
layout(constant_id = 0) const int a = 1;
const int64_t wide = (int64_t(a) << 33) >> 2;
layout(local_size_x = 1) in;
layout(set = 0, binding = 0) buffer R { int64_t r; };
void main() { r = wide; }
*/
TEST_F(ExtensionShaders, SpecializedWideShifts) {
    if (!world.features.core.shaderInt64) {
        GTEST_SKIP() << "no shaderInt64";
    }
    const Buffer out = buffer(8);
    compute(glsl::folded_comp, {storage(out)}, {1, 1, 1}, {}, {static_cast<uint32_t>(-7)});
    EXPECT_EQ(out.as<int64_t>()[0], -7 * (int64_t{1} << 31));
}

/*glsl object.comp
layout(local_size_x = 4) in;
layout(push_constant) uniform P { uint start; };
layout(set = 0, binding = 0) buffer R { uint r[]; };
void main() { r[gl_GlobalInvocationID.x] = start + gl_GlobalInvocationID.x; }
*/
TEST_F(ExtensionShaders, ShaderObjects) {
    if (!world.features.shader_object.shaderObject) {
        GTEST_SKIP() << "no shaderObject";
    }
    const auto create = world.load<PFN_vkCreateShadersEXT>("vkCreateShadersEXT");
    const auto destroy = world.load<PFN_vkDestroyShaderEXT>("vkDestroyShaderEXT");
    const auto binary = world.load<PFN_vkGetShaderBinaryDataEXT>("vkGetShaderBinaryDataEXT");
    const auto bind = world.load<PFN_vkCmdBindShadersEXT>("vkCmdBindShadersEXT");
    const Buffer out = buffer(32);
    const auto bound = descriptors({storage(out)});
    const VkPushConstantRange push{VK_SHADER_STAGE_ALL, 0, 128};
    VkShaderCreateInfoEXT info{.sType = VK_STRUCTURE_TYPE_SHADER_CREATE_INFO_EXT,
                               .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                               .codeType = VK_SHADER_CODE_TYPE_SPIRV_EXT,
                               .codeSize = sizeof(glsl::object_comp),
                               .pCode = glsl::object_comp,
                               .pName = "main",
                               .setLayoutCount = 1,
                               .pSetLayouts = &bound.set_layout,
                               .pushConstantRangeCount = 1,
                               .pPushConstantRanges = &push};
    VkShaderEXT first = VK_NULL_HANDLE, second = VK_NULL_HANDLE;
    must(create(device, 1, &info, nullptr, &first));
    defer([=, this] { destroy(device, first, nullptr); });
    size_t size = 0;
    must(binary(device, first, &size, nullptr));
    std::vector<std::max_align_t> storage_of(size / sizeof(std::max_align_t) + 1);
    must(binary(device, first, &size, storage_of.data()));
    info.codeType = VK_SHADER_CODE_TYPE_BINARY_EXT;
    info.codeSize = size;
    info.pCode = storage_of.data();
    must(create(device, 1, &info, nullptr, &second));
    defer([=, this] { destroy(device, second, nullptr); });
    for (const VkShaderEXT shader : {first, second}) {
        const uint32_t start = shader == first ? 10 : 20;
        run([&](VkCommandBuffer c) {
            const VkShaderStageFlagBits stage = VK_SHADER_STAGE_COMPUTE_BIT;
            bind(c, 1, &stage, &shader);
            vkCmdBindDescriptorSets(c, VK_PIPELINE_BIND_POINT_COMPUTE, bound.layout, 0, 1,
                                    &bound.set, 0, nullptr);
            vkCmdPushConstants(c, bound.layout, VK_SHADER_STAGE_ALL, 0, 4, &start);
            vkCmdDispatch(c, 2, 1, 1);
        });
        for (uint32_t i = 0; i < 8; ++i) {
            EXPECT_EQ(out.as<uint32_t>()[i], start + i);
        }
    }
}

/*glsl helpers.frag
layout(location = 0) in vec2 uv;
layout(location = 0) out vec4 color;
void main() {
    // The index is known at run time only, so the array is in private memory.
    float values[4];
    for (int i = 0; i < 4; ++i) values[i] = 0.0;
    values[int(gl_FragCoord.y) & 3] = gl_FragCoord.x;
    color = vec4(dFdx(values[int(gl_FragCoord.y) & 3]), 0, 0, 1);
}
*/
// Columns of one pixel: every derivative needs the value of a helper invocation.
TEST_F(ExtensionShaders, HelpersKeepPrivateArrays) {
    const Target t = target({.colors = {VK_FORMAT_R32G32B32A32_SFLOAT}});
    DrawState state{.vert = glsl::screen_vert, .frag = glsl::helpers_frag};
    state.scissors = {{{0, 0}, {16, 16}}};
    state.viewports = {{3, 0, 1, 16, 0, 1}};
    draw(t, state, 3);
    const auto texels = read<std::array<float, 4>>(t.result());
    for (uint32_t y = 0; y < 16; ++y) {
        EXPECT_EQ(texels[y * 16 + 3][0], 1.0F) << y;
        EXPECT_EQ(texels[y * 16 + 3][3], 1.0F) << y;
    }
}

} // namespace
