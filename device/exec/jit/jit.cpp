// SPDX-License-Identifier: MIT
#include "device/exec/jit/jit.hpp"

#include "device/exec/compile_clock.hpp"
#include "device/exec/cpu.hpp"
#include "device/exec/interp/routine.hpp"
#include "device/exec/jit/compiler.hpp"
#include "device/exec/jit/disk_cache.hpp"
#include "device/exec/jit/native_routine.hpp"

#include "base/env.hpp"
#include "base/log.hpp"
#include "base/thread_pool.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <unistd.h>
#include <unordered_map>

namespace kite::dev::exec::jit {

namespace {

constexpr size_t kMaxRoutines = 4096; // kept alive by the cache

// What a routine depends on: the program, and the formats of the attributes it reads.
struct RoutineKey {
    uint64_t hash = 0;
    VertexKey formats;
    bool operator==(const RoutineKey&) const = default;
};

struct RoutineKeyHash {
    size_t operator()(const RoutineKey& k) const {
        uint64_t h = k.hash;
        for (const uint16_t f : k.formats.format) {
            h = (h ^ f) * 0x9e3779b97f4a7c15ull;
        }
        return static_cast<size_t>(h ^ (h >> 32));
    }
};

struct Slot {
    std::shared_ptr<const Program> program;
    std::shared_ptr<const Routine> routine; // null while it is being made
};

bool same_program(const Program& a, const Program& b) {
    return &a == &b || (a.code == b.code && a.info.shape() == b.info.shape());
}

// Everything code is generated from, as bytes.
std::vector<std::byte> source_of(const Program& program, const VertexKey& formats) {
    const auto shape = program.info.shape();
    std::vector<uint32_t> words(shape.begin(), shape.end());
    words.insert(words.end(), formats.format.begin(), formats.format.end());
    for (const hw::Inst& inst : program.code) {
        const auto w = inst.encode();
        words.insert(words.end(), w.begin(), w.end());
    }
    const auto bytes = std::as_bytes(std::span(words));
    return {bytes.begin(), bytes.end()};
}

// Makes routines and remembers them. Shared with the background tasks that still use it.
class RoutineCache {
public:
    RoutineCache(Target target, std::unique_ptr<Linker> linker, std::unique_ptr<DiskCache> disk,
                 bool perf)
        : target_(std::move(target)), linker_(std::move(linker)), disk_(std::move(disk)),
          perf_(perf), textures_(target_, *linker_, disk_.get()) {}

    const Target& target() const { return target_; }

    std::shared_ptr<const Routine> routine(const std::shared_ptr<const Program>& program,
                                           const VertexKey& key) {
        const RoutineKey id = identify(*program, key);
        std::unique_lock lock(mutex_);
        const auto [it, fresh] = routines_.try_emplace(id);
        if (!fresh) {
            const std::shared_ptr<Slot> slot = it->second;
            if (!same_program(*slot->program, *program)) { // hashes collide
                lock.unlock();
                return make(program, id);
            }
            made_.wait(lock, [&] { return slot->routine != nullptr; });
            return slot->routine;
        }
        const auto slot = it->second = std::make_shared<Slot>(program, nullptr);
        lock.unlock();
        auto made = make(program, id);
        lock.lock();
        slot->routine = made;
        if (routines_.size() > kMaxRoutines) {
            trim();
        }
        lock.unlock();
        made_.notify_all();
        return made;
    }

    bool knows(const Program& program, const VertexKey& key) {
        const std::lock_guard lock(mutex_);
        return routines_.contains(identify(program, key));
    }

private:
    static RoutineKey identify(const Program& program, const VertexKey& key) {
        RoutineKey id;
        id.hash = program.hash;
        for (size_t i = 0; i < id.formats.format.size(); ++i) {
            if (((program.info.attributes >> i) & 1u) != 0) {
                id.formats.format[i] = key.format[i];
            }
        }
        return id;
    }

    // Forgets finished routines; users keep theirs alive.
    void trim() {
        std::erase_if(routines_, [](const auto& entry) {
            return entry.second->routine != nullptr && entry.second->routine.use_count() == 1;
        });
    }

    std::shared_ptr<const Routine> make(const std::shared_ptr<const Program>& program,
                                        const RoutineKey& id) {
        const auto begin = std::chrono::steady_clock::now();
        const CompileScope compiling;
        const auto source = source_of(*program, id.formats);
        if (disk_ != nullptr && !target_.dump_ir && !target_.dump_asm) {
            if (const auto object = disk_->load(source); !object.empty()) {
                if (auto code = linker_->link(object)) {
                    return finish(program, std::move(*code));
                }
            }
        }
        auto object = compile(*program, id.formats, target_);
        if (!object) {
            return interpret(program, object.error().message);
        }
        auto code = linker_->link(*object);
        if (!code) {
            return interpret(program, code.error().message);
        }
        if (disk_ != nullptr) {
            disk_->store(source, *object);
        }
        const auto end = std::chrono::steady_clock::now();
        KITE_LOG(debug, "compiled program {:016x}: {} instructions, {} bytes, {} us", program->hash,
                 program->code.size(), object->size(),
                 std::chrono::duration_cast<std::chrono::microseconds>(end - begin).count());
        return finish(program, std::move(*code));
    }

    std::shared_ptr<const Routine> finish(const std::shared_ptr<const Program>& program,
                                          std::unique_ptr<Code> code) {
        if (perf_) {
            write_perf_map(*program, *code);
        }
        return make_native_routine(program, target_.width, std::move(code), textures_);
    }

    std::shared_ptr<const Routine> interpret(const std::shared_ptr<const Program>& program,
                                             const std::string& why) {
        KITE_LOG(warn, "program {:016x} is interpreted: {}", program->hash, why);
        return interp::make_routine(program, target_.width);
    }

    void write_perf_map(const Program& program, const Code& code) {
        const std::lock_guard lock(perf_mutex_);
        const std::string path = "/tmp/perf-" + std::to_string(getpid()) + ".map";
        if (FILE* f = std::fopen(path.c_str(), "a"); f != nullptr) {
            std::fprintf(f, "%lx %zx kite_%016lx\n", reinterpret_cast<unsigned long>(code.entry()),
                         code.size() != 0 ? code.size() : program.code.size() * 64,
                         static_cast<unsigned long>(program.hash));
            std::fclose(f);
        }
    }

    Target target_;
    std::unique_ptr<Linker> linker_;
    std::unique_ptr<DiskCache> disk_;
    bool perf_;
    texgen::Library textures_;
    std::mutex perf_mutex_;
    std::mutex mutex_; // guards everything below
    std::condition_variable made_;
    std::unordered_map<RoutineKey, std::shared_ptr<Slot>, RoutineKeyHash> routines_;
};

class JitExecutor final : public Executor {
public:
    explicit JitExecutor(std::shared_ptr<RoutineCache> cache) : cache_(std::move(cache)) {}

    unsigned wave_size() const override { return cache_->target().width; }

    std::string description() const override {
        const Target& t = cache_->target();
        return generator_version() + ", " + std::to_string(t.width) + " lanes, " + t.cpu;
    }

    std::shared_ptr<const Routine> routine(const std::shared_ptr<const Program>& program,
                                           const VertexKey& key) override {
        return cache_->routine(program, key);
    }

    void prefetch(const std::shared_ptr<const Program>& program, const VertexKey& key) override {
        if (cache_->knows(*program, key)) {
            return;
        }
        pool_->submit([weak = std::weak_ptr(cache_), program, key] {
            if (const auto cache = weak.lock()) {
                (void)cache->routine(program, key);
            }
        });
    }

private:
    std::shared_ptr<RoutineCache> cache_;
    std::shared_ptr<base::ThreadPool> pool_ = base::ThreadPool::acquire();
};

} // namespace

base::Result<std::unique_ptr<Executor>> create_executor(const ExecutorConfig& config) {
    auto target = host_target(config.wave_size != 0 ? config.wave_size : native_wave_size());
    if (!target) {
        return std::unexpected(std::move(target.error()));
    }
    bool perf = false;
    for (const std::string& word : base::env_list(base::env::kJitDebug)) {
        target->dump_ir |= word == "ir";
        target->dump_asm |= word == "asm";
        perf |= word == "perf";
    }
    auto linker = create_linker();
    if (!linker) {
        return std::unexpected(std::move(linker.error()));
    }
    std::unique_ptr<DiskCache> disk;
    if (!config.cache_dir.empty()) {
        disk = DiskCache::open(config.cache_dir,
                               generator_version() + target->cpu + target->features + "/" +
                                   std::to_string(target->width) + "/" +
                                   std::to_string(kAbiVersion) + "/" + config.identity);
    }
    return std::make_unique<JitExecutor>(std::make_shared<RoutineCache>(
        std::move(*target), std::move(*linker), std::move(disk), perf));
}

} // namespace kite::dev::exec::jit
