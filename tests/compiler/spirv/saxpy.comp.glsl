#version 450
layout(local_size_x = 64) in;
layout(std430, binding = 0) readonly buffer A { float x[]; };
layout(std430, binding = 1) buffer B { float y[]; };
layout(push_constant) uniform P { float a; uint n; };
void main() {
    uint i = gl_GlobalInvocationID.x;
    if (i < n) y[i] = a * x[i] + y[i];
}
