// SPDX-License-Identifier: MIT
// How the front end gives up: one exception type, thrown anywhere below translate() and caught only
// there.
//
// Nothing of it crosses the library's edge: translate() turns it into base::Error. Values only,
// thread-safe.
#pragma once

#include "base/result.hpp"

#include <string>
#include <utility>

namespace kite::cc::spirv {

/// Why translation stopped.
struct Failure {
    base::ErrorCode code; ///< corrupt, unsupported or invalid_argument
    std::string message;  ///< in words; the feature's name for unsupported
};

/// The module breaks a rule of SPIR-V.
[[noreturn]] inline void corrupt(std::string message) {
    throw Failure{base::ErrorCode::corrupt, std::move(message)};
}
/// The module uses a feature the compiler does not have.
[[noreturn]] inline void unsupported(std::string feature) {
    throw Failure{base::ErrorCode::unsupported, std::move(feature)};
}
/// The caller's options do not fit the module.
[[noreturn]] inline void invalid_argument(std::string message) {
    throw Failure{base::ErrorCode::invalid_argument, std::move(message)};
}

} // namespace kite::cc::spirv
