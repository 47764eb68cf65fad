#version 450
// SPDX-License-Identifier: MIT
layout(local_size_x = 64) in;
layout(std430, binding = 0) readonly buffer In { uint source[]; };
layout(std430, binding = 1) buffer Out { uint sum[4]; uint smallest; uint largest; uint histogram[16]; uint reversed[]; };
shared uint tile[64];
shared uint counts[16];
void main() {
    uint l = gl_LocalInvocationIndex, i = gl_GlobalInvocationID.x;
    uint x = source[i];
    tile[l] = x;
    if (l < 16) counts[l] = 0;
    barrier();
    reversed[i] = tile[63 - l];
    atomicAdd(counts[x & 15], 1);
    barrier();
    for (uint step = 32; step > 0; step >>= 1) {
        if (l < step) tile[l] += tile[l + step];
        barrier();
    }
    if (l == 0) sum[gl_WorkGroupID.x] = tile[0];
    if (l < 16) atomicAdd(histogram[l], counts[l]);
    atomicMin(smallest, x);
    atomicMax(largest, x);
}
