-- A queue file as version 1 of the ledger makes it: one job that waits, one tenant that is paused. Not edited
-- any more once a release has made such files.
BEGIN TRANSACTION;
CREATE TABLE access_grant (
      id INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, person TEXT NOT NULL, kind TEXT NOT NULL, what TEXT NOT NULL,
      names TEXT NOT NULL DEFAULT '[]',
      expires_at REAL NOT NULL, given_by_job INTEGER NOT NULL, revoked_by_job INTEGER,
      closed_at REAL, closed_why TEXT NOT NULL DEFAULT ''
    );
CREATE TABLE job (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      tenant TEXT NOT NULL, person TEXT NOT NULL, other_person TEXT, line TEXT NOT NULL,
      op TEXT NOT NULL, args TEXT NOT NULL, args_version INTEGER NOT NULL,
      yields_to_offboard INTEGER NOT NULL, supersedes INTEGER NOT NULL,
      request_key TEXT, dedup_key TEXT, batch TEXT,
      priority INTEGER NOT NULL,
      state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'dead', 'cancelled', 'superseded')),
      mode TEXT NOT NULL DEFAULT 'run' CHECK (mode IN ('run', 'check')),
      hold TEXT CHECK (hold IN ('approval', 'hand-over', 'uncertain')),
      hold_reason TEXT NOT NULL DEFAULT '', hold_data TEXT NOT NULL DEFAULT '{}',
      approved_by TEXT, approval TEXT NOT NULL DEFAULT '{}',
      not_before REAL NOT NULL, give_up_at REAL, needed_by REAL,
      attempt INTEGER NOT NULL DEFAULT 0, max_attempts INTEGER NOT NULL, crashes INTEGER NOT NULL DEFAULT 0,
      fence INTEGER NOT NULL DEFAULT 0, worker TEXT, beat REAL,
      cancel INTEGER NOT NULL DEFAULT 0, cancel_by TEXT, superseded_by INTEGER,
      progress TEXT NOT NULL DEFAULT '{}', result TEXT NOT NULL DEFAULT '{}',
      error_kind TEXT, error_code TEXT, error TEXT, evidence TEXT,
      created_by TEXT NOT NULL, created_at REAL NOT NULL, started_at REAL, finished_at REAL
    );
INSERT INTO "job" VALUES(1,'north','ana@example.com',NULL,'ana@example.com','offboard','{"action":"offboard","reason":{"ticket":"IT-1"},"what":"24-001"}',1,0,1,'hr-1','30bef1075818973efaac57635c1a7bfa5f9167784cef4ef095946b2dde9afa81',NULL,10,'queued','run',NULL,'','{}',NULL,'{}',0.0,NULL,NULL,0,8,0,0,NULL,NULL,0,NULL,NULL,'{}','{}',NULL,NULL,NULL,NULL,'desk',1800000000.0,NULL,NULL);
CREATE TABLE job_event (
      id INTEGER PRIMARY KEY AUTOINCREMENT, job_id INTEGER NOT NULL, at REAL NOT NULL, kind TEXT NOT NULL, attempt INTEGER NOT NULL,
      data TEXT NOT NULL
    );
INSERT INTO "job_event" VALUES(1,1,1800000000.0,'accepted',0,'{"by":"desk"}');
CREATE TABLE ledger_version (version INTEGER NOT NULL);
INSERT INTO "ledger_version" VALUES(1);
CREATE TABLE notice (
      id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, kind TEXT NOT NULL, tenant TEXT NOT NULL, subject TEXT NOT NULL,
      data TEXT NOT NULL, job_id INTEGER, notice_key TEXT, channel TEXT NOT NULL,
      attempts INTEGER NOT NULL DEFAULT 0, not_before REAL NOT NULL DEFAULT 0, sent_at REAL, error TEXT
    );
CREATE TABLE request (
      tenant TEXT NOT NULL, request_key TEXT NOT NULL, wish TEXT NOT NULL, job_id INTEGER NOT NULL,
      PRIMARY KEY (tenant, request_key)
    );
INSERT INTO "request" VALUES('north','hr-1','30bef1075818973efaac57635c1a7bfa5f9167784cef4ef095946b2dde9afa81',1);
CREATE TABLE spent (
      spender TEXT NOT NULL, kind TEXT NOT NULL, tenant TEXT NOT NULL, amount INTEGER NOT NULL, at REAL NOT NULL,
      PRIMARY KEY (tenant, spender, kind)
    );
CREATE TABLE tenant (
      name TEXT PRIMARY KEY, max_running INTEGER NOT NULL, paused INTEGER NOT NULL DEFAULT 0,
      why TEXT NOT NULL DEFAULT '', paused_by TEXT NOT NULL DEFAULT '', not_before REAL
    );
INSERT INTO "tenant" VALUES('north',2,0,'','',NULL);
INSERT INTO "tenant" VALUES('south',1,1,'audit','mia',NULL);
CREATE UNIQUE INDEX job_running_line ON job (tenant, line) WHERE state = 'running';
CREATE UNIQUE INDEX job_running_person ON job (tenant, person) WHERE state = 'running';
CREATE INDEX job_todo ON job (tenant, line, id, priority, not_before, started_at, hold, mode, op, state)
    WHERE state = 'queued';
CREATE INDEX job_line ON job (tenant, line, id) WHERE state IN ('queued', 'running');
CREATE INDEX job_person ON job (tenant, person, id) WHERE state IN ('queued', 'running');
CREATE INDEX job_other ON job (tenant, other_person) WHERE state IN ('queued', 'running');
CREATE INDEX job_offboard ON job (tenant, person, id) WHERE supersedes = 1;
CREATE INDEX job_dated ON job (not_before) WHERE state = 'queued' AND not_before > 0;
CREATE INDEX job_expiring ON job (give_up_at) WHERE state = 'queued' AND give_up_at IS NOT NULL;
CREATE INDEX job_by_person ON job (person, id);
CREATE INDEX job_by_other ON job (other_person, id) WHERE other_person IS NOT NULL;
CREATE INDEX job_batch ON job (batch, id) WHERE batch IS NOT NULL;
CREATE INDEX job_ended ON job (finished_at) WHERE state IN ('done', 'dead', 'cancelled', 'superseded');
CREATE INDEX request_job ON request (job_id);
CREATE INDEX job_event_job ON job_event (job_id, id);
CREATE INDEX spent_lately ON spent (tenant, kind, at);
CREATE UNIQUE INDEX grant_open ON access_grant (tenant, person, kind, what) WHERE closed_at IS NULL;
CREATE INDEX grant_due ON access_grant (expires_at) WHERE closed_at IS NULL;
CREATE INDEX grant_revoked_by ON access_grant (revoked_by_job) WHERE closed_at IS NULL;
CREATE UNIQUE INDEX notice_once ON notice (channel, notice_key) WHERE notice_key IS NOT NULL;
CREATE INDEX notice_due ON notice (not_before, id) WHERE sent_at IS NULL;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('job',1);
INSERT INTO "sqlite_sequence" VALUES('job_event',1);
COMMIT;
