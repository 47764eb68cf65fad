// SPDX-License-Identifier: MIT
// The program kite-device itself: options, privileges and system call filter in place, clients come
// and go, signals. Its path is the first argument.
#include "device/pci/testing/driver.hpp"
#include "device/pci/viewer/control.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <thread>

namespace {
std::string g_program; // NOLINT: set by main
}

namespace kite::dev::pci::test {
namespace {

class Program : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "kite-pci-XXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        folder = pattern;
        std::filesystem::permissions(folder, std::filesystem::perms(0755));
    }
    void TearDown() override {
        if (pid > 0) {
            kill(pid, SIGKILL);
            (void)wait_exit();
        }
        std::filesystem::remove_all(folder);
    }
    void start(std::vector<std::string> options) {
        std::vector<std::string> words = {g_program, "--socket", socket_path()};
        words.insert(words.end(), options.begin(), options.end());
        if (std::ranges::find(words, "--vram") == words.end()) {
            words.insert(words.end(), {"--vram", "64M"});
        }
        std::vector<char*> argv;
        for (std::string& word : words) {
            argv.push_back(word.data());
        }
        argv.push_back(nullptr);
        ASSERT_EQ(posix_spawn(&pid, g_program.c_str(), nullptr, nullptr, argv.data(), environ), 0);
    }
    // Exit status, or -signal.
    int wait_exit() {
        int status = 0;
        waitpid(pid, &status, 0);
        pid = -1;
        return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
    }
    std::string socket_path() { return (folder / "socket").string(); }
    base::UniqueFd connect() {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, socket_path().data(), socket_path().size());
        for (int i = 0; i < 3000; ++i) {
            base::UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
            if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) ==
                0) {
                return fd;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        return {};
    }
    // A program of one wave through the JIT, below the system call filter.
    void compute(Client& client) {
        Driver driver(client);
        driver.create_context(1);
        const uint64_t data = driver.allocate(4096);
        driver.map(1, 0x40000000, data, 4096);
        driver.invalidate(1);
        driver.at<uint64_t>(data)[0] = 0x40000800;
        const auto bind = driver.load(1,
                                      "sys s[0:1], push_va\n"
                                      "sys v0, local_index\n"
                                      "ld.u64 s[4:5], s[0:1], _, _\n"
                                      "shl.u32 v1, v0, 0x2\n"
                                      "st.u32 v0, s[4:5], v1, _\n"
                                      "exit\n",
                                      {64, 1, 1});
        driver.run(0, driver.packets(
                          1, Packets()
                                 .add(bind)
                                 .add(hw::SetPushConstantsPacket{
                                     .bind_point = hw::BindPoint::compute, .address = 0x40000000})
                                 .add(hw::DispatchPacket{.groups = {1, 1, 1}, .base = {}})));
        EXPECT_EQ(driver.at<uint32_t>(data + 0x800)[63], 63u);
        EXPECT_FALSE(driver.fault(0).has_value());
    }

    std::filesystem::path folder;
    pid_t pid = -1;
};

TEST_F(Program, ServesOneClientAndEnds) {
    const auto cache = folder / "cache";
    start({"--executor", "jit", "--cache-dir", cache.string()});
    {
        Client client(connect());
        compute(client);
    }
    EXPECT_EQ(wait_exit(), 0);
    EXPECT_FALSE(std::filesystem::is_empty(cache)); // compiled code was kept
}

TEST_F(Program, PersistServesTheNextOneUntilToldToEnd) {
    start({"--persist"});
    for (int i = 0; i < 2; ++i) {
        Client client(connect());
        compute(client);
    }
    const Client idle(connect());
    kill(pid, SIGTERM);
    EXPECT_EQ(wait_exit(), 0);
}

TEST_F(Program, ViewersAreServedBelowTheFilter) {
    const auto control = (folder / "control").string();
    const auto port = static_cast<uint16_t>(20000 + getpid() % 20000);
    start({"--heads", "2", "--control", control, "--vnc", std::to_string(port)});
    const Client client(connect());
    const auto status = control_request(control, "status");
    ASSERT_TRUE(status) << status.error().message;
    EXPECT_TRUE(status->starts_with("head 0 connected off"));
    EXPECT_FALSE(control_request(control, "screenshot 0"));
    const base::UniqueFd viewer(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::connect(viewer.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)),
              0);
    // Version, security type, shared: the answer to the last one is the screen.
    char bytes[64] = {};
    EXPECT_EQ(recv(viewer.get(), bytes, 12, MSG_WAITALL), 12);
    EXPECT_EQ(send(viewer.get(), "RFB 003.008\n", 12, 0), 12);
    EXPECT_GE(recv(viewer.get(), bytes, sizeof(bytes), 0), 2);
    EXPECT_EQ(send(viewer.get(), "\1", 1, 0), 1);
    EXPECT_EQ(recv(viewer.get(), bytes, 4, MSG_WAITALL), 4);
    EXPECT_EQ(send(viewer.get(), "\1", 1, 0), 1);
    EXPECT_EQ(recv(viewer.get(), bytes, 24, MSG_WAITALL), 24);
    kill(pid, SIGTERM);
    EXPECT_EQ(wait_exit(), 0);
}

TEST_F(Program, ASignalPullsTheCable) {
    start({});
    Client client(connect());
    client.version();
    EXPECT_EQ(client.reg(hw::reg::kId), hw::reg::kIdResetValue);
    kill(pid, SIGUSR1);
    for (int i = 0; i < 3000 && client.reg(hw::reg::kId) != ~0u; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    EXPECT_EQ(client.reg(hw::reg::kId), ~0u);
    kill(pid, SIGINT);
    EXPECT_EQ(wait_exit(), 0);
}

TEST_F(Program, RefusesWhatItCannotDo) {
    for (const std::vector<std::string>& bad : {std::vector<std::string>{"--heads", "5"},
                                                {"--vram", "3M"},
                                                {"--inject", "smoke"},
                                                {"--pcie-gen", "9"},
                                                {"--pcie-width", "3"},
                                                {"--visible-vram", "128M"},
                                                {"--wave-size", "4"},
                                                {"--nonsense"}}) {
        start(bad);
        EXPECT_GT(wait_exit(), 0) << bad.front();
    }
    EXPECT_FALSE(std::filesystem::exists(socket_path()));
}

} // namespace
} // namespace kite::dev::pci::test

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    if (argc < 2) {
        std::fprintf(stderr, "usage: %s PATH-OF-KITE-DEVICE\n", argv[0]);
        return 2;
    }
    g_program = argv[1];
    return RUN_ALL_TESTS();
}
