// Seals a job, so that nobody on its way can read or change it: copy it.
//
// The key file is what `payouts producers key add` made; nobody but its owner may read it.

import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { CompactEncrypt, CompactSign, importJWK } from "jose";

const DAY = 86_400;

function keyIn(path) {
  const file = openSync(path, "r");
  try {
    if (fstatSync(file).mode & 0o077) throw new Error(`others may use ${path}: chmod 600 it`);
    return JSON.parse(readFileSync(file, "utf8"));
  } finally {
    closeSync(file);
  }
}

// To be accepted within so many seconds. To withdraw a payout that was not sent, the purpose is
// "cancel", and the job is its number and why: { out_trade_no, why }.
export async function seal(path, job, { purpose = "pay", lasting = DAY } = {}) {
  const { merchant, profile, kid, recipient, ...own } = keyIn(path);
  const issued = Date.now();
  const expires = new Date(issued + lasting * 1000).toISOString();
  const claims = { purpose, merchant, profile, issued: new Date(issued).toISOString(), expires, job };
  const text = new TextEncoder().encode(JSON.stringify(claims));
  const outer = { enc: "A256GCM", typ: "payout+jwe" };
  if (own.kty === "oct") {
    return new CompactEncrypt(text)
      .setProtectedHeader({ alg: "dir", kid, ...outer })
      .encrypt(await importJWK(own, "A256GCM"));
  }
  const signed = await new CompactSign(text)
    .setProtectedHeader({ alg: "Ed25519", kid, typ: "payout+jws" })
    .sign(await importJWK(own, "Ed25519"));
  return new CompactEncrypt(new TextEncoder().encode(signed))
    .setProtectedHeader({ alg: "ECDH-ES", kid: recipient.kid, ...outer })
    .encrypt(await importJWK(recipient, "ECDH-ES"));
}
