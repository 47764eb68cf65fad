// SPDX-License-Identifier: MIT
// How fast the fixed-function parts are: small triangles, full-screen passes and blends at 800x600
// with trivial programs. Not a test: run by hand, prints milliseconds of CPU time per frame (best
// of many).
#include "tests/raster/scene.hpp"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace kite::dev::test {
namespace {

constexpr uint32_t kWidth = 800;
constexpr uint32_t kHeight = 600;

RenderingScope scope_of(const Image& color, const Image& depth) {
    RenderingScope s;
    s.area = {.x = 0, .y = 0, .width = kWidth, .height = kHeight};
    s.colors[0] = Scene::cleared(
        color, {float_bits(0.1f), float_bits(0.2f), float_bits(0.3f), float_bits(1.0f)});
    s.color_count = 1;
    s.depth = Scene::cleared(depth, {float_bits(1.0f)});
    return s;
}

/// A program whose outputs stay what they are: as cheap as a program can be.
void use_empty_program(Scene& scene, bool varyings) {
    exec::ProgramInfo info;
    info.color_mask = 0xf;
    for (unsigned slot = 0; varyings && slot < 6; ++slot) {
        info.inputs.set(slot);
    }
    scene.use_fragment_program([](const exec::DrawContext&, exec::FragmentWave&, unsigned) {},
                               info);
}

/// A program that copies vertices from a table of whole waves.
void use_mesh(Scene& scene, const std::vector<Vertex>& mesh) {
    exec::ProgramInfo info;
    for (unsigned slot = 0; slot < 6; ++slot) {
        info.outputs.set(slot);
    }
    for (unsigned slot = 128; slot < 132; ++slot) {
        info.outputs.set(slot);
    }
    scene.use_vertex_program(
        [mesh](const exec::DrawContext&, exec::VertexWave& wave) {
            for (uint32_t lane = 0; lane < wave.count; ++lane) {
                const Vertex& v = mesh[wave.vertex_index[lane]];
                for (unsigned c = 0; c < 4; ++c) {
                    wave.out[128 + c][lane] = float_bits(v.position[c]);
                }
                for (unsigned c = 0; c < 6; ++c) {
                    wave.out[c][lane] = float_bits(v.varying[c]);
                }
            }
        },
        info);
}

std::vector<Vertex> sphere(int rings, int segments) {
    std::vector<Vertex> mesh;
    const auto at = [&](int r, int s) {
        const float a = static_cast<float>(r) / static_cast<float>(rings) * 3.14159265f;
        const float b = static_cast<float>(s) / static_cast<float>(segments) * 6.2831853f;
        const float x = std::sin(a) * std::cos(b);
        const float y = std::cos(a);
        const float z = std::sin(a) * std::sin(b);
        return Vertex{{x * 0.6f * 2, y * 0.8f * 2, (z + 2) * 0.25f * 2, 2}, {x, y, z, 1, x, y}};
    };
    for (int r = 0; r < rings; ++r) {
        for (int s = 0; s < segments; ++s) {
            for (const Vertex& v : {at(r, s), at(r + 1, s), at(r, s + 1), at(r, s + 1),
                                    at(r + 1, s), at(r + 1, s + 1)}) {
                mesh.push_back(v);
            }
        }
    }
    return mesh;
}

/// CPU time of the process: wall time says little on a busy machine.
double cpu_ms() {
    timespec now{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6;
}

template <typename F>
void measure(const char* name, F&& frame) {
    double best = 1e9;
    double total = 0;
    int frames = 0;
    while (total < 700 || frames < 5) {
        const double start = cpu_ms();
        frame();
        const double ms = cpu_ms() - start;
        best = std::min(best, ms);
        total += ms;
        ++frames;
    }
    std::printf("%-40s best %7.3f ms, mean %7.3f ms\n", name, best, total / frames);
    std::fflush(stdout);
}

void run(unsigned threads, bool tiled, const char* only) {
    std::printf("-- %u threads, %s colour\n", threads, tiled ? "tiled" : "linear");
    Scene scene(16, threads);
    const Image color = scene.image(kWidth, kHeight, hw::Format::b8g8r8a8_srgb, 1, 1, tiled);
    const Image depth = scene.image(kWidth, kHeight, hw::Format::d32_sfloat);
    scene.full_viewport(kWidth, kHeight);
    const std::vector<Vertex> full = {
        {{-1, -1, 0.5f, 1}, {}}, {{3, -1, 0.5f, 1}, {}}, {{-1, 3, 0.5f, 1}, {}}};
    const auto want = [only](const char* name) {
        return only == nullptr || std::strcmp(only, name) == 0;
    };
    if (want("clear")) {
        measure("clear", [&] {
            scene.begin(scope_of(color, depth));
            scene.end();
        });
    }
    scene.state.depth_stencil.depth_test = true;
    scene.state.depth_stencil.depth_write = true;
    scene.state.depth_stencil.depth_compare = hw::CompareOp::less;
    use_empty_program(scene, true);
    for (const bool cull : {false, true}) {
        const std::vector<Vertex> mesh = sphere(120, 160);
        use_mesh(scene, mesh);
        scene.state.raster.cull_back = cull;
        if (want(cull ? "cull" : "small")) {
            measure(cull ? "38400 small triangles, half culled" : "38400 small triangles", [&] {
                scene.begin(scope_of(color, depth));
                scene.draw(static_cast<uint32_t>(mesh.size()));
                scene.end();
            });
        }
    }
    scene.state.raster.cull_back = false;
    use_mesh(scene, sphere(3, 4));
    if (want("cube")) {
        measure("24 large triangles", [&] {
            scene.begin(scope_of(color, depth));
            scene.draw(72);
            scene.end();
        });
    }
    use_mesh(scene, full);
    scene.state.depth_stencil.depth_test = false;
    if (want("full")) {
        measure("full screen", [&] {
            scene.begin(scope_of(color, depth));
            scene.draw(3);
            scene.end();
        });
    }
    scene.state.blend[0].enable = true;
    scene.state.blend[0].src_color = hw::BlendFactor::src_alpha;
    scene.state.blend[0].dst_color = hw::BlendFactor::one_minus_src_alpha;
    scene.state.blend[0].src_alpha = hw::BlendFactor::one;
    scene.state.blend[0].dst_alpha = hw::BlendFactor::one_minus_src_alpha;
    if (want("blend")) {
        measure("5 full-screen blends", [&] {
            scene.begin(scope_of(color, depth));
            for (int i = 0; i < 5; ++i) {
                scene.draw(3);
            }
            scene.end();
        });
    }
}

} // namespace
} // namespace kite::dev::test

int main(int argc, char** argv) {
    const char* only = argc > 1 ? argv[1] : nullptr;
    kite::dev::test::run(1, false, only);
    kite::dev::test::run(1, true, only);
    kite::dev::test::run(2, false, only);
    return 0;
}
