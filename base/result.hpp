// SPDX-License-Identifier: MIT
// Errors of the caller or the environment, as values.
//
// A function that can fail for a reason outside our control returns Result<T>. Make the error with
// fail() or unsupported(), which record the call site and log it once (level info); pass it on with
// `return std::unexpected(std::move(result.error()))`. The edges map the code: runtime -> VkResult,
// kernel contract -> errno. Bugs of ours are KITE_ASSERT's business, guest misbehaviour is a fault
// record. Values only, so thread-safe; nothing here throws except when memory is exhausted.
//
// Example: if (fd < 0) { return fail(ErrorCode::io, "cannot open {}: {}", path, errno_text(errno));
// }
#pragma once

#include <concepts>
#include <cstdint>
#include <expected>
#include <source_location>
#include <string>

#include <fmt/core.h>

namespace kite::base {

/// What kind of thing went wrong; edges map it to their own codes.
enum class ErrorCode : uint8_t {
    invalid_argument,
    out_of_host_memory,
    out_of_device_memory,
    device_lost,
    unsupported,
    not_found,
    io,
    corrupt,
    timeout,
    initialization_failed,
    interrupted,
};

/// The code's name, for messages.
const char* name_of(ErrorCode code);

/// One error: what, in words, and where it was raised.
struct Error {
    ErrorCode code = ErrorCode::invalid_argument;
    std::string message;
    std::source_location where;

    /// "code: message (file:line)".
    std::string text() const;
};

/// A value or an Error. Result<> is for operations without a value.
template <typename T = void>
using Result = std::expected<T, Error>;

/// A compile-time checked format string that also remembers where it stands.
template <typename... Args>
struct FormatAt {
    fmt::string_view text;
    std::source_location where;

    template <std::convertible_to<fmt::string_view> S>
    // NOLINTNEXTLINE(google-explicit-constructor): it stands in for a string literal.
    consteval FormatAt(const S& s, std::source_location at = std::source_location::current())
        : text(s), where(at) {
        [[maybe_unused]] const fmt::format_string<Args...> checked(s);
    }
};

/// Build an Error from an already formatted message and log it.
std::unexpected<Error> fail_with(ErrorCode code, std::string message, std::source_location where);

/// An error to return: `return fail(ErrorCode::io, "cannot map {} bytes", n);`.
template <typename... Args>
[[nodiscard]] std::unexpected<Error> fail(ErrorCode code, FormatAt<std::type_identity_t<Args>...> f,
                                          Args&&... args) {
    return fail_with(code, fmt::vformat(f.text, fmt::make_format_args(args...)), f.where);
}

/// The error for a feature Kite does not have; `feature` is the name an application developer
/// knows.
[[nodiscard]] std::unexpected<Error>
unsupported(std::string_view feature, std::source_location where = std::source_location::current());

/// Text of an errno value, thread-safe.
std::string errno_text(int error);

} // namespace kite::base
