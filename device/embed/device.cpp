// SPDX-License-Identifier: MIT
#include "device/embed/device.hpp"

#include "base/env.hpp"
#include "base/hash.hpp"
#include "base/log.hpp"
#include "kite_hw/isa.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>
#include <unistd.h>

namespace kite::dev {

namespace {

constexpr uint32_t kDefaultHangMs = 10000;

int to_errno(const base::Error& error) {
    switch (error.code) {
    case base::ErrorCode::out_of_host_memory:
    case base::ErrorCode::out_of_device_memory:
        return -ENOMEM;
    case base::ErrorCode::invalid_argument:
        return -EINVAL;
    case base::ErrorCode::unsupported:
        return -EOPNOTSUPP;
    default:
        return -ENODEV;
    }
}

/// Where compiled code is cached; empty = nowhere.
std::string cache_directory(const DeviceConfig& config) {
    if (base::env_flag(base::env::kNoCache)) {
        return {};
    }
    if (config.cache_dir != nullptr) {
        return config.cache_dir;
    }
    if (auto dir = base::env_string(base::env::kCacheDir)) {
        return *dir;
    }
    const char* xdg = secure_getenv("XDG_CACHE_HOME");
    if (xdg != nullptr && xdg[0] == '/') {
        return std::string(xdg) + "/kite";
    }
    const char* home = secure_getenv("HOME");
    return home != nullptr && home[0] == '/' ? std::string(home) + "/.cache/kite" : std::string();
}

exec::ExecutorConfig executor_config(const DeviceConfig& config) {
    exec::ExecutorConfig result;
    using Mode = exec::ExecutorConfig::Mode;
    const std::string wanted = base::env_string(base::env::kExec).value_or("");
    if (config.executor == 1 || (config.executor == 0 && wanted == "interp")) {
        result.mode = Mode::interpreter;
    } else if (config.executor == 2 || wanted == "jit") {
        result.mode = Mode::jit;
    }
    result.wave_size = config.wave_size;
    if (result.wave_size == 0) {
        const auto size =
            static_cast<unsigned>(base::env_number(base::env::kWaveSize, 8, 16).value_or(0));
        result.wave_size = size == 8 || size == 16 ? size : 0;
    }
    result.cache_dir = cache_directory(config);
    result.identity = build_identity();
    return result;
}

void copy_text(char* out, size_t size, const std::string& text) {
    const size_t n = std::min(text.size(), size - 1);
    std::memcpy(out, text.data(), n);
    out[n] = '\0';
}

} // namespace

int DeviceImpl::create(const DeviceConfig& config, Device** out) {
    auto device = std::unique_ptr<DeviceImpl, void (*)(DeviceImpl*)>(
        new DeviceImpl, [](DeviceImpl* d) { delete d; });
    DeviceImpl& d = *device;
    d.owner_pid_ = getpid();

    auto executor = exec::create_executor(executor_config(config));
    if (!executor) {
        return to_errno(executor.error());
    }
    d.shared_.executor = std::move(*executor);
    d.shared_.pool = config.threads != 0 ? std::make_shared<base::ThreadPool>(config.threads)
                                         : base::ThreadPool::acquire();
    const uint32_t hang_ms =
        config.hang_timeout_ms != 0
            ? config.hang_timeout_ms
            : static_cast<uint32_t>(
                  base::env_number(base::env::kHangTimeoutMs, 1, 3600000).value_or(kDefaultHangMs));
    d.shared_.hang_timeout_ns = uint64_t{hang_ms} * 1000000;

    const auto debug = base::env_list(base::env::kDevDebug);
    d.shared_.print_packets = std::ranges::find(debug, "packets") != debug.end();

    // One window now: it tells how many address bits this process can have.
    auto window = mem::Window::create(hw::limits::kVaBits);
    if (!window) {
        return to_errno(window.error());
    }
    while (uint64_t{1} << d.va_bits_ <= (*window)->mask()) {
        ++d.va_bits_;
    }
    uint64_t vram = config.vram_bytes;
    if (vram == 0) {
        const auto mib = base::env_number(base::env::kVramMb, 16, int64_t{1} << 24);
        vram = mib ? static_cast<uint64_t>(*mib) << 20 : mem::default_vram_bytes();
    }
    vram = (vram + 4095) & ~uint64_t{4095};
    auto fd = mem::create_vram(vram);
    if (!fd) {
        return to_errno(fd.error());
    }
    d.vram_.reset(*fd);

    DeviceInfo& info = d.info_;
    info.wave_size = d.shared_.executor->wave_size();
    info.threads = d.shared_.pool->concurrency();
    info.vram_bytes = vram;
    info.va_bits = d.va_bits_;
    info.vram_fd = d.vram_.get();
    if (const auto directory = base::env_string(base::env::kCapture)) {
        auto recorder = trace::Recorder::create(*directory, info.wave_size, info.va_bits);
        if (recorder) {
            d.shared_.recorder = std::move(*recorder);
        } else {
            KITE_LOG(error, "KITE_CAPTURE: {}", recorder.error().message);
        }
    }
    const std::string description = d.shared_.executor->description();
    copy_text(info.description, sizeof(info.description), description);
    const std::string identity =
        build_identity() + '\0' + description + '\0' + std::to_string(info.wave_size);
    for (uint64_t half = 0; half < 2; ++half) {
        const uint64_t hash = base::hash64(identity, half);
        std::memcpy(info.code_uuid + half * 8, &hash, 8);
    }
    *out = device.release();
    return 0;
}

int DeviceImpl::create_address_space(AddressSpace** out) {
    if (out == nullptr) {
        return -EINVAL;
    }
    auto window = mem::Window::create(va_bits_);
    if (!window) {
        return to_errno(window.error());
    }
    if ((*window)->mask() != (uint64_t{1} << va_bits_) - 1) {
        return -ENOMEM; // info() promised more
    }
    *out = new front::Space(shared_, std::move(*window));
    return 0;
}

int DeviceImpl::create_queue(AddressSpace* space, CompletionFn fn, void* user, Queue** out) {
    if (space == nullptr || out == nullptr) {
        return -EINVAL;
    }
    auto* queue = new front::QueueImpl(shared_, static_cast<front::Space&>(*space), fn, user);
    if (const int r = queue->start(); r != 0) {
        queue->destroy();
        return r;
    }
    *out = queue;
    return 0;
}

uint32_t DeviceImpl::counters(Counter* out, uint32_t max) {
    const front::Counters& c = shared_.counters;
    const Counter all[] = {
        {"submissions", c.submissions},
        {"packets", c.packets},
        {"dispatches", c.dispatches},
        {"workgroups", c.workgroups},
        {"copies", c.copies},
        {"programs", c.programs},
        {"faults", c.faults},
        {"busy_ns", c.busy_ns},
        {"draws", c.render.draws},
        {"vertices", c.render.vertices},
        {"primitives", c.render.primitives},
        {"fragment_waves", c.render.waves},
        {"tiles", c.render.tiles},
        {"flushes", c.render.flushes},
    };
    for (uint32_t i = 0; out != nullptr && i < std::min<size_t>(max, std::size(all)); ++i) {
        out[i] = all[i];
    }
    return static_cast<uint32_t>(std::size(all));
}

void DeviceImpl::destroy() {
    if (getpid() !=
        owner_pid_) { // after fork(): the threads are the parent's, nothing can be joined
        shared_.watchdog.forget_thread();
        return;
    }
    if (const int live = shared_.live.load(); live != 0) {
        KITE_LOG(error, "device destroyed with {} address spaces or queues alive; keeping it",
                 live);
        return;
    }
    delete this;
}

extern "C" int kite_device_create(const DeviceConfig* config, Device** out) {
    if (config == nullptr || out == nullptr || config->abi != kDeviceAbi ||
        (config->wave_size != 0 && config->wave_size != 8 && config->wave_size != 16) ||
        config->executor > 2 || config->threads > 256) {
        return -EINVAL;
    }
    try {
        return DeviceImpl::create(*config, out);
    } catch (const std::bad_alloc&) {
        return -ENOMEM;
    }
}

} // namespace kite::dev
