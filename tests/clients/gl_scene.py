# SPDX-License-Identifier: MIT
"""Draws one OpenGL 4.6 core picture off screen and writes it: gl_scene.py PICTURE.png

EGL without a surface, the functions looked up by name: no toolkit, no headers. The picture's four
quarters are a lit and depth-tested mesh, a texture with levels, tessellation with a geometry
shader, and a strip that transform feedback captured; all multisampled. The first line printed is
"RENDERER | VERSION"; any error of OpenGL ends the program.
"""

import ctypes
import math
import sys

import numpy
from PIL import Image

SIZE = 256

GL = {
    "ARRAY_BUFFER": 0x8892, "UNIFORM_BUFFER": 0x8A11, "TRANSFORM_FEEDBACK_BUFFER": 0x8C8E,
    "TRANSFORM_FEEDBACK": 0x8E22, "STATIC_DRAW": 0x88E4, "FLOAT": 0x1406, "UNSIGNED_BYTE": 0x1401,
    "TRIANGLES": 4, "TRIANGLE_STRIP": 5, "POINTS": 0, "PATCHES": 14, "PATCH_VERTICES": 0x8E72,
    "DEPTH_TEST": 0x0B71, "RASTERIZER_DISCARD": 0x8C89, "FRAMEBUFFER": 0x8D40,
    "READ_FRAMEBUFFER": 0x8CA8, "DRAW_FRAMEBUFFER": 0x8CA9, "RENDERBUFFER": 0x8D41,
    "COLOR_ATTACHMENT0": 0x8CE0, "DEPTH_ATTACHMENT": 0x8D00, "RGBA8": 0x8058,
    "DEPTH_COMPONENT24": 0x81A6, "FRAMEBUFFER_COMPLETE": 0x8CD5, "COLOR_BUFFER_BIT": 0x4000,
    "DEPTH_BUFFER_BIT": 0x100, "RGBA": 0x1908, "TEXTURE_2D": 0x0DE1, "NEAREST": 0x2600,
    "TEXTURE_MIN_FILTER": 0x2801, "LINEAR_MIPMAP_LINEAR": 0x2703,
    "VERTEX_SHADER": 0x8B31, "FRAGMENT_SHADER": 0x8B30, "GEOMETRY_SHADER": 0x8DD9,
    "TESS_CONTROL_SHADER": 0x8E88, "TESS_EVALUATION_SHADER": 0x8E87, "LINK_STATUS": 0x8B82,
    "COMPILE_STATUS": 0x8B81, "INTERLEAVED_ATTRIBS": 0x8C8C, "RENDERER": 0x1F01, "VERSION": 0x1F02,
    "TRANSFORM_FEEDBACK_PRIMITIVES_WRITTEN": 0x8C88, "QUERY_RESULT": 0x8866,
}

MESH_VERT = """
layout(location = 0) in vec3 position;
layout(std140, binding = 0) uniform View { mat4 turn; };
out vec3 normal;
void main() {
    normal = mat3(turn) * position;
    gl_Position = vec4(normal * vec3(0.7, 0.7, 0.4), 1);
}
"""
MESH_FRAG = """
in vec3 normal;
out vec4 color;
void main() {
    vec3 n = normalize(normal);
    color = vec4(abs(n) * (0.2 + 0.8 * max(0.0, dot(n, vec3(0.5, 0.6, -0.62)))), 1);
}
"""
FLOOR_VERT = """
out vec2 uv;
void main() {
    vec2 at = vec2(gl_VertexID & 1, gl_VertexID >> 1);
    float depth = 1.0 + 6.0 * at.y;
    uv = vec2((at.x - 0.5) * 8.0, at.y * 24.0);
    gl_Position = vec4((at.x - 0.5) * 4.0, (-0.9 + 0.3 * at.y * 5.0) * depth * 0.6, 0, depth);
}
"""
FLOOR_FRAG = """
layout(binding = 0) uniform sampler2D checks;
in vec2 uv;
out vec4 color;
void main() { color = texture(checks, uv); }
"""
PATCH_VERT = "void main() { gl_Position = vec4(0); }"
PATCH_TESC = """
layout(vertices = 1) out;
void main() {
    for (int i = 0; i < 4; ++i) gl_TessLevelOuter[i] = float(3 + i);
    gl_TessLevelInner[0] = 5.0;
    gl_TessLevelInner[1] = 4.0;
}
"""
PATCH_TESE = """
layout(quads, equal_spacing, ccw) in;
void main() {
    vec2 at = gl_TessCoord.xy * 1.8 - 0.9;
    gl_Position = vec4(at * (1.0 - 0.3 * dot(at, at)), 0, 1);
}
"""
PATCH_GEOM = """
layout(triangles, invocations = 2) in;
layout(triangle_strip, max_vertices = 3) out;
out vec3 tint;
void main() {
    for (int i = 0; i < 3; ++i) {
        vec4 at = gl_in[i].gl_Position;
        tint = vec3(at.xy * 0.5 + 0.5, gl_InvocationID);
        gl_Position = vec4(at.x * 0.45 + float(gl_InvocationID) - 0.5, at.y, 0, 1);
        EmitVertex();
    }
}
"""
TINT_FRAG = """
in vec3 tint;
out vec4 color;
void main() { color = vec4(tint, 1); }
"""
WAVE_VERT = """
out vec4 captured_position;
out vec3 tint;
void main() {
    float t = float(gl_VertexID / 2) / 40.0;
    float side = (gl_VertexID & 1) == 0 ? -0.15 : 0.15;
    captured_position = vec4(t * 1.8 - 0.9, 0.6 * sin(t * 9.0) + side, 0, 1);
    tint = vec3(t, 1.0 - t, side * 3.0 + 0.5);
}
"""
PASS_VERT = """
layout(location = 0) in vec4 position;
layout(location = 1) in vec3 given;
out vec3 tint;
void main() { tint = given; gl_Position = position; }
"""


def handle(value):
    """A pointer argument."""
    return ctypes.c_void_p(value)


class Gl:
    """The functions and a context that is current."""

    def __init__(self):
        self.egl = ctypes.CDLL("libEGL.so.1")
        find = self.egl.eglGetProcAddress
        find.restype = ctypes.c_void_p
        self.find = find
        for name in ("eglGetPlatformDisplay", "eglCreateContext"):
            getattr(self.egl, name).restype = ctypes.c_void_p
        display = handle(self.egl.eglGetPlatformDisplay(0x31DD, None, None))  # surfaceless
        if not self.egl.eglInitialize(display, None, None) or not self.egl.eglBindAPI(0x30A2):
            raise SystemExit("EGL does not start")
        wanted = (ctypes.c_int * 7)(0x3098, 4, 0x30FB, 6, 0x30FD, 1, 0x3038)  # 4.6 core
        context = self.egl.eglCreateContext(display, None, None, wanted)
        if not context or not self.egl.eglMakeCurrent(display, None, None, handle(context)):
            raise SystemExit("no OpenGL 4.6 core context")

    def call(self, name, *arguments, result=None):
        """glNAME(arguments): ints, floats, bytes, numpy arrays."""
        function = ctypes.CFUNCTYPE(result)(self.find(("gl" + name).encode()))
        function.argtypes = None
        converted = [ctypes.c_float(a) if isinstance(a, float) else
                     handle(a.ctypes.data) if isinstance(a, numpy.ndarray) else a
                     for a in arguments]
        return function(*converted)

    def make(self, what, *extra):
        """One new object."""
        name = ctypes.c_uint()
        self.call(what, *extra, 1, ctypes.byref(name))
        return name.value

    def text(self, which):
        """glGetString."""
        return self.call("GetString", GL[which], result=ctypes.c_char_p).decode()

    def program(self, capture=(), **stages):
        """A linked program."""
        made = self.call("CreateProgram", result=ctypes.c_uint)
        for stage, source in stages.items():
            shader = self.call("CreateShader", GL[stage + "_SHADER"], result=ctypes.c_uint)
            text = ctypes.c_char_p(b"#version 460 core\n" + source.encode())
            self.call("ShaderSource", shader, 1, ctypes.byref(text), None)
            self.call("CompileShader", shader)
            self.check(shader, "Shader", "COMPILE_STATUS", stage)
            self.call("AttachShader", made, shader)
        if capture:
            names = (ctypes.c_char_p * len(capture))(*(name.encode() for name in capture))
            self.call("TransformFeedbackVaryings", made, len(capture), names,
                      GL["INTERLEAVED_ATTRIBS"])
        self.call("LinkProgram", made)
        self.check(made, "Program", "LINK_STATUS", "program")
        return made

    def check(self, name, kind, status, what):
        """Ends the program if something did not compile or link."""
        good = ctypes.c_int()
        self.call(f"Get{kind}iv", name, GL[status], ctypes.byref(good))
        if not good.value:
            log = ctypes.create_string_buffer(4096)
            self.call(f"Get{kind}InfoLog", name, 4096, None, log)
            raise SystemExit(f"{what}: {log.value.decode()}")

    def buffer(self, target, data):
        """A buffer with contents, bound."""
        made = self.make("GenBuffers")
        self.call("BindBuffer", GL[target], made)
        self.call("BufferData", GL[target], ctypes.c_ssize_t(data.nbytes), data, GL["STATIC_DRAW"])
        return made


def framebuffer(gl, samples):
    """Colour and depth of the picture's size, bound."""
    made = gl.make("GenFramebuffers")
    gl.call("BindFramebuffer", GL["FRAMEBUFFER"], made)
    for point, form in (("COLOR_ATTACHMENT0", "RGBA8"), ("DEPTH_ATTACHMENT", "DEPTH_COMPONENT24")):
        plane = gl.make("GenRenderbuffers")
        gl.call("BindRenderbuffer", GL["RENDERBUFFER"], plane)
        gl.call("RenderbufferStorageMultisample", GL["RENDERBUFFER"], samples, GL[form], SIZE, SIZE)
        gl.call("FramebufferRenderbuffer", GL["FRAMEBUFFER"], GL[point], GL["RENDERBUFFER"], plane)
    state = gl.call("CheckFramebufferStatus", GL["FRAMEBUFFER"], result=ctypes.c_uint)
    if state != GL["FRAMEBUFFER_COMPLETE"]:
        raise SystemExit(f"framebuffer status {state:#x}")
    return made


def quarter(gl, x, y):
    """The part of the picture that is drawn to."""
    gl.call("Viewport", x * SIZE // 2, y * SIZE // 2, SIZE // 2, SIZE // 2)


def draw_mesh(gl):
    """A sphere, turned by a uniform block."""
    rows, columns = 12, 16
    points = []
    for i in range(rows):
        for j in range(columns):
            corners = [(i, j), (i + 1, j), (i, j + 1), (i, j + 1), (i + 1, j), (i + 1, j + 1)]
            for a, b in corners:
                up, around = math.pi * a / rows, 2 * math.pi * b / columns
                points.append((math.sin(up) * math.cos(around), math.cos(up),
                               math.sin(up) * math.sin(around)))
    data = numpy.array(points, dtype=numpy.float32)
    c, s = math.cos(0.7), math.sin(0.7)
    turn = numpy.array([[1, 0, 0, 0], [0, c, s, 0], [0, -s, c, 0], [0, 0, 0, 1]],
                       dtype=numpy.float32)
    gl.buffer("ARRAY_BUFFER", data)
    gl.call("EnableVertexAttribArray", 0)
    gl.call("VertexAttribPointer", 0, 3, GL["FLOAT"], 0, 0, None)
    gl.call("BindBufferBase", GL["UNIFORM_BUFFER"], 0, gl.buffer("UNIFORM_BUFFER", turn))
    gl.call("UseProgram", gl.program(VERTEX=MESH_VERT, FRAGMENT=MESH_FRAG))
    gl.call("Enable", GL["DEPTH_TEST"])
    gl.call("DrawArrays", GL["TRIANGLES"], 0, len(points))
    gl.call("Disable", GL["DEPTH_TEST"])
    gl.call("DisableVertexAttribArray", 0)


def draw_floor(gl):
    """A checkered plane that runs to the horizon."""
    checks = numpy.zeros((64, 64, 4), dtype=numpy.uint8)
    checks[..., 3] = 255
    checks[:32, :32, 0] = checks[32:, 32:, 1] = checks[:32, 32:, 2] = 255
    gl.call("BindTexture", GL["TEXTURE_2D"], gl.make("GenTextures"))
    gl.call("TexImage2D", GL["TEXTURE_2D"], 0, GL["RGBA8"], 64, 64, 0, GL["RGBA"],
            GL["UNSIGNED_BYTE"], checks)
    gl.call("GenerateMipmap", GL["TEXTURE_2D"])
    gl.call("TexParameteri", GL["TEXTURE_2D"], GL["TEXTURE_MIN_FILTER"],
            GL["LINEAR_MIPMAP_LINEAR"])
    gl.call("UseProgram", gl.program(VERTEX=FLOOR_VERT, FRAGMENT=FLOOR_FRAG))
    gl.call("DrawArrays", GL["TRIANGLE_STRIP"], 0, 4)


def draw_patch(gl):
    """A bent square, divided, in two copies."""
    gl.call("PatchParameteri", GL["PATCH_VERTICES"], 1)
    gl.call("UseProgram", gl.program(VERTEX=PATCH_VERT, TESS_CONTROL=PATCH_TESC,
                                     TESS_EVALUATION=PATCH_TESE, GEOMETRY=PATCH_GEOM,
                                     FRAGMENT=TINT_FRAG))
    gl.call("DrawArrays", GL["PATCHES"], 0, 1)


def draw_captured(gl):
    """A strip whose triangles were captured first."""
    out = gl.buffer("TRANSFORM_FEEDBACK_BUFFER", numpy.zeros(80 * 3 * 7, dtype=numpy.float32))
    gl.call("BindTransformFeedback", GL["TRANSFORM_FEEDBACK"], gl.make("GenTransformFeedbacks"))
    gl.call("BindBufferBase", GL["TRANSFORM_FEEDBACK_BUFFER"], 0, out)
    gl.call("UseProgram", gl.program(capture=("captured_position", "tint"), VERTEX=WAVE_VERT))
    query = gl.make("GenQueries")
    gl.call("Enable", GL["RASTERIZER_DISCARD"])
    gl.call("BeginQuery", GL["TRANSFORM_FEEDBACK_PRIMITIVES_WRITTEN"], query)
    gl.call("BeginTransformFeedback", GL["TRIANGLES"])
    gl.call("DrawArrays", GL["TRIANGLE_STRIP"], 0, 82)
    gl.call("EndTransformFeedback")
    gl.call("EndQuery", GL["TRANSFORM_FEEDBACK_PRIMITIVES_WRITTEN"])
    gl.call("Disable", GL["RASTERIZER_DISCARD"])
    written = ctypes.c_uint()
    gl.call("GetQueryObjectuiv", query, GL["QUERY_RESULT"], ctypes.byref(written))
    if written.value != 80:
        raise SystemExit(f"{written.value} primitives captured instead of 80")
    gl.call("BindBuffer", GL["ARRAY_BUFFER"], out)
    for place, count, offset in ((0, 4, 0), (1, 3, 16)):
        gl.call("EnableVertexAttribArray", place)
        gl.call("VertexAttribPointer", place, count, GL["FLOAT"], 0, 28, handle(offset))
    gl.call("UseProgram", gl.program(VERTEX=PASS_VERT, FRAGMENT=TINT_FRAG))
    gl.call("DrawTransformFeedback", GL["TRIANGLES"], 1)


def main():
    """Draw and write."""
    gl = Gl()
    print(gl.text("RENDERER"), "|", gl.text("VERSION"), flush=True)
    gl.call("BindVertexArray", gl.make("GenVertexArrays"))
    single, several = framebuffer(gl, 0), framebuffer(gl, 4)
    gl.call("ClearColor", 0.1, 0.1, 0.15, 1.0)
    gl.call("Clear", GL["COLOR_BUFFER_BIT"] | GL["DEPTH_BUFFER_BIT"])
    for place, draw in enumerate((draw_mesh, draw_floor, draw_patch, draw_captured)):
        quarter(gl, place % 2, place // 2)
        draw(gl)
        if error := gl.call("GetError", result=ctypes.c_uint):
            raise SystemExit(f"{draw.__name__}: OpenGL error {error:#x}")
    gl.call("BindFramebuffer", GL["READ_FRAMEBUFFER"], several)
    gl.call("BindFramebuffer", GL["DRAW_FRAMEBUFFER"], single)
    gl.call("BlitFramebuffer", 0, 0, SIZE, SIZE, 0, 0, SIZE, SIZE, GL["COLOR_BUFFER_BIT"],
            GL["NEAREST"])
    gl.call("BindFramebuffer", GL["READ_FRAMEBUFFER"], single)
    pixels = numpy.zeros((SIZE, SIZE, 4), dtype=numpy.uint8)
    gl.call("ReadPixels", 0, 0, SIZE, SIZE, GL["RGBA"], GL["UNSIGNED_BYTE"], pixels)
    if error := gl.call("GetError", result=ctypes.c_uint):
        raise SystemExit(f"OpenGL error {error:#x}")
    Image.fromarray(pixels[::-1, :, :3]).save(sys.argv[1])


if __name__ == "__main__":
    main()
