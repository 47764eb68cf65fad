// SPDX-License-Identifier: MIT
// Fuzzes the vfio-user server with what a client may send. With clang this is a libFuzzer target;
// otherwise main() replays the folders it is given (tests/fuzz/corpus/vfio).
//
// Input: a byte whose lowest bit asks for a proper version exchange first, then pieces of a byte
// stream: a byte with the number of descriptors, two bytes with the length, the bytes. The target
// behind the server checks that it is asked nothing it could not answer.
#include "base/log.hpp"
#include "base/mapping.hpp"
#include "device/pci/vfio/server.hpp"
#include "tests/fuzz/replay_folders.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <sys/socket.h>

namespace {

using namespace kite::dev::pci::vfio;
using kite::base::UniqueFd;

void require(bool ok) {
    if (!ok) {
        std::abort();
    }
}

constexpr uint64_t kRegionBytes = 8192;
constexpr uint32_t kVectors = 16;

int memory_file() {
    static const int fd = kite::base::create_memfd("fuzz", kRegionBytes).value_or(-1);
    return fd;
}

class Fake final : public Target {
public:
    Region region(uint32_t index) override {
        require(index < kRegionCount);
        return {.size = index % 2 == 0 ? kRegionBytes : 0,
                .writable = true,
                .fd = index == 2 ? memory_file() : -1,
                .mappable = 4096};
    }
    uint32_t irq_count(uint32_t index) override {
        require(index < kIrqIndexCount);
        return index == kIrqIndexMsix ? kVectors : 0;
    }
    void read(uint32_t index, uint64_t offset, std::span<std::byte> data) override {
        check(index, offset, data.size());
        std::ranges::fill(data, std::byte{0x5a});
    }
    void write(uint32_t index, uint64_t offset, std::span<const std::byte> data) override {
        check(index, offset, data.size());
        for (const std::byte b : data) {
            sum_ += static_cast<unsigned>(b);
        }
    }
    void set_vector(uint32_t vector, UniqueFd eventfd) override {
        require(vector < kVectors);
        vectors_[vector] = std::move(eventfd);
    }
    void trigger_vector(uint32_t vector) override { require(vector < kVectors); }
    int dma_map(const DmaMap& map, UniqueFd) override {
        require(map.size != 0 && map.address + (map.size - 1) >= map.address);
        return 0;
    }
    int dma_unmap(uint64_t address, uint64_t size) override {
        require(size != 0 && address + (size - 1) >= address);
        return 2;
    }
    void dma_unmap_all() override {}
    int reset() override { return 0; }

private:
    void check(uint32_t index, uint64_t offset, uint64_t size) {
        const uint64_t all = region(index).size;
        require(size <= kMaxData && offset <= all && size <= all - offset);
    }
    UniqueFd vectors_[kVectors];
    unsigned sum_ = 0;
};

// Lets the server work until it wants more; false once the connection has ended.
bool pump(Channel& channel, Server& server, int client) {
    for (;;) {
        auto message = channel.receive();
        if (!message) {
            return false;
        }
        if (!*message) {
            return true;
        }
        const bool ended = !server.handle(std::move(**message)).has_value();
        // What the server answers is thrown away, descriptors with it.
        char bytes[65536];
        while (recv(client, bytes, sizeof(bytes), MSG_DONTWAIT) > 0) {
        }
        if (ended) {
            return false;
        }
    }
}

void send_piece(int client, std::span<const uint8_t> bytes, size_t descriptors) {
    iovec data{.iov_base = const_cast<uint8_t*>(bytes.data()), .iov_len = bytes.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * 32)] = {};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    if (descriptors != 0) {
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * descriptors);
        cmsghdr* c = CMSG_FIRSTHDR(&message);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * descriptors);
        for (size_t i = 0; i < descriptors; ++i) {
            const int fd = memory_file();
            std::memcpy(CMSG_DATA(c) + i * sizeof(int), &fd, sizeof(fd));
        }
    }
    (void)sendmsg(client, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void run(std::span<const uint8_t> input) {
    int pair[2];
    if (input.empty() || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        return;
    }
    const UniqueFd client(pair[0]);
    Channel channel{UniqueFd(pair[1])};
    Fake target;
    Server server(channel, target);
    if ((input[0] & 1) != 0) {
        constexpr uint8_t kVersion[] = {1, 0, 1, 0, 23, 0, 0, 0, 0,   0,   0, 0,
                                        0, 0, 0, 0, 0,  0, 0, 0, '{', '}', 0};
        send_piece(client.get(), kVersion, 0);
        require(pump(channel, server, client.get()) && server.ready());
    }
    input = input.subspan(1);
    while (input.size() > 3) {
        const size_t descriptors = input[0] % 18;
        const size_t length = std::min(input[1] + input[2] * size_t{256}, input.size() - 3);
        if (length != 0) {
            send_piece(client.get(), input.subspan(3, length), descriptors);
            if (!pump(channel, server, client.get())) {
                return;
            }
        }
        input = input.subspan(3 + length);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    kite::base::set_log_level(kite::base::LogLevel::none);
    run({data, size});
    return 0;
}

#ifndef KITE_LIBFUZZER
int main(int argc, char** argv) {
    return kite::fuzz::replay_folders(argc, argv, LLVMFuzzerTestOneInput);
}
#endif
