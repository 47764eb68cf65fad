// SPDX-License-Identifier: MIT
#include "device/exec/jit/texgen/dispatch.hpp"

#include "kite_hw/limits.hpp"

#include <algorithm>
#include <cstring>

namespace kite::dev::exec::jit::texgen {

namespace {

constexpr uint32_t kMaxNodes = 16; // more states than this per instruction are looked up each time
constexpr uint64_t kMaxSlice = 0x7fffffff; // reach of a 32-bit index

constexpr unsigned kImageWords = hw::ImageDescriptor::kDwords;
constexpr unsigned kSamplerWords = hw::SamplerDescriptor::kDwords;

struct Words {
    alignas(64) uint32_t image[kImageWords];
    alignas(32) uint32_t sampler[kSamplerWords];
};

// The facts routines rely on that are not part of the key.
bool within_reach(const uint32_t* image, uint32_t bytes) {
    const uint32_t w5 = image[5];
    const uint32_t base_level = (w5 >> 16) & 15, last = (w5 >> 20) & 15, levels = (w5 >> 24) & 15;
    if (base_level + last > levels || levels >= hw::limits::kMaxImageLevels) {
        return false;
    }
    const uint32_t layout = (image[2] >> 14) & 3, dim = (image[2] >> 10) & 7;
    if (dim == static_cast<uint32_t>(hw::ViewDim::buffer)) {
        return uint64_t{image[9]} * bytes <= kMaxSlice;
    }
    const uint64_t width = (image[4] & 0xffffu) + 1, height = (image[4] >> 16) + 1;
    if (layout == static_cast<uint32_t>(hw::ImageLayout::tiled)) {
        const uint32_t log2_samples = (image[2] >> 16) & 7;
        const uint64_t texels = ((width + 3) & ~uint64_t{3}) * ((height + 3) & ~uint64_t{3});
        return (texels << log2_samples) * bytes <= kMaxSlice;
    }
    const uint64_t pitch = std::max<uint64_t>(image[7], (width * bytes + 63) & ~uint64_t{63});
    return height * pitch <= kMaxSlice && width * bytes <= kMaxSlice;
}

void use_reference(const hw::Inst& inst, const DrawContext& draw, tex::Lanes& lanes,
                   uint64_t image_va, uint64_t sampler_va) {
    std::fill_n(lanes.image_va, kMaxLanes, image_va);
    std::fill_n(lanes.sampler_va, kMaxLanes, sampler_va);
    tex::execute(inst, draw, lanes);
}

} // namespace

Cell::~Cell() {
    const Node* n = head_.load(std::memory_order_relaxed);
    while (n != nullptr) {
        const Node* next = n->next;
        delete n;
        n = next;
    }
}

const Cell::Node& Cell::miss(Library& library, const hw::Inst& inst, bool fragment,
                             const uint32_t* image, const uint32_t* sampler, Node& scratch) {
    const auto key = make_key(inst, fragment, library.width(), image, sampler);
    scratch.bytes_per_texel = key ? hw::format_info(key->format)->bytes_per_block : 1;
    scratch.routine = key ? library.find(*key) : nullptr;
    if (count_.fetch_add(1, std::memory_order_relaxed) >= kMaxNodes) {
        count_.fetch_sub(1, std::memory_order_relaxed);
        return scratch;
    }
    // Two threads may add the same state; the second node is harmless.
    auto* node = new Node(scratch);
    const Node* head = head_.load(std::memory_order_relaxed);
    do {
        node->next = head;
    } while (!head_.compare_exchange_weak(head, node, std::memory_order_release,
                                          std::memory_order_relaxed));
    return *node;
}

void Cell::execute(Library& library, const hw::Inst& inst, const DrawContext& draw,
                   tex::Lanes& lanes, uint64_t image_va, uint64_t sampler_va) {
    Words words;
    std::memcpy(words.image, draw.window + (image_va & draw.va_mask), sizeof(words.image));
    if (inst.op != hw::Op::txf) {
        std::memcpy(words.sampler, draw.window + (sampler_va & draw.va_mask),
                    sizeof(words.sampler));
    } else {
        words.sampler[0] = 0;
    }
    const uint32_t mips = (words.image[5] & 0x00f00000u) != 0 ? 1 : 0;
    Node scratch{words.image[2], words.image[3], mips, words.sampler[0], 1, nullptr, nullptr};
    const Node* node = head_.load(std::memory_order_acquire);
    while (node != nullptr && (node->w2 != scratch.w2 || node->w3 != scratch.w3 ||
                               node->mips != mips || node->sampler != scratch.sampler)) {
        node = node->next;
    }
    if (node == nullptr) {
        node = &miss(library, inst, lanes.fragment, words.image, words.sampler, scratch);
    }
    if (node->routine == nullptr || !within_reach(words.image, node->bytes_per_texel)) {
        return use_reference(inst, draw, lanes, image_va, sampler_va);
    }
    node->routine(words.image, words.sampler, draw.window, draw.va_mask, &lanes, inst.imm);
}

} // namespace kite::dev::exec::jit::texgen
