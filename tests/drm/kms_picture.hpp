// SPDX-License-Identifier: MIT
// What programs share that show pictures on the eGPU's heads for somebody outside to compare.
//
// A Picture is a dumb buffer with a framebuffer, mapped; drop_picture() frees it, or the end of the
// process does. compare_outside() writes what should be on a head, as rows of red, green, blue, to
// FOLDER/frame-N.rgb, makes FOLDER/shown-N (the head's number is in it) and waits until somebody
// has made FOLDER/seen-N. Failures end the process with status 1 and a line on standard output. One
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace kite::kms_test {

/// A buffer that can be shown.
struct Picture {
    uint32_t handle = 0;       ///< of the dumb buffer
    uint32_t pitch = 0;        ///< bytes from row to row
    uint32_t fb = 0;           ///< framebuffer, XRGB8888 and linear; 0 if it was made without
    uint32_t width = 0;        ///< pixels
    uint32_t height = 0;       ///< rows
    uint8_t* pixels = nullptr; ///< mapped
    size_t bytes = 0;          ///< mapped there
};

/// Says what failed, with errno, and ends the process.
[[noreturn]] void fail(const char* what);
/// A buffer of so many pixels of 32 bits, zeros; with a framebuffer if asked.
[[nodiscard]] Picture make_picture(int fd, uint32_t width, uint32_t height, bool with_fb);
/// Frees one.
void drop_picture(int fd, const Picture& picture);
/// The pixels of a linear XRGB8888 picture as rows of red, green, blue.
[[nodiscard]] std::vector<uint8_t> rows_of(const Picture& picture);
/// Tells what should be on a head, and waits until somebody has looked.
void compare_outside(const std::string& folder, int number, int head,
                     const std::vector<uint8_t>& rgb);

} // namespace kite::kms_test
