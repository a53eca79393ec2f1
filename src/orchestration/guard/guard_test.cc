#include "orchestration/guard/guard.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "base/text.h"

namespace strata::guard {
namespace {

std::string masked(std::string_view text) { return mask_pii(text).text; }

TEST(Pii, EmailAddressesAreMaskedExactly) {
  EXPECT_EQ(masked("Write to ann.o'neil+tag@mail.example.co.uk."), "Write to [email].");
  EXPECT_EQ(masked("<a_b-1@x-y.org>,c@d.de;"), "<[email]>,[email];");
  EXPECT_EQ(masked("mailto:me@example.com?subject=x"), "mailto:[email]?subject=x");
  EXPECT_EQ(masked("ä@x, @handle, a@b, a@.com, x@@y.com"), "ä@x, @handle, a@b, a@.com, x@@y.com");
  EXPECT_EQ(masked("user@192.168.0.1 and user@example.c"), "user@192.168.0.1 and user@example.c");
}

TEST(Pii, CardsNeedTheirChecksum) {
  EXPECT_EQ(masked("pay 4111 1111 1111 1111 now"), "pay [card] now");
  EXPECT_EQ(masked("378282246310005, 5555-5555-5555-4444; 6011111111111117"), "[card], [card]; [card]");
  EXPECT_EQ(masked("4111 1111 1111 1112"), "4111 1111 1111 1112");
  EXPECT_EQ(masked("order 2222222222222222 and x4111111111111111"), "order 2222222222222222 and x4111111111111111");
  EXPECT_EQ(masked("4111 1111 1111 1111 12"), "[card] 12");
}

TEST(Pii, IbansNeedCountryLengthAndRemainder) {
  EXPECT_EQ(masked("IBAN DE89 3704 0044 0532 0130 00."), "IBAN [iban].");
  EXPECT_EQ(masked("gb29nwbk60161331926819 / FR14 2004 1010 0505 0001 3M02 606"), "[iban] / [iban]");
  EXPECT_EQ(masked("DE88 3704 0044 0532 0130 00"), "DE88 3704 0044 0532 0130 00");
  EXPECT_EQ(masked("XX89370400440532013000, DE8937040044053201300"), "XX89370400440532013000, DE8937040044053201300");
  EXPECT_TRUE(iban_holds("NO9386011117947"));
  EXPECT_FALSE(iban_holds("NO9386011117948"));
}

TEST(Pii, PhonesAsPeopleWriteThem) {
  for (const char* phone : {"+49 30 901820", "+1 (555) 123-4567", "+44 20 7946 0958", "+49 (0)171 1234567", "0049 171 1234567", "030/901820", "0171 1234567",
                            "(555) 123-4567", "555-123-4567", "555.123.4567", "1-555-123-4567", "01711234567"})
    EXPECT_EQ(masked("call " + std::string(phone) + ", please"), "call [phone], please") << phone;
}

TEST(Pii, WhatOnlyLooksLikeAPhoneStays) {
  for (const char* text :
       {"2026-11-22", "22.11.2026", "11/22/2026", "192.168.100.200", "version 1.22.333.4", "1,234,567.89", "3.14159265358", "ticket 12345678", "$1000000",
        "0.000001234567", "from 1990-2000", "10:30-11:45", "ISBN 978-3-16-148410-0", "x0171 1234567", "A0301234567", "100 200 300", "0000000000"})
    EXPECT_EQ(masked(text), text);
}

TEST(Pii, RangesAreInOrderAndPointAtTheBytes) {
  std::string text = "ünï a@b.de, DE89370400440532013000 ☎ +49 30 901820 – 4111111111111111";
  auto found = find_pii(text);
  ASSERT_EQ(found.size(), 4u);
  std::string kinds;
  for (auto& pii : found) kinds += std::string(pii_name(pii.kind)) + "=" + text.substr(pii.begin, pii.end - pii.begin) + ";";
  EXPECT_EQ(kinds, "email=a@b.de;iban=DE89370400440532013000;phone=+49 30 901820;card=4111111111111111;");
}

// Every valid card and IBAN is found wherever it stands; with one digit changed it is not.
TEST(Pii, ChecksumsDecideForRandomNumbers) {
  Random random(11);
  for (int round = 0; round < 500; ++round) {
    std::string card = "4";
    for (int i = 0; i < 14; ++i) card += static_cast<char>('0' + random.below(10));
    for (char last = '0'; last <= '9'; ++last) {
      std::string whole = card + last;
      auto found = find_pii("a " + whole + " b");
      bool is_card = !found.empty() && found[0].kind == PiiKind::kCard && found[0].end - found[0].begin == 16;
      EXPECT_EQ(is_card, luhn_holds(whole)) << whole;
    }
  }
}

TEST(Pii, MaskedTextHoldsNoneAndRandomTextNeverBreaksIt) {
  Random random(3);
  constexpr std::string_view kLetters = "0123456789012345678901234567890123456789 .-/()+@@aeDE[]\xC3\xBC,";
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (uint64_t i = random.below(80); i > 0; --i) text += kLetters[random.below(kLetters.size())];
    Masked result = mask_pii(text);
    EXPECT_TRUE(find_pii(result.text).empty()) << text << " → " << result.text;
    if (result.found.empty()) {
      EXPECT_EQ(result.text, text);
    }
    uint32_t end = 0;
    for (auto& pii : result.found) {
      EXPECT_TRUE(pii.begin >= end && pii.end > pii.begin && pii.end <= text.size());
      end = pii.end;
    }
  }
}

std::string streamed(std::string_view text, Random& random, MaskStream* stream) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    size_t piece = 1 + random.below(9);
    out += stream->feed(text.substr(at, piece));
    at += piece;
  }
  return out + stream->rest();
}

TEST(MaskStream, MasksAsTheWholeTextHoweverItIsCut) {
  Random random(5);
  const std::string text =
      "Dear Ann, your order 12345678 of 2026-11-22 has been paid with 4111 1111 1111 1111. Write to a.very.long.address+tag@mail.example.co.uk or call "
      "+49 (0)171 1234567; refunds go to D-E-8-9-3-7-0-4-0-0-4-4-0-5-3-2-0-1-3-0-0-0, or GB29 NWBK 6016 1331 9268 19, as you like it best. Grüße!";
  for (int round = 0; round < 300; ++round) {
    MaskStream stream;
    EXPECT_EQ(streamed(text, random, &stream), mask_pii(text).text);
    EXPECT_EQ(stream.found().size(), 4u);
  }
}

TEST(MaskStream, GivesTextOutBeforeItsEndAndHoldsLittleBack) {
  MaskStream stream;
  std::string text, out;
  for (int i = 0; i < 100; ++i) text += "some plain words of an answer, ";
  for (char c : text) {
    out += stream.feed(std::string(1, c));
  }
  EXPECT_GE(out.size() + MaskStream::kHeldBytes + 16, text.size());
  EXPECT_EQ(out + stream.rest(), text);
  MaskStream unbroken;
  EXPECT_FALSE(unbroken.feed(std::string(5'000, 'x')).empty());   // nothing grows without end
}

TEST(MaskStream, WhatIsGivenOutHoldsNothingPersonal) {
  Random random(8);
  constexpr std::string_view kLetters = "0123456789012345678901234567890123456789 .-/()+@@aeDE[]\xC3\xBC,    ";
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (uint64_t i = random.below(400); i > 0; --i) text += kLetters[random.below(kLetters.size())];
    MaskStream stream;
    std::string out = streamed(text, random, &stream);
    EXPECT_TRUE(find_pii(out).empty()) << text << " → " << out;
    if (find_pii(text).empty() && stream.found().empty()) {
      EXPECT_EQ(out, text);
    }
  }
}

}  // namespace
}  // namespace strata::guard
