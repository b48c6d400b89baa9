-- Runs, their evidence, and what was made of it.
--
-- Times are RFC 3339 text of fixed width (nine fractional digits, `Z`), so that text order is
-- time order. JSON is text: `evidence.body` holds the very bytes that the digest is taken over.

CREATE TABLE targets (
    key         TEXT NOT NULL PRIMARY KEY,
    document    TEXT NOT NULL,
    first_seen  TEXT NOT NULL,
    last_seen   TEXT NOT NULL
) STRICT;

CREATE TABLE runs (
    id              TEXT NOT NULL PRIMARY KEY,
    target          TEXT NOT NULL REFERENCES targets (key),
    mode            TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('running', 'complete', 'interrupted')),
    started_at      TEXT NOT NULL,
    ended_at        TEXT,
    record          TEXT NOT NULL,
    record_digest   TEXT NOT NULL,
    status          TEXT,
    posture         TEXT,
    risk_score      INTEGER,
    open_findings   INTEGER,
    manifest        TEXT,
    chain_length    INTEGER,
    owner_host      TEXT NOT NULL,
    owner_pid       INTEGER NOT NULL,
    owner_started   INTEGER,
    lease_until     TEXT NOT NULL
) STRICT;

CREATE INDEX runs_by_time ON runs (started_at, id);
CREATE INDEX runs_by_target ON runs (target, started_at, id);
CREATE UNIQUE INDEX runs_by_chain ON runs (target, chain_length);

CREATE TABLE evidence (
    digest  TEXT NOT NULL PRIMARY KEY,
    schema  TEXT NOT NULL,
    target  TEXT NOT NULL,
    subject TEXT NOT NULL,
    body    TEXT NOT NULL
) STRICT;

CREATE TABLE run_evidence (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    run         TEXT NOT NULL REFERENCES runs (id),
    check_id    TEXT NOT NULL,
    subject     TEXT NOT NULL,
    digest      TEXT NOT NULL REFERENCES evidence (digest),
    document    TEXT NOT NULL,
    envelope    TEXT NOT NULL,
    UNIQUE (run, check_id, subject)
) STRICT;

CREATE TRIGGER evidence_is_never_updated BEFORE UPDATE ON evidence
BEGIN SELECT RAISE(ABORT, 'evidence is insert-only'); END;
CREATE TRIGGER evidence_is_never_deleted BEFORE DELETE ON evidence
BEGIN SELECT RAISE(ABORT, 'evidence is insert-only'); END;
CREATE TRIGGER run_evidence_is_never_updated BEFORE UPDATE ON run_evidence
BEGIN SELECT RAISE(ABORT, 'evidence is insert-only'); END;
CREATE TRIGGER run_evidence_is_never_deleted BEFORE DELETE ON run_evidence
BEGIN SELECT RAISE(ABORT, 'evidence is insert-only'); END;

CREATE TABLE control_results (
    run             TEXT NOT NULL REFERENCES runs (id),
    rule            TEXT NOT NULL,
    subject         TEXT NOT NULL,
    rule_version    INTEGER NOT NULL,
    domain          TEXT NOT NULL,
    severity        TEXT NOT NULL,
    mandatory       INTEGER NOT NULL CHECK (mandatory IN (0, 1)),
    verdict         TEXT NOT NULL,
    reason          TEXT,
    waived_by       TEXT,
    evidence        TEXT,
    PRIMARY KEY (run, rule, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE findings (
    id              TEXT NOT NULL PRIMARY KEY,
    target          TEXT NOT NULL REFERENCES targets (key),
    rule            TEXT NOT NULL,
    subject         TEXT NOT NULL,
    severity        TEXT NOT NULL,
    title           TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('open', 'waived', 'resolved', 'unobserved')),
    waived_by       TEXT,
    first_seen_run  TEXT NOT NULL REFERENCES runs (id),
    first_seen_at   TEXT NOT NULL,
    last_seen_run   TEXT NOT NULL REFERENCES runs (id),
    last_seen_at    TEXT NOT NULL,
    changed_run     TEXT NOT NULL REFERENCES runs (id),
    changed_at      TEXT NOT NULL
) STRICT;

CREATE INDEX findings_by_target ON findings (target, state);

CREATE TABLE finding_events (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    finding TEXT NOT NULL REFERENCES findings (id),
    run     TEXT NOT NULL REFERENCES runs (id),
    at      TEXT NOT NULL,
    event   TEXT NOT NULL,
    UNIQUE (finding, run)
) STRICT;

CREATE TABLE exceptions (
    run         TEXT NOT NULL REFERENCES runs (id),
    ordinal     INTEGER NOT NULL,
    name        TEXT NOT NULL,
    expires_at  TEXT NOT NULL,
    state       TEXT,
    document    TEXT NOT NULL,
    PRIMARY KEY (run, ordinal)
) STRICT, WITHOUT ROWID;

CREATE TABLE certificates (
    target          TEXT NOT NULL REFERENCES targets (key),
    subject         TEXT NOT NULL,
    spki            TEXT NOT NULL,
    name            TEXT NOT NULL,
    issuer          TEXT NOT NULL,
    not_after       TEXT,
    held_by         INTEGER NOT NULL,
    first_seen_run  TEXT NOT NULL REFERENCES runs (id),
    first_seen_at   TEXT NOT NULL,
    last_seen_run   TEXT NOT NULL REFERENCES runs (id),
    last_seen_at    TEXT NOT NULL,
    PRIMARY KEY (target, subject, spki)
) STRICT, WITHOUT ROWID;

CREATE INDEX certificates_by_end ON certificates (not_after);

CREATE TABLE outbox (
    seq             INTEGER PRIMARY KEY AUTOINCREMENT,
    run             TEXT NOT NULL REFERENCES runs (id),
    ordinal         INTEGER NOT NULL,
    alert           TEXT NOT NULL,
    created_at      TEXT NOT NULL,
    delivered_at    TEXT,
    UNIQUE (run, ordinal)
) STRICT;

CREATE INDEX outbox_undelivered ON outbox (seq) WHERE delivered_at IS NULL;

CREATE TABLE baselines (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    target  TEXT NOT NULL REFERENCES targets (key),
    run     TEXT NOT NULL REFERENCES runs (id),
    reason  TEXT NOT NULL,
    set_at  TEXT NOT NULL
) STRICT;

CREATE INDEX baselines_by_target ON baselines (target, seq);
