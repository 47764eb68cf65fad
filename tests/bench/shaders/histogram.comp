#version 450
// SPDX-License-Identifier: MIT
// Counts bytes: atomics on shared memory first, then one atomic a bin on the buffer.
layout(local_size_x = 256) in;
layout(std430, binding = 0) readonly buffer Values { uint values[]; };
layout(std430, binding = 1) buffer Bins { uint bins[]; };
layout(push_constant) uniform Push { uint count; };
shared uint local_bins[256];

void main() {
    uint local = gl_LocalInvocationID.x;
    local_bins[local] = 0;
    barrier();
    uint first = gl_WorkGroupID.x * 4096 + local;
    for (uint k = 0; k < 16; ++k) {
        uint i = first + k * 256;
        if (i < count) {
            atomicAdd(local_bins[values[i] & 255], 1);
        }
    }
    barrier();
    atomicAdd(bins[local], local_bins[local]);
}
