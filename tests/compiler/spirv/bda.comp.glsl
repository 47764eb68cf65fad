#version 450
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_buffer_reference2 : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#extension GL_EXT_scalar_block_layout : require
layout(local_size_x = 32) in;
layout(buffer_reference) buffer Node;
layout(buffer_reference, scalar) buffer Node { vec3 v; Node next; int data[]; };
layout(buffer_reference, std430) buffer Ints { int x; };
layout(push_constant) uniform P { Node head; uint64_t raw; uint n; };
layout(std430, binding = 0) buffer A { float a[]; } bufs[4];
layout(binding = 1) uniform sampler s;
void main() {
    Node k = head; float sum = 0;
    for (uint i = 0; i < n && uint64_t(k) != 0ul; i++) { sum += k.v.y + float(k.data[i]); k = k.next; }
    Ints p = Ints(raw); p[int(gl_LocalInvocationIndex) - 3].x = int(sum); (p + 5).x += 2;
    head.v = vec3(sum); atomicAdd(head.data[2], 1);
    bufs[n & 3].a[gl_GlobalInvocationID.x] += bufs[1].a.length();
    Node q = (n > 3) ? head : k; q.data[0] = 1;
}
