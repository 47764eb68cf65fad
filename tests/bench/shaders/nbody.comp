#version 450
// SPDX-License-Identifier: MIT
// Accelerations of `count` bodies on each other; xyz position, w mass; 20 operations a pair.
layout(local_size_x = 256) in;
layout(std430, binding = 0) readonly buffer Bodies { vec4 bodies[]; };
layout(std430, binding = 1) writeonly buffer Accelerations { vec4 accelerations[]; };
layout(push_constant) uniform Push { uint count; };
shared vec4 tile[256];

void main() {
    vec3 own = bodies[gl_GlobalInvocationID.x].xyz;
    vec3 sum = vec3(0.0);
    for (uint first = 0; first < count; first += 256) {
        tile[gl_LocalInvocationID.x] = bodies[first + gl_LocalInvocationID.x];
        barrier();
        for (uint k = 0; k < 256; ++k) {
            vec4 other = tile[k];
            vec3 r = other.xyz - own;
            float inverse = inversesqrt(dot(r, r) + 0.01);
            sum += r * (other.w * inverse * inverse * inverse);
        }
        barrier();
    }
    accelerations[gl_GlobalInvocationID.x] = vec4(sum, 0.0);
}
