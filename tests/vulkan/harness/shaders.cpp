// SPDX-License-Identifier: MIT
// Shaders that many tests use; the words are compiled into every topic's header.

/*glsl pass.vert
layout(location = 0) in vec4 position;
layout(location = 1) in vec4 color;
layout(location = 0) out vec4 v_color;
out gl_PerVertex { vec4 gl_Position; float gl_PointSize; };
void main() { gl_Position = position; gl_PointSize = 1.0; v_color = color; }
*/

/*glsl color.frag
layout(location = 0) in vec4 v_color;
layout(location = 0) out vec4 color;
void main() { color = v_color; }
*/

// A triangle that covers the whole target, without vertex buffers.
/*glsl screen.vert
layout(location = 0) out vec2 uv;
void main() {
    uv = vec2(gl_VertexIndex << 1 & 2, gl_VertexIndex & 2);
    gl_Position = vec4(uv * 2.0 - 1.0, 0.0, 1.0);
}
*/
