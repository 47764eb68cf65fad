// SPDX-License-Identifier: MIT
#include "device/pci/sandbox/sandbox.hpp"

#include "base/log.hpp"

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pwd.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

namespace kite::dev::pci {

using base::ErrorCode;
using base::fail;

namespace {

#if defined(__x86_64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_X86_64;
constexpr uint32_t kOtherAbi = 0x40000000; // x32 calls have this bit
#elif defined(__aarch64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
constexpr uint32_t kOtherAbi = 0x80000000;
#else
#error "the system call filter knows x86-64 and AArch64"
#endif

// What works whatever its arguments are.
constexpr long kAllowed[] = {
    // files that are open, and the code cache's
    SYS_read,
    SYS_write,
    SYS_readv,
    SYS_writev,
    SYS_pread64,
    SYS_pwrite64,
    SYS_close,
    SYS_fstat,
    SYS_newfstatat,
    SYS_statx,
    SYS_lseek,
    SYS_openat,
    SYS_renameat2,
    SYS_unlinkat,
    SYS_mkdirat,
    SYS_fcntl,
    SYS_fallocate,
    SYS_faccessat,
    SYS_faccessat2,
    SYS_readlinkat,
    SYS_getdents64,
#if defined(__x86_64__)
    SYS_stat,
    SYS_lstat,
    SYS_access,
    SYS_unlink,
    SYS_rename,
    SYS_mkdir,
    SYS_readlink,
    SYS_poll,
    SYS_select,
#endif
#ifdef SYS_renameat
    SYS_renameat,
#endif
    // memory
    SYS_mmap,
    SYS_mprotect,
    SYS_munmap,
    SYS_mremap,
    SYS_madvise,
    SYS_brk,
    // threads and signals
    SYS_futex,
    SYS_set_robust_list,
    SYS_rseq,
    SYS_exit,
    SYS_exit_group,
    SYS_sched_yield,
    SYS_sched_getaffinity,
    SYS_getpid,
    SYS_gettid,
    SYS_tgkill,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_sigaltstack,
    SYS_restart_syscall,
    SYS_membarrier,
    // the client
    SYS_recvmsg,
    SYS_sendmsg,
    SYS_accept4,
    SYS_shutdown,
    // those who look: VNC clients
    SYS_accept,
    SYS_recvfrom,
    SYS_sendto,
    SYS_pselect6,
    SYS_getsockopt,
    SYS_setsockopt,
    SYS_getpeername,
    SYS_getsockname,
    SYS_ppoll,
    // the time, chance, who we are
    SYS_clock_gettime,
    SYS_clock_getres,
    SYS_clock_nanosleep,
    SYS_nanosleep,
    SYS_gettimeofday,
    SYS_getrandom,
    SYS_uname,
    SYS_sysinfo,
    SYS_getuid,
    SYS_geteuid,
    SYS_getgid,
    SYS_getegid,
    SYS_getcwd,
};

constexpr sock_filter statement(uint16_t code, uint32_t k) {
    return {.code = code, .jt = 0, .jf = 0, .k = k};
}

constexpr sock_filter jump(uint16_t code, uint32_t k, uint8_t yes, uint8_t no) {
    return {.code = code, .jt = yes, .jf = no, .k = k};
}

constexpr uint32_t argument_low(unsigned index) {
    return static_cast<uint32_t>(offsetof(seccomp_data, args) + index * 8);
}

std::vector<sock_filter> make_filter() {
    constexpr uint16_t kLoad = BPF_LD | BPF_W | BPF_ABS;
    constexpr uint16_t kEqual = BPF_JMP | BPF_JEQ | BPF_K;
    constexpr uint16_t kReturn = BPF_RET | BPF_K;
    const auto refuse = [](int error) {
        return statement(kReturn, SECCOMP_RET_ERRNO | static_cast<uint32_t>(error));
    };
    std::vector<sock_filter> f = {
        statement(kLoad, offsetof(seccomp_data, arch)),
        jump(kEqual, kArchitecture, 1, 0),
        statement(kReturn, SECCOMP_RET_KILL_PROCESS),
        statement(kLoad, offsetof(seccomp_data, nr)),
        jump(BPF_JMP | BPF_JGE | BPF_K, kOtherAbi, 0, 1),
        statement(kReturn, SECCOMP_RET_KILL_PROCESS),
    };
    for (const long number : kAllowed) {
        f.push_back(jump(kEqual, static_cast<uint32_t>(number), 0, 1));
        f.push_back(statement(kReturn, SECCOMP_RET_ALLOW));
    }
    for (const long number : {SYS_execve, SYS_execveat}) {
        f.push_back(jump(kEqual, static_cast<uint32_t>(number), 0, 1));
        f.push_back(statement(kReturn, SECCOMP_RET_KILL_PROCESS));
    }
    // clone() makes threads only. clone3() keeps its flags in memory, out of the filter's sight:
    // the C library falls back to clone().
    f.push_back(jump(kEqual, static_cast<uint32_t>(SYS_clone3), 0, 1));
    f.push_back(refuse(ENOSYS));
    f.push_back(jump(kEqual, static_cast<uint32_t>(SYS_clone), 0, 4));
    f.push_back(statement(kLoad, argument_low(0)));
    f.push_back(jump(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 0, 1));
    f.push_back(statement(kReturn, SECCOMP_RET_ALLOW));
    f.push_back(refuse(EPERM));
    // prctl() names threads.
    f.push_back(jump(kEqual, static_cast<uint32_t>(SYS_prctl), 0, 4));
    f.push_back(statement(kLoad, argument_low(0)));
    f.push_back(jump(kEqual, PR_SET_NAME, 0, 1));
    f.push_back(statement(kReturn, SECCOMP_RET_ALLOW));
    f.push_back(refuse(EPERM));
    // prlimit64() reads limits.
    f.push_back(jump(kEqual, static_cast<uint32_t>(SYS_prlimit64), 0, 5));
    f.push_back(statement(kLoad, argument_low(2)));
    f.push_back(jump(kEqual, 0, 0, 3));
    f.push_back(statement(kLoad, argument_low(2) + 4));
    f.push_back(jump(kEqual, 0, 0, 1));
    f.push_back(statement(kReturn, SECCOMP_RET_ALLOW));
    f.push_back(refuse(EPERM));
    return f;
}

struct Identity {
    uid_t uid;
    gid_t gid;
};

base::Result<Identity> find_user(const std::string& user) {
    uid_t number = 0;
    const auto [end, error] = std::from_chars(user.data(), user.data() + user.size(), number);
    const bool numeric = error == std::errc() && end == user.data() + user.size();
    const passwd* entry = numeric ? getpwuid(number) : getpwnam(user.c_str());
    if (entry != nullptr) {
        return Identity{entry->pw_uid, entry->pw_gid};
    }
    if (numeric) {
        return Identity{number, number};
    }
    return fail(ErrorCode::not_found, "no user '{}'", user);
}

} // namespace

base::Result<void> drop_privileges(const std::string& user, const std::string& give) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return fail(ErrorCode::io, "cannot give up new privileges: {}", base::errno_text(errno));
    }
    std::error_code ignored;
    if (!give.empty()) {
        std::filesystem::create_directories(give, ignored);
    }
    if (geteuid() != 0) {
        return {};
    }
    const auto identity = find_user(user);
    if (!identity) {
        return std::unexpected(identity.error());
    }
    if (!give.empty() && chown(give.c_str(), identity->uid, identity->gid) != 0) {
        KITE_LOG(warn, "cannot give {} to {}: {}", give, user, base::errno_text(errno));
    }
    if (setgroups(0, nullptr) != 0 || setresgid(identity->gid, identity->gid, identity->gid) != 0 ||
        setresuid(identity->uid, identity->uid, identity->uid) != 0) {
        if (errno == EINVAL || errno == EPERM) {
            KITE_LOG(warn, "user {} does not exist in this user namespace; staying root of it",
                     user);
            return {};
        }
        return fail(ErrorCode::io, "cannot become {}: {}", user, base::errno_text(errno));
    }
    if (identity->uid != 0 && setuid(0) == 0) {
        return fail(ErrorCode::io, "root came back");
    }
    return {};
}

base::Result<void> filter_system_calls() {
    const std::vector<sock_filter> filter = make_filter();
    const sock_fprog program{.len = static_cast<unsigned short>(filter.size()),
                             .filter = const_cast<sock_filter*>(filter.data())};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) != 0) {
        return fail(ErrorCode::io, "cannot filter system calls: {}", base::errno_text(errno));
    }
    return {};
}

} // namespace kite::dev::pci
