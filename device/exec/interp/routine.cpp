// SPDX-License-Identifier: MIT
#include "device/exec/interp/routine.hpp"

#include "device/exec/worker_memory.hpp"

#include <cstring>

namespace kite::dev::exec::interp {

namespace {

class InterpRoutine final : public Routine {
public:
    InterpRoutine(std::shared_ptr<const Program> program, unsigned width)
        : program_(std::move(program)), width_(width) {}

    const Program& program() const override { return *program_; }

    void run_vertex(const DrawContext& draw, VertexWave& out, WorkerMemory& memory) const override {
        Wave& w = start(draw, memory, 0);
        for (size_t slot = 0; slot < kVertexOuts; ++slot) {
            if (program_->info.outputs[slot]) {
                std::memset(out.out[slot], 0, sizeof(out.out[slot]));
            }
        }
        w.vertex = &out;
        if (reads_records(program_->info.stage)) {
            w.shared = stage_memory(memory);
        }
        w.exec = out.count >= width_ ? w.all() : (1u << out.count) - 1u;
        w.live = w.all();
        if (w.exec != 0) {
            run(w);
        }
    }

    void run_control(const DrawContext& draw, std::span<VertexWave> waves,
                     WorkerMemory& memory) const override {
        const size_t scratch = scratch_bytes(program_->info, width_);
        std::byte* all_scratch = memory.impl->scratch.zeroed(scratch * waves.size());
        for (size_t i = 0; i < waves.size(); ++i) {
            Wave& w = memory.impl->wave(i);
            w.reset(*program_, draw, width_);
            w.scratch = all_scratch + scratch * i;
            w.shared = stage_memory(memory);
            w.vertex = &waves[i];
            w.exec = waves[i].count >= width_ ? w.all() : (1u << waves[i].count) - 1u;
            w.live = w.all();
        }
        run_together(draw, waves.size(), memory);
    }

    void run_fragment(const DrawContext& draw, FragmentWave& out,
                      WorkerMemory& memory) const override {
        Wave& w = start(draw, memory, 0);
        for (unsigned slot = 0; slot < kFragmentOuts; ++slot) {
            if (written(slot)) {
                std::memset(out.out[slot], 0, sizeof(out.out[slot]));
            }
        }
        w.fragment = &out;
        w.exec = out.exec & w.all();
        w.live = out.live & w.all();
        if (w.exec != 0) {
            run(w);
        }
        out.live = w.live;
    }

    void run_workgroup(const DrawContext& draw, const std::array<uint32_t, 3>& group,
                       WorkerMemory& memory) const override {
        const ProgramInfo& info = program_->info;
        const uint32_t waves = wave_count(info, width_);
        const size_t scratch = scratch_bytes(info, width_);
        std::byte* shared = memory.impl->shared.zeroed(info.shared_bytes);
        std::byte* all_scratch = memory.impl->scratch.zeroed(scratch * waves);
        for (uint32_t i = 0; i < waves; ++i) {
            Wave& w = memory.impl->wave(i);
            w.reset(*program_, draw, width_);
            w.scratch = all_scratch + scratch * i;
            w.shared = shared;
            w.group = group;
            w.subgroup = i;
            w.subgroup_count = waves;
            w.exec = wave_lanes(info, width_, i);
            w.live = w.all();
        }
        run_together(draw, waves, memory);
    }

private:
    // A wave runs to its next barrier or its end; then the others get there. Waves that have ended
    // no longer take part in barriers.
    static void run_together(const DrawContext& draw, size_t waves, WorkerMemory& memory) {
        for (bool waiting = true; waiting;) {
            waiting = false;
            for (size_t i = 0; i < waves; ++i) {
                Wave& w = memory.impl->wave(i);
                if (!w.done) {
                    waiting |= run(w) == Stop::barrier;
                }
            }
            if (draw.kill->load(std::memory_order_relaxed) != 0) {
                return;
            }
        }
    }

    Wave& start(const DrawContext& draw, WorkerMemory& memory, size_t i) const {
        Wave& w = memory.impl->wave(i);
        w.reset(*program_, draw, width_);
        w.scratch = memory.impl->scratch.zeroed(scratch_bytes(program_->info, width_));
        return w;
    }

    bool written(unsigned slot) const {
        const ProgramInfo& info = program_->info;
        if (slot < 32) {
            return ((info.color_mask >> slot) & 1u) != 0;
        }
        if (slot < 36) {
            return info.writes_dual;
        }
        return slot == 36   ? info.writes_depth
               : slot == 37 ? info.writes_stencil
                            : info.writes_sample_mask;
    }

    std::shared_ptr<const Program> program_;
    unsigned width_;
};

} // namespace

std::shared_ptr<const Routine> make_routine(std::shared_ptr<const Program> program,
                                            unsigned width) {
    return std::make_shared<InterpRoutine>(std::move(program), width);
}

} // namespace kite::dev::exec::interp
