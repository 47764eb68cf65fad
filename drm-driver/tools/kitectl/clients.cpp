// SPDX-License-Identifier: MIT
#include "clients.hpp"

#include <charconv>
#include <fstream>
#include <iterator>

namespace kitectl {
namespace {

std::string read_file(const std::filesystem::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

} // namespace

std::vector<Client> find_clients(int pid, const std::filesystem::path& proc) {
    std::map<uint64_t, Client> found;
    std::error_code ignored;
    for (const auto& process : std::filesystem::directory_iterator(proc, ignored)) {
        const std::string name = process.path().filename();
        int number = 0;
        auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
        if (error != std::errc() || end != name.data() + name.size() || (pid > 0 && number != pid))
            continue;
        for (const auto& fd :
             std::filesystem::directory_iterator(process.path() / "fdinfo", ignored)) {
            auto client = parse_fdinfo(read_file(fd.path()));
            if (!client)
                continue;
            client->pid = number;
            client->process = read_file(process.path() / "comm");
            if (client->process.ends_with('\n'))
                client->process.pop_back();
            found.try_emplace(client->id, *client);
        }
    }
    std::vector<Client> all;
    for (auto& [id, client] : found)
        all.push_back(std::move(client));
    return all;
}

} // namespace kitectl
