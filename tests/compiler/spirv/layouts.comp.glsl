#version 450
#extension GL_EXT_shared_memory_block : require
#extension GL_EXT_null_initializer : require
#extension GL_EXT_shader_explicit_arithmetic_types : require
layout(local_size_x_id = 0, local_size_y_id = 1) in;
layout(constant_id = 5) const float K = 2.0; layout(constant_id = 6) const bool Bc = true; layout(constant_id = 7) const int64_t L = 5l; 
 layout(constant_id = 8) const uint SZ = 4;
shared S0 { uint a[64]; vec4 b; } s0; shared S1 { uint16_t a[128]; } s1;
layout(std430, row_major, binding = 0) buffer B { mat4 m[4]; layout(column_major) mat2x3 c; dmat4x3 dm; uint o[]; } b;
struct TT { vec3 a; float q; mat3 m; float arr[4]; };
struct T { vec3 a; mat3 m; bool f; float arr[4]; };
layout(std430, binding = 1) buffer C { TT t[]; } cc;
void main() {
    uint i = gl_LocalInvocationIndex;
    s0.a[i] = i; barrier(); s1.a[i] = uint16_t(3);
    barrier();
    T t; t.a = vec3(i); t.m = b.m[0][0][0] > 1 ? mat3(b.m[1]) : mat3(K); t.f = Bc; t.arr[i & 3] = (float(int(K)*3));
    T u = t; u.arr[0] += 1.;
    b.m[i & 3][i & 3][(i >> 2) & 3] = 5.0; b.m[1] = transpose(b.m[2]); b.c[i & 1] = u.m[i % 3]; b.dm[i & 3].y = double(u.arr[i & 3]);
    vec4 col = b.m[2][i & 3]; vec4 v = b.m[3] * col;
    cc.t[i].m = u.m; cc.t[i + 1].m[1] = v.xyz; cc.t[i].arr[i & 3] = float(L);
    b.o[b.o.length() - 1] = s0.a[i ^ 1] + uint(v.x) + (u.f ? 1u : 0u);
}
