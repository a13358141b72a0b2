-- Rights on PostgreSQL: a role for each kind of process, with what it needs and no more.
--
-- Run it as the owner of the tables, who may make roles, after each `payouts migrate`:
--   payouts migrate --roles | psql -v ON_ERROR_STOP=1 DATABASE
-- Then give each process a user of its own, once:
--   CREATE ROLE sender LOGIN PASSWORD '...' IN ROLE payouts_worker;
-- `payouts migrate` alone needs the owner. It may be run again at any time.

-- Before PostgreSQL 15 everybody could make tables here.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;

DO $$
DECLARE
  role text;
BEGIN
  FOREACH role IN ARRAY ARRAY['payouts_web', 'payouts_worker', 'payouts_relay', 'payouts_accept',
                              'payouts_reader', 'payouts_operator']
  LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN', role);
    END IF;
    EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA public FROM %I', role);
    EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', role);
    EXECUTE format('GRANT SELECT ON alembic_version, installation, sealing_keys TO %I', role);
    -- By this a process finds out whether it may write at all.
    EXECUTE format('GRANT UPDATE (created_at) ON installation TO %I', role);
  END LOOP;
END
$$;

-- What is written down is never changed: nobody may update a transition or a decision, or what a
-- payout is, or delete any of it. Rows are locked by whoever may update one of their columns.

-- web, the receiver: keeps what JD tells, and judges it. It may stop the sending, and not resume it.
GRANT SELECT ON attempts, cases, channels, decisions, ended_epochs, evidence,
  foreign_notifications, obligations, payouts, people, proposals, transitions TO payouts_web;
GRANT INSERT ON cases, channels, events, evidence, foreign_notifications, transitions
  TO payouts_web;
GRANT UPDATE (seen, last_at) ON foreign_notifications TO payouts_web;
GRANT UPDATE (payout_id, applied_at) ON evidence TO payouts_web;
GRANT UPDATE (evidence_id) ON cases TO payouts_web;
GRANT UPDATE (paused_at, paused_why, paused_by, unverifiable, broken_until) ON channels
  TO payouts_web;
GRANT UPDATE (status, reason, version, updated_at, trade_no, returned_fen, finalized_at,
  next_send_at, next_query_at, query_misses, unanswered_since, unanswered_at, attempt_count,
  message_count, history, seal) ON payouts TO payouts_web;

-- worker, sender and querier: accept, send, ask, judge and sweep.
GRANT SELECT ON alerts, attempts, cases, certificates, channels, checkpoints, control_changes,
  decisions, deliveries, ended_epochs, endpoints, events, evidence, foreign_notifications, job_keys,
  obligations, paces, payouts, people, producer_days, producers, proposals, rejections, services,
  sweeps, transitions TO payouts_worker;
GRANT INSERT ON alerts, attempts, cases, certificates, channels, checkpoint_histories, checkpoints,
  decisions, ended_epochs, events, evidence, obligations, paces, payouts, rejections, services,
  sweeps, transitions TO payouts_worker;
GRANT DELETE ON alerts, certificates TO payouts_worker;
GRANT UPDATE (closed_at, outcome, detail, seal) ON attempts TO payouts_worker;
GRANT UPDATE (evidence_id) ON cases TO payouts_worker;
GRANT UPDATE (paused_at, paused_why, paused_by, unverifiable, broken_until) ON channels
  TO payouts_worker;
GRANT UPDATE (payout_id, applied_at) ON evidence TO payouts_worker;
GRANT UPDATE (uid, uid_before, epoch, sweep_count, swept_at, restored_at, ask_first_until)
  ON installation TO payouts_worker;
GRANT UPDATE (owed_fen, committed_fen, payout_count, seal) ON obligations TO payouts_worker;
GRANT UPDATE (full_at) ON paces TO payouts_worker;
GRANT UPDATE (day, claimed_fen, new_payees, seal) ON producer_days TO payouts_worker;
GRANT UPDATE (ended_at) ON sweeps TO payouts_worker;
GRANT UPDATE (status, reason, version, updated_at, sealed_request, exposed, trade_no, returned_fen,
  resends, lease_token, lease_until, lease_ended_at, first_sent_at, last_sent_at, finalized_at,
  next_send_at, next_query_at, query_misses, doubted_at, overdue_at, unanswered_since,
  unanswered_at, attempt_count, message_count, history, seal) ON payouts TO payouts_worker;

-- relay: tells producers what happened.
GRANT SELECT ON deliveries, endpoints, events TO payouts_relay;
GRANT INSERT ON deliveries, delivery_tries TO payouts_relay;
GRANT UPDATE (tries, due_at, next_at, delivered_at) ON deliveries TO payouts_relay;
GRANT UPDATE (position) ON events TO payouts_relay;

-- api --accept: takes payouts in, and withdraws those that were never sent.
GRANT SELECT ON attempts, cases, channels, control_changes, decisions, ended_epochs, events,
  evidence, job_keys, obligations, payouts, people, producers, proposals, rejections, services,
  tokens, transitions TO payouts_accept;
GRANT INSERT ON cases, decisions, events, obligations, payouts, rejections, services, transitions
  TO payouts_accept;
GRANT UPDATE (payout_id, applied_at) ON evidence TO payouts_accept;
GRANT UPDATE (closed_at) ON cases TO payouts_accept;
GRANT UPDATE (owed_fen, committed_fen, payout_count, seal) ON obligations TO payouts_accept;
GRANT UPDATE (status, reason, version, updated_at, finalized_at, next_send_at, next_query_at,
  attempt_count, message_count, history, seal) ON payouts TO payouts_accept;

-- api --read and metrics: look on.
GRANT SELECT ON alerts, attempts, cases, certificates, channels, checkpoints, decisions,
  deliveries, delivery_tries, ended_epochs, endpoints, events, evidence, foreign_notifications, obligations,
  paces, payouts, people, producers, proposals, rejections, services, sweeps, tokens, transitions
  TO payouts_reader;
GRANT INSERT, DELETE ON alerts TO payouts_reader;

-- people at the command line: decide, register, rotate keys, and say that a database was restored.
GRANT SELECT ON ALL TABLES IN SCHEMA public TO payouts_operator;
GRANT INSERT ON attempts, cases, certificates, channels, control_changes, decisions, deliveries,
  ended_epochs, endpoints, events, evidence, former_requests, job_keys, obligations, paces, payouts,
  people, producer_days, producers, proposals, rejections, sealing_keys, services, tokens,
  transitions TO payouts_operator;
GRANT DELETE ON certificates, foreign_notifications TO payouts_operator;
GRANT UPDATE (closed_at, outcome, detail, seal) ON attempts TO payouts_operator;
GRANT UPDATE (closed_at, evidence_id) ON cases TO payouts_operator;
GRANT UPDATE (day, claimed_fen, new_payees, seal) ON producer_days TO payouts_operator;
GRANT UPDATE (sealed_payee, approved_uid, approved_login_uid, approved_name, approved_at, unchecked,
  voided_at, voided_why) ON control_changes TO payouts_operator;
GRANT UPDATE ON channels, deliveries, endpoints, installation, job_keys, paces, people, producers,
  proposals, sealing_keys, tokens TO payouts_operator;
GRANT UPDATE (position) ON events TO payouts_operator;
GRANT UPDATE (payout_id, applied_at, uid, sealed_raw, place) ON evidence TO payouts_operator;
GRANT UPDATE (seal) ON checkpoints TO payouts_operator;
GRANT UPDATE (uid, sealed_request) ON former_requests TO payouts_operator;
GRANT UPDATE (owed_fen, committed_fen, payout_count, seal) ON obligations TO payouts_operator;
GRANT UPDATE (gateway_url, status, reason, version, updated_at, sealed_payee, sealed_order,
  sealed_request, sealed_job, payee_digest, exposed, trade_no, returned_fen, resends, lease_token,
  lease_until, lease_ended_at, first_sent_at, last_sent_at, finalized_at, next_send_at, next_query_at,
  query_misses, let_go_at, doubted_at, overdue_at, released_at, proposal_id, set_aside_at,
  redirected_at, unanswered_since, unanswered_at, attempt_count, message_count, history, seal)
  ON payouts TO payouts_operator;

DO $$
DECLARE
  role text;
BEGIN
  FOREACH role IN ARRAY ARRAY['payouts_web', 'payouts_worker', 'payouts_relay', 'payouts_accept',
                              'payouts_reader', 'payouts_operator']
  LOOP
    EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO %I', role);
  END LOOP;
END
$$;
