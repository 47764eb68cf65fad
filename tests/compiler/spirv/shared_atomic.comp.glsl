#version 450
#extension GL_EXT_shader_atomic_float : require
#extension GL_EXT_shader_atomic_int64 : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
layout(local_size_x = 64) in;
shared uint hist[64]; shared vec4 tile[8][8]; shared bool flag; shared mat3 sm;
layout(std430, binding = 0) coherent buffer B { uint v[64]; uint64_t u64; float f; uint tail[]; } b;
layout(r32ui, binding = 1) uniform uimage2D img;
layout(r32f, binding = 2) uniform image2DArray fimg;
void main() {
    uint l = gl_LocalInvocationIndex;
    hist[l] = 0; tile[l / 8][l % 8] = vec4(l); if (l == 0) { flag = false; sm = mat3(2); }
    barrier();
    atomicAdd(hist[b.v[l] & 63], 1); atomicMax(hist[1], l); atomicCompSwap(hist[2], 0, l);
    memoryBarrierShared(); barrier();
    vec4 t = tile[l % 8][l / 8];
    atomicAdd(b.v[l], hist[l]); atomicAdd(b.u64, 3ul); atomicAdd(b.f, t.x); atomicExchange(b.tail[l], b.tail.length()); atomicMin(b.v[l], 5); atomicXor(b.v[3], l); atomicOr(b.v[l], 1); atomicAnd(b.v[l], 3);
    imageAtomicAdd(img, ivec2(l, 0), 3); imageAtomicCompSwap(img, ivec2(0), 1, 2); imageAtomicExchange(fimg, ivec3(1, 2, 3), 2.0);
    imageStore(img, ivec2(l), imageLoad(img, ivec2(l + 1)) + uvec4(imageSize(img).x));
    memoryBarrierBuffer();
    if (flag) b.f = sm[l % 3].y;
}
