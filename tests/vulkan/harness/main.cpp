// SPDX-License-Identifier: MIT
// Entry of every API test program: without the driver that VK_DRIVER_FILES names it is skipped.
#include "tests/vulkan/harness/world.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    const char* manifest = std::getenv("VK_DRIVER_FILES");
    if (manifest && !std::filesystem::exists(manifest)) {
        std::printf("SKIP: %s does not exist\n", manifest);
        return 77;
    }
    const int status = RUN_ALL_TESTS();
    kite::vktest::World::close_shared();
    return status;
}
