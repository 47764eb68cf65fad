#version 450
layout(local_size_x = 64) in;
layout(std430, binding = 0) buffer B { vec4 v[]; } b;
void main() {
    uint g = gl_GlobalInvocationID.x;
    vec4 x = b.v[g], y = b.v[g + 1];
    vec4 r = sin(x) + cos(x) + tan(x) + asin(x) + acos(x) + atan(x) + atan(x, y) + sinh(x) + cosh(x) + tanh(x) + asinh(x) + acosh(x) + atanh(x);
    r += pow(x, y) + exp(x) + log(x) + exp2(x) + log2(x) + sqrt(x) + inversesqrt(x) + abs(x) + sign(x) + floor(x) + ceil(x) + fract(x) + round(x) + roundEven(x) + trunc(x);
    r += mod(x, y) + min(x, y) + max(x, y) + clamp(x, 0.0, 1.0) + mix(x, y, 0.3) + step(x, y) + smoothstep(x, y, vec4(0.5)) + radians(x) + degrees(y) + fma(x, y, r);
    r.xyz += cross(x.xyz, y.xyz) + reflect(x.xyz, y.xyz) + refract(x.xyz, y.xyz, 0.7) + faceforward(x.xyz, y.xyz, r.xyz) + normalize(x.xyz);
    r.w += length(x) + distance(x, y) + dot(x, y) + determinant(mat4(x, y, x, r)) + length(inverse(mat3(x.xyz, y.xyz, r.xyz))[1]) + (mat2(x) * y.xy).x + (x * mat4x4(y, x, y, x)).z + outerProduct(x, y)[2].w + matrixCompMult(mat2(x), mat2(y))[0].x;
    b.v[g] = r;
}
