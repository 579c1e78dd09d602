// Interpreter: a run from its variables to its text.
#include "text/jinja/interpreter.h"

#include "text/jinja/evaluator.h"

namespace hearth::text::jinja {

Evaluator::Evaluator(const Program& program, std::vector<std::pair<std::string, Value>>&& variables,
                     const RunLimits& limits, const LocalClock& clock)
    : program_(program),
      budget_(limits.steps_max, limits.output_bytes_max),
      runtime_{budget_, clock},
      scope_(std::make_shared<Scope>(nullptr)) {
  for (const Function& function : global_functions()) {
    if (const Symbol* symbol = program.symbols.find(std::string(function.name))) {
      scope_->set(*symbol, Value::function(function));
    }
  }
  for (auto& [name, value] : variables) {
    if (const Symbol* symbol = program.symbols.find(name)) scope_->set(*symbol, std::move(value));
  }
  scope_ = inner_scope();  // what the template sets at its top
}

Result<std::string> Evaluator::run() {
  auto flow = block(program_.body);
  if (!flow) {
    return fail_within("chat template " + program_.name + ": line " + std::to_string(error_line_),
                       flow.error());
  }
  return std::move(out_);
}

Result<std::string> run(const Program& program,
                        std::vector<std::pair<std::string, Value>> variables,
                        const RunLimits& limits, const LocalClock& clock) {
  return Evaluator(program, std::move(variables), limits, clock).run();
}

}  // namespace hearth::text::jinja
