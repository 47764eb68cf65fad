#version 460
#extension GL_EXT_demote_to_helper_invocation : require
#extension GL_ARB_shader_stencil_export : require
#extension GL_KHR_shader_subgroup_vote : require
#extension GL_EXT_terminate_invocation : require
layout(location = 0) in VS { vec3 n; flat uint id; layout(location = 4) vec2 uv[2]; mat2 mm; } vs;
layout(location = 8) in flat double dd; layout(location = 10, component = 1) in vec3 c3;
layout(location = 0) out vec4 o; layout(location = 1) out ivec3 oi; layout(location = 2) out float of[2];
layout(set = 0, binding = 0) uniform sampler2D t[4];
float f(vec2 u) { if (u.x > 0.9) discard; return u.y; }
void main() {
    float a = 0;
    for (int i = 0; i < 4; i++) { a += f(vs.uv[i & 1]) * texture(t[i], vs.uv[0]).x; if (a > 10.) demote; }
    while (a < 3.) { a *= 1.5; if (subgroupAny(a > 2.)) break; if (a < -4.) terminateInvocation; }
    if (helperInvocationEXT()) a += 1;
    vec4 r; switch (vs.id) { case 0u: r = vec4(vs.n, a); break; case 1u: r = vec4(vs.mm[0], c3.xy); case 7u: r.x = float(dd); break; default: discard; }
    o = r; oi = ivec3(r.xyz); of[int(vs.id) & 1] = a; of[0] += 2.; gl_FragStencilRefARB = int(a); gl_FragDepth = gl_FragCoord.z;
}
