// SPDX-License-Identifier: MIT
#include "device/pci/gpu/vram.hpp"

#include "base/log.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace kite::dev::pci {

base::Result<Vram> Vram::create(uint64_t size_bytes) {
    Vram vram;
    vram.fd_.reset(memfd_create("kite-vram", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!vram.fd_ || ftruncate(vram.fd_.get(), static_cast<off_t>(size_bytes)) != 0 ||
        fcntl(vram.fd_.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
        return base::fail(base::ErrorCode::out_of_host_memory, "cannot make {} bytes of VRAM: {}",
                          size_bytes, base::errno_text(errno));
    }
    auto view = base::Mapping::file(vram.fd_.get(), size_bytes);
    if (!view) {
        return std::unexpected(std::move(view.error()));
    }
    vram.view_ = std::move(*view);
    madvise(vram.view_.data(), vram.view_.size_bytes(), MADV_DONTDUMP);
    return vram;
}

void Vram::scrub() const {
    if (fallocate(fd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
                  static_cast<off_t>(size_bytes())) != 0) {
        KITE_LOG(error, "cannot scrub VRAM: {}", base::errno_text(errno));
    }
}

} // namespace kite::dev::pci
