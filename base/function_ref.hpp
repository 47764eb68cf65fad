// SPDX-License-Identifier: MIT
// A reference to a callable, two pointers wide: for parameters that are only called during the
// call. It does not own the callable, which must outlive it. Copy freely; calling is as thread-safe
// as the callable is.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

namespace kite::base {

template <typename Signature>
class FunctionRef;

/// Reference to something callable as R(Args...).
template <typename R, typename... Args>
class FunctionRef<R(Args...)> {
public:
    template <typename F>
        requires(!std::is_same_v<std::remove_cvref_t<F>, FunctionRef> &&
                 std::is_invocable_r_v<R, F&, Args...>)
    // NOLINTNEXTLINE(google-explicit-constructor): it stands in for the callable.
    FunctionRef(F&& f)
        : object_(const_cast<void*>(static_cast<const void*>(std::addressof(f)))),
          call_([](void* object, Args... args) -> R {
              return (*static_cast<std::remove_reference_t<F>*>(object))(
                  std::forward<Args>(args)...);
          }) {}

    R operator()(Args... args) const { return call_(object_, std::forward<Args>(args)...); }

private:
    void* object_;
    R (*call_)(void*, Args...);
};

} // namespace kite::base
