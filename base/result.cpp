// SPDX-License-Identifier: MIT
#include "base/result.hpp"

#include <cstring>
#include <system_error>

#include <fmt/format.h>

#include "base/log.hpp"

namespace kite::base {

const char* name_of(ErrorCode code) {
    switch (code) {
    case ErrorCode::invalid_argument:
        return "invalid argument";
    case ErrorCode::out_of_host_memory:
        return "out of host memory";
    case ErrorCode::out_of_device_memory:
        return "out of device memory";
    case ErrorCode::device_lost:
        return "device lost";
    case ErrorCode::unsupported:
        return "unsupported";
    case ErrorCode::not_found:
        return "not found";
    case ErrorCode::io:
        return "input/output error";
    case ErrorCode::corrupt:
        return "corrupt data";
    case ErrorCode::timeout:
        return "timeout";
    case ErrorCode::initialization_failed:
        return "initialization failed";
    case ErrorCode::interrupted:
        return "interrupted";
    }
    return "unknown error";
}

std::string Error::text() const {
    return fmt::format("{}: {} ({}:{})", name_of(code), message, file_name_of(where.file_name()),
                       where.line());
}

std::unexpected<Error> fail_with(ErrorCode code, std::string message, std::source_location where) {
    if (log_enabled(LogLevel::info)) {
        log_text(LogLevel::info, where, std::string(name_of(code)) + ": " + message);
    }
    return std::unexpected(Error{code, std::move(message), where});
}

std::unexpected<Error> unsupported(std::string_view feature, std::source_location where) {
    return fail_with(ErrorCode::unsupported, std::string(feature) + " is not supported", where);
}

std::string errno_text(int error) {
    return std::generic_category().message(error);
}

} // namespace kite::base
