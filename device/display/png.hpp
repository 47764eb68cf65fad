// SPDX-License-Identifier: MIT
// Pictures as PNG files in memory, by libpng. Any thread; fails with what libpng says.
#pragma once

#include "base/result.hpp"
#include "device/display/compose.hpp"

#include <string>

namespace kite::dev::display {

/// The file's bytes; the picture must not be empty.
[[nodiscard]] base::Result<std::string> encode_png(const Image& image);
/// The picture in a file's bytes.
[[nodiscard]] base::Result<Image> decode_png(const std::string& file);

} // namespace kite::dev::display
