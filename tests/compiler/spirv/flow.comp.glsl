#version 450
layout(local_size_x = 64) in;
layout(std430, binding = 0) buffer B { uint v[]; } b;
layout(constant_id = 3) const int N = 5;
int collatz(uint n) { int c = 0; while (n != 1) { if ((n & 1) == 0) n /= 2; else n = 3 * n + 1; if (++c > 100) return -1; } return c; }
uint early(uint x) { for (uint i = 0; i < 10; i++) { if (i == x) return i * 3; if (i * x == 12) break; for (uint j = 0; j < i; ++j) { if (j == 3) continue; if (b.v[j] == x) return 7; } } return x; }
void main() {
    uint g = gl_GlobalInvocationID.x;
    uint x = b.v[g];
    int arr[8];
    for (int i = 0; i < 8; i++) arr[i] = i * N;
    switch (x & 7) { case 0: x += 1; case 1: x *= 2; break; case 2: { x = early(x); break; } case 5: for (;;) { x++; if (x > 100) break; } break; default: x = uint(collatz(x + 1)); }
    do { x -= 3; } while (x > 50);
    arr[x & 7] += 5;
    struct S { vec3 a; float b[3]; mat2 m; } s;
    s.a = vec3(x); s.b[x % 3] = 4.0; s.m = mat2(1); s.m[x & 1][1] = 3.0;
    vec4 dyn = vec4(1, 2, 3, 4); dyn[x & 3] = 9.0;
    if (x == 3) return;
    b.v[g] = x + uint(arr[g & 7]) + uint(s.b[g % 3] + s.a.y + s.m[1][g & 1] + dyn[g & 3]);
}
