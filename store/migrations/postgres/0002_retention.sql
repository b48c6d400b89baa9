-- Runs that were kept long enough may go, and only in a transaction that says that this is why.

-- Never has a row that another transaction can see: a pass adds one first and takes it out last.
CREATE TABLE retention_passes (
    at  TIMESTAMPTZ NOT NULL
);

CREATE FUNCTION refuse_removal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM retention_passes) THEN
        RAISE EXCEPTION 'evidence is insert-only' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END
$$;

DROP TRIGGER evidence_is_insert_only ON evidence;
DROP TRIGGER run_evidence_is_insert_only ON run_evidence;
CREATE TRIGGER evidence_is_insert_only BEFORE UPDATE OR TRUNCATE ON evidence
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER run_evidence_is_insert_only BEFORE UPDATE OR TRUNCATE ON run_evidence
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER evidence_is_kept BEFORE DELETE ON evidence
FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER run_evidence_is_kept BEFORE DELETE ON run_evidence
FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();

-- What still speaks of a run, or of a document, is asked for each one that may go.
CREATE INDEX run_evidence_by_digest ON run_evidence (digest);
CREATE INDEX findings_by_first_run ON findings (first_seen_run);
CREATE INDEX findings_by_last_run ON findings (last_seen_run);
CREATE INDEX findings_by_changed_run ON findings (changed_run);
CREATE INDEX finding_events_by_run ON finding_events (run);
CREATE INDEX certificates_by_first_run ON certificates (first_seen_run);
CREATE INDEX certificates_by_last_run ON certificates (last_seen_run);
CREATE INDEX baselines_by_run ON baselines (run);
