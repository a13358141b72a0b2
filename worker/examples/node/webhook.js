// Hears what became of payouts, with node's own server: copy it.
//
// Beside `payouts dev`, in your copy of this folder, after `npm ci`:
//
//   . ~/.local/state/payouts-dev/dev.env
//   export WEBHOOK_KEY=$(payouts endpoints add http://127.0.0.1:3000/payouts --private \
//     | grep -o 'whsec_.*')
//   node webhook.js
//
// Then, in another terminal:
//
//   curl http://127.0.0.1:3000/payouts
//
// events.jsonl is the database: an event is taken once its line is on the disk, and what is known
// of each payout is worked out from these lines. So an event and what it changes are never apart.

import { fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { createServer } from "node:http";
import { Webhook } from "standardwebhooks";

const PORT = Number(process.env.PORT ?? 3000);
const LONGEST_BODY = 65_536;

const webhook = new Webhook(process.env.WEBHOOK_KEY);
const heard = new Set();
const payouts = new Map();

function apply({ id, type, data }) {
  heard.add(id);
  const number = data.out_trade_no;
  const known = payouts.get(number) ?? { epoch: 0, version: 0, may_be_paid_again: false };
  if (type === "job.rejected") {
    // One of a payout that was accepted is about another job.
    if (known.version === 0) payouts.set(number, { ...known, status: "rejected" });
    return;
  }
  const { epoch, version, status } = data;
  if (epoch < known.epoch || (epoch === known.epoch && version < known.version)) return;
  // Neither `failed` nor `returned` says that it may be paid again. This type alone does.
  const may_be_paid_again = known.may_be_paid_again || type === "obligation.freed";
  payouts.set(number, { epoch, version, status, may_be_paid_again });
}

const file = openSync("events.jsonl", "a+");
const text = readFileSync(file);
// A line that was cut off by a crash had no yes, so it comes again.
const end = text.lastIndexOf("\n") + 1;
ftruncateSync(file, end);
for (const line of text.subarray(0, end).toString().split("\n").slice(0, -1)) {
  apply(JSON.parse(line));
}

async function verified(request) {
  let body = Buffer.alloc(0);
  for await (const chunk of request) {
    body = Buffer.concat([body, chunk]);
    if (body.length > LONGEST_BODY) throw new Error("too long");
  }
  return webhook.verify(body.toString(), request.headers);
}

createServer(async (request, response) => {
  if (request.url !== "/payouts") {
    response.writeHead(404).end();
  } else if (request.method === "GET") {
    response.end(JSON.stringify(Object.fromEntries(payouts)));
  } else {
    let event;
    try {
      event = await verified(request);
    } catch {
      response.writeHead(401, { connection: "close" }).end();
      return;
    }
    if (!heard.has(event.id)) {
      // If this fails the process ends, without a yes, and begins again with whole lines.
      writeSync(file, `${JSON.stringify(event)}\n`);
      fsyncSync(file);
      apply(event);
    }
    response.writeHead(204).end();
  }
}).listen(PORT, "127.0.0.1");
