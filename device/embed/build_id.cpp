// SPDX-License-Identifier: MIT
#include "device/embed/device.hpp"

#include <cstring>
#include <elf.h>
#include <link.h>

namespace kite::dev {

namespace {

struct Search {
    uintptr_t address; // inside the object we look for
    std::string id;
};

void scan_notes(const std::byte* p, size_t size, std::string& id) {
    for (const std::byte* end = p + size; p + sizeof(ElfW(Nhdr)) <= end;) {
        ElfW(Nhdr) note;
        std::memcpy(&note, p, sizeof(note));
        const std::byte* name = p + sizeof(note);
        const std::byte* desc = name + ((note.n_namesz + 3u) & ~3u);
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
            std::memcmp(name, "GNU", 4) == 0) {
            id.assign(reinterpret_cast<const char*>(desc), note.n_descsz);
            return;
        }
        p = desc + ((note.n_descsz + 3u) & ~3u);
    }
}

int visit(dl_phdr_info* info, size_t, void* data) {
    auto& search = *static_cast<Search*>(data);
    bool ours = false;
    for (int i = 0; i < info->dlpi_phnum; ++i) {
        const ElfW(Phdr)& h = info->dlpi_phdr[i];
        const uintptr_t start = info->dlpi_addr + h.p_vaddr;
        ours |=
            h.p_type == PT_LOAD && search.address >= start && search.address < start + h.p_memsz;
    }
    for (int i = 0; ours && i < info->dlpi_phnum; ++i) {
        const ElfW(Phdr)& h = info->dlpi_phdr[i];
        if (h.p_type == PT_NOTE) {
            scan_notes(reinterpret_cast<const std::byte*>(info->dlpi_addr + h.p_vaddr), h.p_memsz,
                       search.id);
        }
    }
    return ours ? 1 : 0;
}

} // namespace

std::string build_identity() {
    Search search{.address = reinterpret_cast<uintptr_t>(&build_identity), .id = {}};
    dl_iterate_phdr(visit, &search);
    return search.id.empty() ? "no build id" : search.id;
}

} // namespace kite::dev
