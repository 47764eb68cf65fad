// SPDX-License-Identifier: MIT
#include "tests/compiler/e2e/runner.hpp"

#include "kite_hw/descriptors.hpp"
#include "kite_hw/limits.hpp"

#include <cstdlib>

namespace kite::test {

namespace {
constexpr uint32_t kDescriptorStride = 64;
constexpr uint32_t kDescriptors = 16;
} // namespace

Runner::Runner(unsigned wave_size, Mode mode)
    // Twice the window: limited accesses may overhang it.
    : window_(2 * kWindowBytes) {
    auto executor =
        dev::exec::create_executor({.mode = mode, .wave_size = wave_size, .cache_dir = {}});
    if (!executor) {
        std::abort();
    }
    executor_ = std::move(*executor);
    push_va_ = allocate(hw::limits::kPushBytes);
    set_va_ = allocate(kDescriptorStride * kDescriptors);
}

uint64_t Runner::allocate(size_t bytes) {
    const size_t at = next_;
    next_ = (next_ + bytes + 255) & ~size_t{255};
    if (next_ > kWindowBytes) {
        std::abort();
    }
    return at;
}

cc::Binding Runner::binding(uint32_t n, cc::DescriptorKind kind) {
    return {.set = 0,
            .binding = n,
            .kind = kind,
            .offset = n * kDescriptorStride,
            .stride = kDescriptorStride};
}

uint64_t Runner::add_buffer(uint32_t binding, size_t bytes) {
    const uint64_t va = allocate(bytes);
    hw::BufferDescriptor d;
    d.address = va;
    d.size_bytes = static_cast<uint32_t>(bytes);
    d.pack(words(set_va_ + uint64_t{binding} * kDescriptorStride));
    return va;
}

std::string Runner::run(const cc::Program& program, std::array<uint32_t, 3> groups) {
    auto loaded = dev::exec::load_program(program.binary);
    if (!loaded) {
        return loaded.error().message;
    }
    const auto routine = executor_->routine(*loaded, {});
    dev::exec::DrawContext draw;
    draw.window = window_.data();
    draw.va_mask = kWindowBytes - 1;
    draw.kill = &kill_;
    draw.set_va[0] = set_va_;
    draw.push_va = push_va_;
    draw.num_groups = groups;
    for (uint32_t z = 0; z < groups[2]; ++z) {
        for (uint32_t y = 0; y < groups[1]; ++y) {
            for (uint32_t x = 0; x < groups[0]; ++x) {
                routine->run_workgroup(draw, {x, y, z}, memory_);
            }
        }
    }
    return {};
}

} // namespace kite::test
