#version 450
#extension GL_EXT_control_flow_attributes : enable
layout(local_size_x = 64) in;
layout(binding = 0, std430) readonly buffer A { float a[]; }; layout(binding = 1, std430) readonly buffer B { float b[]; }; layout(binding = 2, std430) writeonly buffer C { float c[]; };
void main() { float sums[4 * 4]; float ca[4], cb[4]; uint g = gl_GlobalInvocationID.x;
 [[unroll]] for (uint i = 0; i < 16; i++) sums[i] = 0.0;
 for (uint k = 0; k < 100; k++) {
  [[unroll]] for (uint i = 0; i < 4; i++) { ca[i] = a[g * 400 + k * 4 + i]; cb[i] = b[k * 4 + i]; }
  [[unroll]] for (uint i = 0; i < 4; i++) [[unroll]] for (uint j = 0; j < 4; j++) sums[i * 4 + j] += ca[i] * cb[j];
 }
 for (int i = 0; i < 16; i++) c[g * 16 + i] = sums[i];
 [[unroll]] for (uint i = 0; i < 100000000; i++) if (a[i] > 3.0) c[i] = 1.0;
}
