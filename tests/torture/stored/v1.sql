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
INSERT INTO "job" VALUES(1,'sandbox','provision-stored@example.com',NULL,'provision-stored@example.com','provision','{"action":"provision","company_access":{"template":"Field Staff"},"default_project_template":"Project Engineer - Internal","idempotency_key":"torture-provision-stored","invitation":true,"person":{"attributes":{"first_name":"Provision","job_title":"Site Engineer","last_name":"Torture Stored"},"email":"provision-stored@example.com"},"projects":[{"project":"24-001","template":"Foreman / Superintendent - Internal"},{"project":"24-002","template":"Project Engineer - Internal"}],"reason":{"approved_by":"boss@example.com","requested_by":"hr@example.com","ticket":"HR-417"}}',1,1,0,'torture-provision-stored','1a1c0af1e4a23a4de282a5daf3da5c9fce5ae813334a47c86c5ca624fb9439ad',NULL,50,'queued','run',NULL,'','{}',NULL,'{}',0.0,NULL,NULL,0,8,0,0,NULL,NULL,0,NULL,NULL,'{}','{}',NULL,NULL,NULL,NULL,'local:root',1.79533071576235127449e+09,NULL,NULL);
INSERT INTO "job" VALUES(2,'sandbox','update-stored@example.com',NULL,'update-stored@example.com','update','{"action":"update","company_access":{"template":"Read Only"},"default_project_template":"Read Only - Internal","idempotency_key":"torture-update-stored","person":{"attributes":{"city":"Reno","job_title":"Lead"},"email":"update-stored@example.com"},"reason":{"approved_by":"boss@example.com","requested_by":"hr@example.com","ticket":"HR-417"}}',1,1,0,'torture-update-stored','3597f06e457874379ba0a1de3977d45ebb2911c5ecdff639c3324979d1d5008c',NULL,50,'queued','run',NULL,'','{}',NULL,'{}',0.0,NULL,NULL,0,8,0,0,NULL,NULL,0,NULL,NULL,'{}','{}',NULL,NULL,NULL,NULL,'local:root',1.79533071576235127449e+09,NULL,NULL);
INSERT INTO "job" VALUES(3,'sandbox','change-email-stored@example.com','change-email-stored-new@example.com','change-email-stored@example.com','change_email','{"action":"change_email","idempotency_key":"torture-change_email-stored","new_email":"change-email-stored-new@example.com","person":{"email":"change-email-stored@example.com"},"reason":{"approved_by":"boss@example.com","requested_by":"hr@example.com","ticket":"HR-417"}}',1,0,0,'torture-change_email-stored','e6f2c751baf1a817922ca5d5c4eb8dc85e63259297aa8ed22b4fd4b433adafe6',NULL,50,'queued','run',NULL,'','{}',NULL,'{}',0.0,NULL,NULL,0,8,0,0,NULL,NULL,0,NULL,NULL,'{}','{}',NULL,NULL,NULL,NULL,'local:root',1.79533071576235127449e+09,NULL,NULL);
INSERT INTO "job" VALUES(4,'sandbox','offboard-stored@example.com',NULL,'offboard-stored@example.com','offboard','{"action":"offboard","idempotency_key":"torture-offboard-stored","person":{"email":"offboard-stored@example.com"},"reason":{"approved_by":"boss@example.com","requested_by":"hr@example.com","ticket":"HR-417"}}',1,0,1,'torture-offboard-stored','1a017335fde5e39337e98f059ac72534b78c625f37021505b04812fa73927da6',NULL,10,'queued','run',NULL,'','{}',NULL,'{}',0.0,NULL,NULL,0,8,0,0,NULL,NULL,0,NULL,NULL,'{}','{}',NULL,NULL,NULL,NULL,'local:root',1.79533071576235127449e+09,NULL,NULL);
INSERT INTO "job" VALUES(5,'sandbox','reactivate-stored@example.com',NULL,'reactivate-stored@example.com','reactivate','{"action":"reactivate","add_to_new_projects":false,"company_access":{"template":"Read Only"},"default_project_template":"none","idempotency_key":"torture-reactivate-stored","invitation":false,"person":{"attributes":{"job_title":"Back again"},"email":"reactivate-stored@example.com"},"projects":[{"project":"24-003","template":"Read Only - Internal"}],"reason":{"approved_by":"boss@example.com","requested_by":"hr@example.com","ticket":"HR-417"}}',1,1,0,'torture-reactivate-stored','9078cdb1102b07957396d88234fa73ed0484e3d1b6beeebcb817406bcd4f7b5b',NULL,50,'queued','run',NULL,'','{}',NULL,'{}',0.0,NULL,NULL,0,8,0,0,NULL,NULL,0,NULL,NULL,'{}','{}',NULL,NULL,NULL,NULL,'local:root',1.79533071576235127449e+09,NULL,NULL);
INSERT INTO "job" VALUES(6,'sandbox','add-to-projects-stored@example.com',NULL,'add-to-projects-stored@example.com','add_to_projects','{"action":"add_to_projects","idempotency_key":"torture-add_to_projects-stored","person":{"email":"add-to-projects-stored@example.com"},"projects":[{"project":"24-002","template":"Read Only - Internal"},{"project":"24-004","template":"Project Engineer - Internal"}],"reason":{"approved_by":"boss@example.com","requested_by":"hr@example.com","ticket":"HR-417"}}',1,1,0,'torture-add_to_projects-stored','e7c06aa503cf6b65b84e25cc2774f4b15f9dabe2c8ebe9fc36fd9bfdd446859c',NULL,50,'queued','run',NULL,'','{}',NULL,'{}',0.0,NULL,NULL,0,8,0,0,NULL,NULL,0,NULL,NULL,'{}','{}',NULL,NULL,NULL,NULL,'local:root',1.79533071576235127449e+09,NULL,NULL);
INSERT INTO "job" VALUES(7,'sandbox','remove-from-projects-stored@example.com',NULL,'remove-from-projects-stored@example.com','remove_from_projects','{"action":"remove_from_projects","idempotency_key":"torture-remove_from_projects-stored","person":{"email":"remove-from-projects-stored@example.com"},"projects":["24-001"],"reason":{"approved_by":"boss@example.com","requested_by":"hr@example.com","ticket":"HR-417"}}',1,1,0,'torture-remove_from_projects-stored','454041e3a6fff2e973586782080b47182aa5d052c9b040f4b6294e5f63dddb12',NULL,30,'queued','run',NULL,'','{}',NULL,'{}',0.0,NULL,NULL,0,8,0,0,NULL,NULL,0,NULL,NULL,'{}','{}',NULL,NULL,NULL,NULL,'local:root',1.79533071576235127449e+09,NULL,NULL);
INSERT INTO "job" VALUES(8,'sandbox','invite-stored@example.com',NULL,'invite-stored@example.com','invite','{"action":"invite","idempotency_key":"torture-invite-stored","person":{"email":"invite-stored@example.com"},"reason":{"approved_by":"boss@example.com","requested_by":"hr@example.com","ticket":"HR-417"}}',1,1,0,'torture-invite-stored','3db36af1a05e31539f730576703e4af689c0f412fa58494e0678d855152c1f51',NULL,50,'queued','run',NULL,'','{}',NULL,'{}',0.0,NULL,NULL,0,8,0,0,NULL,NULL,0,NULL,NULL,'{}','{}',NULL,NULL,NULL,NULL,'local:root',1.79533071576235127449e+09,NULL,NULL);
INSERT INTO "job" VALUES(9,'sandbox','read-stored@example.com',NULL,'read-stored@example.com','read','{"action":"read","idempotency_key":"torture-read-stored","person":{"email":"read-stored@example.com"},"reason":{"approved_by":"boss@example.com","requested_by":"hr@example.com","ticket":"HR-417"}}',1,0,0,'torture-read-stored','3ff31f03aec09fce094c8faab6fcc7eff4d137234a595e0e5c21d69842c7da7c',NULL,50,'queued','run',NULL,'','{}',NULL,'{}',0.0,NULL,NULL,0,8,0,0,NULL,NULL,0,NULL,NULL,'{}','{}',NULL,NULL,NULL,NULL,'local:root',1.79533071576235127449e+09,NULL,NULL);
CREATE TABLE job_event (
      id INTEGER PRIMARY KEY AUTOINCREMENT, job_id INTEGER NOT NULL, at REAL NOT NULL, kind TEXT NOT NULL, attempt INTEGER NOT NULL,
      data TEXT NOT NULL
    );
INSERT INTO "job_event" VALUES(1,1,1.79533071576235127449e+09,'accepted',0,'{"by":"local:root"}');
INSERT INTO "job_event" VALUES(2,2,1.79533071576235127449e+09,'accepted',0,'{"by":"local:root"}');
INSERT INTO "job_event" VALUES(3,3,1.79533071576235127449e+09,'accepted',0,'{"by":"local:root"}');
INSERT INTO "job_event" VALUES(4,4,1.79533071576235127449e+09,'accepted',0,'{"by":"local:root"}');
INSERT INTO "job_event" VALUES(5,5,1.79533071576235127449e+09,'accepted',0,'{"by":"local:root"}');
INSERT INTO "job_event" VALUES(6,6,1.79533071576235127449e+09,'accepted',0,'{"by":"local:root"}');
INSERT INTO "job_event" VALUES(7,7,1.79533071576235127449e+09,'accepted',0,'{"by":"local:root"}');
INSERT INTO "job_event" VALUES(8,8,1.79533071576235127449e+09,'accepted',0,'{"by":"local:root"}');
INSERT INTO "job_event" VALUES(9,9,1.79533071576235127449e+09,'accepted',0,'{"by":"local:root"}');
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
INSERT INTO "request" VALUES('sandbox','torture-provision-stored','1a1c0af1e4a23a4de282a5daf3da5c9fce5ae813334a47c86c5ca624fb9439ad',1);
INSERT INTO "request" VALUES('sandbox','torture-update-stored','3597f06e457874379ba0a1de3977d45ebb2911c5ecdff639c3324979d1d5008c',2);
INSERT INTO "request" VALUES('sandbox','torture-change_email-stored','e6f2c751baf1a817922ca5d5c4eb8dc85e63259297aa8ed22b4fd4b433adafe6',3);
INSERT INTO "request" VALUES('sandbox','torture-offboard-stored','1a017335fde5e39337e98f059ac72534b78c625f37021505b04812fa73927da6',4);
INSERT INTO "request" VALUES('sandbox','torture-reactivate-stored','9078cdb1102b07957396d88234fa73ed0484e3d1b6beeebcb817406bcd4f7b5b',5);
INSERT INTO "request" VALUES('sandbox','torture-add_to_projects-stored','e7c06aa503cf6b65b84e25cc2774f4b15f9dabe2c8ebe9fc36fd9bfdd446859c',6);
INSERT INTO "request" VALUES('sandbox','torture-remove_from_projects-stored','454041e3a6fff2e973586782080b47182aa5d052c9b040f4b6294e5f63dddb12',7);
INSERT INTO "request" VALUES('sandbox','torture-invite-stored','3db36af1a05e31539f730576703e4af689c0f412fa58494e0678d855152c1f51',8);
INSERT INTO "request" VALUES('sandbox','torture-read-stored','3ff31f03aec09fce094c8faab6fcc7eff4d137234a595e0e5c21d69842c7da7c',9);
CREATE TABLE spent (
      spender TEXT NOT NULL, kind TEXT NOT NULL, tenant TEXT NOT NULL, amount INTEGER NOT NULL, at REAL NOT NULL,
      PRIMARY KEY (tenant, spender, kind)
    );
CREATE TABLE tenant (
      name TEXT PRIMARY KEY, max_running INTEGER NOT NULL, paused INTEGER NOT NULL DEFAULT 0,
      why TEXT NOT NULL DEFAULT '', paused_by TEXT NOT NULL DEFAULT '', not_before REAL
    );
INSERT INTO "tenant" VALUES('sandbox',3,1,'to be stored','local:root',NULL);
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
INSERT INTO "sqlite_sequence" VALUES('job',9);
INSERT INTO "sqlite_sequence" VALUES('job_event',9);
COMMIT;
