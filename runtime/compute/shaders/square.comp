#version 460
layout(local_size_x_id = 0, local_size_y = 2) in;
layout(constant_id = 1) const uint add = 5;
layout(std430, binding = 3) buffer Data { uint data[]; };
layout(std140, binding = 7) uniform Scale { uint scale; };
layout(push_constant) uniform Push { uint first; };

void main() {
    uint i = gl_GlobalInvocationID.x + gl_GlobalInvocationID.y * gl_NumWorkGroups.x * gl_WorkGroupSize.x;
    data[first + i] = data[first + i] * data[first + i] * scale + add;
}
