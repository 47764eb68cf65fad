#version 450
// SPDX-License-Identifier: MIT
layout(location = 0) out vec3 normal;
layout(constant_id = 0) const uint kSeed = 1;

void main() {
    vec2 corner = vec2(gl_VertexIndex & 1, gl_VertexIndex >> 1) * 4.0 - 1.0;
    normal = vec3(corner, float(kSeed));
    gl_Position = vec4(corner, 0.5, 1.0);
}
