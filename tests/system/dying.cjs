// What tests/examples/dying.py is to Python: node's own server dies at each of its effects.
//
//   FOLDER=... node --require dying.cjs webhook.js

const { AsyncLocalStorage } = require("node:async_hooks");
const fs = require("node:fs");
const http = require("node:http");
const { syncBuiltinESMExports } = require("node:module");

const { emit } = http.Server.prototype;
const { end } = http.ServerResponse.prototype;
const { parse } = JSON;
const { fsyncSync, writeSync } = fs;
const told = new AsyncLocalStorage();

function reach(event, effect) {
  const isDeadly = fs.existsSync(`${process.env.FOLDER}/armed`);
  const notes = `${process.env.FOLDER}/${isDeadly ? "died" : "lived"}`;
  const point = `${event.type}: ${effect}`;
  if (fs.existsSync(notes) && fs.readFileSync(notes, "utf8").split("\n").includes(point)) return;
  fs.appendFileSync(notes, `${point}\n`);
  if (isDeadly) process.kill(process.pid, "SIGKILL");
}

http.Server.prototype.emit = function (name, ...rest) {
  const pass = () => emit.call(this, name, ...rest);
  return name === "request" ? told.run({}, pass) : pass();
};

// The first thing in a request that is read as JSON is its event.
JSON.parse = (text, ...rest) => {
  const found = parse(text, ...rest);
  const event = told.getStore();
  if (event) event.type ??= found.type;
  return found;
};

fs.writeSync = (file, line) => {
  const half = line.length >> 1;
  reach(told.getStore(), "the line");
  writeSync(file, line.slice(0, half));
  reach(told.getStore(), "half a line");
  writeSync(file, line.slice(half));
  reach(told.getStore(), "after the line");
};

fs.fsyncSync = (file) => {
  fsyncSync(file);
  reach(told.getStore(), "after fsync");
};

http.ServerResponse.prototype.end = function (...rest) {
  const event = told.getStore();
  if (event?.type) {
    reach(event, "the answer");
    this.once("finish", () => reach(event, "after the answer"));
  }
  return end.apply(this, rest);
};

syncBuiltinESMExports();
