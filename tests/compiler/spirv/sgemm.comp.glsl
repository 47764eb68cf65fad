#version 450
layout(local_size_x = 16, local_size_y = 16) in;
#define TS 16
shared float As[TS][TS + 1]; shared float Bs[TS][TS];
layout(binding = 0, std430) readonly buffer A { float a[]; }; layout(binding = 1, std430) readonly buffer B { float b[]; }; layout(binding = 2, std430) writeonly buffer C { float c[]; };
layout(push_constant) uniform P { uint M, N, K; float alpha; };
void main() { uint tx = gl_LocalInvocationID.x, ty = gl_LocalInvocationID.y; uint row = gl_WorkGroupID.y * TS + ty, col = gl_WorkGroupID.x * TS + tx; float s = 0;
 for (uint t = 0; t < K; t += TS) { As[ty][tx] = row < M && t + tx < K ? a[row * K + t + tx] : 0.; Bs[ty][tx] = b[(t + ty) * N + col]; barrier(); for (uint k = 0; k < TS; k++) s += As[ty][k] * Bs[k][tx]; barrier(); }
 c[row * N + col] = alpha * s; }
