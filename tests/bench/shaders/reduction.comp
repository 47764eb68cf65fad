#version 450
// SPDX-License-Identifier: MIT
// Each workgroup adds 2048 values up in shared memory.
layout(local_size_x = 256) in;
layout(std430, binding = 0) readonly buffer Values { float values[]; };
layout(std430, binding = 1) writeonly buffer Sums { float sums[]; };
layout(push_constant) uniform Push { uint count; };
shared float partial[256];

void main() {
    uint local = gl_LocalInvocationID.x;
    uint first = gl_WorkGroupID.x * 2048 + local;
    float sum = 0.0;
    for (uint k = 0; k < 8; ++k) {
        uint i = first + k * 256;
        sum += i < count ? values[i] : 0.0;
    }
    partial[local] = sum;
    barrier();
    for (uint step = 128; step > 0; step >>= 1) {
        if (local < step) {
            partial[local] += partial[local + step];
        }
        barrier();
    }
    if (local == 0) {
        sums[gl_WorkGroupID.x] = partial[0];
    }
}
