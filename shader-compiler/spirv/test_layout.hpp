// SPDX-License-Identifier: MIT
// For tests and fuzzing: a pipeline layout that fits a module, guessed from its declarations, and
// the stage of its first entry point. Accepts any words. Values only; cannot fail (an unreadable
// module gives an empty layout).
#pragma once

#include "kite_cc/compiler.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace kite::cc::spirv {

/// A layout and the options that point into it.
struct GuessedLayout {
    std::vector<Binding> bindings; ///< one per decorated variable, 512 bytes apart
    hw::Stage stage{};             ///< of the first entry point
};

/// Reads the declarations.
[[nodiscard]] inline GuessedLayout guess_layout(std::span<const uint32_t> words) {
    constexpr uint32_t kEntryPoint = 15, kImage = 25, kSampler = 26, kSampledImage = 27,
                       kArray = 28, kRuntimeArray = 29, kPointer = 32, kVariable = 59,
                       kDecorate = 71;
    struct Id {
        uint32_t op = 0, element = 0, sampled = 0, binding = 0, set = 0;
        bool bound = false, buffer_block = false;
    };
    GuessedLayout out;
    if (words.size() < 5 || words[3] > (1u << 20)) {
        return out;
    }
    std::vector<Id> ids(words[3] + 1);
    const auto id = [&](uint32_t n) -> Id& { return ids[n < ids.size() ? n : 0]; };
    bool staged = false;
    for (size_t i = 5; i < words.size();) {
        const size_t n = words[i] >> 16;
        const uint32_t op = words[i] & 0xffffu;
        if (n == 0 || i + n > words.size()) {
            break;
        }
        const auto w = words.subspan(i, n);
        if (op == kEntryPoint && n > 1 && !staged) {
            staged = true;
            out.stage = w[1] == 0   ? hw::Stage::vertex
                        : w[1] == 4 ? hw::Stage::fragment
                                    : hw::Stage::compute;
        } else if (op == kDecorate && n > 3 && w[2] == 33) {
            id(w[1]).binding = w[3];
            id(w[1]).bound = true;
        } else if (op == kDecorate && n > 3 && w[2] == 34) {
            id(w[1]).set = w[3];
        } else if (op == kDecorate && n > 2 && w[2] == 3) {
            id(w[1]).buffer_block = true;
        } else if (op >= 19 && op <= 33 && n > 1) {
            id(w[1]).op = op;
            id(w[1]).element = op == kPointer && n > 3 ? w[3] : n > 2 ? w[2] : 0;
            id(w[1]).sampled = op == kImage && n > 7 ? w[7] : 0;
        } else if (op == kVariable && n > 3 && id(w[2]).bound) {
            uint32_t t = id(w[1]).element;
            Binding b{.set = id(w[2]).set, .binding = id(w[2]).binding, .stride = 256};
            for (int depth = 0; depth < 8 && (id(t).op == kArray || id(t).op == kRuntimeArray);
                 ++depth) {
                t = id(t).element;
                b.count = 4;
            }
            b.offset = (b.binding & 0xffu) * 512;
            b.kind = id(t).op == kSampledImage ? DescriptorKind::combined_image_sampler
                     : id(t).op == kSampler    ? DescriptorKind::sampler
                     : id(t).op == kImage      ? (id(t).sampled == 2 ? DescriptorKind::storage_image
                                                                     : DescriptorKind::sampled_image)
                     : w[3] == 12 || id(t).buffer_block ? DescriptorKind::storage_buffer
                                                        : DescriptorKind::uniform_buffer;
            out.bindings.push_back(b);
        }
        i += n;
    }
    return out;
}

} // namespace kite::cc::spirv
