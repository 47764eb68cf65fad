// SPDX-License-Identifier: MIT
#include "base/arena.hpp"

#include <algorithm>
#include <cstring>

namespace kite::base {

void* Arena::allocate(size_t size_bytes, size_t alignment) {
    const auto gap = [this, alignment] {
        return static_cast<size_t>(-reinterpret_cast<uintptr_t>(at_)) & (alignment - 1);
    };
    if (at_ == nullptr || left_ < gap() || left_ - gap() < size_bytes) {
        const size_t need = size_bytes + alignment;
        if (need < size_bytes) {
            throw std::bad_alloc();
        }
        Chunk chunk;
        chunk.size = std::max(chunk_bytes_, need);
        chunk.data = std::make_unique_for_overwrite<std::byte[]>(chunk.size);
        at_ = chunk.data.get();
        left_ = chunk.size;
        chunks_.push_back(std::move(chunk));
    }
    const size_t skip = gap();
    void* result = at_ + skip;
    at_ += skip + size_bytes;
    left_ -= skip + size_bytes;
    used_ += skip + size_bytes;
    return result;
}

std::string_view Arena::copy(std::string_view text) {
    if (text.empty()) {
        return {};
    }
    char* data = static_cast<char*>(allocate(text.size(), 1));
    std::memcpy(data, text.data(), text.size());
    return {data, text.size()};
}

void Arena::reset() {
    used_ = 0;
    if (chunks_.empty()) {
        return;
    }
    const auto largest = std::ranges::max_element(chunks_, {}, &Chunk::size);
    std::swap(chunks_.front(), *largest);
    chunks_.resize(1);
    at_ = chunks_.front().data.get();
    left_ = chunks_.front().size;
}

} // namespace kite::base
