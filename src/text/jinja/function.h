// Function: one row of the tables of filters, tests, methods and global functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "text/jinja/budget.h"
#include "text/jinja/strftime.h"
#include "text/jinja/value.h"

namespace hearth::text::jinja {

/// Evaluated arguments of a call.
struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
};

/// What functions may use besides their arguments.
struct Runtime {
  Budget& budget;
  const LocalClock& clock;
};

inline constexpr std::size_t kParametersMax = 4;

/// The parameters of a function, as Python would declare them.
struct Signature {
  std::array<std::string_view, kParametersMax> names{};
  std::size_t required = 0;  ///< how many of them must be given
  bool takes_rest = false;   ///< further arguments of any number and name are taken
  bool by_position = false;  ///< the names cannot be written, as with most methods of str

  std::size_t size() const;
};

class Call;

/// A row: what templates write, what it takes, what it does. The value left of `|`, `is` or `.` is
/// the call's `self`. A row without `run` is a construct that is known and refused.
struct Function {
  std::string_view name;
  Signature signature;
  Result<Value> (*run)(const Call& call) = nullptr;
};

/// Calls: binds the arguments, runs, and names `kind` and function in every error ("the filter
/// round: ..."). kUnsupported for a row that is refused.
Result<Value> call_function(const Function& function, std::string_view kind, const Value& self,
                            const Arguments& arguments, Runtime& runtime);

/// One call in progress: access to its arguments in their declared order.
class Call {
 public:
  Call(const Function& function, const Value& object, const Arguments& arguments, Runtime& services)
      : self(object),
        all(arguments),
        runtime(services),
        budget(services.budget),
        function_(function) {}

  /// kInvalidArgument for arguments that the signature does not have room for.
  Result<void> bind();

  bool given(std::size_t i) const { return bound_[i] != nullptr; }

  /// Given, and not None.
  bool has(std::size_t i) const { return given(i) && !bound_[i]->is_none(); }

  /// The argument, which must be given.
  const Value& at(std::size_t i) const { return *bound_[i]; }
  Value value_or(std::size_t i, const Value& fallback) const;

  /// Truth of the argument; false when it is not given.
  bool truth(std::size_t i) const { return given(i) && bound_[i]->truthy(); }

  /// kInvalidArgument, naming the parameter, for another kind of value.
  Result<const std::string*> text(std::size_t i) const;
  Result<std::int64_t> whole_or(std::size_t i, std::int64_t fallback) const;

  /// The same, refused (kResourceExhausted) beyond `max`; negative values come out as they are.
  Result<std::int64_t> whole_up_to(std::size_t i, std::int64_t fallback, std::int64_t max) const;

  tl::unexpected<Error> wrong(const std::string& message) const {
    return fail(ErrorCode::kInvalidArgument, message);
  }

  std::string_view name() const { return function_.name; }

  const Value& self;
  const Arguments& all;
  Runtime& runtime;
  Budget& budget;

 private:
  const Function& function_;
  std::array<const Value*, kParametersMax> bound_{};
};

/// The row of that name in a table that is ordered in any way; nullptr when there is none.
const Function* find_row(std::span<const Function> table, std::string_view name);

}  // namespace hearth::text::jinja
