// SPDX-License-Identifier: MIT
// Our own bugs stop the program at once, with a message and the values that matter.
//
//   KITE_ASSERT(index < count, "register {} of {}", index, count);
//
// Checked in every build unless NDEBUG is set; the condition is never evaluated otherwise. Never
// use it on anything a guest, an application or a file controls: that is a fault record or a
// Result. A failing assertion logs at level error and calls abort(). Thread-safe.
#pragma once

#include "base/log.hpp"

namespace kite::base {

/// Log the failure and abort.
[[noreturn]] void assert_failed(const char* condition, std::string message,
                                std::source_location where);

namespace detail {
[[noreturn]] inline void assert_fail(const char* condition,
                                     std::source_location where = std::source_location::current()) {
    assert_failed(condition, {}, where);
}
template <typename... Args>
[[noreturn]] void assert_fail(const char* condition, FormatAt<std::type_identity_t<Args>...> f,
                              Args&&... args) {
    assert_failed(condition, fmt::vformat(f.text, fmt::make_format_args(args...)), f.where);
}
} // namespace detail

/// Marks a place that cannot be reached unless we have a bug.
[[noreturn]] inline void unreachable(const char* why,
                                     std::source_location where = std::source_location::current()) {
    assert_failed("unreachable", why, where);
}

} // namespace kite::base

// Abort with a message unless the condition holds.
#ifdef NDEBUG
#define KITE_ASSERT(condition, ...) static_cast<void>(sizeof(!(condition)))
#else
#define KITE_ASSERT(condition, ...)                                                                \
    ((condition) ? static_cast<void>(0)                                                            \
                 : ::kite::base::detail::assert_fail(#condition __VA_OPT__(, ) __VA_ARGS__))
#endif
