// SPDX-License-Identifier: MIT
// What compute shaders see through descriptors: constants, arrays, texel buffers, images.
#include "tests/vulkan/harness/fixture.hpp"

#include "compute_shaders.hpp"

#include <algorithm>
#include <bit>
#include <numeric>

using namespace kite::vktest;

namespace {

class ComputeMemory : public VulkanTest {};

/*glsl constants.comp
layout(local_size_x_id = 0, local_size_y_id = 1) in;
layout(constant_id = 2) const int a = 7;
layout(constant_id = 3) const float f = 1.5;
layout(constant_id = 4) const bool flag = false;
layout(push_constant) uniform P { uint offset; uint pad; vec2 v; uint tail[28]; };
layout(set = 0, binding = 0) buffer R { uint r[]; };
int table[a];
void main() {
    if (gl_LocalInvocationIndex == 0) {
        for (int i = 0; i < a; ++i) table[i] = i * i;
        r[offset + 0] = gl_WorkGroupSize.x * 100 + gl_WorkGroupSize.y;
        r[offset + 1] = table[a - 1];
        r[offset + 2] = floatBitsToUint(f * v.y);
        r[offset + 3] = flag ? 1 : 2;
        r[offset + 4] = tail[27];
    }
    atomicAdd(r[offset + 5], 1);
}
*/
TEST_F(ComputeMemory, SpecialisationAndPushConstants) {
    const Buffer out = buffer(64);
    std::array<uint32_t, 32> push{};
    push[0] = 3;
    push[3] = std::bit_cast<uint32_t>(8.0F);
    push[31] = 0xCAFE;
    compute(glsl::constants_comp, {storage(out)}, {2, 3, 1}, push,
            {8, 5, 4, std::bit_cast<uint32_t>(2.5F), 1});
    const auto r = out.as<uint32_t>().subspan(3);
    EXPECT_EQ(r[0], 805U);
    EXPECT_EQ(r[1], 9U);
    EXPECT_EQ(std::bit_cast<float>(r[2]), 20.0F);
    EXPECT_EQ(r[3], 1U);
    EXPECT_EQ(r[4], 0xCAFEU);
    EXPECT_EQ(r[5], 6U * 40);
}

/*glsl pick.comp -DINDEX=1
| pick_nonuniform -DINDEX=nonuniformEXT(i%4)
| pick_dynamic -DINDEX=which
#extension GL_EXT_nonuniform_qualifier : enable
layout(local_size_x = 32) in;
layout(push_constant) uniform P { uint which; };
layout(set = 0, binding = 0) readonly buffer A { uint v[]; } a[4];
layout(set = 0, binding = 1) uniform B { uvec4 v; } b[4];
layout(set = 0, binding = 2) buffer R { uint r[]; };
void main() {
    uint i = gl_GlobalInvocationID.x;
    r[i] = a[INDEX].v[i] + b[INDEX].v.y;
}
*/
TEST_F(ComputeMemory, ArraysOfBuffers) {
    Bind a{VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, {}, {}, {}};
    Bind b{VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, {}, {}, {}};
    for (uint32_t k = 0; k < 4; ++k) {
        const Buffer data = buffer(128), constants = buffer(16);
        std::iota(data.as<uint32_t>().begin(), data.as<uint32_t>().end(), k * 1000);
        constants.as<uint32_t>()[1] = k * 100000;
        a.buffers.push_back({data.handle, 0, VK_WHOLE_SIZE});
        b.buffers.push_back({constants.handle, 0, VK_WHOLE_SIZE});
    }
    const Buffer out = buffer(128);
    for (uint32_t which = 0; which < 4; ++which) {
        compute(glsl::pick_dynamic_comp, {a, b, storage(out)}, {1, 1, 1}, {{which}});
        for (uint32_t i = 0; i < 32; ++i) {
            ASSERT_EQ(out.as<uint32_t>()[i], which * 101000 + i) << which;
        }
    }
    if (world.features.indexing.shaderStorageBufferArrayNonUniformIndexing &&
        world.features.indexing.shaderUniformBufferArrayNonUniformIndexing) {
        compute(glsl::pick_nonuniform_comp, {a, b, storage(out)}, {1, 1, 1}, {{0U}});
        for (uint32_t i = 0; i < 32; ++i) {
            ASSERT_EQ(out.as<uint32_t>()[i], i % 4 * 101000 + i);
        }
    }
}

/*glsl offsets.comp
layout(local_size_x = 1) in;
layout(set = 0, binding = 0) uniform A { uint a; };
layout(set = 0, binding = 1) buffer R { uint r; };
void main() { r = a + 1; }
*/
TEST_F(ComputeMemory, DynamicOffsets) {
    const auto step = static_cast<uint32_t>(
        std::max({world.limits.minUniformBufferOffsetAlignment,
                  world.limits.minStorageBufferOffsetAlignment, VkDeviceSize{16}}));
    const Buffer in = buffer(step * 4), out = buffer(step * 4);
    for (uint32_t i = 0; i < 4; ++i) {
        in.as<uint32_t>()[i * step / 4] = 10 * i;
    }
    const auto bound =
        descriptors({{VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER_DYNAMIC, {{in.handle, 0, 4}}, {}, {}},
                     {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER_DYNAMIC, {{out.handle, 0, 4}}, {}, {}}});
    const VkPipeline pipeline = compute_pipeline(glsl::offsets_comp, bound.layout);
    run([&](VkCommandBuffer c) {
        vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
        for (uint32_t i = 0; i < 4; ++i) {
            const uint32_t offsets[] = {i * step, (3 - i) * step};
            vkCmdBindDescriptorSets(c, VK_PIPELINE_BIND_POINT_COMPUTE, bound.layout, 0, 1,
                                    &bound.set, 2, offsets);
            vkCmdDispatch(c, 1, 1, 1);
        }
    });
    for (uint32_t i = 0; i < 4; ++i) {
        EXPECT_EQ(out.as<uint32_t>()[(3 - i) * step / 4], 10 * i + 1) << i;
    }
}

/*glsl texels.comp
layout(local_size_x = 16) in;
layout(set = 0, binding = 0) uniform samplerBuffer a;
layout(set = 0, binding = 1, r32ui) uniform uimageBuffer b;
layout(set = 0, binding = 2) buffer R { vec4 r[16]; int sizes[2]; };
void main() {
    int i = int(gl_LocalInvocationIndex);
    r[i] = texelFetch(a, i);
    imageStore(b, 15 - i, uvec4(i * 3));
    imageAtomicAdd(b, 16, 2u);
    if (i == 0) { sizes[0] = textureSize(a); sizes[1] = imageSize(b); }
}
*/
TEST_F(ComputeMemory, TexelBuffers) {
    const VkBufferUsageFlags usage =
        VK_BUFFER_USAGE_UNIFORM_TEXEL_BUFFER_BIT | VK_BUFFER_USAGE_STORAGE_TEXEL_BUFFER_BIT;
    const Buffer in = buffer(64, usage), numbers = buffer(68, usage), out = buffer(264);
    for (uint32_t i = 0; i < 16; ++i) {
        in.as<uint32_t>()[i] = i | (255 - i) << 8 | 0xFF000000;
    }
    compute(
        glsl::texels_comp,
        {{VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER, {}, {}, {texels(in, VK_FORMAT_R8G8B8A8_UNORM)}},
         {VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER, {}, {}, {texels(numbers, VK_FORMAT_R32_UINT)}},
         storage(out)},
        {1, 1, 1});
    for (uint32_t i = 0; i < 16; ++i) {
        EXPECT_NEAR(out.as<float>()[i * 4], static_cast<float>(i) / 255, 1e-6);
        EXPECT_NEAR(out.as<float>()[i * 4 + 1], static_cast<float>(255 - i) / 255, 1e-6);
        EXPECT_EQ(out.as<float>()[i * 4 + 3], 1.0F);
        EXPECT_EQ(numbers.as<uint32_t>()[15 - i], i * 3);
    }
    EXPECT_EQ(numbers.as<uint32_t>()[16], 32U);
    EXPECT_EQ(out.as<int32_t>()[64], 16);
    EXPECT_EQ(out.as<int32_t>()[65], 17);
}

/*glsl images.comp
layout(local_size_x = 8, local_size_y = 8) in;
layout(set = 0, binding = 0, rgba8) uniform image2D a;
layout(set = 0, binding = 1, r32ui) uniform uimage2DArray b;
layout(set = 0, binding = 2, rgba32f) uniform image3D d;
layout(set = 0, binding = 3) buffer R { ivec4 sizes[3]; uint previous[]; };
void main() {
    ivec2 p = ivec2(gl_GlobalInvocationID.xy);
    if (all(lessThan(p, imageSize(a)))) {
        vec4 t = imageLoad(a, p);
        imageStore(a, p, t.bgra);
        imageStore(d, ivec3(p % 4, p.y / 4 % 4), vec4(p.y / 4 * 4 + p.y % 4, 1.5, -2.0, 0.25));
        imageStore(b, ivec3(p, 2), uvec4(p.y * 256 + p.x));
        previous[p.y * imageSize(a).x + p.x] = imageAtomicAdd(b, ivec3(0, 0, 1), 1);
    }
    imageStore(a, ivec2(-1, 0), vec4(9));
    sizes[0].xy = imageSize(a);
    sizes[1].xyz = imageSize(b);
    sizes[2].xyz = imageSize(d);
}
*/
TEST_F(ComputeMemory, StorageImages) {
    const Image a = image({.width = 13, .height = 11, .usage = VK_IMAGE_USAGE_STORAGE_BIT});
    const Image b = image({.format = VK_FORMAT_R32_UINT,
                           .width = 13,
                           .height = 11,
                           .layers = 3,
                           .usage = VK_IMAGE_USAGE_STORAGE_BIT});
    const Image d = image({.format = VK_FORMAT_R32G32B32A32_SFLOAT,
                           .width = 4,
                           .height = 4,
                           .depth = 4,
                           .type = VK_IMAGE_TYPE_3D,
                           .usage = VK_IMAGE_USAGE_STORAGE_BIT});
    std::vector<uint32_t> pixels(143);
    for (uint32_t i = 0; i < 143; ++i) {
        pixels[i] = i * 0x01020305;
    }
    write(a, pixels);
    write(b, std::vector<uint32_t>(143, 0), 0, 1);
    const Buffer out = buffer(48 + 143 * 4);
    compute(glsl::images_comp,
            {storage_image(a.view), storage_image(b.view), storage_image(d.view), storage(out)},
            {2, 2, 1});
    const auto swapped = read<uint32_t>(a);
    const auto numbers = read<uint32_t>(b, 0, 2);
    for (uint32_t i = 0; i < 143; ++i) {
        const uint32_t v = pixels[i];
        ASSERT_EQ(swapped[i], (v & 0xFF00FF00) | (v >> 16 & 0xFF) | (v & 0xFF) << 16) << i;
        ASSERT_EQ(numbers[i], i / 13 * 256 + i % 13) << i;
    }
    EXPECT_EQ(read<uint32_t>(b, 0, 1)[0], 143U);
    std::vector<uint32_t> previous(143);
    std::ranges::copy(out.as<uint32_t>().subspan(12), previous.begin());
    std::ranges::sort(previous);
    for (uint32_t i = 0; i < 143; ++i) {
        ASSERT_EQ(previous[i], i);
    }
    const auto cube = read<float>(d);
    EXPECT_EQ(cube[1], 1.5F);
    EXPECT_EQ(cube[2], -2.0F);
    EXPECT_EQ(cube[((1 * 4 + 2) * 4 + 3) * 4], 6.0F);
    const auto sizes = out.as<int32_t>();
    EXPECT_EQ(sizes[0], 13);
    EXPECT_EQ(sizes[1], 11);
    EXPECT_EQ(sizes[6], 3);
    EXPECT_EQ(sizes[10], 4);
}

/*glsl scalars.comp
#extension GL_EXT_scalar_block_layout : require
layout(local_size_x = 1) in;
struct S { vec3 a; float b; vec2 c; vec3 d; };
layout(set = 0, binding = 0, std140) uniform A { S s[2]; float x[2]; } std140_in;
layout(set = 0, binding = 1, std430) buffer B { float r[]; };
void main() {
    r[0] = std140_in.s[0].b; r[1] = std140_in.s[0].c.y; r[2] = std140_in.s[0].d.z;
    r[3] = std140_in.s[1].a.x; r[4] = std140_in.x[0]; r[5] = std140_in.x[1];
    int k = int(r[6]);
    S copy = std140_in.s[k];
    r[7] = copy.d[k];
}
*/
TEST_F(ComputeMemory, Std140Layout) {
    std::vector<float> in(32);
    std::iota(in.begin(), in.end(), 0.0F);
    const Buffer constants = buffer_of(in), out = buffer(64);
    out.as<float>()[6] = 1;
    compute(glsl::scalars_comp, {uniform(constants), storage(out)}, {1, 1, 1});
    // S takes 12 floats: a 0-2, b 3, c 4-5, d 8-10; x starts at 24 with a stride of 4.
    const float expected[] = {3, 5, 10, 12, 24, 28};
    for (size_t i = 0; i < 6; ++i) {
        EXPECT_EQ(out.as<float>()[i], expected[i]) << i;
    }
    EXPECT_EQ(out.as<float>()[7], 21.0F);
}

/*glsl address.comp
#extension GL_EXT_buffer_reference : require
layout(local_size_x = 4) in;
layout(buffer_reference) buffer List;
layout(buffer_reference, std430, buffer_reference_align = 8) buffer List { uint value; uint pad;
    List next; };
layout(push_constant) uniform P { List head; };
layout(set = 0, binding = 0) buffer R { uint r[]; };
void main() {
    List at = head;
    for (uint i = 0; i < gl_LocalInvocationIndex; ++i) at = at.next;
    r[gl_LocalInvocationIndex] = at.value;
}
*/
TEST_F(ComputeMemory, DeviceAddresses) {
    if (!world.features.address.bufferDeviceAddress) {
        GTEST_SKIP() << "no bufferDeviceAddress";
    }
    const Buffer list = buffer(64, VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT);
    const Buffer out = buffer(16);
    const VkBufferDeviceAddressInfo info{.sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO,
                                         .buffer = list.handle};
    const auto base =
        world.load<PFN_vkGetBufferDeviceAddressKHR>("vkGetBufferDeviceAddressKHR")(device, &info);
    ASSERT_NE(base, 0U);
    for (uint64_t i = 0; i < 4; ++i) {
        const uint64_t node = i * 3 % 4; // visited as 0, 3, 2, 1
        list.as<uint64_t>()[node * 2] = 100 + i;
        list.as<uint64_t>()[node * 2 + 1] = base + (i + 1) * 3 % 4 * 16;
    }
    const uint32_t push[] = {static_cast<uint32_t>(base), static_cast<uint32_t>(base >> 32)};
    compute(glsl::address_comp, {storage(out)}, {1, 1, 1}, push);
    for (uint32_t i = 0; i < 4; ++i) {
        EXPECT_EQ(out.as<uint32_t>()[i], 100 + i);
    }
}

} // namespace
