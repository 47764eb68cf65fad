// SPDX-License-Identifier: MIT
#include "device/exec/jit/native_routine.hpp"

#include "device/exec/fiber.hpp"
#include "device/exec/jit/texgen/dispatch.hpp"
#include "device/exec/worker_memory.hpp"

#include "base/log.hpp"

#include <algorithm>

namespace kite::dev::exec::jit {

namespace {

// Compiled code lacks what UBSan puts before a function to know its type.
#ifdef __clang__
__attribute__((no_sanitize("function")))
#endif
void enter(Entry entry, const WaveEnv& env) {
    entry(&env);
}

class NativeRoutine final : public Routine {
public:
    NativeRoutine(std::shared_ptr<const Program> program, unsigned width,
                  std::unique_ptr<Code> code, texgen::Library& textures)
        : program_(std::move(program)), width_(width), code_(std::move(code)),
          entry_(code_->entry()), textures_(textures),
          cells_(std::make_unique<texgen::Cell[]>(texture_cells(*program_))) {}

    const Program& program() const override { return *program_; }

    void run_vertex(const DrawContext& draw, VertexWave& wave,
                    WorkerMemory& memory) const override {
        if (wave.count != 0) {
            const WaveEnv env = environment(draw, &wave, memory);
            enter(entry_, env);
        }
    }

    void run_control(const DrawContext& draw, std::span<VertexWave> waves,
                     WorkerMemory& memory) const override {
        if (!program_->info.uses_barrier || waves.size() == 1) {
            for (VertexWave& wave : waves) {
                run_vertex(draw, wave, memory);
            }
            return;
        }
        const size_t scratch = scratch_bytes(program_->info, width_);
        Job job{this, base_environment(draw, memory), scratch, waves.data()};
        WaveEnv& env = job.first;
        env.shared = stage_memory(memory);
        env.scratch = scratch != 0 ? memory.impl->scratch.zeroed(scratch * waves.size()) : nullptr;
        run_together(job, static_cast<uint32_t>(waves.size()), memory);
    }

    void run_fragment(const DrawContext& draw, FragmentWave& wave,
                      WorkerMemory& memory) const override {
        if (wave.exec != 0) {
            const WaveEnv env = environment(draw, &wave, memory);
            enter(entry_, env);
        }
    }

    void run_workgroup(const DrawContext& draw, const std::array<uint32_t, 3>& group,
                       WorkerMemory& memory) const override {
        const ProgramInfo& info = program_->info;
        const uint32_t waves = wave_count(info, width_);
        const size_t scratch = scratch_bytes(info, width_);
        const bool together = info.uses_barrier && waves > 1;
        Job job{this, {}, scratch, nullptr};
        WaveEnv& env = job.first;
        env = base_environment(draw, memory);
        env.shared =
            info.shared_bytes != 0 ? memory.impl->shared.zeroed(info.shared_bytes) : nullptr;
        std::copy(group.begin(), group.end(), env.group);
        env.subgroup_count = waves;
        if (together) {
            env.scratch = scratch != 0 ? memory.impl->scratch.zeroed(scratch * waves) : nullptr;
            run_together(job, waves, memory);
            return;
        }
        for (uint32_t i = 0; i < waves; ++i) {
            if (scratch != 0) {
                env.scratch = memory.impl->scratch.zeroed(scratch);
            }
            env.subgroup = i;
            env.exec = wave_lanes(info, width_, i);
            enter(entry_, env);
        }
    }

private:
    struct Job {
        const NativeRoutine* routine;
        WaveEnv first;
        size_t scratch;
        VertexWave* control; // tess_control: the waves, else null
    };

    // All waves at once, each on a fiber, so that they can wait for each other.
    static void run_together(Job& job, uint32_t waves, WorkerMemory& memory) {
        auto& fibers = memory.impl->fibers;
        if (fibers == nullptr) {
            fibers = std::make_unique<FiberPool>();
        }
        job.first.fibers = fibers.get();
        if (!fibers->run(waves, run_wave, &job)) {
            KITE_LOG(error, "no memory for the stacks of {} waves; workgroup skipped", waves);
        }
    }

    static void run_wave(void* argument, uint32_t index) {
        const Job& job = *static_cast<const Job*>(argument);
        WaveEnv env = job.first;
        env.subgroup = index;
        if (job.control != nullptr) {
            env.wave = job.control + index;
        } else {
            env.exec = wave_lanes(job.routine->program_->info, job.routine->width_, index);
        }
        if (env.scratch != nullptr) {
            env.scratch += job.scratch * index;
        }
        enter(job.routine->entry_, env);
    }

    WaveEnv base_environment(const DrawContext& draw, WorkerMemory& memory) const {
        WaveEnv env;
        env.draw = &draw;
        env.code = program_->code.data();
        env.helpers = &helpers();
        env.zeros = zeros();
        env.textures = &textures_;
        env.cells = cells_.get();
        env.slots = reinterpret_cast<texgen::Slot*>(
            memory.impl->textures.kept(texgen::kSlots * sizeof(texgen::Slot)));
        return env;
    }

    WaveEnv environment(const DrawContext& draw, void* wave, WorkerMemory& memory) const {
        WaveEnv env = base_environment(draw, memory);
        env.wave = wave;
        if (reads_records(program_->info.stage)) {
            env.shared = stage_memory(memory);
        }
        if (program_->info.scratch_bytes != 0) {
            env.scratch = memory.impl->scratch.zeroed(scratch_bytes(program_->info, width_));
        }
        return env;
    }

    std::shared_ptr<const Program> program_;
    unsigned width_;
    std::unique_ptr<Code> code_;
    Entry entry_;
    texgen::Library& textures_;
    std::unique_ptr<texgen::Cell[]> cells_;
};

} // namespace

std::shared_ptr<const Routine> make_native_routine(std::shared_ptr<const Program> program,
                                                   unsigned width, std::unique_ptr<Code> code,
                                                   texgen::Library& textures) {
    return std::make_shared<NativeRoutine>(std::move(program), width, std::move(code), textures);
}

} // namespace kite::dev::exec::jit
