#include "common/config/file.h"

#include <yaml-cpp/yaml.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <set>
#include <system_error>

#include "common/config/option_value.h"

namespace gatehouse::config {

namespace {

class Reader {
 public:
  Reader(const Schema& schema, std::string name) : schema_(schema), name_(std::move(name)) {
    content_.values.resize(schema.options.size());
  }

  // Throws YAML::Exception.
  Result<FileContent> read(const std::string& text) {
    const YAML::Node root = YAML::Load(text);
    if (root.IsNull()) return std::move(content_);  // an empty file, or comments only
    if (!root.IsMap()) return error(root, "", "expected a mapping of keys to values");
    GATEHOUSE_RETURN_IF_ERROR(read_map(root, ""));
    return std::move(content_);
  }

 private:
  // "<file>:<line>: <key>", without what is not there.
  std::string place(const YAML::Node& node, const std::string& key) const {
    std::string text = name_;
    if (!node.Mark().is_null()) text += ":" + std::to_string(node.Mark().line + 1);
    return key.empty() ? text : text + ": " + key;
  }
  Status error(const YAML::Node& node, const std::string& key, const std::string& what) const {
    return invalid_argument(place(node, key) + ": " + what);
  }

  Status read_map(const YAML::Node& map, const std::string& prefix) {
    std::set<std::string> seen;
    for (const auto& pair : map) {
      if (!pair.first.IsScalar()) return error(pair.first, prefix, "a key must be a plain word");
      const std::string key = prefix + pair.first.Scalar();
      if (!seen.insert(key).second) return error(pair.first, key, "given twice");
      GATEHOUSE_RETURN_IF_ERROR(read_entry(pair.first, pair.second, key));
    }
    return Status();
  }

  Status read_entry(const YAML::Node& name, const YAML::Node& node, const std::string& key) {
    bool is_section = false;
    for (size_t i = 0; i < schema_.options.size(); ++i) {
      const std::string option_key = file_key(schema_.options[i]);
      if (option_key == key) return read_option(i, name, node, key);
      is_section = is_section || option_key.starts_with(key + ".");
    }
    if (!is_section) {
      content_.unknown.push_back(place(name, key));
      return Status();
    }
    if (node.IsNull()) return Status();
    if (!node.IsMap()) return error(name, key, "expected a mapping of keys to values");
    return read_map(node, key + ".");
  }

  Status read_option(size_t index, const YAML::Node& name, const YAML::Node& node,
                     const std::string& key) {
    if (node.IsNull()) return Status();  // "key:" alone leaves the default, as in etcd
    const Option& option = schema_.options[index];
    Result<Value> value = node.IsScalar() ? from_scalar(option, node) : from_other(option, node);
    if (!value.ok()) return error(name, key, value.status().message());
    content_.values[index] = FileValue{*std::move(value), name.Mark().line + 1};
    return Status();
  }

  static Result<Value> from_scalar(const Option& option, const YAML::Node& node) {
    std::string text = node.Scalar();
    const bool quoted = node.Tag() == "!";
    if (option.type == Type::kDuration && !text.empty() &&
        text.find_first_not_of("0123456789", text[0] == '-' ? 1 : 0) == std::string::npos) {
      text += "ns";  // etcd's files hold durations as integers
    }
    if (option.type == Type::kBool && !quoted) {
      // YAML 1.1, which etcd's reader follows.
      for (const char* yes : {"yes", "Yes", "YES", "on", "On", "ON", "y", "Y"}) {
        if (text == yes) text = "true";
      }
      for (const char* no : {"no", "No", "NO", "off", "Off", "OFF", "n", "N"}) {
        if (text == no) text = "false";
      }
    }
    Result<Value> value = parse_value(option, text);
    if (value.ok()) return value;
    return invalid_argument("invalid value " + quote(node.Scalar()) + ": " +
                            value.status().message());
  }

  static Result<Value> from_other(const Option& option, const YAML::Node& node) {
    if (option.type != Type::kList) return invalid_argument("expected a single value");
    if (!node.IsSequence()) return invalid_argument("expected a list or a comma-separated string");
    std::vector<std::string> items;
    for (const YAML::Node& item : node) {
      if (!item.IsScalar()) return invalid_argument("expected a list of strings");
      items.push_back(item.Scalar());
    }
    Value value(std::move(items));
    if (option.validate) GATEHOUSE_RETURN_IF_ERROR(option.validate(value));
    return value;
  }

  const Schema& schema_;
  const std::string name_;
  FileContent content_;
};

Result<std::string> read_all(const std::string& path) {
  const auto failure = [&] {
    return invalid_argument("cannot read configuration file " + path + ": " +
                            std::system_category().message(errno));
  };
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"),
                                                             &std::fclose);
  if (file == nullptr) return failure();
  std::string text(kMaxConfigFileBytes + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0) return failure();
  if (text.size() > kMaxConfigFileBytes) {
    return invalid_argument("configuration file " + path + " is larger than " +
                            std::to_string(kMaxConfigFileBytes) + " bytes");
  }
  return text;
}

}  // namespace

Result<FileContent> parse_config_text(const Schema& schema, const std::string& name,
                                      const std::string& text) {
  try {
    return Reader(schema, name).read(text);
  } catch (const YAML::Exception& exception) {
    const std::string line =
        exception.mark.is_null() ? "" : ":" + std::to_string(exception.mark.line + 1);
    return invalid_argument(name + line + ": " + exception.msg);
  }
}

Result<FileContent> read_config_file(const Schema& schema, const std::string& path) {
  const Result<std::string> text = read_all(path);
  if (!text.ok()) return text.status();
  return parse_config_text(schema, path, *text);
}

}  // namespace gatehouse::config
