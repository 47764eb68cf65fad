#version 450
#extension GL_ARB_shader_viewport_layer_array : require
#extension GL_EXT_multiview : require
#extension GL_ARB_shader_draw_parameters : require
layout(location = 0) in vec3 p; layout(location = 1) in mat4 m; layout(location = 5) in ivec2 i2; layout(location = 6) in dvec3 d; layout(location = 8) in uvec4 u; layout(location = 9, component = 1) in vec2 cc; layout(location = 10) in vec2 arr[2];
layout(location = 0) out Blk { vec4 a; flat int b; mat3 c; layout(location = 9) vec2 e[2]; } blk;
layout(location = 12) out vec4 dyn[3]; layout(location = 16) flat out dvec2 dd; layout(location = 20, component = 2) out vec2 lo;
out gl_PerVertex { vec4 gl_Position; float gl_PointSize; float gl_ClipDistance[2]; float gl_CullDistance[1]; };
struct S { mat4 rm; vec3 arr[3]; };
layout(std140, set = 1, binding = 2, row_major) uniform U { mat4x3 a; mat3 b[2]; S s[2]; mat2 c; } ub;
layout(push_constant) uniform P { mat4 mvp; int idx; vec2 off[4]; } pc;
void main() {
    gl_Position = pc.mvp * m * vec4(p, 1);
    gl_Position.y = -gl_Position.y; gl_PointSize = 2.0;
    gl_ClipDistance[0] = p.x; gl_ClipDistance[1] = p.y; gl_CullDistance[0] = 1.0;
    blk.a = vec4(ub.a * vec4(p, 1), ub.b[pc.idx][1].y) + ub.s[i2.x].rm[i2.y] + ub.s[1].arr[i2.x].xyzz; blk.b = i2.x; blk.c = ub.b[1]; blk.e[0] = cc; blk.e[1] = arr[i2.x & 1];
    dyn[0] = vec4(0); dyn[i2.x] = vec4(u); dyn[2].x += float(d.z); dd = d.xy; lo = pc.off[pc.idx] + ub.c[1];
    gl_Layer = gl_InstanceIndex + gl_ViewIndex; gl_ViewportIndex = gl_VertexIndex & gl_BaseVertexARB + gl_BaseInstanceARB + gl_DrawIDARB;
}
