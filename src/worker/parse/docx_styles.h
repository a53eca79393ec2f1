// What a Word document's styles.xml and numbering.xml say about a paragraph: heading, list item, code, quotation.
#pragma once

#include <map>
#include <pugixml.hpp>
#include <string>
#include <vector>

namespace strata::worker {

struct DocxStyle {
  enum class Role { kBody, kTitle, kHeading, kCode, kQuote };
  Role role = Role::kBody;
  int level = 0;         // of a heading, 1..9
  int number_id = -1;    // of a list; -1 where the style names none
  int number_level = 0;
};

class DocxStyles {
 public:
  void read(pugi::xml_node styles);
  // The style with what it is based on taken in.
  DocxStyle find(const std::string& id) const;
  // For paragraphs that name no style.
  const std::string& default_id() const { return default_id_; }

 private:
  struct Entry {
    std::string name, based_on;
    int outline = -1, number_id = -1, number_level = -1;
  };
  std::map<std::string, Entry> entries_;
  std::string default_id_;
};

// Counts list items as Word does.
class DocxNumbering {
 public:
  void read(pugi::xml_node numbering);
  // The mark of the next item of list `id` at `level`, with its indentation ("  2.1. "); empty where the list shows none.
  std::string next_mark(int id, int level);

 private:
  struct Level {
    std::string format = "bullet", text;
    int start = 1;
  };
  std::map<int, std::vector<Level>> lists_;    // by abstract id
  std::map<int, int> abstract_of_;             // by list id
  std::map<int, std::vector<int>> counters_;   // by abstract id
};

}  // namespace strata::worker
