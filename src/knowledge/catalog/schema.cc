// The catalog's tables.
#include "knowledge/catalog/catalog.h"

namespace strata::catalog {

// WHY sequence columns: lists are in the order of making, also for rows of one millisecond and across a clock that was set back.
// WHY a chunk's text is stored again: a hit is shown, and the index is rebuilt, without reading whole documents.
std::vector<store::Migration> migrations() {
  return {{"catalog", 1, R"(
    CREATE TABLE files(
      sequence INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      filename TEXT NOT NULL,
      purpose TEXT NOT NULL,
      sha256 TEXT NOT NULL,
      bytes INTEGER NOT NULL,
      created_ms INTEGER NOT NULL);
    CREATE INDEX files_by_hash ON files(sha256);
    CREATE TABLE bases(
      sequence INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      name TEXT NOT NULL,
      metadata TEXT NOT NULL,
      created_ms INTEGER NOT NULL,
      active_ms INTEGER NOT NULL);
    CREATE TABLE base_files(
      sequence INTEGER PRIMARY KEY AUTOINCREMENT,
      base_id TEXT NOT NULL REFERENCES bases(id) ON DELETE CASCADE,
      file_id TEXT NOT NULL REFERENCES files(id) ON DELETE CASCADE,
      state TEXT NOT NULL,
      error TEXT NOT NULL DEFAULT '',
      job_id TEXT NOT NULL,
      attributes TEXT NOT NULL,
      tokens_max INTEGER NOT NULL,
      tokens_overlap INTEGER NOT NULL,
      document_id TEXT NOT NULL DEFAULT '',
      created_ms INTEGER NOT NULL,
      UNIQUE(base_id, file_id));
    CREATE INDEX base_files_by_file ON base_files(file_id);
    CREATE TABLE documents(
      sequence INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      base_id TEXT NOT NULL,
      file_id TEXT NOT NULL,
      filename TEXT NOT NULL,
      title TEXT NOT NULL,
      version TEXT NOT NULL,
      structure TEXT NOT NULL,
      body TEXT NOT NULL,
      model TEXT NOT NULL,
      created_ms INTEGER NOT NULL,
      FOREIGN KEY(base_id, file_id) REFERENCES base_files(base_id, file_id) ON DELETE CASCADE);
    CREATE INDEX documents_by_pair ON documents(base_id, file_id);
    CREATE TABLE chunks(
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      document_id TEXT NOT NULL REFERENCES documents(id) ON DELETE CASCADE,
      ordinal INTEGER NOT NULL,
      at_begin INTEGER NOT NULL,
      at_end INTEGER NOT NULL,
      parent_begin INTEGER NOT NULL,
      parent_end INTEGER NOT NULL,
      heading TEXT NOT NULL,
      page INTEGER NOT NULL,
      tokens INTEGER NOT NULL,
      body TEXT NOT NULL,
      hash TEXT NOT NULL,
      vector BLOB NOT NULL,
      UNIQUE(document_id, ordinal));
    CREATE INDEX chunks_by_hash ON chunks(hash);
    CREATE TABLE staged_documents(
      job_id TEXT NOT NULL PRIMARY KEY,
      structure TEXT NOT NULL,
      body TEXT NOT NULL);
    CREATE TABLE staged_vectors(
      job_id TEXT NOT NULL,
      hash TEXT NOT NULL,
      vector BLOB NOT NULL,
      PRIMARY KEY(job_id, hash));
  )"}};
}

}  // namespace strata::catalog
