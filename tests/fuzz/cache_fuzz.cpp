// SPDX-License-Identifier: MIT
// Fuzzes what Kite reads from caches: pipeline cache data that an application hands in, and files
// of the on-disk code cache. With clang this is a libFuzzer target; otherwise main() replays the
// folders it is given (tests/fuzz/corpus/cache).
//
// The first byte of an input chooses: 0 pipeline cache data behind a right header, 1 right data
// with bytes of the input written over it, 2 a whole code cache file, 3 a right one with bytes
// written over it. What is loaded must be what was stored, or nothing.
#include "device/exec/executor.hpp"
#include "device/exec/jit/disk_cache.hpp"
#include "runtime/pipeline/cache.hpp"
#include "tests/fuzz/replay_folders.hpp"

#include "base/log.hpp"

#include <cstdlib>
#include <cstring>
#include <string>

namespace {

using namespace kite;
using Bytes = std::span<const std::byte>;

void require(bool ok, const char* what) {
    if (!ok) {
        std::fprintf(stderr, "%s\n", what);
        std::abort();
    }
}

std::vector<std::byte> pattern(size_t size, unsigned seed) {
    std::vector<std::byte> out(size);
    for (size_t i = 0; i < size; ++i) {
        out[i] = static_cast<std::byte>(i * 7 + seed * 31 + i / 64);
    }
    return out;
}

// Input: pairs of a 16-bit place and a byte to put there.
void overwrite(std::vector<std::byte>& data, Bytes patches) {
    for (; patches.size() >= 3 && !data.empty(); patches = patches.subspan(3)) {
        uint16_t at = 0;
        std::memcpy(&at, patches.data(), sizeof(at));
        data[at % data.size()] = patches[2];
    }
}

class PipelineCaches {
public:
    PipelineCaches() {
        for (unsigned i = 0; i < 3; ++i) {
            auto program = std::make_shared<rt::CachedProgram>();
            program->binary = pattern(40 + 33 * i, i);
            program->hash = i;
            original_.add({i, i + 10}, std::move(program));
        }
        stored_.resize(original_.stored_size());
        bool complete = false;
        require(original_.store(physical_, stored_, &complete) == stored_.size() && complete,
                "storing a pipeline cache");
    }

    void raw(Bytes input) {
        constexpr size_t kHeader = 32;
        std::vector<std::byte> data(stored_.begin(), stored_.begin() + kHeader);
        data.insert(data.end(), input.begin(), input.end());
        rt::PipelineCache cache;
        cache.load(physical_, data);
        // What came through is judged by the device before it runs.
        for (const auto& [key, program] : cache.entries) {
            (void)dev::exec::load_program(program->binary);
        }
        std::vector<std::byte> again(cache.stored_size());
        bool complete = false;
        require(cache.store(physical_, again, &complete) == again.size() && complete,
                "storing a loaded cache");
    }

    void patched(Bytes input) {
        std::vector<std::byte> data = stored_;
        overwrite(data, input);
        rt::PipelineCache cache;
        cache.load(physical_, data);
        for (const auto& [key, program] : cache.entries) {
            const auto known = original_.find_entry(key);
            require(known != nullptr && known->binary == program->binary &&
                        known->hash == program->hash,
                    "a damaged pipeline cache record was believed");
        }
    }

private:
    rt::PhysicalDevice physical_;
    rt::PipelineCache original_;
    std::vector<std::byte> stored_;
};

class CodeCache {
public:
    CodeCache() {
        char name[] = "/tmp/kite-cache-fuzz-XXXXXX";
        require(mkdtemp(name) != nullptr, "temporary folder");
        folder_ = name;
        cache_ = dev::exec::jit::DiskCache::open(folder_, "generator");
        require(cache_ != nullptr, "opening the cache");
        cache_->store(source_, object_);
        for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
            file_ = entry.path();
        }
        std::ifstream in(file_, std::ios::binary);
        const std::vector<char> bytes((std::istreambuf_iterator<char>(in)), {});
        const auto view = std::as_bytes(std::span(bytes));
        stored_.assign(view.begin(), view.end());
        require(cache_->load(source_) == object_, "loading what was stored");
    }
    ~CodeCache() { std::filesystem::remove_all(folder_); }
    CodeCache(const CodeCache&) = delete;
    CodeCache& operator=(const CodeCache&) = delete;

    void raw(Bytes input) {
        {
            std::ofstream out(file_, std::ios::binary | std::ios::trunc);
            out.write(reinterpret_cast<const char*>(input.data()),
                      static_cast<std::streamsize>(input.size()));
        }
        const auto object = cache_->load(source_);
        require(object.empty() || object == object_, "a damaged code cache file was believed");
    }

    void patched(Bytes input) {
        std::vector<std::byte> data = stored_;
        overwrite(data, input);
        raw(data);
    }

private:
    std::string folder_;
    std::filesystem::path file_;
    std::unique_ptr<dev::exec::jit::DiskCache> cache_;
    const std::vector<std::byte> source_ = pattern(80, 1), object_ = pattern(500, 2);
    std::vector<std::byte> stored_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    base::set_log_level(base::LogLevel::none);
    static PipelineCaches pipelines;
    static CodeCache code;
    if (size == 0) {
        return 0;
    }
    const auto rest = std::as_bytes(std::span(data, size)).subspan(1);
    switch (data[0] % 4) {
    case 0:
        pipelines.raw(rest);
        break;
    case 1:
        pipelines.patched(rest);
        break;
    case 2:
        code.raw(rest);
        break;
    default:
        code.patched(rest);
        break;
    }
    return 0;
}

#ifndef KITE_LIBFUZZER
int main(int argc, char** argv) {
    return kite::fuzz::replay_folders(argc, argv, LLVMFuzzerTestOneInput);
}
#endif
