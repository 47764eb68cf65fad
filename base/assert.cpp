// SPDX-License-Identifier: MIT
#include "base/assert.hpp"

#include <cstdlib>

namespace kite::base {

void assert_failed(const char* condition, std::string message, std::source_location where) {
    std::string text = "assertion failed: ";
    text += condition;
    if (!message.empty()) {
        text += ": " + message;
    }
    log_text(LogLevel::error, where, text);
    std::abort();
}

} // namespace kite::base
