// SPDX-License-Identifier: MIT
#include "base/result.hpp"

#include <cerrno>
#include <cstdlib>
#include <vector>

#include <gtest/gtest.h>

#include "base/assert.hpp"
#include "base/env.hpp"
#include "base/log.hpp"

namespace kite::base {
namespace {

// Collects messages while it lives.
class Capture {
public:
    explicit Capture(LogLevel level) {
        set_log_level(level);
        before_ = set_log_sink([this](LogLevel l, std::string_view text) {
            lines.emplace_back(l, std::string(text));
        });
    }
    ~Capture() {
        set_log_sink(before_);
        set_log_level(LogLevel::warn);
    }
    std::vector<std::pair<LogLevel, std::string>> lines;

private:
    LogSink before_;
};

Result<int> half(int value) {
    if (value % 2 != 0) {
        return fail(ErrorCode::invalid_argument, "{} is odd", value);
    }
    return value / 2;
}

TEST(Result, CarriesValueOrError) {
    Capture capture(LogLevel::info);
    EXPECT_EQ(half(4).value(), 2);
    const auto bad = half(5);
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(bad.error().message, "5 is odd");
    EXPECT_NE(bad.error().text().find("result_test.cpp:"), std::string::npos);
    ASSERT_EQ(capture.lines.size(), 1u); // logged once, where raised
    EXPECT_EQ(capture.lines[0].second, "invalid argument: 5 is odd");
}

TEST(Result, UnsupportedNamesTheFeature) {
    const Result<> r = unsupported("geometryShader");
    EXPECT_EQ(r.error().code, ErrorCode::unsupported);
    EXPECT_EQ(r.error().message, "geometryShader is not supported");
}

TEST(Result, EveryCodeHasAName) {
    for (int i = 0; i <= static_cast<int>(ErrorCode::interrupted); ++i) {
        EXPECT_STRNE(name_of(static_cast<ErrorCode>(i)), "unknown error");
    }
    EXPECT_EQ(errno_text(ENOENT), "No such file or directory");
}

TEST(Log, LevelsFilterAndSkipArguments) {
    Capture capture(LogLevel::warn);
    int evaluated = 0;
    KITE_LOG(debug, "{}", ++evaluated);
    KITE_LOG(warn, "{} and {}", ++evaluated, "text");
    KITE_LOG(error, "plain");
    EXPECT_EQ(evaluated, 1);
    ASSERT_EQ(capture.lines.size(), 2u);
    EXPECT_EQ(capture.lines[0].second, "1 and text");
    EXPECT_EQ(capture.lines[1].first, LogLevel::error);
    EXPECT_TRUE(log_enabled(LogLevel::warn));
    EXPECT_FALSE(log_enabled(LogLevel::info));
}

TEST(AssertDeathTest, StopsWithTheMessage) {
    int index = 7;
#ifndef NDEBUG
    EXPECT_DEATH(KITE_ASSERT(index < 4, "register {} of {}", index, 4),
                 "index < 4: register 7 of 4");
    EXPECT_DEATH(KITE_ASSERT(index == 0), "assertion failed: index == 0");
#endif
    KITE_ASSERT(index == 7, "never formatted {}", ++index);
    EXPECT_EQ(index, 7);
    EXPECT_DEATH(unreachable("two signs"), "unreachable: two signs");
}

class EnvTest : public testing::Test {
protected:
    void TearDown() override { ::unsetenv(env::kNumThreads.name); }
    static void put(const char* value) { ::setenv(env::kNumThreads.name, value, 1); }
};

TEST_F(EnvTest, Numbers) {
    Capture capture(LogLevel::warn);
    EXPECT_EQ(env_number(env::kNumThreads, 1, 256), std::nullopt);
    put("8");
    EXPECT_EQ(env_number(env::kNumThreads, 1, 256), 8);
    EXPECT_TRUE(capture.lines.empty());
    for (const char* bad : {"0", "257", "8x", "x", "99999999999999999999"}) {
        put(bad);
        EXPECT_EQ(env_number(env::kNumThreads, 1, 256), std::nullopt) << bad;
    }
    EXPECT_EQ(capture.lines.size(), 5u);
}

TEST_F(EnvTest, FlagsAndLists) {
    Capture capture(LogLevel::warn);
    EXPECT_FALSE(env_flag(env::kNumThreads));
    put("yes");
    EXPECT_TRUE(env_flag(env::kNumThreads));
    put("off");
    EXPECT_FALSE(env_flag(env::kNumThreads));
    EXPECT_TRUE(capture.lines.empty());
    put("maybe");
    EXPECT_FALSE(env_flag(env::kNumThreads));
    EXPECT_EQ(capture.lines.size(), 1u);
    put("a,,b=c,");
    EXPECT_EQ(env_list(env::kNumThreads), (std::vector<std::string>{"a", "b=c"}));
    put("");
    EXPECT_TRUE(env_list(env::kNumThreads).empty());
    EXPECT_EQ(env_string(env::kNumThreads), std::nullopt);
}

TEST(Env, TableIsSortedAndDocumented) {
    const auto table = all_env_vars();
    for (size_t i = 0; i < table.size(); ++i) {
        EXPECT_TRUE(std::string_view(table[i]->name).starts_with("KITE_"));
        EXPECT_GT(std::string_view(table[i]->doc).size(), 5u);
        if (i > 0) {
            EXPECT_LT(std::string_view(table[i - 1]->name), std::string_view(table[i]->name));
        }
    }
    EXPECT_NE(env_help().find("KITE_LOG_FILE"), std::string::npos);
}

} // namespace
} // namespace kite::base
