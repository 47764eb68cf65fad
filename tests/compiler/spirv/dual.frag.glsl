#version 450
layout(early_fragment_tests) in;
layout(location = 0, index = 0) out vec4 a; layout(location = 0, index = 1) out vec4 b;
layout(location = 0) in vec2 v;
layout(set = 0, binding = 0) uniform U { vec4 c[16]; int n; };
void main() { vec4 s = vec4(0); for (int i = 0; i < n; i++) { if (c[i].x > v.x) { s += c[i]; if (s.w > 4.0) break; } else continue; } a = s; b = 1.0 - s; if (v.y > 2.0) { a = vec4(1); return; } b.x = 2.0; }
