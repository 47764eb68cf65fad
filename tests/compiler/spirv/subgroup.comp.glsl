#version 450
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_vote : require
#extension GL_KHR_shader_subgroup_ballot : require
#extension GL_KHR_shader_subgroup_arithmetic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_KHR_shader_subgroup_shuffle_relative : require
#extension GL_KHR_shader_subgroup_clustered : require
#extension GL_KHR_shader_subgroup_quad : require
#extension GL_EXT_shader_subgroup_extended_types_int64 : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
layout(local_size_x = 32) in;
layout(std430, binding = 0) buffer B { uint v[]; } b;
void main() {
    uint x = b.v[gl_GlobalInvocationID.x]; vec3 f = vec3(x, 1, 2); double d = x; uint64_t l = x;
    uint r = 0;
    if (subgroupElect()) r += 1;
    r += uint(subgroupAll(x > 1)) + uint(subgroupAny(x == 2)) + uint(subgroupAllEqual(f)) + uint(subgroupAllEqual(x > 3));
    uvec4 bal = subgroupBallot(x > 3); r += bal.x + subgroupBallotBitCount(bal) + subgroupBallotInclusiveBitCount(bal) + subgroupBallotExclusiveBitCount(bal) + subgroupBallotFindLSB(bal) + subgroupBallotFindMSB(bal) + uint(subgroupInverseBallot(bal)) + uint(subgroupBallotBitExtract(bal, x & 7));
    r += subgroupBroadcast(x, 2) + subgroupBroadcastFirst(x) + uint(subgroupShuffle(f, x & 3).x) + subgroupShuffleXor(x, 1) + subgroupShuffleUp(x, 1) + subgroupShuffleDown(x, 2) + uint(subgroupShuffle(d, 1)) + uint(subgroupAdd(l));
    r += subgroupAdd(x) + subgroupMul(x) + subgroupMin(x) + uint(subgroupMax(int(x))) + subgroupAnd(x) + subgroupOr(x) + subgroupXor(x) + uint(subgroupOr(x > 2)) + uint(subgroupInclusiveAdd(f).y) + subgroupExclusiveMul(x) + subgroupClusteredAdd(x, 4) + uint(subgroupMin(d));
    r += subgroupQuadBroadcast(x, 3) + subgroupQuadSwapHorizontal(x) + subgroupQuadSwapVertical(x) + subgroupQuadSwapDiagonal(x);
    r += gl_SubgroupSize + gl_SubgroupInvocationID + gl_SubgroupID + gl_NumSubgroups + gl_SubgroupEqMask.x + gl_SubgroupGeMask.x + gl_SubgroupGtMask.x + gl_SubgroupLeMask.x + gl_SubgroupLtMask.y;
    subgroupBarrier();
    b.v[gl_GlobalInvocationID.x] = r;
}
