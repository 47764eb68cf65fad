// SPDX-License-Identifier: MIT
// Leveled log to stderr (or KITE_LOG_FILE), off below `warn` unless KITE_LOG says otherwise.
//
//   KITE_LOG(warn, "queue {} stalled for {} ms", queue, ms);
//
// The format string is checked at compile time and the arguments are evaluated only if the level is
// on. KITE_LOG=error|warn|info|debug|none is read once, at the first message; set_log_level()
// changes it later. One line is written with one write(2), so lines of several threads or processes
// do not mix. All functions are thread-safe; a log that cannot be written is dropped silently.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace kite::base {

/// Severity; a level includes those before it.
enum class LogLevel : int { none, error, warn, info, debug };

/// Receives a message instead of stderr: level and the text without prefix or newline.
using LogSink = std::function<void(LogLevel, std::string_view)>;

namespace detail {
/// Current level, or -1 before the environment was read.
extern std::atomic<int> log_level;
int read_log_level();
} // namespace detail

/// True if messages of this level are written.
inline bool log_enabled(LogLevel level) {
    int current = detail::log_level.load(std::memory_order_relaxed);
    if (current < 0) {
        current = detail::read_log_level();
    }
    return static_cast<int>(level) <= current;
}

/// Change the level for the whole process.
void set_log_level(LogLevel level);

/// Replace the sink (tests); an empty one restores the default. Returns the sink before.
LogSink set_log_sink(LogSink sink);

/// Write one message whatever the level.
void log_text(LogLevel level, std::source_location where, std::string_view text);

/// Last component of a path, for call sites.
std::string_view file_name_of(std::string_view path);

/// Used by KITE_LOG.
template <typename... Args>
void log_format(LogLevel level, FormatAt<std::type_identity_t<Args>...> f, Args&&... args) {
    log_text(level, f.where, fmt::vformat(f.text, fmt::make_format_args(args...)));
}

} // namespace kite::base

// Log with a level name (error, warn, info, debug), a format string and its arguments.
#define KITE_LOG(level, ...)                                                                       \
    do {                                                                                           \
        if (::kite::base::log_enabled(::kite::base::LogLevel::level)) {                            \
            ::kite::base::log_format(::kite::base::LogLevel::level, __VA_ARGS__);                  \
        }                                                                                          \
    } while (false)
