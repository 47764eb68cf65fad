// SPDX-License-Identifier: MIT
#include "base/log.hpp"

#include <ctime>
#include <mutex>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/env.hpp"

namespace kite::base {

namespace detail {
std::atomic<int> log_level{-1};

int read_log_level() {
    const std::string name = env_string(env::kLog).value_or("warn");
    int level = static_cast<int>(LogLevel::warn);
    constexpr const char* kNames[] = {"none", "error", "warn", "info", "debug"};
    for (int i = 0; i < 5; ++i) {
        level = name == kNames[i] ? i : level;
    }
    int expected = -1;
    log_level.compare_exchange_strong(expected, level, std::memory_order_relaxed);
    return log_level.load(std::memory_order_relaxed);
}
} // namespace detail

namespace {

struct Output {
    std::mutex mutex;
    LogSink sink;
    int fd = -1;
};

// Leaked on purpose: threads may still log while the process exits.
Output& output() {
    static Output& instance = *new Output;
    return instance;
}

int open_output() {
    if (const auto path = env_string(env::kLogFile)) {
        const int fd = ::open(path->c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (fd >= 0) {
            return fd;
        }
    }
    return STDERR_FILENO;
}

} // namespace

void set_log_level(LogLevel level) {
    detail::log_level.store(static_cast<int>(level), std::memory_order_relaxed);
}

LogSink set_log_sink(LogSink sink) {
    Output& out = output();
    const std::lock_guard lock(out.mutex);
    std::swap(out.sink, sink);
    return sink;
}

std::string_view file_name_of(std::string_view path) {
    const size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

void log_text(LogLevel level, std::source_location where, std::string_view text) {
    constexpr const char* kNames[] = {"", "error", "warning", "info", "debug"};
    Output& out = output();
    LogSink sink;
    {
        const std::lock_guard lock(out.mutex);
        sink = out.sink;
        if (!sink && out.fd < 0) {
            out.fd = open_output();
        }
    }
    if (sink) {
        sink(level, text);
        return;
    }
    timespec now = {};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    const std::string line = fmt::format("kite {:6}.{:06} {} {}:{}: {}\n", now.tv_sec,
                                         now.tv_nsec / 1000, kNames[static_cast<int>(level)],
                                         file_name_of(where.file_name()), where.line(), text);
    [[maybe_unused]] const ssize_t written = ::write(out.fd, line.data(), line.size());
}

} // namespace kite::base
