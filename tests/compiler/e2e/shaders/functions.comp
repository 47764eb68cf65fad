#version 450
// SPDX-License-Identifier: MIT
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
layout(local_size_x = 40) in;
layout(std430, binding = 0) readonly buffer In { uvec2 source[]; };
layout(std430, binding = 1) writeonly buffer Out { uint result[]; };
#include "functions.h"
void main() {
    uint i = gl_GlobalInvocationID.x;
    uint a = source[i].x, b = source[i].y, r = 0;
    uint count = gl_NumWorkGroups.x * gl_WorkGroupSize.x;
    uint f = gl_WorkGroupID.y;
    if (f == 0) r = f0(a, b);
    else if (f == 1) r = f1(a, b);
    else if (f == 2) r = f2(a, b);
    else if (f == 3) r = f3(a, b);
    else if (f == 4) r = f4(a, b);
    else if (f == 5) r = f5(a, b);
    else if (f == 6) r = f6(a, b);
    else if (f == 7) r = f7(a, b);
    else if (f == 8) r = f8(a, b);
    else if (f == 9) r = f9(a, b);
    else if (f == 10) r = f10(a, b);
    else if (f == 11) r = f11(a, b);
    else if (f == 12) r = f12(a, b);
    else if (f == 13) r = f13(a, b);
    else if (f == 14) r = f14(a, b);
    else r = f15(a, b);
    result[f * count + i] = r;
}
