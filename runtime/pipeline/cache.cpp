// SPDX-License-Identifier: MIT
#include "runtime/pipeline/cache.hpp"

#include "base/hash.hpp"

#include <cstring>
#include <type_traits>

namespace kite::rt {
namespace {

static_assert(std::is_trivially_copyable_v<cc::ProgramFacts>);

constexpr uint32_t kHeaderBytes = 32;
constexpr uint32_t kRecordMagic = 0x4352504b;

struct Record {
    uint32_t magic;
    uint32_t binary_bytes;
    uint64_t key[2];
    uint64_t checksum; ///< of everything after this member, and the binary
    uint64_t hash;
    cc::ProgramFacts facts;
};

void header(const PhysicalDevice& p, std::byte* out) {
    VkPipelineCacheHeaderVersionOne h{};
    h.headerSize = kHeaderBytes;
    h.headerVersion = VK_PIPELINE_CACHE_HEADER_VERSION_ONE;
    h.vendorID = p.facts.vendor_id;
    h.deviceID = p.facts.device_id;
    std::memcpy(h.pipelineCacheUUID, p.cache_uuid, VK_UUID_SIZE);
    static_assert(sizeof(h) == kHeaderBytes);
    std::memcpy(out, &h, sizeof(h));
}

/// Hash of a record's bytes (its checksum member taken as 0) and its binary. Works on bytes, since
/// structures have padding.
uint64_t checksum(const std::byte* record, std::span<const std::byte> binary) {
    std::byte copy[sizeof(Record)];
    std::memcpy(copy, record, sizeof(copy));
    std::memset(copy + offsetof(Record, checksum), 0, sizeof(uint64_t));
    return base::hash64(binary, base::hash64(std::span<const std::byte>(copy)));
}

size_t record_bytes(const CachedProgram& p) {
    return sizeof(Record) + (p.binary.size() + 7) / 8 * 8;
}

} // namespace

std::shared_ptr<const CachedProgram> PipelineCache::find_entry(const CacheKey& key) {
    std::lock_guard lock(mutex);
    auto it = entries.find(key);
    return it == entries.end() ? nullptr : it->second;
}

void PipelineCache::add(const CacheKey& key, std::shared_ptr<const CachedProgram> program) {
    std::lock_guard lock(mutex);
    entries.emplace(key, std::move(program));
}

void PipelineCache::load(const PhysicalDevice& p, std::span<const std::byte> data) {
    std::byte expect[kHeaderBytes];
    header(p, expect);
    if (data.size() < kHeaderBytes || std::memcmp(data.data(), expect, kHeaderBytes) != 0)
        return;
    data = data.subspan(kHeaderBytes);
    while (data.size() >= sizeof(Record)) {
        Record r;
        const std::byte* raw = data.data();
        std::memcpy(static_cast<void*>(&r), raw, sizeof(r));
        data = data.subspan(sizeof(r));
        size_t padded = (size_t{r.binary_bytes} + 7) / 8 * 8;
        if (r.magic != kRecordMagic || padded > data.size())
            return;
        auto binary = data.first(r.binary_bytes);
        if (checksum(raw, binary) == r.checksum) {
            auto c = std::make_shared<CachedProgram>();
            c->binary.assign(binary.begin(), binary.end());
            c->facts = r.facts;
            c->hash = r.hash;
            add({r.key[0], r.key[1]}, std::move(c));
        }
        data = data.subspan(padded);
    }
}

size_t PipelineCache::stored_size() {
    std::lock_guard lock(mutex);
    size_t n = kHeaderBytes;
    for (const auto& [k, v] : entries)
        n += record_bytes(*v);
    return n;
}

size_t PipelineCache::store(const PhysicalDevice& p, std::span<std::byte> out, bool* complete) {
    std::lock_guard lock(mutex);
    *complete = false;
    if (out.size() < kHeaderBytes)
        return 0;
    header(p, out.data());
    size_t at = kHeaderBytes;
    for (const auto& [key, v] : entries) {
        size_t n = record_bytes(*v);
        if (n > out.size() - at)
            return at;
        Record r;
        std::memset(static_cast<void*>(&r), 0, sizeof(r));
        r.magic = kRecordMagic;
        r.binary_bytes = static_cast<uint32_t>(v->binary.size());
        r.key[0] = key[0];
        r.key[1] = key[1];
        r.hash = v->hash;
        r.facts = v->facts;
        std::memset(out.data() + at, 0, n);
        std::memcpy(out.data() + at, &r, sizeof(r));
        uint64_t sum = checksum(out.data() + at, v->binary);
        std::memcpy(out.data() + at + offsetof(Record, checksum), &sum, sizeof(sum));
        std::memcpy(out.data() + at + sizeof(r), v->binary.data(), v->binary.size());
        at += n;
    }
    *complete = true;
    return at;
}

namespace vk {

VkResult CreatePipelineCache(VkDevice device, const VkPipelineCacheCreateInfo* info,
                             const VkAllocationCallbacks* callbacks, VkPipelineCache* out) {
    auto* d = Device::from(device);
    auto* c = d->make<PipelineCache>(callbacks);
    if (!c)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    if (info->initialDataSize && info->pInitialData)
        c->load(*d->physical,
                {static_cast<const std::byte*>(info->pInitialData), info->initialDataSize});
    *out = c->handle();
    return VK_SUCCESS;
}

void DestroyPipelineCache(VkDevice device, VkPipelineCache cache,
                          const VkAllocationCallbacks* callbacks) {
    Device::from(device)->drop(callbacks, PipelineCache::from(cache));
}

VkResult GetPipelineCacheData(VkDevice device, VkPipelineCache cache, size_t* size, void* data) {
    auto* d = Device::from(device);
    auto* c = PipelineCache::from(cache);
    if (!data) {
        *size = c->stored_size();
        return VK_SUCCESS;
    }
    bool complete = false;
    *size = c->store(*d->physical, {static_cast<std::byte*>(data), *size}, &complete);
    return complete ? VK_SUCCESS : VK_INCOMPLETE;
}

VkResult MergePipelineCaches(VkDevice, VkPipelineCache dst, uint32_t count,
                             const VkPipelineCache* srcs) {
    auto* to = PipelineCache::from(dst);
    for (uint32_t i = 0; i < count; ++i) {
        auto* from = PipelineCache::from(srcs[i]);
        if (from == to)
            continue;
        std::scoped_lock lock(from->mutex, to->mutex);
        to->entries.insert(from->entries.begin(), from->entries.end());
    }
    return VK_SUCCESS;
}

} // namespace vk
} // namespace kite::rt
