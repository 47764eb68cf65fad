#version 450
// SPDX-License-Identifier: MIT
// A middling shader whose specialisation constant makes each pipeline a different program.
layout(local_size_x = 64) in;
layout(constant_id = 0) const uint kSeed = 1;
layout(std430, binding = 0) buffer Data { float data[]; };
shared float scratch[64];

float noise(float x) {
    float sum = 0.0;
    for (uint i = 0; i < 4; ++i) {
        sum += sin(x * float(i + kSeed)) * exp2(-float(i)) + pow(abs(x), 0.5 + float(kSeed % 3));
        if (sum > 100.0) {
            sum = log2(sum);
        }
    }
    return sum;
}

void main() {
    uint i = gl_LocalInvocationID.x;
    scratch[i] = noise(data[i]);
    barrier();
    data[i] = scratch[63 - i] * float(kSeed) + noise(scratch[(i + kSeed) & 63]);
}
