#version 450
// SPDX-License-Identifier: MIT
// Accesses of consecutive lanes: aligned, shifted, starting below zero, past the end, of two and four words.
layout(local_size_x = 32, local_size_y = 2) in;
layout(std430, binding = 0) readonly buffer In { uint source[]; };
layout(std430, binding = 1) buffer Out { uvec4 result[]; };
shared uint row[2][32];
void main() {
    uint y = gl_LocalInvocationID.y, x = gl_LocalInvocationID.x;
    uint i = gl_WorkGroupID.x * 64 + y * 32 + x;
    uint minus = 4 - source[0];  // 3, but the compiler cannot know
    row[y][x] = source[i] + y;
    barrier();
    uvec4 r = uvec4(source[i], source[i - minus], source[i + 190], row[y ^ 1][x]);
    result[i] = r;
    barrier();
    result[i].z += source[i - 1];
}
