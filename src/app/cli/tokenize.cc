// hearth tokenize: what a model's tokenizer makes of a text or of a whole request, and back.
#include <fmt/format.h>

#include <charconv>
#include <limits>

#include <CLI/CLI.hpp>

#include "app/cli/command.h"
#include "app/cli/reply.h"
#include "app/io/standard_input.h"
#include "app/io/standard_output.h"
#include "app/model_locator.h"
#include "base/file.h"
#include "protocol/messages_json.h"
#include "protocol/tool_definitions.h"
#include "provider/prompt_encoder.h"
#include "text/cached_tokenizer.h"
#include "text/tokenizer.h"
#include "text/utf8.h"

namespace hearth::app {
namespace {

struct TokenizeOptions {
  std::vector<std::string> words;
  bool decode = false;
  bool json = false;
  bool count = false;
  bool no_special = false;
  std::optional<std::string> messages;
  std::optional<std::string> tools;
};

constexpr InputLimits kRequestLimits{.bytes_max = std::uint64_t{64} << 20};

/// What the flags say about one another.
Result<void> check_options(const TokenizeOptions& options) {
  const auto exclude = [](const char* one, const char* other) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} and {} exclude each other; give one", one, other));
  };
  if (options.decode && options.count) return exclude("--decode", "--count");
  if (options.tools && !options.messages) {
    return fail(ErrorCode::kInvalidArgument, "--tools belongs to --messages");
  }
  if (!options.messages) return {};
  if (options.decode) return exclude("--messages", "--decode");
  if (options.no_special) return exclude("--messages", "--no-special");
  if (!options.words.empty()) return exclude("--messages", "TEXT");
  return {};
}

/// Bytes that are no whole characters, line breaks and quotes are shown as JSON would.
std::string piece_in_words(std::string_view bytes) {
  if (!text::utf8_find_invalid(bytes)) return dump(OrderedJson(std::string(bytes)));
  std::string shown = "bytes";
  for (const char c : bytes) shown += fmt::format(" {:02x}", static_cast<unsigned char>(c));
  return shown;
}

Result<std::string> read_input(const TokenizeOptions& options) {
  if (!options.words.empty()) {
    std::string joined;
    for (const std::string& word : options.words) joined += (joined.empty() ? "" : " ") + word;
    HEARTH_TRY_VOID(check_utf8(joined, "the text"));
    return joined;
  }
  HEARTH_TRY(const PipedInput input, read_piped_input(0, /*needed=*/true));
  if (input.text.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                "there is nothing to tokenize; give a text, or standard input");
  }
  return input.text;
}

/// Numbers between anything that is no digit: "1 2", "1,2" and "[1, 2]" are all fine.
Result<std::vector<TokenId>> parse_ids(std::string_view text) {
  std::vector<TokenId> ids;
  while (!text.empty()) {
    if (std::string_view(" \t\r\n,[]").find(text.front()) != std::string_view::npos) {
      text.remove_prefix(1);
      continue;
    }
    TokenId id = 0;
    const auto [stopped, error] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (error != std::errc() || id < 0) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("--decode expects token ids such as \"17 4012\", found \"{}\"",
                              text.substr(0, 20)));
    }
    ids.push_back(id);
    text.remove_prefix(static_cast<std::size_t>(stopped - text.data()));
  }
  return ids;
}

Result<std::string> decoded(const text::Tokenizer& tokenizer, const TokenizeOptions& options,
                            const std::string& input) {
  HEARTH_TRY(const auto ids, parse_ids(input));
  for (const TokenId id : ids) {
    if (tokenizer.has_id(id)) continue;
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("no token has the id {}; this tokenizer's ids end at {}", id,
                            tokenizer.vocab_size() - 1));
  }
  HEARTH_TRY(const std::string text, tokenizer.decode(ids, options.no_special));
  if (!options.json) return text + "\n";
  return dump(OrderedJson{{"count", ids.size()}, {"ids", ids}, {"text", text}}) + "\n";
}

/// The tokens as the flags want to see them.
Result<std::string> listed(const text::Tokenizer& tokenizer, const TokenizeOptions& options,
                           const std::vector<TokenId>& ids) {
  if (options.count && !options.json) return fmt::format("{}\n", ids.size());
  OrderedJson json = {{"count", ids.size()}};
  if (options.count) return dump(json) + "\n";
  OrderedJson pieces = OrderedJson::array();
  std::string text;
  for (const TokenId id : ids) {
    HEARTH_TRY(const std::string_view bytes, tokenizer.piece(id));
    pieces.push_back(text::utf8_replace_invalid(bytes));
    text += fmt::format("{:>7}  {}\n", id, piece_in_words(bytes));
  }
  json["ids"] = ids;
  json["pieces"] = std::move(pieces);
  if (options.json) return dump(json) + "\n";
  return text + fmt::format("{} tokens\n", ids.size());
}

Result<std::string> tokenized_text(const TokenizeOptions& options, const LocatedModel& located,
                                   const Environment& environment) {
  HEARTH_TRY(const std::string input, read_input(options));
  HEARTH_TRY(const auto tokenizer,
             as_model_failure(text::load_tokenizer_cached(located.folder / "tokenizer.json",
                                                          environment.cache_folder())));
  if (options.decode) return decoded(tokenizer, options, input);
  HEARTH_TRY(const auto ids, tokenizer.encode(input, {.parse_special = !options.no_special,
                                                      .add_post_tokens = !options.no_special}));
  return listed(tokenizer, options, ids);
}

Result<std::string> read_request_file(const std::string& path, const char* flag) {
  if (path == "-") {
    HEARTH_TRY(PipedInput input, read_piped_input(0, /*needed=*/true, kRequestLimits));
    return std::move(input.text);
  }
  auto text = read_file(path, kRequestLimits.bytes_max);
  if (!text) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("{}: {}", flag, text.error().message));
  }
  return text;
}

/// The prompt of a whole request, as the provider would run it. No weights are opened.
Result<std::string> tokenized_request(const TokenizeOptions& options, const LocatedModel& located,
                                      const Environment& environment) {
  HEARTH_TRY(const std::string text, read_request_file(*options.messages, "--messages"));
  HEARTH_TRY(protocol::Conversation request,
             protocol::parse_conversation(text, "--messages " + *options.messages));
  if (options.tools) {
    HEARTH_TRY(const std::string tools, read_request_file(*options.tools, "--tools"));
    auto parsed =
        protocol::parse_tool_definitions(std::string_view(tools), "--tools " + *options.tools);
    if (!parsed) return fail(ErrorCode::kInvalidArgument, parsed.error().message);
    request.tools = std::move(*parsed);
  }
  HEARTH_TRY(const auto prompts, as_model_failure(provider::PromptEncoder::open(
                                     located.folder, environment.cache_folder())));
  HEARTH_TRY(const auto ids, prompts.encode(request.messages, request.tools));
  return listed(prompts.tokenizer(), options, ids);
}

Result<ExitCode> tokenize(const TokenizeOptions& options, SettingFlags& flags) {
  const Environment environment = Environment::of_process();
  flags.assume_local();
  HEARTH_TRY_VOID(check_options(options));
  HEARTH_TRY(const Settings settings, flags.resolve(environment));
  print_warnings(settings);
  HEARTH_TRY(const LocatedModel located, locate_model(settings, environment));
  HEARTH_TRY(const std::string text, options.messages
                                         ? tokenized_request(options, located, environment)
                                         : tokenized_text(options, located, environment));
  StandardOutput out;
  out.write(text);
  HEARTH_TRY_VOID(out.status());
  return out.reader_gone() ? ExitCode::kBrokenPipe : ExitCode::kOk;
}

}  // namespace

void add_tokenize_command(CLI::App& root, std::vector<Subcommand>& commands) {
  CLI::App* parser =
      root.add_subcommand("tokenize", "Show the tokens of a text, or the text of tokens");
  const auto options = std::make_shared<TokenizeOptions>();
  parser->add_option("TEXT", options->words, "The text (standard input when there is none)");
  constexpr SettingId kModel[] = {SettingId::kModelPath, SettingId::kVariant};
  const auto flags = std::make_shared<SettingFlags>(*parser, kModel);
  parser->add_flag("--decode", options->decode, "TEXT holds token ids; print what they spell");
  parser->add_flag("--count", options->count, "Print only how many tokens there are");
  parser->add_flag("--json", options->json, "Print one JSON object");
  parser->add_flag("--no-special", options->no_special,
                   "Take the spelling of special tokens as plain text and add none; with --decode, "
                   "leave them out");
  parser
      ->add_option(
          "--messages", options->messages,
          "Count a whole request instead: a JSON list of messages, or the body of a request "
          "with messages and tools; - is standard input")
      ->type_name("FILE");
  parser->add_option("--tools", options->tools, "JSON list of the request's tools")
      ->type_name("FILE");
  parser->footer(
      "Examples:\n"
      "  hearth tokenize \"Hello, world\"\n"
      "  hearth tokenize --messages request.json --count\n"
      "  hearth tokenize --count < README.md\n"
      "  hearth tokenize --decode 17 4012\n");
  commands.push_back({parser, [options, flags] { return tokenize(*options, *flags); }});
}

}  // namespace hearth::app
