#version 450
// SPDX-License-Identifier: MIT
// Iterations until escape, at most 256, for a square picture: divergent loops.
layout(local_size_x = 16, local_size_y = 16) in;
layout(std430, binding = 0) writeonly buffer Picture { uint iterations[]; };
layout(push_constant) uniform Push { uint size; };

void main() {
    uvec2 at = gl_GlobalInvocationID.xy;
    vec2 c = vec2(at) * (3.0 / float(size)) + vec2(-2.25, -1.5);
    vec2 z = vec2(0.0);
    uint count = 0;
    while (count < 256 && dot(z, z) <= 4.0) {
        z = vec2(z.x * z.x - z.y * z.y, 2.0 * z.x * z.y) + c;
        ++count;
    }
    iterations[at.y * size + at.x] = count;
}
