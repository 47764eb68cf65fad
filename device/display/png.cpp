// SPDX-License-Identifier: MIT
#include "device/display/png.hpp"

#include <png.h>

namespace kite::dev::display {

using base::ErrorCode;
using base::fail;

namespace {

png_image describe(const Image& image) {
    png_image out{};
    out.version = PNG_IMAGE_VERSION;
    out.format = PNG_FORMAT_RGB;
    out.width = image.width;
    out.height = image.height;
    out.flags = PNG_IMAGE_FLAG_FAST;
    return out;
}

} // namespace

base::Result<std::string> encode_png(const Image& image) {
    if (image.rgb.empty()) {
        return fail(ErrorCode::invalid_argument, "there is no picture");
    }
    png_image png = describe(image);
    png_alloc_size_t bytes = PNG_IMAGE_PNG_SIZE_MAX(png);
    std::string file(bytes, '\0');
    if (png_image_write_to_memory(&png, file.data(), &bytes, 0, image.rgb.data(), 0, nullptr) ==
        0) {
        return fail(ErrorCode::io, "cannot make a PNG: {}", png.message);
    }
    file.resize(bytes);
    return file;
}

base::Result<Image> decode_png(const std::string& file) {
    png_image png{};
    png.version = PNG_IMAGE_VERSION;
    if (png_image_begin_read_from_memory(&png, file.data(), file.size()) == 0) {
        return fail(ErrorCode::io, "not a PNG: {}", png.message);
    }
    png.format = PNG_FORMAT_RGB;
    Image image{.width = png.width, .height = png.height, .rgb = {}};
    image.rgb.resize(PNG_IMAGE_SIZE(png));
    if (png_image_finish_read(&png, nullptr, image.rgb.data(), 0, nullptr) == 0) {
        return fail(ErrorCode::io, "cannot read the PNG: {}", png.message);
    }
    return image;
}

} // namespace kite::dev::display
