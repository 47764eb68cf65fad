#version 450
// SPDX-License-Identifier: MIT
#extension GL_KHR_shader_subgroup_vote : require
#extension GL_KHR_shader_subgroup_ballot : require
#extension GL_KHR_shader_subgroup_arithmetic : require
#extension GL_KHR_shader_subgroup_shuffle : require
layout(local_size_x = 24) in;
layout(std430, binding = 0) readonly buffer In { uint source[]; };
layout(std430, binding = 1) writeonly buffer Out { uint result[][8]; };
void main() {
    uint i = gl_GlobalInvocationID.x;
    uint x = source[i];
    uint r = 0;
    // Votes and sums among the lanes that are inside, then reconverge.
    if ((x & 1) != 0) {
        r = subgroupAdd(x);
        if ((x & 2) != 0) r += subgroupBallot(true).x << 16;
    } else {
        r = subgroupMax(x);
    }
    result[i][0] = r;
    result[i][1] = subgroupBallot((x & 4) != 0).x;
    result[i][2] = uint(subgroupAny(x > 900)) + 2u * uint(subgroupAll(x < 990));
    result[i][3] = subgroupExclusiveAdd(x);
    result[i][4] = subgroupBroadcastFirst(x);
    result[i][5] = subgroupShuffleXor(x, 1);
    // Lanes leave the loop at different times; the others count who is left.
    uint n = 0, left = 0;
    for (;;) {
        left += subgroupBallotBitCount(subgroupBallot(true));
        if (++n > (x & 7)) break;
    }
    result[i][6] = left;
    result[i][7] = subgroupBallotBitCount(subgroupBallot(true));
}
