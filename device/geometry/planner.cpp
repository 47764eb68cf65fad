// SPDX-License-Identifier: MIT
#include "device/geometry/batch.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

namespace kite::dev::geometry {

namespace {

constexpr uint32_t kScanBound = 1u << 16; // indices scanned for restarts in one call

uint32_t restart_index(uint32_t index_size) {
    return index_size == 4 ? std::numeric_limits<uint32_t>::max() : (1u << (index_size * 8)) - 1;
}

} // namespace

uint32_t VertexInput::index(uint64_t element) const {
    const uint64_t offset = (first + element) * index_size;
    if (offset + index_size > index_bytes) {
        return 0;
    }
    uint32_t value = 0;
    std::memcpy(&value, indices + offset, index_size);
    return value;
}

PrimitiveClass primitive_class(hw::Topology topology) {
    switch (topology) {
    case hw::Topology::point_list:
        return PrimitiveClass::point;
    case hw::Topology::line_list:
    case hw::Topology::line_strip:
    case hw::Topology::line_list_adjacency:
    case hw::Topology::line_strip_adjacency:
        return PrimitiveClass::line;
    default:
        return PrimitiveClass::triangle;
    }
}

uint32_t primitive_vertices(hw::Topology topology, uint32_t patch_vertices) {
    switch (topology) {
    case hw::Topology::point_list:
        return 1;
    case hw::Topology::line_list:
    case hw::Topology::line_strip:
        return 2;
    case hw::Topology::line_list_adjacency:
    case hw::Topology::line_strip_adjacency:
        return 4;
    case hw::Topology::triangle_list_adjacency:
    case hw::Topology::triangle_strip_adjacency:
        return 6;
    case hw::Topology::patch_list:
        return patch_vertices;
    default:
        return 3;
    }
}

uint32_t primitive_count(hw::Topology topology, uint32_t elements, uint32_t patch_vertices) {
    const auto strip = [elements](uint32_t extra) {
        return elements > extra ? elements - extra : 0;
    };
    switch (topology) {
    case hw::Topology::point_list:
        return elements;
    case hw::Topology::line_list:
        return elements / 2;
    case hw::Topology::line_strip:
        return strip(1);
    case hw::Topology::triangle_list:
        return elements / 3;
    case hw::Topology::triangle_strip:
    case hw::Topology::triangle_fan:
        return strip(2);
    case hw::Topology::line_list_adjacency:
        return elements / 4;
    case hw::Topology::line_strip_adjacency:
        return strip(3);
    case hw::Topology::triangle_list_adjacency:
        return elements / 6;
    case hw::Topology::triangle_strip_adjacency:
        return strip(4) / 2;
    case hw::Topology::patch_list:
        return patch_vertices == 0 ? 0 : elements / patch_vertices;
    }
    return 0;
}

BatchPlanner::BatchPlanner(const VertexInput& input)
    : input_(&input), views_left_(input.view_mask == 0 ? 1u : input.view_mask) {
    done_ = input.count == 0 || input.instance_count == 0;
    if (!done_ && !(input.restart && input.indexed)) {
        const uint32_t primitives =
            primitive_count(input.topology, input.count, input.patch_vertices);
        done_ = primitives == 0;
        step_ = done_ ? 1 : std::max(1u, input.batch_primitives / primitives);
    }
}

bool BatchPlanner::next_instance() {
    const uint32_t left = input_->instance_count - instance_;
    instance_ += std::min(step_, left);
    scan_ = 0;
    primitive_id_ = 0;
    if (instance_ < input_->instance_count) {
        return true;
    }
    instance_ = 0;
    views_left_ &= views_left_ - 1;
    return views_left_ != 0;
}

bool BatchPlanner::next_segment(uint32_t& budget) {
    const uint32_t count = input_->count;
    primitive_ = 0;
    if (!input_->restart || !input_->indexed) {
        segment_first_ = scan_;
        scan_ = count;
        segment_primitives_ =
            primitive_count(input_->topology, count - segment_first_, input_->patch_vertices);
        return true;
    }
    const uint32_t cut = restart_index(input_->index_size);
    // Elements past the buffer's end read as 0, which is no restart.
    const uint64_t readable = input_->index_bytes / input_->index_size;
    const uint64_t end =
        std::min<uint64_t>(count, readable > input_->first ? readable - input_->first : 0);
    if (!scanning_) {
        segment_first_ = scan_;
        scanning_ = true;
    }
    uint32_t element = scan_;
    while (element < end && input_->index(element) != cut) {
        ++element;
        if (--budget == 0) {
            scan_ = element;
            return false;
        }
    }
    scanning_ = false;
    element = element < end ? element : count;
    segment_primitives_ =
        primitive_count(input_->topology, element - segment_first_, input_->patch_vertices);
    scan_ = element < count ? element + 1 : count;
    return true;
}

bool BatchPlanner::next(BatchDesc& batch) {
    batch = {};
    if (done_) {
        return false;
    }
    uint32_t budget = kScanBound;
    while (primitive_ >= segment_primitives_) {
        primitive_id_ += segment_primitives_;
        segment_primitives_ = 0;
        primitive_ = 0;
        if (!scanning_ && scan_ >= input_->count && !next_instance()) {
            done_ = true;
            return false;
        }
        if (!next_segment(budget) || --budget == 0) {
            budget = 1;
            if (segment_primitives_ == 0) {
                return true;
            }
        }
    }
    batch.view = static_cast<uint32_t>(std::countr_zero(views_left_));
    if (input_->view_mask == 0) {
        batch.view = 0;
    }
    batch.instance = instance_;
    batch.instance_count = std::min(step_, input_->instance_count - instance_);
    batch.segment_first = segment_first_;
    batch.first_primitive = primitive_;
    batch.primitive_count = std::min(input_->batch_primitives, segment_primitives_ - primitive_);
    batch.primitive_id = primitive_id_ + primitive_;
    primitive_ += batch.primitive_count;
    batch.ends_run = primitive_ == segment_primitives_;
    return true;
}

} // namespace kite::dev::geometry
