// Numbers: whole ones of 64 bits, where Python's have no end, and floats.
#include <cmath>
#include <limits>
#include <string>

#include "text/jinja/operators.h"

namespace hearth::text::jinja {
namespace {

tl::unexpected<Error> beyond_64_bits() {
  return fail(ErrorCode::kUnsupported, "a whole number beyond 64 bits");
}

tl::unexpected<Error> division_by_zero() {
  return fail(ErrorCode::kInvalidArgument, "division by zero");
}

/// // and % of whole numbers: both round down, as in Python.
Result<Value> divide_whole(BinaryOp op, std::int64_t a, std::int64_t b) {
  if (b == 0) return division_by_zero();
  if (b == -1) {  // the most negative number has no positive counterpart, and the instruction traps
    if (op == BinaryOp::kModulo) return Value::integer(0);
    return negate(Value::integer(a));
  }
  const bool adjust = a % b != 0 && (a % b < 0) != (b < 0);
  if (op == BinaryOp::kFloorDivide) return Value::integer(a / b - (adjust ? 1 : 0));
  return Value::integer(a % b + (adjust ? b : 0));
}

/// // and % of floats, in the steps of CPython's float_divmod: the quotient is made from the rest,
/// so that both agree.
Value divide_floats(BinaryOp op, double a, double b) {
  double rest = std::fmod(a, b);
  double quotient = (a - rest) / b;
  if (rest == 0.0) {
    rest = std::copysign(0.0, b);
  } else if ((b < 0.0) != (rest < 0.0)) {
    rest += b;
    quotient -= 1.0;
  }
  if (op == BinaryOp::kModulo) return Value::number(rest);
  if (quotient == 0.0) return Value::number(std::copysign(0.0, a / b));
  double floor = std::floor(quotient);
  if (quotient - floor > 0.5) floor += 1.0;
  return Value::number(floor);
}

Result<Value> power_of_whole(std::int64_t base, std::int64_t exponent) {
  std::int64_t result = 1;
  while (exponent > 0) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result)) {
      return beyond_64_bits();
    }
    exponent >>= 1;
    if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) return beyond_64_bits();
  }
  return Value::integer(result);
}

Result<Value> power(double base, double exponent) {
  if (base == 0.0 && exponent < 0.0) return division_by_zero();
  if (base < 0.0 && std::isfinite(base) && std::isfinite(exponent) &&
      exponent != std::floor(exponent)) {
    return fail(ErrorCode::kUnsupported, "a complex number");
  }
  const double result = std::pow(base, exponent);
  if (std::isinf(result) && std::isfinite(base) && std::isfinite(exponent)) {
    return fail(ErrorCode::kInvalidArgument, "a power that is too large");
  }
  return Value::number(result);
}

Result<Value> whole_arithmetic(BinaryOp op, std::int64_t a, std::int64_t b) {
  std::int64_t out = 0;
  bool overflow = false;
  switch (op) {
    case BinaryOp::kAdd:
      overflow = __builtin_add_overflow(a, b, &out);
      break;
    case BinaryOp::kSubtract:
      overflow = __builtin_sub_overflow(a, b, &out);
      break;
    case BinaryOp::kMultiply:
      overflow = __builtin_mul_overflow(a, b, &out);
      break;
    case BinaryOp::kDivide:
      if (b == 0) return division_by_zero();
      // 64 bits of mantissa hold both exactly.
      return Value::number(static_cast<double>(static_cast<long double>(a) / b));
    case BinaryOp::kPower:
      if (b < 0) return power(static_cast<double>(a), static_cast<double>(b));
      return power_of_whole(a, b);
    default:
      return divide_whole(op, a, b);
  }
  if (overflow) return beyond_64_bits();
  return Value::integer(out);
}

}  // namespace

Result<Value> arithmetic(BinaryOp op, const Value& left, const Value& right) {
  if (left.is_whole() && right.is_whole()) {
    return whole_arithmetic(op, to_integer(left), to_integer(right));
  }
  const double a = to_double(left);
  const double b = to_double(right);
  switch (op) {
    case BinaryOp::kAdd:
      return Value::number(a + b);
    case BinaryOp::kSubtract:
      return Value::number(a - b);
    case BinaryOp::kMultiply:
      return Value::number(a * b);
    case BinaryOp::kPower:
      return power(a, b);
    default:
      break;
  }
  if (b == 0.0) return division_by_zero();
  if (op == BinaryOp::kDivide) return Value::number(a / b);
  return divide_floats(op, a, b);
}

Result<Value> negate(const Value& value) {
  if (value.is_float()) return Value::number(-to_double(value));
  if (!value.is_whole()) {
    return fail(ErrorCode::kInvalidArgument, "the operator - on " + value.describe());
  }
  if (to_integer(value) == std::numeric_limits<std::int64_t>::min()) return beyond_64_bits();
  return Value::integer(-to_integer(value));
}

Result<Value> plus(const Value& value) {
  if (value.is_float()) return value;
  if (value.is_whole()) return Value::integer(to_integer(value));
  return fail(ErrorCode::kInvalidArgument, "the operator + on " + value.describe());
}

}  // namespace hearth::text::jinja
