// SPDX-License-Identifier: MIT
// Transform feedback: which output scalars the module wants captured, and where.
#include "kite_hw/limits.hpp"
#include "kite_hw/packets.hpp"
#include "shader-compiler/spirv/translator.hpp"

#include <algorithm>

namespace kite::cc::spirv {

/// Decorations as they are inherited, and where the next scalar goes.
struct Translator::CapturePlace {
    std::optional<uint32_t> buffer, stride, offset;
    uint32_t stream = 0;

    void take(const Decor& d) {
        buffer = d.xfb_buffer ? d.xfb_buffer : buffer;
        stride = d.xfb_stride ? d.xfb_stride : stride;
        offset = d.offset ? d.offset : offset;
        stream = d.stream.value_or(stream);
    }
};

/// The vertex stream that an output variable belongs to.
uint32_t Translator::stream_of(const Variable& v) {
    const Type* t = &m_.type(v.type);
    uint32_t id = v.type;
    if (t->kind == Kind::array) {
        id = t->element;
        t = &m_.type(id);
    }
    const uint32_t own = m_.decor(v.id).stream.value_or(0);
    const bool block = t->kind == Kind::structure && !t->members.empty();
    return block ? m_.member_decor(id, 0).stream.value_or(own) : own;
}

void Translator::capture_outputs() {
    if (!m_.modes.contains(static_cast<uint32_t>(spv::ExecutionMode::Xfb))) {
        return;
    }
    for (const Variable* v : ordered_variables_) {
        if (v->storage != spv::StorageClass::Output || v->home == Home::record) {
            continue;
        }
        CapturePlace place;
        place.take(m_.decor(v->id));
        uint32_t leaf = 0;
        const Type& t = m_.type(v->type);
        const bool blocks =
            t.kind == Kind::array && m_.type(t.element).kind == Kind::structure && !place.offset;
        if (!blocks) {
            capture_leaves(*v, v->type, place, leaf);
            continue;
        }
        for (uint32_t k = 0; k < t.count; ++k) { // block after block into buffer after buffer
            CapturePlace one = place;
            if (one.buffer) {
                *one.buffer += k;
            }
            capture_leaves(*v, t.element, one, leaf);
        }
    }
}

void Translator::capture_leaves(const Variable& v, uint32_t type_id, CapturePlace& place,
                                uint32_t& leaf) {
    const Type& t = m_.type(type_id);
    switch (t.kind) {
    case Kind::matrix:
    case Kind::array:
        for (uint32_t k = 0; k < t.count; ++k) {
            capture_leaves(v, t.element, place, leaf);
        }
        return;
    case Kind::structure:
        for (uint32_t k = 0; k < t.members.size(); ++k) {
            CapturePlace member = place;
            member.take(m_.member_decor(type_id, k));
            capture_leaves(v, t.members[k], member, leaf);
            if (place.offset) { // members without an offset of their own follow each other
                place.offset = member.offset;
            }
        }
        return;
    default:
        break;
    }
    const uint32_t count = t.kind == Kind::vector ? t.count : 1;
    for (uint32_t k = 0; k < count; ++k, ++leaf) {
        if (place.buffer && place.offset) {
            capture_scalar(v.io.at(leaf), place);
        }
    }
}

void Translator::capture_scalar(const IoLeaf& leaf, CapturePlace& place) {
    const bool wide = leaf.base == Base::bits64;
    if (leaf.base != Base::bits32 && !wide) {
        unsupported("transform feedback of types that are not 32 or 64 bits wide");
    }
    const uint32_t bytes = wide ? 8 : 4;
    *place.offset = (*place.offset + bytes - 1) / bytes * bytes;
    const uint32_t slot = output_slot(leaf);
    const uint32_t stride = place.stride.value_or(0);
    if (*place.buffer >= hw::limits::kMaxCaptureBuffers ||
        place.stream >= hw::limits::kMaxStreams || stride > hw::limits::kMaxCaptureStride ||
        stride % 4 != 0 || *place.offset > stride || *place.offset + bytes > stride) {
        unsupported("transform feedback to byte " + std::to_string(*place.offset) + " of " +
                    std::to_string(stride) + " in buffer " + std::to_string(*place.buffer) +
                    " from stream " + std::to_string(place.stream));
    }
    facts_.capture_strides[*place.buffer] = stride;
    for (uint32_t word = 0; word < bytes / 4; ++word) {
        if (facts_.captured_count == facts_.captured.size()) {
            unsupported("transform feedback of more than " +
                        std::to_string(facts_.captured.size()) + " scalars");
        }
        const hw::CapturedWord captured{.slot = slot + word,
                                        .buffer = *place.buffer,
                                        .stream = place.stream,
                                        .offset = *place.offset + word * 4};
        captured.pack(&facts_.captured[facts_.captured_count++]);
    }
    *place.offset += bytes;
}

} // namespace kite::cc::spirv
