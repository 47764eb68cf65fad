// SPDX-License-Identifier: MIT
// Pictures as PNG files in memory, by libpng.
//
// Files are RGB, 8 bits a channel; any PNG can be read back, but only our own come by here: the
// reader serves tests and tools. Nothing is kept between calls. Any thread; fails with what libpng
// says, or for a picture without pixels.
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
