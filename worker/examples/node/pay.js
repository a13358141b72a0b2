// Enqueues a payout with celery-node: copy it.
//
// Beside `payouts dev`, in your copy of this folder, after `npm ci`:
//
//   . ~/.local/state/payouts-dev/dev.env
//   node pay.js WITHDRAWAL0001 12345
//
// With the name of a key file in PRODUCER_KEY the job goes out sealed. Without it, anybody on its
// way can read and change it, and it is paid in the sandbox alone.
//
// In doubt, and after any exit code but 0, do the same again: under the same number it stays one
// payout. It is accepted once webhook.js hears `payout.accepted`, not before.

import { randomUUID } from "node:crypto";
import { createClient } from "celery-node";
import { seal } from "./seal.js";

const broker = process.env.PAYOUTS_BROKER_URL;
const key = process.env.PRODUCER_KEY;
const [number, fen] = process.argv.slice(2);
const job = {
  out_trade_no: number,
  amount_fen: Number(fen),
  payee_account_no: "620000000000000002",
  payee_account_name: "张三",
  payee_bank_code: "CMB",
  payee_account_type: "P",
  subject: "withdrawal",
};

const client = createClient(broker, broker, "payouts.entry");
try {
  await client.broker.isReady();
  // `sendTask` would not say whether the broker took it.
  const { headers, properties, body } = client.createTaskMessage(
    randomUUID(), "payouts.enqueue", [], { job: key ? await seal(key, job) : job },
  );
  await client.broker.publish(body, "", "payouts.entry", headers, properties);
  console.log(`${number} is on its way`);
} catch (fault) {
  console.error(`nobody took ${number}: ${fault.message}`);
  process.exitCode = 1;
} finally {
  client.broker.redis.disconnect();
}
