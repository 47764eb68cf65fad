// SPDX-License-Identifier: MIT
#include "device/exec/emitted.hpp"
#include "device/exec/jit/abi.hpp"

#include "device/exec/atomics.hpp"
#include "device/exec/attribute.hpp"
#include "device/exec/fiber.hpp"
#include "device/exec/interp/interp.hpp"
#include "device/exec/jit/texgen/dispatch.hpp"
#include "device/exec/memory.hpp"
#include "device/exec/system.hpp"

#include <algorithm>

namespace kite::dev::exec::jit {

namespace {

void alu(const hw::Inst* inst, const uint64_t* a, const uint64_t* b, const uint64_t* c, uint64_t* d,
         uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) {
        d[i] = interp::eval_alu(*inst, a[i], b[i], c[i]);
    }
}

void atomic(const hw::Inst* inst, AtomicLanes* lanes) {
    const auto op = hw::AtomSub::unpack(inst->sub).aop;
    for (uint32_t mask = lanes->mask; mask != 0; mask &= mask - 1) {
        const auto i = static_cast<unsigned>(std::countr_zero(mask));
        lanes->old[i] = atomic_rmw(reinterpret_cast<std::byte*>(lanes->address[i]), inst->ty, op,
                                   lanes->value[i], lanes->comparand[i]);
    }
}

uint32_t extended(hw::Type ty, uint64_t x) {
    switch (ty) {
    case hw::Type::i8:
        return static_cast<uint32_t>(static_cast<int32_t>(static_cast<int8_t>(x)));
    case hw::Type::i16:
        return static_cast<uint32_t>(static_cast<int32_t>(static_cast<int16_t>(x)));
    default:
        return static_cast<uint32_t>(x);
    }
}

void scratch(const hw::Inst* inst, std::byte* base, ScratchLanes* lanes) {
    const bool store = inst->op == hw::Op::st;
    const unsigned bytes = std::min(hw::type_bytes(inst->ty), 4u);
    const unsigned words = hw::type_bytes(inst->ty) / bytes;
    const unsigned rows = hw::LdSub::unpack(inst->sub).n_count() * words;
    for (unsigned k = 0; k < rows; ++k) {
        for (unsigned i = 0; i < lanes->width; ++i) {
            const bool on = ((lanes->mask >> i) & 1u) != 0;
            const Access access{base, lanes->offset[i], i, lanes->width, true};
            if (store && on) {
                access.write(k * bytes, bytes, lanes->data[k][i]);
            } else if (!store) {
                lanes->data[k][i] = on ? extended(inst->ty, access.read(k * bytes, bytes)) : 0;
            }
        }
    }
}

void attribute(const hw::Inst* inst, const DrawContext* draw, const VertexWave* wave,
               uint32_t* rows) {
    const AttributeSource& source = draw->attributes[inst->imm];
    for (unsigned i = 0; i < kMaxLanes; ++i) {
        std::array<uint32_t, 8> x{};
        if (i < wave->count) {
            fetch_attribute(source,
                            attribute_element(source, draw->base_instance, wave->vertex_index[i],
                                              wave->instance_index[i]),
                            inst->ty, x);
        }
        for (unsigned k = 0; k < 8; ++k) {
            rows[k * kMaxLanes + i] = x[k];
        }
    }
}

void emit(VertexWave* wave, uint32_t lanes, uint32_t stream) {
    wave->emitted->emit(wave->out, lanes, stream);
}

void cut(VertexWave* wave, uint32_t lanes, uint32_t stream) {
    wave->emitted->cut(lanes, stream);
}

void barrier(const WaveEnv* env) {
    if (env->fibers != nullptr) {
        env->fibers->yield();
    }
}

void texture(const hw::Inst* inst, const DrawContext* draw, tex::Lanes* lanes) {
    tex::execute(*inst, *draw, *lanes);
}

void texture_uniform(const WaveEnv* env, const hw::Inst* inst, tex::Lanes* lanes, uint64_t image_va,
                     uint64_t sampler_va, uint32_t cell) {
    env->cells[cell].execute(*env->textures, *inst, *env->draw, *lanes, image_va, sampler_va,
                             env->slots[cell % texgen::kSlots]);
}

constexpr Helpers kHelpers{alu,       atomic,  scratch,      texture, texture_uniform,
                           attribute, barrier, device_clock, emit,    cut};
alignas(64) constexpr std::byte kZeros[kZeroBytes]{};

} // namespace

bool has_texture_cell(const hw::Inst& inst) {
    const bool sampled = inst.op == hw::Op::tex || inst.op == hw::Op::txg;
    return (sampled || inst.op == hw::Op::txf) && inst.src0.file == hw::File::S &&
           (!sampled || inst.src1.file == hw::File::S);
}

size_t texture_cells(const Program& program) {
    return static_cast<size_t>(std::ranges::count_if(program.code, has_texture_cell));
}

const Helpers& helpers() {
    return kHelpers;
}
const std::byte* zeros() {
    return kZeros;
}

} // namespace kite::dev::exec::jit
