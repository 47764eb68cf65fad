// SPDX-License-Identifier: MIT
// A stage for raster tests: memory, images and programs written as lambdas, drawn by the real
// Renderer.
//
// One Scene per test, single-threaded use (the renderer's pool has as many threads as asked for).
// Programs are C++ functions on whole waves behind a fake Executor, so these tests need neither the
// compiler nor the shader engine.
//
//   Scene scene(16); Image color = scene.image(64, 64, hw::Format::r8g8b8a8_unorm);
//   scene.begin({&color}); scene.triangle(...); scene.end();
#pragma once

#include "base/thread_pool.hpp"
#include "device/raster/renderer.hpp"
#include "kite_hw/formats.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace kite::dev::test {

/// A vertex: clip position and up to 8 varyings.
struct Vertex {
    std::array<float, 4> position{};
    std::array<float, 8> varying{};
};

using VertexFn = std::function<void(const exec::DrawContext&, exec::VertexWave&)>;
using FragmentFn =
    std::function<void(const exec::DrawContext&, exec::FragmentWave&, unsigned width)>;

/// An image in the scene's memory.
struct Image {
    hw::ImageDescriptor descriptor;
    uint64_t address = 0;
    uint32_t width = 0, height = 0, layers = 1, samples = 1, bytes = 0;
    bool tiled = true;
};

/// Smooth interpolation of varying row r at lane, as the shader engine does it.
float interpolate(const exec::Primitive& p, unsigned row, float x, float y);

/// The stage.
class Scene {
public:
    explicit Scene(unsigned wave_size = 16, unsigned threads = 2);
    ~Scene();

    Image image(uint32_t width, uint32_t height, hw::Format format, uint32_t samples = 1,
                uint32_t layers = 1, bool tiled = true);
    /// Host address of a texel.
    std::byte* texel(const Image& image, uint32_t x, uint32_t y, uint32_t layer = 0,
                     uint32_t sample = 0);
    /// The texel's first four bytes.
    uint32_t word(const Image& image, uint32_t x, uint32_t y, uint32_t layer = 0,
                  uint32_t sample = 0);
    /// Memory for buffers; returns a GPU address.
    uint64_t allocate(size_t bytes);
    std::byte* host(uint64_t address) { return window_ + address; }

    /// Program that takes positions and varyings from `vertices` (by vertex index).
    void use_vertices(std::vector<Vertex> vertices);
    void use_vertex_program(VertexFn fn, exec::ProgramInfo info);
    /// Program of fragments; `info.color_mask` etc. tell what it does.
    void use_fragment_program(FragmentFn fn, exec::ProgramInfo info);
    /// Writes varyings 0-3 as colour 0.
    void use_varying_color();
    /// Writes a constant colour.
    void use_constant_color(std::array<float, 4> rgba);
    void no_fragment_program() { state.fragment = nullptr; }

    /// Attachment that is cleared at begin.
    static hw::Attachment cleared(const Image& image, std::array<uint32_t, 4> value);
    static hw::Attachment loaded(const Image& image);
    /// Viewport and scissor 0 over width x height.
    void full_viewport(uint32_t width, uint32_t height);
    /// Expects success.
    void begin(const RenderingScope& scope);
    void draw(uint32_t count, uint32_t instances = 1);
    void draw_indexed(const std::vector<uint32_t>& indices, uint32_t instances = 1);
    void end();

    DrawState state;
    Renderer& renderer() { return *renderer_; }
    RenderCounters counters;
    std::atomic<uint32_t> kill{0};

private:
    class FakeExecutor;
    std::byte* window_ = nullptr;
    uint64_t next_ = 4096;
    std::unique_ptr<base::ThreadPool> pool_;
    std::unique_ptr<FakeExecutor> executor_;
    std::unique_ptr<Renderer> renderer_;
};

/// Bits of a float, for clear values.
uint32_t float_bits(float v);

} // namespace kite::dev::test
