// standalone: which questions lean on the one before, and what they take from it. By words alone.
#include <algorithm>
#include <set>

#include "base/text.h"
#include "knowledge/ground/ground.h"
#include "knowledge/ground/words.h"

namespace strata::ground {
namespace {

constexpr int kTurnsBack = 4;  // a topic that was not named for so long has been dropped

using Set = std::set<std::string_view>;

enum class Pronoun { kNone, kThing, kPerson, kPossessive };
Pronoun pronoun(const std::vector<Word>& all, size_t at) {
  static const Set kThings = {"it", "they", "them", "this", "these", "those", "one", "ones"};
  static const Set kPersons = {"he", "she", "him"};
  static const Set kPossessives = {"its", "their", "his", "her", "hers", "theirs"};
  const std::string& word = all[at].lower;
  const bool last = at + 1 == all.size();
  if (word == "that") return last || (at > 0 && is_stop_word(all[at + 1].lower)) ? Pronoun::kThing : Pronoun::kNone;
  if (word == "one" || word == "ones") return last ? Pronoun::kThing : Pronoun::kNone;
  if (word == "her" && last) return Pronoun::kPerson;
  if (kThings.count(word) != 0) return Pronoun::kThing;
  if (kPersons.count(word) != 0) return Pronoun::kPerson;
  return kPossessives.count(word) != 0 ? Pronoun::kPossessive : Pronoun::kNone;
}

bool is_demonstrative(const std::string& word) { return word == "this" || word == "that" || word == "these" || word == "those"; }

// Behind "And", "What about", "How about" …: where the new part begins; 0 where the question is whole.
size_t ellipsis_end(std::string_view text, const std::vector<Word>& all) {
  if (all.empty()) return 0;
  const auto is = [&](size_t i, std::string_view word) { return i < all.size() && all[i].lower == word; };
  size_t words_in = 0;
  if (is(0, "and") || is(0, "but") || is(0, "or") || is(0, "also") || is(0, "so")) words_in = 1;
  if ((is(words_in, "what") || is(words_in, "how")) && (is(words_in + 1, "about") || is(words_in + 1, "if"))) words_in += 2;
  if (words_in == 0 || words_in >= all.size()) return 0;
  // "And who pays for parental leave?" is whole: it asks on its own.
  static const Set kQuestionWords = {"what", "which", "who", "whom", "whose", "when", "where", "why",  "how",    "is",  "are",
                                     "was",  "were",  "do",  "does", "did",   "can",  "could", "must", "should", "may", "will"};
  const bool asks_itself = kQuestionWords.count(all[words_in].lower) != 0 && all.size() - words_in > 3;
  return asks_itself ? 0 : text.find_first_not_of(" ,", all[words_in - 1].end);
}

std::string_view piece(std::string_view text, uint32_t begin, uint32_t end) { return text.substr(begin, end - begin); }

// Names in the text: runs of capitalised words, small words between them included ("Duchy of Warsaw").
std::vector<std::string> names_of(std::string_view text) {
  std::vector<std::string> out;
  const std::vector<Word> all = words(text);
  static const Set kInside = {"of", "the", "de", "von", "van", "for", "and"};
  for (size_t i = 0; i < all.size(); ++i) {
    const bool starts = all[i].capital && !is_stop_word(all[i].lower) && (!all[i].opens || weight(all[i].lower) > 8.5);
    if (!starts) continue;
    size_t last = i;
    for (size_t k = i + 1; k < all.size() && k <= last + 3; ++k) {
      if (all[k].begin - all[k - 1].end > 1) break;
      if (all[k].capital || (all[k].number && k == last + 1)) last = k;
      else if (kInside.count(all[k].lower) == 0) break;
    }
    out.emplace_back(piece(text, all[i].begin, all[last].end));
    i = last;
  }
  return out;
}

// The last run of content words: "How do I request parental leave?" → "request parental leave"; the verb stays, it does no harm.
std::string last_phrase(std::string_view text) {
  const std::vector<Word> all = words(text);
  size_t end = all.size();
  while (end > 0 && is_stop_word(all[end - 1].lower)) --end;
  size_t begin = end;
  while (begin > 0 && end - begin < 4 && !is_stop_word(all[begin - 1].lower) && (begin == end || all[begin].begin - all[begin - 1].end <= 1)) --begin;
  return begin == end ? std::string() : std::string(piece(text, all[begin].begin, all[end - 1].end));
}

std::string first_quote(std::string_view answer) {
  const size_t open = answer.find("“");
  if (open == std::string_view::npos) return std::string(answer.substr(0, 400));
  const size_t close = answer.find("”", open);
  return std::string(answer.substr(open + 3, close == std::string_view::npos ? 400 : close - open - 3));
}

// What the earlier turn was about. A question about a person ("Who …?") hands on who was named in its answer.
std::string topic_of(std::string_view question, std::string_view answer, bool person) {
  const std::vector<std::string> named = names_of(question);
  if (person && (named.empty() || asks(question) == Asks::kPerson)) {
    const std::vector<std::string> answered = names_of(first_quote(answer));
    for (const std::string& name : answered) {
      if (std::find(named.begin(), named.end(), name) == named.end()) return name;
    }
  }
  if (!named.empty()) return *std::max_element(named.begin(), named.end(), [](const auto& a, const auto& b) { return a.size() < b.size(); });
  return last_phrase(question);
}

// `question` with its first pronoun replaced by the topic.
std::string replaced(std::string_view question, const std::vector<Word>& all, size_t at, Pronoun kind, const std::string& topic) {
  const bool before_noun = is_demonstrative(all[at].lower) && at + 1 < all.size() && !is_stop_word(all[at + 1].lower);
  std::string out(question.substr(0, all[at].begin));
  out += topic;
  if (kind == Pronoun::kPossessive) out += topic.ends_with('s') ? "'" : "'s";
  if (before_noun) out += "'s";
  out += question.substr(all[at].end);
  return out;
}

std::string without_question_mark(std::string_view text) {
  while (!text.empty() && (text.back() == '?' || text.back() == ' ' || text.back() == '.')) text.remove_suffix(1);
  return std::string(text);
}

// The earlier question with the new part in the place of the part it replaces ("for full-timers" ← "for part-timers"), or added.
std::string spliced(std::string_view earlier, std::string_view part) {
  static const Set kPrepositions = {"for", "in", "on", "at", "to", "from", "by", "with", "during", "after", "before", "under", "of"};
  const std::vector<Word> mine = words(part), theirs = words(earlier);
  const std::string base = without_question_mark(earlier);
  if (!mine.empty() && kPrepositions.count(mine[0].lower) != 0) {
    for (size_t i = theirs.size(); i-- > 1;) {
      if (theirs[i].lower != mine[0].lower) continue;
      return std::string(earlier.substr(0, theirs[i].begin)) + without_question_mark(part) + "?";
    }
  }
  return base + " " + without_question_mark(part) + "?";
}

struct Turns {
  std::vector<std::string> questions;  // the user's, oldest first; the last is the current one
  std::vector<std::string> answers;    // what came back to each but the last
};

Turns read_turns(const std::vector<model::Message>& conversation) {
  Turns out;
  for (const model::Message& message : conversation) {
    if (message.role == "user" && !is_small_talk(message.content)) {
      out.questions.emplace_back(trim(message.content));
      out.answers.emplace_back();
    } else if (message.role == "assistant" && !out.answers.empty()) {
      out.answers.back() = message.content;
    }
  }
  if (!conversation.empty() && is_small_talk(conversation.back().content)) {
    out.questions.emplace_back(trim(conversation.back().content));
    out.answers.emplace_back();
  }
  return out;
}

bool names_own_topic(std::string_view question, const std::vector<Word>& all, size_t pronoun_at) {
  for (size_t i = 0; i < pronoun_at; ++i) {
    if (all[i].capital && !all[i].opens && !is_stop_word(all[i].lower)) return true;
  }
  // "If an employee leaves, when must they …": a noun and a clause of its own before the pronoun.
  return pronoun_at > 0 && question.substr(0, all[pronoun_at].begin).find(',') != std::string_view::npos && pronoun_at >= 4;
}

FollowUp resolve(const std::string& question, const std::string& earlier, const std::string& answer) {
  FollowUp out{.question = question, .queries = {question}};
  if (earlier.empty()) return out;
  const std::vector<Word> all = words(question);
  const auto carry = [&](std::string standalone, std::string topic) {
    out = {.carried = true, .question = standalone, .queries = {standalone}, .topic = std::move(topic)};
    std::string wide = without_question_mark(question) + " " + without_question_mark(earlier);
    if (wide != standalone) out.queries.push_back(std::move(wide));
  };
  if (const size_t part = ellipsis_end(question, all); part != 0 && part != std::string::npos) {
    carry(spliced(earlier, std::string_view(question).substr(part)), without_question_mark(earlier));
    return out;
  }
  for (size_t i = 0; i < all.size(); ++i) {
    const Pronoun kind = pronoun(all, i);
    if (kind == Pronoun::kNone || names_own_topic(question, all, i)) continue;
    static const Set kOfPersons = {"he", "she", "him", "his", "her", "hers"};
    const std::string topic = topic_of(earlier, answer, kOfPersons.count(all[i].lower) != 0);
    if (topic.empty()) break;
    carry(replaced(question, all, i, kind, topic), topic);
    return out;
  }
  const size_t content = content_words(question).size();
  if (content == 0 || (content == 1 && all.size() <= 4)) {
    const std::string topic = topic_of(earlier, answer, false);
    if (!topic.empty()) carry(without_question_mark(question) + " " + without_question_mark(earlier) + "?", topic);
  }
  return out;
}

}  // namespace

FollowUp standalone(const std::vector<model::Message>& conversation) {
  const Turns turns = read_turns(conversation);
  FollowUp out;
  if (turns.questions.empty()) return out;
  const size_t count = turns.questions.size();
  const size_t first = count > kTurnsBack ? count - kTurnsBack : 0;
  std::string earlier, answer;
  for (size_t i = first; i < count; ++i) {
    out = resolve(turns.questions[i], earlier, answer);
    earlier = out.question;
    answer = turns.answers[i];
  }
  return out;
}

bool is_small_talk(std::string_view text) {
  static const Set kWords = {"hello",   "hi",       "hey",     "hallo",   "thanks",    "thank", "you",     "thx",     "ok",        "okay",   "bye",
                             "goodbye", "good",     "morning", "evening", "afternoon", "day",   "night",   "great",   "cool",      "nice",   "please",
                             "there",   "so",       "much",    "very",    "yes",       "no",    "perfect", "welcome", "greetings", "cheers", "how",
                             "are",     "everyone", "again",   "a",       "lot",       "got",   "it",      "test"};
  const std::vector<Word> all = words(text);
  if (all.size() > 6) return false;
  return std::all_of(all.begin(), all.end(), [](const Word& word) { return kWords.count(word.lower) != 0; });
}

bool is_probably_not_english(std::string_view text) {
  size_t letters = 0, beyond = 0;
  for (size_t at = 0; at < text.size();) {
    size_t length = 0;
    const uint32_t c = utf8_decode(text.substr(at), &length);
    if ((c | 32) >= 'a' && (c | 32) <= 'z') ++letters;
    if (c >= 0x250) ++beyond;
    at += length;
  }
  if (beyond > letters) return true;
  const std::vector<Word> all = words(text);
  const auto english = std::count_if(all.begin(), all.end(), [](const Word& word) { return word.number || weight(word.lower) < 9.7; });
  return all.size() >= 4 && english * 4 < static_cast<std::ptrdiff_t>(all.size());
}

}  // namespace strata::ground
