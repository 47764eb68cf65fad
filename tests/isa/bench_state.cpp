// SPDX-License-Identifier: MIT
#include "tests/isa/bench_state.hpp"

#include "tests/isa/generator.hpp"

#include "kite_hw/formats.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>

namespace kite::test {

namespace {

using namespace dev::exec;

constexpr size_t kWindow = size_t{1} << 16;
constexpr size_t kGuard = (size_t{4} << 30) + (size_t{1} << 20);
constexpr uint64_t kDataVa = 0x4003; // odd on purpose: nothing may rely on alignment
constexpr uint64_t kVertexVa = 0x8000;

constexpr uint32_t kSpecials[] = {0,          0x80000000, 0x3f800000, 0x7f800000, 0xff800000,
                                  0x7fc00000, 1,          0x807fffff, 0xffffffff, 0x7fffffff,
                                  0x40000000, 0xc0a00000, 0x4b000001, 0x5f000000, 7};

uint32_t word(std::mt19937_64& random) {
    const auto x = static_cast<uint32_t>(random());
    switch (random() % 4) {
    case 0:
        return kSpecials[x % std::size(kSpecials)];
    case 1:
        return x % 257;
    case 2:
        return 0x3f000000 + x % 0x2000000; // around 1
    default:
        return x;
    }
}

} // namespace

VertexKey world_formats(uint64_t seed) {
    std::mt19937_64 random(seed);
    VertexKey key;
    for (unsigned i = 0; i < kTestInputs; ++i) {
        const hw::FormatInfo* f = nullptr;
        do {
            const auto all = hw::all_formats();
            f = &all[random() % all.size()];
        } while (!f->has(hw::FormatCap::vertex));
        key.format[i] = f->id;
    }
    return key;
}

World::World() {
    void* p = mmap(nullptr, kWindow + kGuard, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) {
        std::perror("mmap");
        std::abort();
    }
    window_ = static_cast<std::byte*>(p);
    draw_.window = window_;
    draw_.va_mask = kWindow - 1;
    draw_.kill = &kill_;
    draw_.push_va = kDataVa;
    draw_.dynamic_va = 0x123456789abcull;
}

World::~World() {
    munmap(window_, kWindow + kGuard);
}

void World::fill(uint64_t seed) {
    std::mt19937_64 random(seed);
    for (size_t i = 0; i < kWindow; i += 4) {
        const uint32_t x = word(random);
        std::memcpy(window_ + i, &x, 4);
    }
    draw_.base_vertex = word(random);
    draw_.base_instance = static_cast<uint32_t>(random() % 5);
    draw_.draw_index = word(random);
    draw_.view_index = 3;
    draw_.num_groups = {word(random), 5, 9};
    for (auto& va : draw_.set_va) {
        va = random();
    }
    const VertexKey formats = world_formats(seed);
    for (unsigned i = 0; i < kTestInputs; ++i) {
        AttributeSource& a = draw_.attributes[i];
        a.base = random() % 8 == 0 ? nullptr : window_ + kVertexVa + random() % 3;
        a.size = random() % 600;
        a.offset = static_cast<uint32_t>(random() % 8);
        a.stride = static_cast<uint32_t>(random() % 40);
        constexpr uint32_t kDivisors[] = {0, 0, 0, 1, 3, 0xffffffff};
        a.divisor = kDivisors[random() % 6];
        a.format = formats.format[i];
    }
    varyings_.clear();
    for (unsigned i = 0; i < 4 * 128; ++i) { // every slot a program may name
        varyings_.push_back(word(random));
    }
}

Outcome World::run(const Routine& routine, unsigned width, uint64_t seed) {
    fill(seed);
    std::mt19937_64 random(seed + 1);
    Outcome out;
    const auto stage = routine.program().info.stage;
    if (stage == hw::Stage::compute) {
        routine.run_workgroup(draw_, {1, 2, 0xffffffff}, memory_);
    } else if (stage == hw::Stage::vertex) {
        auto wave = std::make_unique<VertexWave>();
        wave->count = 1 + static_cast<uint32_t>(random() % width);
        for (unsigned i = 0; i < kMaxLanes; ++i) {
            wave->vertex_index[i] =
                static_cast<uint32_t>(random() % (random() % 8 == 0 ? ~0u : 20));
            wave->instance_index[i] = draw_.base_instance + static_cast<uint32_t>(random() % 9);
        }
        routine.run_vertex(draw_, *wave, memory_);
        for (size_t slot = 0; slot < kVertexOuts; ++slot) {
            if (routine.program().info.outputs[slot]) {
                out.outputs.insert(out.outputs.end(), wave->out[slot],
                                   wave->out[slot] + wave->count);
            }
        }
    } else {
        auto wave = std::make_unique<FragmentWave>();
        Primitive p{};
        float* planes = &p.w0;
        for (unsigned i = 0; i < 18; ++i) {
            planes[i] = static_cast<float>(static_cast<int>(random() % 2001) - 1000) / 64.0f;
        }
        p.origin_x = 100.5f;
        p.origin_y = 40.25f;
        for (unsigned i = 0; i < 3; ++i) {
            p.v[i] = varyings_.data() + i * size_t{128};
        }
        p.flat = varyings_.data() + 3 * 128;
        p.front_facing = random() % 2 == 0 ? 0 : 0xffffffff;
        p.primitive_id = 77;
        p.layer = 2;
        p.viewport = 1;
        p.point_x0 = 0.25f;
        p.point_dx = 0.125f;
        p.point_y0 = 0.75f;
        p.point_dy = -0.125f;
        const uint32_t all = (1u << width) - 1u;
        wave->exec = all;
        if (!routine.program().info.needs_quads) {
            wave->exec = static_cast<uint32_t>(random()) & all;
            wave->exec |= 1u << (random() % width);
        }
        wave->live = wave->exec & static_cast<uint32_t>(random() | random());
        wave->sample_id = 2;
        wave->log2_samples = random() % 2 == 0 ? 0 : 2;
        wave->primitive = &p;
        for (unsigned i = 0; i < kMaxLanes; ++i) {
            wave->x[i] = 96.5f + static_cast<float>((i & 1) + ((i >> 1) & 2));
            wave->y[i] = 36.5f + static_cast<float>(((i >> 1) & 1) + ((i >> 2) & 2));
            wave->z[i] = 0.5f;
            wave->centroid_x[i] = wave->x[i] + 0.125f;
            wave->centroid_y[i] = wave->y[i] - 0.25f;
            wave->sample_mask[i] = i;
        }
        routine.run_fragment(draw_, *wave, memory_);
        out.live = wave->live;
        const auto& info = routine.program().info;
        for (unsigned slot = 0; slot < kFragmentOuts; ++slot) {
            const bool written = slot < 32    ? ((info.color_mask >> slot) & 1u) != 0
                                 : slot < 36  ? info.writes_dual
                                 : slot == 36 ? info.writes_depth
                                              : false;
            for (unsigned i = 0; i < width && written; ++i) {
                if (((wave->exec >> i) & 1u) != 0) {
                    out.outputs.push_back(wave->out[slot][i]);
                }
            }
        }
    }
    out.memory.resize(kWindow / 4);
    std::memcpy(out.memory.data(), window_, kWindow);
    return out;
}

} // namespace kite::test
