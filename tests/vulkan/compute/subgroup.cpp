// SPDX-License-Identifier: MIT
// Subgroup operations against a model that is told who was in which subgroup.
#include "tests/vulkan/harness/fixture.hpp"

#include "compute_shaders.hpp"

#include <algorithm>
#include <bit>
#include <map>

using namespace kite::vktest;

namespace {

class Subgroup : public VulkanTest {
protected:
    void SetUp() override {
        properties_.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES;
        VkPhysicalDeviceProperties2 all{.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
                                        .pNext = &properties_};
        vkGetPhysicalDeviceProperties2(world.physical, &all);
    }
    bool has(VkSubgroupFeatureFlags wanted) const {
        return (properties_.supportedOperations & wanted) == wanted;
    }
    /// One active invocation: (subgroup, lane) -> its value and its results.
    struct Lane {
        uint32_t value;
        std::span<const uint32_t> results;
    };
    /// Runs 96 invocations of which those with i % 5 == 2 stay out, 16 words each: subgroup id,
    /// lane, value, then results.
    std::vector<std::map<uint32_t, Lane>> run_groups(Spirv spirv) {
        out_ = buffer(96 * 64);
        compute(spirv, {storage(out_)}, {1, 1, 1});
        std::vector<std::map<uint32_t, Lane>> groups(96);
        for (uint32_t i = 0; i < 96; ++i) {
            const std::span<const uint32_t> row = out_.as<uint32_t>().subspan(i * 16, 16);
            if (i % 5 != 2) {
                EXPECT_LT(row[0], 96U);
                EXPECT_LT(row[1], properties_.subgroupSize);
                groups[row[0]][row[1]] = {row[2], row.subspan(3)};
            }
        }
        return groups;
    }
    VkPhysicalDeviceSubgroupProperties properties_{};
    Buffer out_;
};

/*glsl sg_basic.comp
#extension GL_KHR_shader_subgroup_vote : require
#extension GL_KHR_shader_subgroup_ballot : require
layout(local_size_x = 96) in;
layout(set = 0, binding = 0) buffer R { uint r[]; };
void main() {
    uint i = gl_LocalInvocationIndex, o = i * 16, v = i * 2654435761u >> 20;
    if (i % 5 == 2) return;
    r[o] = gl_SubgroupID; r[o + 1] = gl_SubgroupInvocationID; r[o + 2] = v;
    r[o + 3] = subgroupElect() ? 1 : 0;
    r[o + 4] = subgroupAll(v > 4) ? 1 : 0;
    r[o + 5] = subgroupAny(v > 4000) ? 1 : 0;
    r[o + 6] = subgroupAllEqual(v) ? 1 : 0;
    uvec4 b = subgroupBallot((v & 1) == 1);
    r[o + 7] = b.x;
    r[o + 8] = subgroupBroadcastFirst(v);
    r[o + 9] = subgroupBallotBitCount(b);
    r[o + 10] = subgroupBallotExclusiveBitCount(b);
    r[o + 11] = subgroupBallotFindLSB(subgroupBallot(true));
    r[o + 12] = subgroupInverseBallot(b) ? 1 : 0;
    r[o + 13] = gl_SubgroupLtMask.x;
    r[o + 14] = gl_SubgroupSize;
    r[o + 15] = subgroupBroadcast(v, 0);
}
*/
TEST_F(Subgroup, VoteAndBallot) {
    if (!has(VK_SUBGROUP_FEATURE_BASIC_BIT | VK_SUBGROUP_FEATURE_VOTE_BIT |
             VK_SUBGROUP_FEATURE_BALLOT_BIT) ||
        properties_.subgroupSize > 32) {
        GTEST_SKIP() << "no vote or ballot, or more lanes than the model has";
    }
    for (const auto& group : run_groups(glsl::sg_basic_comp)) {
        uint32_t odd = 0, first = ~0U, all = 1, any = 0, equal = 1;
        for (const auto& [lane, it] : group) {
            first = std::min(first, lane);
            odd |= (it.value & 1) << lane;
            all &= it.value > 4 ? 1U : 0U;
            any |= it.value > 4000 ? 1U : 0U;
            equal &= it.value == group.begin()->second.value ? 1U : 0U;
        }
        for (const auto& [lane, it] : group) {
            SCOPED_TRACE(lane);
            const uint32_t below = (1U << lane) - 1;
            EXPECT_EQ(it.results[0], lane == first ? 1U : 0U);
            EXPECT_EQ(it.results[1], all);
            EXPECT_EQ(it.results[2], any);
            EXPECT_EQ(it.results[3], equal);
            EXPECT_EQ(it.results[4], odd);
            EXPECT_EQ(it.results[5], group.at(first).value);
            EXPECT_EQ(it.results[6], static_cast<uint32_t>(std::popcount(odd)));
            EXPECT_EQ(it.results[7], static_cast<uint32_t>(std::popcount(odd & below)));
            EXPECT_EQ(it.results[8], first);
            EXPECT_EQ(it.results[9], it.value & 1);
            EXPECT_EQ(it.results[10], below);
            EXPECT_EQ(it.results[11], properties_.subgroupSize);
            if (group.contains(0)) {
                EXPECT_EQ(it.results[12], group.at(0).value);
            }
        }
    }
}

/*glsl sg_arith.comp
#extension GL_KHR_shader_subgroup_arithmetic : require
layout(local_size_x = 96) in;
layout(set = 0, binding = 0) buffer R { uint r[]; };
void main() {
    uint i = gl_LocalInvocationIndex, o = i * 16, v = (i * 2654435761u >> 20) + 1;
    if (i % 5 == 2) return;
    r[o] = gl_SubgroupID; r[o + 1] = gl_SubgroupInvocationID; r[o + 2] = v;
    r[o + 3] = subgroupAdd(v);
    r[o + 4] = subgroupMul(v | 1);
    r[o + 5] = subgroupMin(v);
    r[o + 6] = subgroupMax(v);
    r[o + 7] = subgroupAnd(v);
    r[o + 8] = subgroupOr(v);
    r[o + 9] = subgroupXor(v);
    r[o + 10] = subgroupInclusiveAdd(v);
    r[o + 11] = subgroupExclusiveAdd(v);
    r[o + 12] = uint(subgroupMin(-int(v)));
    r[o + 13] = subgroupExclusiveMax(v);
    r[o + 14] = floatBitsToUint(subgroupMax(float(v) * 0.5));
    r[o + 15] = floatBitsToUint(subgroupInclusiveMul(2.0));
}
*/
TEST_F(Subgroup, Arithmetic) {
    if (!has(VK_SUBGROUP_FEATURE_BASIC_BIT | VK_SUBGROUP_FEATURE_ARITHMETIC_BIT)) {
        GTEST_SKIP() << "no subgroup arithmetic";
    }
    for (const auto& group : run_groups(glsl::sg_arith_comp)) {
        uint32_t sum = 0, product = 1, low = ~0U, high = 0, conj = ~0U, disj = 0, parity = 0;
        for (const auto& [lane, it] : group) {
            sum += it.value;
            product *= it.value | 1;
            low = std::min(low, it.value);
            high = std::max(high, it.value);
            conj &= it.value;
            disj |= it.value;
            parity ^= it.value;
        }
        uint32_t before = 0, highest = 0;
        float power = 1;
        for (const auto& [lane, it] : group) {
            SCOPED_TRACE(lane);
            power *= 2;
            const uint32_t expected[13] = {sum,
                                           product,
                                           low,
                                           high,
                                           conj,
                                           disj,
                                           parity,
                                           before + it.value,
                                           before,
                                           0 - high,
                                           highest,
                                           std::bit_cast<uint32_t>(static_cast<float>(high) / 2),
                                           std::bit_cast<uint32_t>(power)};
            for (size_t k = 0; k < 13; ++k) {
                EXPECT_EQ(it.results[k], expected[k]) << "result " << k;
            }
            before += it.value;
            highest = std::max(highest, it.value);
        }
    }
}

/*glsl sg_shuffle.comp
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_KHR_shader_subgroup_shuffle_relative : require
#extension GL_KHR_shader_subgroup_quad : require
layout(local_size_x = 96) in;
layout(set = 0, binding = 0) buffer R { uint r[]; };
void main() {
    uint i = gl_LocalInvocationIndex, o = i * 16, v = i * 2654435761u >> 20;
    uint l = gl_SubgroupInvocationID;
    r[o] = gl_SubgroupID; r[o + 1] = l; r[o + 2] = v;
    r[o + 3] = subgroupShuffle(v, (l * 3 + 1) % gl_SubgroupSize);
    r[o + 4] = subgroupShuffleXor(v, 2);
    r[o + 5] = subgroupShuffleUp(v, 1);
    r[o + 6] = subgroupShuffleDown(v, 3);
    r[o + 7] = subgroupQuadBroadcast(v, 2);
    r[o + 8] = subgroupQuadSwapHorizontal(v);
    r[o + 9] = subgroupQuadSwapVertical(v);
    r[o + 10] = subgroupQuadSwapDiagonal(v);
}
*/
TEST_F(Subgroup, ShuffleAndQuads) {
    if (!has(VK_SUBGROUP_FEATURE_SHUFFLE_BIT | VK_SUBGROUP_FEATURE_SHUFFLE_RELATIVE_BIT |
             VK_SUBGROUP_FEATURE_QUAD_BIT)) {
        GTEST_SKIP() << "no shuffle or quad operations";
    }
    out_ = buffer(96 * 64);
    compute(glsl::sg_shuffle_comp, {storage(out_)}, {1, 1, 1});
    const uint32_t size = properties_.subgroupSize;
    std::map<std::pair<uint32_t, uint32_t>, uint32_t> values;
    for (uint32_t i = 0; i < 96; ++i) {
        const auto row = out_.as<uint32_t>().subspan(i * 16, 16);
        values[{row[0], row[1]}] = row[2];
    }
    for (uint32_t i = 0; i < 96; ++i) {
        const auto row = out_.as<uint32_t>().subspan(i * 16, 16);
        const uint32_t l = row[1];
        const uint32_t from[8] = {(l * 3 + 1) % size, l ^ 2, l - 1,  l + 3,
                                  (l & ~3U) + 2,      l ^ 1, l ^ 2U, l ^ 3};
        for (uint32_t k = 0; k < 8; ++k) {
            const auto found = values.find({row[0], from[k]});
            if (found != values.end()) {
                EXPECT_EQ(row[3 + k], found->second) << "operation " << k << " of lane " << l;
            }
        }
    }
}

} // namespace
