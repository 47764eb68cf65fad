#version 450
#extension GL_EXT_shader_explicit_arithmetic_types : require
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_shader_8bit_storage : require
layout(local_size_x = 8, local_size_y = 4) in;
layout(std430, binding = 0) buffer B {
    int i[]; 
} b;
layout(std430, binding = 1) buffer C { int8_t c8; uint8_t u8[7]; int16_t s16; uint16_t u16[3]; float16_t h[4]; f16vec3 hv; int64_t l; uint64_t ul[2]; double d; dvec3 dv; dmat3 dm; bool flag; } c;
void main() {
    uint g = gl_LocalInvocationIndex;
    int a = b.i[g], e = b.i[g + 1];
    ivec4 v = ivec4(a + e, a - e, a * e, a / e) % ivec4(3, a, e, 5);
    v ^= v << 3; v |= v >> 2; v &= ~v.yzwx;
    uint uu = uint(a) / 7u + uint(e) % 9u;
    uvec2 lo, hi; umulExtended(uvec2(a, e), uvec2(e, 3), hi, lo);
    ivec2 slo, shi; imulExtended(ivec2(a, e), ivec2(e, 3), shi, slo);
    uint carry; uint sum = uaddCarry(uu, 77u, carry); uint borrow; uint diff = usubBorrow(uu, 78u, borrow);
    int bf = bitfieldExtract(a, 3, 7) + bitfieldInsert(a, e, 5, 9) + bitfieldReverse(a) + bitCount(a) + findLSB(a) + findMSB(e) + int(findMSB(uu)) + int(bitfieldExtract(uu, e, 4));
    int8_t x8 = c.c8 * int8_t(3) + int8_t(c.u8[a & 3]); x8 /= int8_t(5); x8 >>= 1; uint8_t y8 = uint8_t(x8) % uint8_t(7);
    int16_t x16 = c.s16 / int16_t(c.u16[1]) + int16_t(x8); x16 = max(x16, int16_t(-5)); x16 <<= 2;
    int64_t x64 = c.l * int64_t(a) + int64_t(x16); x64 %= int64_t(1000); x64 >>= a; x64 = min(x64, 5L); uint64_t y64 = c.ul[a & 1] / 10ul + uint64_t(y8);
    float16_t h = c.h[a & 3] * float16_t(2.0) + c.hv.y; h = sqrt(h); h = mix(h, float16_t(1), float16_t(0.25)); h = sin(h) + exp2(h) + pow(h, float16_t(2));
    double d = c.d * double(a) + c.dv.z; d = sqrt(abs(d)); d = floor(d) + fract(d) + mod(d, 3.0lf) + inversesqrt(d) + fma(d, d, 1.0lf); dvec3 dq = c.dm * c.dv; d += dot(dq, dq) + determinant(c.dm) + length(dq);
    uvec2 up = unpackDouble2x32(d); d += packDouble2x32(up.yx);
    int ex; double m = frexp(d, ex); d += ldexp(m, ex + 1);
    int ex2; float fm = frexp(float(a), ex2); float fl = ldexp(fm, ex2 - 2); float wh; fl += modf(fl, wh) + wh;
    bvec4 q = lessThan(v, ivec4(5)); bool any_ = any(q) || all(not(q)) != c.flag; 
    c.flag = any_;
    b.i[g] = v.x + v.y + v.z + v.w + int(uu + lo.x + hi.y + sum + carry + diff + borrow) + slo.x + shi.y + bf + int(y8) + int(x64) + int(y64) + int(h) + int(d) + int(fl) + ex + int(isnan(fl)) + int(isinf(d));
    c.c8 = x8; c.u8[e & 7] = y8; c.s16 = x16; c.h[1] = h; c.l = x64; c.ul[1] = y64; c.d = d; c.dm = transpose(inverse(c.dm)); c.hv = f16vec3(h) * c.hv;
    c.u16[a & 1] = uint16_t(float16BitsToUint16(h)); uvec2 bc = uvec2(unpack32(y64)); c.ul[0] = pack64(bc.yx); b.i[g + 9] = floatBitsToInt(intBitsToFloat(a) * 2.0) + int(packSnorm4x8(vec4(a))) + int(packHalf2x16(vec2(a, e))) + int(unpackUnorm2x16(uint(a)).y) + int(unpackHalf2x16(uint(a)).x);
}
