// SPDX-License-Identifier: MIT
#include "device/embed/test_gpu.hpp"

#include "base/hash.hpp"
#include "kite_hw/assemble.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace kite::dev::test {

namespace {

void require(bool ok, const char* what) {
    if (!ok) {
        std::fprintf(stderr, "test device: %s failed\n", what);
        std::abort();
    }
}

} // namespace

TestGpu::TestGpu(DeviceConfig config) {
    config.vram_bytes = 64 << 20;
    config.cache_dir = "";
    require(kite_device_create(&config, &device) == 0, "device");
    require(device->create_address_space(&space) == 0, "address space");
    require(space->map(kBase, kBytes, device->info().vram_fd, 0, false) == 0, "map");
    require(device->create_queue(space, completed, this, &queue) == 0, "queue");
    memory_ = static_cast<std::byte*>(space->host_pointer(kBase));
}

TestGpu::~TestGpu() {
    if (queue != nullptr) {
        queue->destroy();
    }
    space->destroy();
    device->destroy();
}

hw::BindProgramPacket TestGpu::load(uint64_t offset, hw::Stage stage, std::string_view assembly,
                                    std::array<uint32_t, 3> workgroup, uint32_t registers) {
    std::vector<uint32_t> words;
    std::string error;
    const bool assembled = hw::assemble_program(assembly, words, &error);
    require(assembled, error.c_str());
    hw::ProgramHeader header;
    header.magic = 0x3150534b;
    header.isa_version = hw::kIsaVersion;
    header.stage = stage;
    header.instructions = static_cast<uint32_t>(words.size() / 4);
    header.vregs = registers;
    header.sregs = registers;
    header.workgroup = workgroup;
    header.hash = base::hash64(std::as_bytes(std::span(words)));
    header.pack(at<uint32_t>(offset));
    std::memcpy(at<std::byte>(offset) + hw::ProgramHeader::kBytes, words.data(), words.size() * 4);
    return {.stage = stage,
            .address = va(offset),
            .size_bytes = static_cast<uint32_t>(hw::ProgramHeader::kBytes + words.size() * 4),
            .hash = header.hash};
}

void TestGpu::completed(void* user, uint64_t cookie, Status status) {
    auto& self = *static_cast<TestGpu*>(user);
    const std::lock_guard lock(self.mutex_);
    self.finished_ = cookie;
    self.status_ = status;
    self.done_.notify_all();
}

Status TestGpu::run(const Stream& stream) {
    std::ranges::copy(stream.words, at<uint32_t>(kPackets));
    return run_at(kPackets, static_cast<uint32_t>(stream.words.size()));
}

Status TestGpu::run_at(uint64_t offset, uint32_t dwords) {
    const IndirectBuffer ib{.address = va(offset), .dwords = dwords, .reserved = 0};
    std::unique_lock lock(mutex_);
    const uint64_t cookie = ++cookie_;
    require(queue->submit(&ib, 1, cookie) == 0, "submit");
    done_.wait(lock, [&] { return finished_ == cookie; });
    return status_;
}

} // namespace kite::dev::test
