// The programs that tools run, as the server uses them: attacks, and the twin of each that must go on working.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "base/crypto.h"
#include "base/random.h"
#include "knowledge/tool/tool.h"

namespace strata::tool {
namespace {

using testing::HasSubstr;

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

Answer run(Tool& tool, const Json& arguments) {
  static const std::string kNoKey;
  const auto validator = schema::Validator::compile(tool.description().result, "result").value();
  auto answer = tool.run(Context::background().with_timeout_ms(tool.description().limits.time_ms), {arguments, kNoKey, false});
  if (!answer) return Answer::failed(answer.error().reason.empty() ? "error" : answer.error().reason, answer.error().message);
  if (!answer->failure) {
    EXPECT_TRUE(validator->check(answer->result).empty()) << answer->result.dump().substr(0, 500);
  }
  return *answer;
}

// ---- SQL ----------------------------------------------------------------------------------------------------------------------------------

class Sql : public testing::Test {
 protected:
  Sql() : folder_(std::filesystem::temp_directory_path() / make_id("sql-test")) {
    std::filesystem::create_directory(folder_);
    path_ = folder_ + "/shop.db";
    sqlite3* writer = nullptr;
    sqlite3_open(path_.c_str(), &writer);
    char* error = nullptr;
    sqlite3_exec(writer,
                 "CREATE TABLE customer(id INTEGER PRIMARY KEY, name TEXT, city TEXT); CREATE TABLE secret(word TEXT);"
                 "CREATE TABLE orders(id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customer(id), cents INTEGER);"
                 "INSERT INTO customer VALUES(1,'Ada','Oslo'),(2,'Bo','Rome'); INSERT INTO orders VALUES(1,1,500),(2,1,700),(3,2,900);"
                 "INSERT INTO secret VALUES('swordfish'); CREATE VIEW peek AS SELECT word FROM secret;"
                 "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) INSERT INTO customer SELECT i + 10, 'c' || i, 'x' FROM n;",
                 nullptr, nullptr, &error);
    EXPECT_EQ(error, nullptr);
    sqlite3_close(writer);
    before_ = sha256_hex(read_file(path_));
    tools_ = make_sql({.worker = STRATA_WORKER_DIR "/strata-sql", .database = path_, .tables = {"customer", "orders"}, .time_ms = 1'500});
  }
  ~Sql() override { std::filesystem::remove_all(folder_); }
  Answer ask(const std::string& sql) { return run(*tools_[0], Json::object({{"sql", sql}})); }

  std::string folder_, path_, before_;
  std::vector<std::unique_ptr<Tool>> tools_;
};

TEST_F(Sql, ASelectAnswersAndTheSchemaSaysWhatCanBeAsked) {
  const Answer total =
      ask("SELECT c.name, sum(o.cents) AS spent FROM customer c JOIN orders o ON o.customer_id = c.id GROUP BY c.id ORDER BY spent DESC; -- done");
  ASSERT_FALSE(total.failure) << total.failure->message;
  EXPECT_EQ(total.result["rows"].dump(), R"([["Ada",1200],["Bo",900]])");
  const Answer many = ask("SELECT id FROM customer");
  EXPECT_EQ(many.result["rows"].size(), 100u);
  EXPECT_EQ(many.result["truncated"], Json(true));
  const Answer about = run(*tools_[1], Json::object());
  EXPECT_EQ(about.result["tables"].size(), 2u);
  EXPECT_THAT(about.result.dump(), HasSubstr(R"({"name":"customer_id","type":"INTEGER","references":"customer.id"})"));
}

TEST_F(Sql, AWrongNameComesBackWithTheNearestOne) {
  const Answer column = ask("SELECT nmae FROM customer");
  ASSERT_TRUE(column.failure);
  EXPECT_EQ(column.failure->code, "no_such_column");
  EXPECT_EQ(column.failure->problems[0].nearest, "name");
  EXPECT_EQ(column.failure->problems[0].expected, "customer.name");
  EXPECT_EQ(ask("SELECT * FROM custmer").failure->problems[0].nearest, "customer");
  EXPECT_EQ(ask("SELEC 1").failure->code, "syntax");
}

TEST_F(Sql, NoAttackReadsWhatItMayNotOrChangesAnything) {
  const std::string other = folder_ + "/other.db";
  const std::vector<std::string> attacks = {"SELECT 1; DROP TABLE customer",
                                            "SELECT 1;;; DELETE FROM customer",
                                            "/* x */ DELETE FROM customer",
                                            "-- x\nUPDATE customer SET name = 'x'",
                                            "INSERT INTO customer VALUES(9,'x','y')",
                                            "INSERT INTO customer VALUES(9,'x','y') RETURNING id",
                                            "DELETE FROM customer RETURNING *",
                                            "WITH x AS (SELECT 1) DELETE FROM customer",
                                            "WITH x AS (SELECT 1) INSERT INTO customer(id) SELECT 77",
                                            "REPLACE INTO customer VALUES(1,'x','y')",
                                            "DROP TABLE customer",
                                            "CREATE TABLE t(a)",
                                            "CREATE TEMP TABLE t(a)",
                                            "CREATE TEMP VIEW v AS SELECT 1",
                                            "CREATE VIRTUAL TABLE v USING fts5(a)",
                                            "CREATE TRIGGER t AFTER INSERT ON customer BEGIN SELECT 1; END",
                                            "ALTER TABLE customer RENAME TO c",
                                            "REINDEX",
                                            "ANALYZE",
                                            "VACUUM",
                                            "VACUUM INTO '" + other + "'",
                                            "ATTACH '" + other + "' AS o",
                                            "ATTACH ':memory:' AS o",
                                            "ATTACH 'file:/etc/passwd?mode=ro' AS p",
                                            "DETACH main",
                                            "BEGIN",
                                            "COMMIT",
                                            "ROLLBACK",
                                            "SAVEPOINT s",
                                            "RELEASE s",
                                            "PRAGMA query_only = 0",
                                            "PRAGMA writable_schema = 1",
                                            "PRAGMA journal_mode = DELETE",
                                            "PRAGMA temp_store_directory = '/tmp'",
                                            "PRAGMA table_info(customer)",
                                            "SELECT * FROM pragma_table_info('secret')",
                                            "SELECT * FROM pragma_database_list",
                                            "SELECT * FROM pragma_function_list",
                                            "SELECT load_extension('/lib/x86_64-linux-gnu/libc.so.6')",
                                            "SELECT load_extension('x', 'y')",
                                            "SELECT readfile('/etc/passwd')",
                                            "SELECT writefile('/tmp/x', 'y')",
                                            "SELECT edit('x')",
                                            "SELECT fts3_tokenizer('simple')",
                                            "SELECT pg_read_file('/etc/passwd')",
                                            "COPY customer FROM '/etc/passwd'",
                                            "SELECT * FROM fsdir('/')",
                                            "SELECT * FROM secret",
                                            "SELECT * FROM \"secret\"",
                                            "SELECT * FROM main.secret",
                                            "SELECT * FROM [secret]",
                                            "SELECT * FROM SeCrEt",
                                            "SELECT * FROM peek",
                                            "SELECT (SELECT word FROM secret)",
                                            "SELECT name FROM customer UNION SELECT word FROM secret",
                                            "SELECT name FROM customer WHERE name IN (SELECT word FROM secret)",
                                            "SELECT count(*) FROM secret",
                                            "SELECT EXISTS(SELECT 1 FROM secret WHERE word LIKE 's%')",
                                            "WITH s AS (SELECT word FROM secret) SELECT * FROM s",
                                            "SELECT * FROM sqlite_schema",
                                            "SELECT sql FROM sqlite_master",
                                            "SELECT * FROM sqlite_temp_master",
                                            "SELECT * FROM sqlite_dbpage",
                                            "SELECT * FROM dbstat",
                                            "SELECT * FROM bytecode('SELECT 1')",
                                            "EXPLAIN SELECT * FROM customer",
                                            "EXPLAIN QUERY PLAN SELECT * FROM customer",
                                            "SELECT * FROM temp.secret",
                                            "SELECT a.name FROM customer a, customer b, customer c, customer d",
                                            "SELECT count(*) FROM customer a, customer b, customer c",
                                            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
                                            "SELECT zeroblob(1000000000)",
                                            "SELECT randomblob(1000000000)",
                                            "SELECT hex(zeroblob(100000000))",
                                            "SELECT replace(hex(zeroblob(10000)), '0', hex(zeroblob(10000)))",
                                            "SELECT printf('%.*c', 100000000, 'x')",
                                            "SELECT group_concat(a.name || b.name || c.name) FROM customer a, customer b, customer c",
                                            "SELECT name FROM customer WHERE name LIKE '" + std::string(2'000, '%') + "'",
                                            "SELECT 1 WHERE 1 GLOB '" + std::string(1'500, '*') + "'",
                                            "SELECT " + std::string(1'000, '(') + "1" + std::string(1'000, ')'),
                                            "SELECT 1" + std::string(70'000, ' '),
                                            std::string("SELECT 1\0; DROP TABLE customer", 30),
                                            "SELECT 1 \xff\xfe",
                                            "\xEF\xBC\xB3"
                                            "ELECT * FROM secret",
                                            "SELECT * FROM \"sec\u200bret\"",
                                            "SELECT word FROM customer, secret",
                                            "",
                                            ";",
                                            "-- nothing",
                                            "/*",
                                            "SELECT 1 /* open",
                                            "SELECT 1 -- \n; SELECT word FROM secret",
                                            "VALUES(1); VALUES(2)",
                                            ".read /etc/passwd",
                                            "SELECT * FROM json_each(readfile('/etc/passwd'))",
                                            "SELECT * FROM rtreecheck('x')",
                                            "SELECT word FROM customer LEFT JOIN secret ON 1"};
  int successes = 0;
  for (const std::string& sql : attacks) {
    const Answer answer = ask(sql);
    const std::string text = answer.result.dump();
    // A question that runs is no success where all that it says was asked of allowed tables and is within the limits.
    const bool leaks = text.find("swordfish") != text.npos || text.find("root:") != text.npos || text.size() > (1u << 20);
    const bool harmless = answer.failure || (text.size() < 400'000 && sql.find("secret") == sql.npos && sql.find("peek") == sql.npos && !leaks &&
                                             (sql.starts_with("SELECT a.name FROM customer a, customer b") ||
                                              sql.starts_with("SELECT name FROM customer WHERE") || sql.starts_with("SELECT 1 WHERE") ||
                                              sql.starts_with("SELECT printf") || sql.starts_with("SELECT 1 \xff") || sql.starts_with("SELECT 1 /*")));
    EXPECT_TRUE(harmless) << sql.substr(0, 200) << " → " << text.substr(0, 300);
    successes += !harmless;
  }
  EXPECT_EQ(sha256_hex(read_file(path_)), before_) << "the database changed";
  EXPECT_FALSE(std::filesystem::exists(other));
  EXPECT_EQ(ask("SELECT count(*) FROM orders").result["rows"].dump(), "[[3]]");
  std::cout << attacks.size() << " attacks, " << successes << " successes\n";
  EXPECT_EQ(successes, 0);
}

TEST(SqlTwin, GeoQuerysGoldQueriesRun) {
  const char* given = std::getenv("STRATA_DATA");
  const std::string folder = std::string(given ? given : STRATA_SOURCE_DIR "/../shared/data") + "/sql/geography";
  const std::string database = folder + "/geography-db.added-in-2020.sqlite";
  if (!std::filesystem::exists(database)) GTEST_SKIP() << "no GeoQuery at " << folder;
  auto tools = make_sql({.worker = STRATA_WORKER_DIR "/strata-sql", .database = database});
  const Json questions = Json::parse(read_file(folder + "/geography-train-dev.json")).value();
  int ran = 0, all = 0;
  std::map<std::string, bool> known;   // many questions share a query
  for (const Json& question : *questions.as_array()) {
    for (const Json& sentence : *question["sentences"].as_array()) {
      std::string sql = *question["sql"].as_array()->front().as_string();
      for (const auto& [name, value] : *sentence["variables"].as_object()) {
        for (size_t at = 0; (at = sql.find(name, at)) != sql.npos; at += value.as_string()->size()) sql.replace(at, name.size(), *value.as_string());
      }
      const auto [entry, fresh] = known.emplace(sql, false);
      if (fresh) entry->second = !run(*tools[0], Json::object({{"sql", sql}})).failure;
      ++all, ran += entry->second;
    }
  }
  std::cout << ran << " of " << all << " gold queries ran (" << known.size() << " different ones)\n";
  EXPECT_GE(ran * 100, all * 99);
}

// ---- Python -------------------------------------------------------------------------------------------------------------------------------

class Python : public testing::Test {
 protected:
  void SetUp() override {
    const Answer answer = script("print('ready')");
    if (answer.failure && answer.failure->code == "sandbox_unavailable") GTEST_SKIP() << answer.failure->message;
    ASSERT_FALSE(answer.failure) << answer.failure->message;
  }
  Answer script(const std::string& code, Json files = Json::object()) { return run(*tool_, Json::object({{"code", code}, {"files", std::move(files)}})); }
  std::unique_ptr<Tool> tool_ = make_python({.worker = STRATA_WORKER_DIR "/strata-sandbox", .time_ms = 10'000, .memory_bytes = 700u << 20});
};

TEST_F(Python, FilesGoInAndComeOut) {
  const Answer answer = script("rows = open('in.csv').read().split()\nopen('out.txt', 'w').write(str(len(rows)))\nprint('rows:', len(rows))",
                               Json::object({{"in.csv", base64_encode("a\nb\nc\n")}}));
  ASSERT_FALSE(answer.failure) << answer.failure->message;
  EXPECT_EQ(answer.result["output"], Json("rows: 3\n"));
  ASSERT_EQ(answer.result["files"].size(), 1u);
  EXPECT_EQ(answer.result["files"].as_array()->front().dump(), R"({"name":"out.txt","data":")" + base64_encode("3") + "\"}");
}

TEST_F(Python, AnExceptionComesBackAsWordsToMendItFrom) {
  const Answer answer = script("x = 1\nprint(undefined_name)");
  ASSERT_TRUE(answer.failure);
  EXPECT_EQ(answer.failure->code, "script_error");
  EXPECT_THAT(answer.failure->message, HasSubstr("line 2"));
  EXPECT_THAT(answer.failure->problems[0].got, HasSubstr("NameError"));
}

TEST_F(Python, APlottingScriptWorks) {
  if (script("import matplotlib").failure) GTEST_SKIP() << "python3-matplotlib is not installed";
  const Answer answer = script("import matplotlib.pyplot as plt\nplt.plot([1, 2, 3], [2, 4, 8])\nplt.title('Growth')");
  ASSERT_FALSE(answer.failure) << answer.failure->message;
  ASSERT_EQ(answer.result["files"].size(), 1u) << answer.result.dump().substr(0, 300);
  const std::string png = base64_decode(*answer.result["files"].as_array()->front()["data"].as_string()).value();
  EXPECT_TRUE(png.starts_with("\x89PNG")) << "a plot";
}

// Each prints ESCAPED where it could do what it may not. One that is ended, or raises, has not.
TEST_F(Python, NoEscapeSucceeds) {
  const std::string guarded = "import os, sys, socket, ctypes, subprocess\nlibc = ctypes.CDLL(None, use_errno=True)\ndef bad(x):\n    print('ESCAPED', x)\n";
  const std::string host_file = std::filesystem::temp_directory_path() / make_id("sandbox-canary");
  std::ofstream(host_file) << "canary";
  const std::string me = std::to_string(getpid());
  const std::vector<std::string> escapes = {
      "bad(open('/etc/passwd').read())",
      "bad(open('/etc/shadow').read())",
      "bad(open('" + host_file + "').read())",
      "bad(os.listdir('/home'))",
      "bad(os.listdir('/root'))",
      "bad(os.listdir('/var'))",
      "bad(os.listdir('/proc'))",
      "bad(open('/proc/self/environ').read())",
      "bad(open('/proc/1/root/etc/passwd').read())",
      "bad(open('/proc/" + me + "/maps').read())",
      "bad(os.listdir('/sys'))",
      "open('/usr/x', 'w'); bad(1)",
      "open('/x', 'w'); bad(1)",
      "open('/dev/x', 'w'); bad(1)",
      "open('/dev/shm/x', 'w'); bad(1)",
      "os.remove('/usr/bin/python3'); bad(1)",
      "os.symlink('/etc/passwd', 'l'); bad(open('l').read())",
      "os.symlink('" + host_file + "', 'out.txt'); bad(open('out.txt').read())",
      "os.link('/usr/bin/python3', 'hard'); bad(1)",
      "bad(open('../../../../../etc/passwd').read())",
      "socket.socket(); bad(1)",
      "socket.create_connection(('127.0.0.1', 80), 1); bad(1)",
      "socket.socket(socket.AF_UNIX); bad(1)",
      "socket.socketpair(); bad(1)",
      "socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).sendto(b'x', ('::1', 53)); bad(1)",
      "bad(socket.getaddrinfo('example.com', 80))",
      "import urllib.request; bad(urllib.request.urlopen('http://169.254.169.254/', timeout=2).read())",
      "os.fork(); bad(1)",
      "os.forkpty(); bad(1)",
      "subprocess.run(['/usr/bin/id'], check=True); bad(1)",
      "bad(os.popen('id').read() or 1/0)",
      "assert os.system('true') == 0; bad(1)",
      "import multiprocessing; p = multiprocessing.Process(target=print); p.start(); bad(1)",
      "os.posix_spawn('/usr/bin/true', ['true'], {}); bad(1)",
      "assert libc.ptrace(16, 1, 0, 0) == 0; bad(1)",
      "assert libc.ptrace(0, 0, 0, 0) == 0; bad(1)",
      "assert libc.syscall(310, 1, 0, 0, 0, 0, 0) >= 0; bad(1)",
      "assert libc.syscall(165, b'none', b'/work', b'tmpfs', 0, 0) == 0; bad(1)",
      "assert libc.unshare(0x10000000) == 0; bad(1)",
      "assert libc.setns(0, 0) == 0; bad(1)",
      "assert libc.chroot(b'/work') == 0; bad(1)",
      "os.mknod('node', 0o600 | 0o020000, os.makedev(1, 1)); bad(1)",
      "os.mknod('disk', 0o600 | 0o060000, os.makedev(8, 0)); bad(1)",
      "bad(open('/dev/mem', 'rb').read(1))",
      "bad(open('/dev/sda', 'rb').read(1))",
      "bad(open('/dev/kmsg').read(1))",
      "os.setuid(0); bad(1)",
      "assert os.getuid() == 0; bad(1)",
      "assert libc.syscall(321, 5, 0, 0) >= 0; bad(1)",
      "assert libc.syscall(425, 4, 0) >= 0; bad(1)",
      "assert libc.syscall(298, 0, 0, 0, 0, 0) >= 0; bad(1)",
      "assert libc.syscall(250, 0, 0, 0, 0, 0) >= 0; bad(1)",
      "assert libc.syscall(56, 0x10000000 | 17, 0, 0, 0, 0) >= 0; bad(1)",
      "assert libc.syscall(435, 0, 0) >= 0; bad(1)",
      "os.memfd_create('x'); bad(1)",
      "f = os.memfd_create('x')\nfor i in range(4096): os.truncate(f, i << 20)\nbad(1)",
      "assert libc.shmget(0, 1 << 30, 0o1600) >= 0; bad(1)",
      "assert libc.semget(0, 32000, 0o1600) >= 0; bad(1)",
      "assert libc.msgget(0, 0o1600) >= 0; bad(1)",
      "assert libc.mq_open(b'/x', 0o102, 0o600, 0) >= 0; bad(1)",
      "os.kill(" + me + ", 0); bad(1)",
      "os.setpriority(os.PRIO_PROCESS, 0, -20); bad(1)",
      "import resource; resource.setrlimit(resource.RLIMIT_AS, (-1, -1)); bad(1)",
      "x = bytearray(2 << 30); bad(1)",
      "a = []\nwhile True: a.append(bytearray(50 << 20))\nbad(1)",
      "f = open('big', 'wb')\nfor i in range(200): f.write(bytes(1 << 20))\nf.flush(); bad(1)",
      "for i in range(100):\n    with open('f%d' % i, 'wb') as f: f.write(bytes(2 << 20))\nbad(1)",
      "fs = [open('/dev/null') for i in range(500)]; bad(1)",
      "while True: pass",
      "import time; time.sleep(100); bad(1)",
      "import threading\nfor i in range(20000): threading.Thread(target=lambda: __import__('time').sleep(50)).start()\nbad(1)",
      "os.execv('/usr/bin/python3', ['python3', '-c', 'open(\"/etc/passwd\"); print(\"ESCAPED\")']); bad(1)",
      "os.environ['HOME'] != '/work' and bad(1)\nassert 'STRATA_CANARY' in os.environ; bad(1)",
      "bad([os.readlink('/dev/fd/%d' % i) for i in range(3, 30)])",
      "[os.fstat(i) for i in range(4, 64)]; bad(1)",
      "import fcntl, termios; fcntl.ioctl(0, 0x5412, b'x'); bad(1)"};
  setenv("STRATA_CANARY", "1", 1);
  int successes = 0;
  for (const std::string& code : escapes) {
    const Answer answer = script(guarded + code);
    const std::string seen = answer.result.dump() + (answer.failure ? answer.failure->message : "");
    // A traceback quotes the line that failed, so only what was printed counts.
    const bool escaped = answer.result["output"].as_string() ? answer.result["output"].as_string()->find("ESCAPED") != std::string::npos
                                                             : seen.find("It printed before: ESCAPED") != std::string::npos;
    EXPECT_FALSE(escaped) << code << " → " << seen.substr(0, 400);
    EXPECT_EQ(seen.find("root:x:"), std::string::npos) << code;
    EXPECT_NE(answer.failure ? answer.failure->code : "", "sandbox_unavailable") << code << answer.failure->message;
    successes += escaped;
  }
  std::filesystem::remove(host_file);
  std::cout << escapes.size() << " escapes tried, " << successes << " successes\n";
  EXPECT_EQ(successes, 0);
  EXPECT_FALSE(script("print(1)").failure) << "the tool works on";
}

TEST(PythonWithoutWalls, RefusesToRun) {
  auto tool = make_python({.worker = "/usr/bin/false"});
  EXPECT_TRUE(run(*tool, Json::object({{"code", "print(1)"}})).failure);
  auto absent = make_python({.worker = "/nowhere/strata-sandbox"});
  EXPECT_TRUE(run(*absent, Json::object({{"code", "print(1)"}})).failure);
}

}  // namespace
}  // namespace strata::tool
