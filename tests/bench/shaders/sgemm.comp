#version 450
// SPDX-License-Identifier: MIT
// C = A * B, square, row-major: 64x64 of C a workgroup, 4x4 an invocation, 16 deep in shared memory.
layout(local_size_x = 16, local_size_y = 16) in;
layout(std430, binding = 0) readonly buffer A { float a[]; };
layout(std430, binding = 1) readonly buffer B { float b[]; };
layout(std430, binding = 2) writeonly buffer C { float c[]; };
layout(push_constant) uniform Push { uint n; };
shared float tile_a[16][64];  // by depth, then row
shared float tile_b[16][64];  // by depth, then column

void main() {
    uint lx = gl_LocalInvocationID.x;
    uint ly = gl_LocalInvocationID.y;
    uint linear = ly * 16 + lx;
    uint row0 = gl_WorkGroupID.y * 64;
    uint column0 = gl_WorkGroupID.x * 64;
    float sum[4][4];
    for (uint i = 0; i < 4; ++i) {
        for (uint j = 0; j < 4; ++j) {
            sum[i][j] = 0.0;
        }
    }
    for (uint k0 = 0; k0 < n; k0 += 16) {
        for (uint part = 0; part < 4; ++part) {
            uint at = linear + part * 256;
            tile_a[at & 15][at >> 4] = a[(row0 + (at >> 4)) * n + k0 + (at & 15)];
            tile_b[at >> 6][at & 63] = b[(k0 + (at >> 6)) * n + column0 + (at & 63)];
        }
        barrier();
        for (uint k = 0; k < 16; ++k) {
            float from_a[4];
            float from_b[4];
            for (uint i = 0; i < 4; ++i) {
                from_a[i] = tile_a[k][ly * 4 + i];
                from_b[i] = tile_b[k][lx + i * 16];
            }
            for (uint i = 0; i < 4; ++i) {
                for (uint j = 0; j < 4; ++j) {
                    sum[i][j] = fma(from_a[i], from_b[j], sum[i][j]);
                }
            }
        }
        barrier();
    }
    for (uint i = 0; i < 4; ++i) {
        for (uint j = 0; j < 4; ++j) {
            c[(row0 + ly * 4 + i) * n + column0 + lx + j * 16] = sum[i][j];
        }
    }
}
