#version 450
// SPDX-License-Identifier: MIT
layout(location = 0) in vec3 normal;
layout(location = 0) out vec4 color;
layout(constant_id = 0) const uint kSeed = 1;

void main() {
    vec3 n = normalize(normal);
    vec3 light = normalize(vec3(0.3, 0.5, float(kSeed)));
    float diffuse = max(dot(n, light), 0.0);
    float shine = pow(max(dot(reflect(-light, n), vec3(0.0, 0.0, 1.0)), 0.0), 16.0);
    color = vec4(vec3(0.1) + diffuse * vec3(0.8, 0.6, 0.4) + shine, 1.0);
}
