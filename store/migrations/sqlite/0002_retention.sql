-- Runs that were kept long enough may go, and only in a transaction that says that this is why.

-- Never has a row that another transaction can see: a pass adds one first and takes it out last.
CREATE TABLE retention_passes (
    at  TEXT NOT NULL
);

DROP TRIGGER evidence_is_never_deleted;
DROP TRIGGER run_evidence_is_never_deleted;
CREATE TRIGGER evidence_is_kept BEFORE DELETE ON evidence
WHEN NOT EXISTS (SELECT 1 FROM retention_passes)
BEGIN SELECT RAISE(ABORT, 'evidence is insert-only'); END;
CREATE TRIGGER run_evidence_is_kept BEFORE DELETE ON run_evidence
WHEN NOT EXISTS (SELECT 1 FROM retention_passes)
BEGIN SELECT RAISE(ABORT, 'evidence is insert-only'); END;

-- What still speaks of a run, or of a document, is asked for each one that may go.
CREATE INDEX run_evidence_by_digest ON run_evidence (digest);
CREATE INDEX findings_by_first_run ON findings (first_seen_run);
CREATE INDEX findings_by_last_run ON findings (last_seen_run);
CREATE INDEX findings_by_changed_run ON findings (changed_run);
CREATE INDEX finding_events_by_run ON finding_events (run);
CREATE INDEX certificates_by_first_run ON certificates (first_seen_run);
CREATE INDEX certificates_by_last_run ON certificates (last_seen_run);
CREATE INDEX baselines_by_run ON baselines (run);
