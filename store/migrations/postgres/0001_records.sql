-- Runs, their evidence, and what was made of it.
--
-- Names are compared byte by byte (`COLLATE "C"`), so that order and prefixes do not depend on
-- the server's locale. JSON is text: `evidence.body` holds the very bytes that the digest is
-- taken over, and JSONB would neither keep them nor take every string.

CREATE TABLE targets (
    key         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    document    TEXT NOT NULL,
    first_seen  TIMESTAMPTZ NOT NULL,
    last_seen   TIMESTAMPTZ NOT NULL
);

CREATE TABLE runs (
    id              TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    target          TEXT COLLATE "C" NOT NULL REFERENCES targets (key),
    mode            TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('running', 'complete', 'interrupted')),
    started_at      TIMESTAMPTZ NOT NULL,
    ended_at        TIMESTAMPTZ,
    record          TEXT NOT NULL,
    record_digest   TEXT NOT NULL,
    status          TEXT,
    posture         TEXT,
    risk_score      BIGINT,
    open_findings   BIGINT,
    manifest        TEXT,
    chain_length    BIGINT,
    owner_host      TEXT NOT NULL,
    owner_pid       BIGINT NOT NULL,
    owner_started   BIGINT,
    lease_until     TIMESTAMPTZ NOT NULL
);

CREATE INDEX runs_by_time ON runs (started_at, id);
CREATE INDEX runs_by_target ON runs (target, started_at, id);
CREATE UNIQUE INDEX runs_by_chain ON runs (target, chain_length);

CREATE TABLE evidence (
    digest  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    schema  TEXT NOT NULL,
    target  TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    body    TEXT NOT NULL
);

CREATE TABLE run_evidence (
    seq         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run         TEXT COLLATE "C" NOT NULL REFERENCES runs (id),
    check_id    TEXT NOT NULL,
    subject     TEXT COLLATE "C" NOT NULL,
    digest      TEXT COLLATE "C" NOT NULL REFERENCES evidence (digest),
    document    TEXT NOT NULL,
    envelope    TEXT NOT NULL,
    UNIQUE (run, check_id, subject)
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'evidence is insert-only' USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER evidence_is_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON evidence
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER run_evidence_is_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON run_evidence
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE control_results (
    run             TEXT COLLATE "C" NOT NULL REFERENCES runs (id),
    rule            TEXT COLLATE "C" NOT NULL,
    subject         TEXT COLLATE "C" NOT NULL,
    rule_version    BIGINT NOT NULL,
    domain          TEXT NOT NULL,
    severity        TEXT NOT NULL,
    mandatory       BIGINT NOT NULL CHECK (mandatory IN (0, 1)),
    verdict         TEXT NOT NULL,
    reason          TEXT,
    waived_by       TEXT,
    evidence        TEXT,
    PRIMARY KEY (run, rule, subject)
);

CREATE TABLE findings (
    id              TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    target          TEXT COLLATE "C" NOT NULL REFERENCES targets (key),
    rule            TEXT COLLATE "C" NOT NULL,
    subject         TEXT COLLATE "C" NOT NULL,
    severity        TEXT NOT NULL,
    title           TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('open', 'waived', 'resolved', 'unobserved')),
    waived_by       TEXT,
    first_seen_run  TEXT COLLATE "C" NOT NULL REFERENCES runs (id),
    first_seen_at   TIMESTAMPTZ NOT NULL,
    last_seen_run   TEXT COLLATE "C" NOT NULL REFERENCES runs (id),
    last_seen_at    TIMESTAMPTZ NOT NULL,
    changed_run     TEXT COLLATE "C" NOT NULL REFERENCES runs (id),
    changed_at      TIMESTAMPTZ NOT NULL
);

CREATE INDEX findings_by_target ON findings (target, state);

CREATE TABLE finding_events (
    seq     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    finding TEXT COLLATE "C" NOT NULL REFERENCES findings (id),
    run     TEXT COLLATE "C" NOT NULL REFERENCES runs (id),
    at      TIMESTAMPTZ NOT NULL,
    event   TEXT NOT NULL,
    UNIQUE (finding, run)
);

CREATE TABLE exceptions (
    run         TEXT COLLATE "C" NOT NULL REFERENCES runs (id),
    ordinal     BIGINT NOT NULL,
    name        TEXT NOT NULL,
    expires_at  TIMESTAMPTZ NOT NULL,
    state       TEXT,
    document    TEXT NOT NULL,
    PRIMARY KEY (run, ordinal)
);

CREATE TABLE certificates (
    target          TEXT COLLATE "C" NOT NULL REFERENCES targets (key),
    subject         TEXT COLLATE "C" NOT NULL,
    spki            TEXT COLLATE "C" NOT NULL,
    name            TEXT NOT NULL,
    issuer          TEXT NOT NULL,
    not_after       TIMESTAMPTZ,
    held_by         BIGINT NOT NULL,
    first_seen_run  TEXT COLLATE "C" NOT NULL REFERENCES runs (id),
    first_seen_at   TIMESTAMPTZ NOT NULL,
    last_seen_run   TEXT COLLATE "C" NOT NULL REFERENCES runs (id),
    last_seen_at    TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (target, subject, spki)
);

CREATE INDEX certificates_by_end ON certificates (not_after);

CREATE TABLE outbox (
    seq             BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run             TEXT COLLATE "C" NOT NULL REFERENCES runs (id),
    ordinal         BIGINT NOT NULL,
    alert           TEXT NOT NULL,
    created_at      TIMESTAMPTZ NOT NULL,
    delivered_at    TIMESTAMPTZ,
    UNIQUE (run, ordinal)
);

CREATE INDEX outbox_undelivered ON outbox (seq) WHERE delivered_at IS NULL;

CREATE TABLE baselines (
    seq     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    target  TEXT COLLATE "C" NOT NULL REFERENCES targets (key),
    run     TEXT COLLATE "C" NOT NULL REFERENCES runs (id),
    reason  TEXT NOT NULL,
    set_at  TIMESTAMPTZ NOT NULL
);

CREATE INDEX baselines_by_target ON baselines (target, seq);
