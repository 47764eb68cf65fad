// SPDX-License-Identifier: MIT
// Work groups: built-ins, indirect and based dispatch, control flow, atomics, shared memory.
#include "tests/vulkan/harness/fixture.hpp"

#include "compute_shaders.hpp"

#include <algorithm>
#include <bit>
#include <numeric>

using namespace kite::vktest;

namespace {

class Dispatch : public VulkanTest {};

/*glsl ids.comp
layout(local_size_x = 3, local_size_y = 5, local_size_z = 2) in;
layout(set = 0, binding = 0) buffer R { uint r[]; };
void main() {
    uvec3 g = gl_GlobalInvocationID, size = gl_NumWorkGroups * gl_WorkGroupSize;
    uint at = (g.z * size.y + g.y) * size.x + g.x;
    bool same = all(equal(g, gl_WorkGroupID * gl_WorkGroupSize + gl_LocalInvocationID));
    r[at] = same ? gl_LocalInvocationIndex + 1 : 0xFFFFFFFFu;
}
*/
TEST_F(Dispatch, BuiltInIds) {
    const Buffer out = buffer(12 * 15 * 4 * 4);
    compute(glsl::ids_comp, {storage(out)}, {4, 3, 2});
    for (uint32_t z = 0; z < 4; ++z) {
        for (uint32_t y = 0; y < 15; ++y) {
            for (uint32_t x = 0; x < 12; ++x) {
                ASSERT_EQ(out.as<uint32_t>()[(z * 15 + y) * 12 + x],
                          (z % 2 * 5 + y % 5) * 3 + x % 3 + 1);
            }
        }
    }
}

/*glsl count.comp
layout(local_size_x = 32) in;
layout(set = 0, binding = 0) buffer R { uint count; uint groups[3]; uint lowest; };
void main() {
    atomicAdd(count, 1);
    atomicMin(lowest, gl_WorkGroupID.x);
    groups[0] = gl_NumWorkGroups.x; groups[1] = gl_NumWorkGroups.y;
        groups[2] = gl_NumWorkGroups.z;
}
*/
TEST_F(Dispatch, IndirectReadsItsBufferAtExecution) {
    const Buffer arguments = buffer(64), out = buffer(32);
    const auto bound = descriptors({storage(out)});
    const VkPipeline pipeline = compute_pipeline(glsl::count_comp, bound.layout);
    run([&](VkCommandBuffer c) {
        const uint32_t groups[3] = {5, 2, 3};
        vkCmdUpdateBuffer(c, arguments.handle, 16, 12, groups);
        barrier(c);
        vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
        vkCmdBindDescriptorSets(c, VK_PIPELINE_BIND_POINT_COMPUTE, bound.layout, 0, 1, &bound.set,
                                0, nullptr);
        vkCmdDispatchIndirect(c, arguments.handle, 16);
        vkCmdDispatchIndirect(c, arguments.handle, 32); // zero groups
    });
    EXPECT_EQ(out.as<uint32_t>()[0], 30U * 32);
    EXPECT_EQ(out.as<uint32_t>()[1], 5U);
    EXPECT_EQ(out.as<uint32_t>()[3], 3U);
}

TEST_F(Dispatch, BaseGroups) {
    const Buffer out = buffer(32);
    out.as<uint32_t>()[4] = 1000;
    const auto bound = descriptors({storage(out)});
    const VkComputePipelineCreateInfo info{
        .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
        .flags = VK_PIPELINE_CREATE_DISPATCH_BASE,
        .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                  .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                  .module = module(glsl::count_comp),
                  .pName = "main"},
        .layout = bound.layout};
    VkPipeline pipeline = VK_NULL_HANDLE;
    must(vkCreateComputePipelines(device, VK_NULL_HANDLE, 1, &info, nullptr, &pipeline));
    defer([this, pipeline] { vkDestroyPipeline(device, pipeline, nullptr); });
    run([&](VkCommandBuffer c) {
        vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
        vkCmdBindDescriptorSets(c, VK_PIPELINE_BIND_POINT_COMPUTE, bound.layout, 0, 1, &bound.set,
                                0, nullptr);
        vkCmdDispatchBase(c, 7, 0, 0, 2, 1, 1);
    });
    EXPECT_EQ(out.as<uint32_t>()[0], 64U);
    EXPECT_EQ(out.as<uint32_t>()[4], 7U);
}

/*glsl reduce.comp
layout(local_size_x = 128) in;
layout(set = 0, binding = 0) readonly buffer A { uint a[]; };
layout(set = 0, binding = 1) buffer R { uint r[]; };
shared uint part[128];
shared uint votes;
void main() {
    uint l = gl_LocalInvocationIndex;
    if (l == 0) votes = 0;
    part[l] = a[gl_GlobalInvocationID.x];
    barrier();
    for (uint step = 64; step > 0; step >>= 1) {
        if (l < step) part[l] += part[l + step];
        barrier();
    }
    atomicOr(votes, 1u << (l & 31));
    barrier();
    if (l == 127) { r[gl_WorkGroupID.x * 2] = part[0]; r[gl_WorkGroupID.x * 2 + 1] = votes; }
}
*/
TEST_F(Dispatch, SharedMemoryAndBarriers) {
    std::vector<uint32_t> values(128 * 20);
    std::iota(values.begin(), values.end(), 1U);
    const Buffer in = buffer_of(values), out = buffer(160);
    compute(glsl::reduce_comp, {storage(in), storage(out)}, {20, 1, 1});
    for (uint32_t g = 0; g < 20; ++g) {
        EXPECT_EQ(out.as<uint32_t>()[g * 2], 128 * (128 * g) + 128 * 129 / 2) << g;
        EXPECT_EQ(out.as<uint32_t>()[g * 2 + 1], 0xFFFFFFFFU) << g;
    }
}

/*glsl atomics.comp
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) buffer R { uint r[8]; int lowest; int highest; uint exchanged;
    uint cas; uint seen[256]; };
void main() {
    uint i = gl_GlobalInvocationID.x;
    uint slot = atomicAdd(r[0], 1);
    atomicAdd(seen[slot], 1);
    atomicMin(r[1], i + 5);
    atomicMax(r[2], i);
    atomicAnd(r[3], ~(1u << (i & 15)));
    atomicOr(r[4], 1u << (i & 31));
    atomicXor(r[5], i);
    atomicMin(lowest, -int(i));
    atomicMax(highest, int(i) - 300);
    atomicExchange(exchanged, i);
    atomicCompSwap(cas, i, i + 1);
    uint old = r[6], seen_value;
    do { seen_value = old; old = atomicCompSwap(r[6], seen_value, seen_value + 2);
        } while (old != seen_value);
}
*/
TEST_F(Dispatch, Atomics) {
    const Buffer out = buffer(48 + 1024);
    auto r = out.as<uint32_t>();
    r[1] = r[3] = 0xFFFFFFFF;
    out.as<int32_t>()[9] = -1000;
    compute(glsl::atomics_comp, {storage(out)}, {4, 1, 1});
    EXPECT_EQ(r[0], 256U);
    EXPECT_EQ(r[1], 5U);
    EXPECT_EQ(r[2], 255U);
    EXPECT_EQ(r[3], 0xFFFF0000U);
    EXPECT_EQ(r[4], 0xFFFFFFFFU);
    EXPECT_EQ(r[5], 0U);
    EXPECT_EQ(r[6], 512U);
    EXPECT_EQ(out.as<int32_t>()[8], -255);
    EXPECT_EQ(out.as<int32_t>()[9], -45);
    EXPECT_LT(r[10], 256U);
    EXPECT_GE(r[11], 1U);
    for (uint32_t i = 0; i < 256; ++i) {
        ASSERT_EQ(r[12 + i], 1U) << i;
    }
}

/*glsl flow.comp
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) buffer R { uint r[]; };
uint collatz(uint n) {
    uint steps = 0;
    while (true) {
        if (n == 1) return steps;
        if (n > 100000) break;
        n = (n & 1) == 0 ? n / 2 : 3 * n + 1;
        ++steps;
    }
    return 1000 + steps;
}
uint classify(uint i) {
    switch (i % 7) {
    case 0: return 10;
    case 1: case 2: i += 1;
    case 3: return i * 2;
    case 5:
        for (uint k = 0; k < i; ++k) { if (k == 3) continue; if (k > 9) return k; i += k & 1; }
        break;
    default: i ^= 0x55; break;
    }
    return i;
}
void main() {
    uint i = gl_GlobalInvocationID.x;
    uint table[8];
    for (uint k = 0; k < 8; ++k) table[k] = k * i;
    uint sum = 0;
    for (uint a = 0; a < i % 5; ++a)
        for (uint b = a; b < 8; b += 2) { if (((a + b + i) & 3) == 0) continue;
            sum += table[(b + i) & 7]; if (sum > 5000) break; }
    if (i % 11 == 3) { r[i] = 77; return; }
    r[i] = collatz(i + 1) ^ (classify(i) << 10) ^ (sum << 20);
}
*/
TEST_F(Dispatch, DivergentControlFlow) {
    const Buffer out = buffer(256 * 4);
    compute(glsl::flow_comp, {storage(out)}, {4, 1, 1});
    const auto collatz = [](uint32_t n) {
        uint32_t steps = 0;
        while (n != 1) {
            if (n > 100000) {
                return 1000 + steps;
            }
            n = n % 2 == 0 ? n / 2 : 3 * n + 1;
            ++steps;
        }
        return steps;
    };
    const auto classify = [](uint32_t i) {
        switch (i % 7) {
        case 0:
            return 10U;
        case 1:
        case 2:
            return (i + 1) * 2;
        case 3:
            return i * 2;
        case 5:
            for (uint32_t k = 0; k < i; ++k) {
                if (k == 3) {
                    continue;
                }
                if (k > 9) {
                    return k;
                }
                i += k & 1;
            }
            return i;
        default:
            return i ^ 0x55;
        }
    };
    for (uint32_t i = 0; i < 256; ++i) {
        uint32_t sum = 0;
        for (uint32_t a = 0; a < i % 5; ++a) {
            for (uint32_t b = a; b < 8; b += 2) {
                if (((a + b + i) & 3) == 0) {
                    continue;
                }
                sum += ((b + i) & 7) * i;
                if (sum > 5000) {
                    break;
                }
            }
        }
        const uint32_t expected = i % 11 == 3 ? 77 : collatz(i + 1) ^ classify(i) << 10 ^ sum << 20;
        ASSERT_EQ(out.as<uint32_t>()[i], expected) << i;
    }
}

TEST_F(Dispatch, ManyDispatchesInOrder) {
    const Buffer out = buffer(32);
    const auto bound = descriptors({storage(out)});
    const VkPipeline pipeline = compute_pipeline(glsl::count_comp, bound.layout);
    run([&](VkCommandBuffer c) {
        vkCmdBindPipeline(c, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
        vkCmdBindDescriptorSets(c, VK_PIPELINE_BIND_POINT_COMPUTE, bound.layout, 0, 1, &bound.set,
                                0, nullptr);
        for (int i = 0; i < 500; ++i) {
            vkCmdDispatch(c, 1, 1, 1);
            barrier(c);
        }
    });
    EXPECT_EQ(out.as<uint32_t>()[0], 500U * 32);
}

} // namespace
