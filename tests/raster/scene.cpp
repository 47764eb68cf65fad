// SPDX-License-Identifier: MIT
#include "tests/raster/scene.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <map>

#include <sys/mman.h>

namespace kite::dev {

namespace exec {
// The shader engine is not linked: its opaque worker memory is empty here.
struct WorkerMemory::Impl {};
WorkerMemory::WorkerMemory() = default;
WorkerMemory::~WorkerMemory() = default;
std::byte* stage_memory(WorkerMemory&) {
    static std::vector<std::byte> bytes(hw::limits::kStageIoBytes);
    return bytes.data();
}
} // namespace exec

namespace test {

namespace {

constexpr uint64_t kWindowBytes = 1u << 28;

class FakeRoutine final : public exec::Routine {
public:
    std::shared_ptr<const exec::Program> owned;
    VertexFn vertex;
    FragmentFn fragment;
    unsigned width = 16;

    const exec::Program& program() const override { return *owned; }
    void run_vertex(const exec::DrawContext& draw, exec::VertexWave& wave,
                    exec::WorkerMemory&) const override {
        vertex(draw, wave);
    }
    void run_control(const exec::DrawContext&, std::span<exec::VertexWave>,
                     exec::WorkerMemory&) const override {
        FAIL() << "no tessellation here";
    }
    void run_fragment(const exec::DrawContext& draw, exec::FragmentWave& wave,
                      exec::WorkerMemory&) const override {
        ASSERT_EQ(wave.live & ~wave.exec, 0u);
        ASSERT_EQ(wave.exec >> width, 0u);
        fragment(draw, wave, width);
    }
    void run_workgroup(const exec::DrawContext&, const std::array<uint32_t, 3>&,
                       exec::WorkerMemory&) const override {}
};

} // namespace

class Scene::FakeExecutor final : public exec::Executor {
public:
    explicit FakeExecutor(unsigned width) : width_(width) {}
    std::map<const exec::Program*, std::shared_ptr<FakeRoutine>> routines;

    unsigned wave_size() const override { return width_; }
    std::string description() const override { return "lambdas"; }
    std::shared_ptr<const exec::Routine>
    routine(const std::shared_ptr<const exec::Program>& program, const exec::VertexKey&) override {
        return routines.at(program.get());
    }
    void prefetch(const std::shared_ptr<const exec::Program>&, const exec::VertexKey&) override {}

    std::shared_ptr<const exec::Program> add(const exec::ProgramInfo& info, VertexFn vertex,
                                             FragmentFn fragment) {
        auto program = std::make_shared<exec::Program>();
        program->info = info;
        auto made = std::make_shared<FakeRoutine>();
        made->owned = program;
        made->vertex = std::move(vertex);
        made->fragment = std::move(fragment);
        made->width = width_;
        routines[program.get()] = made;
        return program;
    }

private:
    unsigned width_;
};

uint32_t float_bits(float v) {
    return std::bit_cast<uint32_t>(v);
}

float interpolate(const exec::Primitive& p, unsigned row, float x, float y) {
    const float px = x - p.origin_x;
    const float py = y - p.origin_y;
    const float w = 1.0f / (p.w0 + p.wx * px + p.wy * py);
    const float i = (p.i0 + p.ix * px + p.iy * py) * w;
    const float j = (p.j0 + p.jx * px + p.jy * py) * w;
    const float v0 = std::bit_cast<float>(p.v[0][row]);
    const float v1 = std::bit_cast<float>(p.v[1][row]);
    const float v2 = std::bit_cast<float>(p.v[2][row]);
    return v0 + i * (v1 - v0) + j * (v2 - v0);
}

Scene::Scene(unsigned wave_size, unsigned threads)
    : pool_(std::make_unique<base::ThreadPool>(threads)),
      executor_(std::make_unique<FakeExecutor>(wave_size)) {
    void* memory = mmap(nullptr, kWindowBytes * 2, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    window_ = static_cast<std::byte*>(memory);
    renderer_ = std::make_unique<Renderer>(RenderEnvironment{.window = window_,
                                                             .va_mask = kWindowBytes - 1,
                                                             .kill = &kill,
                                                             .executor = executor_.get(),
                                                             .pool = pool_.get(),
                                                             .counters = &counters});
    state.multisample.samples = 1;
    state.multisample.sample_mask = ~0u;
    state.raster.depth_clip = true;
    state.raster.line_width = 1;
    state.blend_count = hw::limits::kMaxRenderTargets;
    for (auto& b : state.blend) {
        b.write_mask = 0xf;
    }
}

Scene::~Scene() {
    renderer_.reset();
    munmap(window_, kWindowBytes * 2);
}

uint64_t Scene::allocate(size_t bytes) {
    const uint64_t at = next_;
    next_ += (bytes + 8191) & ~size_t{4095}; // a free page after everything
    return at;
}

Image Scene::image(uint32_t width, uint32_t height, hw::Format format, uint32_t samples,
                   uint32_t layers, bool tiled) {
    Image i;
    i.width = width;
    i.height = height;
    i.layers = layers;
    i.samples = samples;
    i.tiled = tiled;
    i.bytes = hw::format_info(static_cast<uint32_t>(format))->bytes_per_block;
    const uint32_t pitch = (width * i.bytes + 63) & ~63u;
    const uint64_t layer =
        tiled ? uint64_t{(width + 3) / 4} * ((height + 3) / 4) * 16 * samples * i.bytes
              : uint64_t{pitch} * height;
    const uint64_t stride = (layer + 63) & ~uint64_t{63};
    i.address = allocate(stride * layers);
    hw::ImageDescriptor& d = i.descriptor;
    d.address = i.address;
    d.format = static_cast<uint32_t>(format);
    d.dim = hw::ViewDim::d2;
    d.arrayed = layers > 1;
    d.layout = tiled ? hw::ImageLayout::tiled : hw::ImageLayout::linear;
    d.log2_samples = static_cast<uint32_t>(std::countr_zero(samples));
    d.swz_g = hw::Swizzle::g;
    d.swz_b = hw::Swizzle::b;
    d.swz_a = hw::Swizzle::a;
    d.width_minus_1 = width - 1;
    d.height_minus_1 = height - 1;
    d.depth_minus_1 = layers - 1;
    d.layer_count_minus_1 = layers - 1;
    d.row_pitch = tiled ? 0 : pitch;
    d.layer_stride_64 = static_cast<uint32_t>(stride / 64);
    return i;
}

std::byte* Scene::texel(const Image& i, uint32_t x, uint32_t y, uint32_t layer, uint32_t sample) {
    std::byte* base = window_ + i.address + uint64_t{i.descriptor.layer_stride_64} * 64 * layer;
    if (!i.tiled) {
        return base + uint64_t{y} * i.descriptor.row_pitch + uint64_t{x} * i.bytes;
    }
    const uint64_t block = uint64_t{y / 4} * ((i.width + 3) / 4) + x / 4;
    const uint32_t index = (x & 1) | (y & 1) << 1 | (x & 2) << 1 | (y & 2) << 2;
    return base + block * 16 * i.samples * i.bytes + (uint64_t{sample} * 16 + index) * i.bytes;
}

uint32_t Scene::word(const Image& i, uint32_t x, uint32_t y, uint32_t layer, uint32_t sample) {
    uint32_t value = 0;
    std::memcpy(&value, texel(i, x, y, layer, sample), std::min(4u, i.bytes));
    return value;
}

void Scene::use_vertex_program(VertexFn fn, exec::ProgramInfo info) {
    info.stage = hw::Stage::vertex;
    state.vertex = executor_->add(info, std::move(fn), {});
}

void Scene::use_vertices(std::vector<Vertex> vertices) {
    exec::ProgramInfo info;
    for (unsigned slot = 0; slot < 8; ++slot) {
        info.outputs.set(slot);
    }
    for (unsigned slot = 128; slot < 132; ++slot) {
        info.outputs.set(slot);
    }
    use_vertex_program(
        [vertices = std::move(vertices)](const exec::DrawContext&, exec::VertexWave& wave) {
            for (uint32_t lane = 0; lane < wave.count; ++lane) {
                const Vertex& v = vertices.at(wave.vertex_index[lane] % vertices.size());
                for (unsigned c = 0; c < 4; ++c) {
                    wave.out[128 + c][lane] = float_bits(v.position[c]);
                }
                for (unsigned c = 0; c < 8; ++c) {
                    wave.out[c][lane] = float_bits(v.varying[c]);
                }
            }
        },
        info);
}

void Scene::use_fragment_program(FragmentFn fn, exec::ProgramInfo info) {
    info.stage = hw::Stage::fragment;
    state.fragment = executor_->add(info, {}, std::move(fn));
}

void Scene::use_varying_color() {
    exec::ProgramInfo info;
    info.color_mask = 0xf;
    for (unsigned slot = 0; slot < 4; ++slot) {
        info.inputs.set(slot);
    }
    use_fragment_program(
        [](const exec::DrawContext&, exec::FragmentWave& wave, unsigned width) {
            for (unsigned lane = 0; lane < width; ++lane) {
                for (unsigned c = 0; c < 4 && (wave.exec >> lane & 1u) != 0; ++c) {
                    wave.out[c][lane] =
                        float_bits(interpolate(*wave.primitive, c, wave.x[lane], wave.y[lane]));
                }
            }
        },
        info);
}

void Scene::use_constant_color(std::array<float, 4> rgba) {
    exec::ProgramInfo info;
    info.color_mask = 0xf;
    use_fragment_program(
        [rgba](const exec::DrawContext&, exec::FragmentWave& wave, unsigned width) {
            for (unsigned lane = 0; lane < width; ++lane) {
                for (unsigned c = 0; c < 4; ++c) {
                    wave.out[c][lane] = float_bits(rgba[c]);
                }
            }
        },
        info);
}

hw::Attachment Scene::cleared(const Image& image, std::array<uint32_t, 4> value) {
    hw::Attachment a{};
    a.present = true;
    a.load_op = hw::LoadOp::clear;
    a.clear = value;
    a.surface.image = image.descriptor;
    return a;
}

hw::Attachment Scene::loaded(const Image& image) {
    hw::Attachment a = cleared(image, {});
    a.load_op = hw::LoadOp::load;
    return a;
}

void Scene::full_viewport(uint32_t width, uint32_t height) {
    state.viewports[0] = {.x = 0,
                          .y = 0,
                          .width = static_cast<float>(width),
                          .height = static_cast<float>(height),
                          .min_depth = 0,
                          .max_depth = 1};
    state.scissors[0] = {.x = 0, .y = 0, .width = width, .height = height};
}

void Scene::begin(const RenderingScope& scope) {
    const auto result = renderer_->begin_rendering(scope);
    ASSERT_TRUE(result) << result.error().text();
}

void Scene::draw(uint32_t count, uint32_t instances) {
    const auto result = renderer_->draw(state, {.count = count, .instance_count = instances});
    ASSERT_TRUE(result) << result.error().text();
}

void Scene::draw_indexed(const std::vector<uint32_t>& indices, uint32_t instances) {
    const uint64_t address = allocate(indices.size() * 4);
    std::memcpy(host(address), indices.data(), indices.size() * 4);
    state.index = {
        .address = address, .size_bytes = indices.size() * 4, .type = hw::IndexType::uint32};
    const auto result = renderer_->draw(state, {.indexed = true,
                                                .count = static_cast<uint32_t>(indices.size()),
                                                .instance_count = instances});
    ASSERT_TRUE(result) << result.error().text();
}

void Scene::end() {
    const auto result = renderer_->end_rendering();
    ASSERT_TRUE(result) << result.error().text();
}

} // namespace test
} // namespace kite::dev
