// SPDX-License-Identifier: MIT
#include "device/exec/jit/texgen/dispatch.hpp"

#include "kite_hw/limits.hpp"

#include <algorithm>
#include <cstring>
#include <immintrin.h>
#include <type_traits>

namespace kite::dev::exec::jit::texgen {

namespace {

constexpr uint32_t kMaxNodes = 16; // more states than this per instruction are looked up each time
constexpr uint64_t kMaxSlice = 0x7fffffff; // reach of a 32-bit index

constexpr unsigned kImageWords = hw::ImageDescriptor::kDwords;
constexpr unsigned kSamplerWords = hw::SamplerDescriptor::kDwords;

std::atomic<uint64_t> g_next_id{1};

// True if `n` (a multiple of 8) words in GPU memory are those of the copy. Routines need AVX2
// anyway.
[[gnu::target("avx2")]] bool same(const uint32_t* copy, const std::byte* memory, size_t n) {
    __m256i difference = _mm256_setzero_si256();
    for (size_t i = 0; i < n; i += 8) {
        const __m256i a = _mm256_load_si256(reinterpret_cast<const __m256i*>(copy + i));
        const __m256i b = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(memory + i * 4));
        difference = _mm256_or_si256(difference, _mm256_xor_si256(a, b));
    }
    return _mm256_testz_si256(difference, difference) != 0;
}

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

// Generated code relies on it.
static_assert(std::is_standard_layout_v<Cell>);

Cell::Cell() : id_(g_next_id.fetch_add(1, std::memory_order_relaxed)) {}

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

TexRoutine Cell::routine_for(Library& library, const hw::Inst& inst, bool fragment,
                             const uint32_t* image, const uint32_t* sampler) {
    const uint32_t mips = (image[5] & 0x00f00000u) != 0 ? 1 : 0;
    Node scratch{image[2], image[3], mips, sampler[0], 1, nullptr, nullptr};
    const Node* node = head_.load(std::memory_order_acquire);
    while (node != nullptr && (node->w2 != scratch.w2 || node->w3 != scratch.w3 ||
                               node->mips != mips || node->sampler != scratch.sampler)) {
        node = node->next;
    }
    if (node == nullptr) {
        node = &miss(library, inst, fragment, image, sampler, scratch);
    }
    return within_reach(image, node->bytes_per_texel) ? node->routine : nullptr;
}

void Cell::execute(Library& library, const hw::Inst& inst, const DrawContext& draw,
                   tex::Lanes& lanes, uint64_t image_va, uint64_t sampler_va, Slot& slot) {
    const std::byte* image = draw.window + (image_va & draw.va_mask);
    const std::byte* sampler = draw.window + (sampler_va & draw.va_mask);
    const bool sampled = inst.op != hw::Op::txf;
    Prepared& p = slot.prepared;
    const bool known = slot.cell == id_ && slot.window == draw.window &&
                       slot.va_mask == draw.va_mask && same(p.image, image, kImageWords) &&
                       (!sampled || same(p.sampler, sampler, kSamplerWords));
    if (!known) {
        slot.cell = 0;
        std::memcpy(p.image, image, sizeof(p.image));
        std::memset(p.sampler, 0, sizeof(p.sampler));
        if (sampled) {
            std::memcpy(p.sampler, sampler, sizeof(p.sampler));
        }
        slot.routine = routine_for(library, inst, lanes.fragment, p.image, p.sampler);
        if (slot.routine != nullptr) {
            prepare(p, draw.window, draw.va_mask);
        }
        slot.window = draw.window;
        slot.va_mask = draw.va_mask;
        slot.cell = id_;
    }
    slot.image_va = image_va;
    slot.sampler_va = sampler_va;
    slot.draw = slot.routine != nullptr ? draw.serial : 0;
    if (slot.routine == nullptr) {
        return use_reference(inst, draw, lanes, image_va, sampler_va);
    }
    slot.routine(&p, draw.window, draw.va_mask, &lanes, inst.imm);
}

} // namespace kite::dev::exec::jit::texgen
