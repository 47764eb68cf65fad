#version 450
#extension GL_EXT_nonuniform_qualifier : require
layout(binding = 0) uniform sampler2D t2; layout(binding = 1) uniform samplerCube tc; layout(binding = 2) uniform sampler2DArrayShadow ts; layout(binding = 3) uniform sampler3D t3;
layout(binding = 4) uniform texture2D sep[4]; layout(binding = 5) uniform sampler smp; layout(binding = 6) uniform isampler2DMS ms; layout(binding = 7) uniform samplerBuffer tb; layout(binding = 8) uniform usampler1DArray t1; layout(binding = 9) uniform samplerCubeArray tca; layout(binding = 10) uniform sampler2DShadow s2; layout(binding = 11) uniform samplerCubeArrayShadow tcas;
layout(binding = 12, rgba8) uniform image2D im; layout(binding = 13, r32f) uniform imageCube imc; layout(binding = 14, rgba32i) uniform iimageBuffer imb; layout(binding = 15) uniform sampler2D many[];
layout(input_attachment_index = 0, binding = 16) uniform subpassInput sp; layout(input_attachment_index = 1, binding = 17) uniform subpassInputMS spm;
layout(location = 0) in vec4 v; layout(location = 1) flat in ivec4 iv; layout(location = 2) centroid in vec2 ce; layout(location = 3) noperspective in float np; layout(location = 4) sample in float sa; layout(location = 5) in vec4 arr[3];
layout(location = 0) out vec4 o; layout(location = 1) out uvec2 o1; layout(depth_greater) out float gl_FragDepth;
void main() {
    vec4 r = texture(t2, v.xy) + texture(t2, v.xy, 1.5) + textureLod(t2, v.xy, v.z) + textureGrad(t2, v.xy, v.zw, v.xy) + textureOffset(t2, v.xy, ivec2(1, -2)) + textureProj(t2, v.xyz) + textureProj(t2, v) + texelFetch(t2, iv.xy, iv.z) + textureLodOffset(t2, v.xy, 2.0, ivec2(3));
    r += texture(tc, v.xyz) + texture(t3, v.xyz) + texture(tca, v) + textureGrad(tc, v.xyz, v.xyz, v.yzw);
    r.x += texture(ts, v) + textureProj(s2, v) + texture(tcas, v, 0.5) + textureGradOffset(ts, v, v.xy, v.zw, ivec2(1));
    r += texture(sampler2D(sep[1], smp), v.xy) + texture(sampler2D(sep[iv.x], smp), v.xy) + texture(many[nonuniformEXT(iv.y)], v.xy);
    r += vec4(texelFetch(ms, iv.xy, iv.z)) + texelFetch(tb, iv.x) + vec4(textureLod(t1, v.xy, 0.0));
    r += textureGather(t2, v.xy, 2) + textureGatherOffset(t2, v.xy, iv.xy) + textureGather(s2, v.xy, 0.3) + textureGatherOffsets(t2, v.xy, ivec2[4](ivec2(0), ivec2(1), ivec2(-1, 2), ivec2(3, 3)), 1);
    r.xy += vec2(textureSize(t2, iv.x)) + textureQueryLod(t2, v.xy) + vec2(textureQueryLevels(t2), textureSamples(ms)) + vec2(textureSize(tb), textureSize(tca, 0).z) + vec2(imageSize(im));
    imageStore(im, iv.xy, imageLoad(im, iv.zw)); imageStore(imc, iv.xyz, vec4(imageLoad(imc, iv.xyz).x)); imageStore(imb, iv.x, imageLoad(imb, iv.y));
    r += subpassLoad(sp) + subpassLoad(spm, 2);
    r.xy += interpolateAtCentroid(v.xy) + interpolateAtSample(v.xy, iv.x) + interpolateAtOffset(v.xy, v.zw) + ce + np + sa + interpolateAtOffset(arr[iv.x], v.xy).xy;
    r += arr[iv.y] + dFdx(v) + dFdyCoarse(v) + fwidth(v) + fwidthFine(v) + gl_FragCoord + vec4(gl_PointCoord, gl_SamplePosition) + float(gl_PrimitiveID + gl_SampleID + gl_SampleMaskIn[0] + gl_Layer + gl_ViewportIndex) + (gl_FrontFacing ? 1.0 : 0.0) + (gl_HelperInvocation ? 1.0 : 0.0);
    if (r.x < 0.5) discard;
    o = r; o1 = uvec2(iv.xy); o.z *= 2.0; gl_FragDepth = r.w; gl_SampleMask[0] = 3;
}
