// Starts the real program on an empty data folder, and a browser without any outside services.
import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { homedir, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { chromium } from "playwright-core";

export const root = resolve(import.meta.dirname, "../../..");
const binary = process.env.STRATA_BIN ?? join(root, "build/strata");
const models = process.env.STRATA_MODELS ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "strata/models");

function folder() {
  const parent = mkdtempSync(join(tmpdir(), "strata-browser-"));
  chmodSync(parent, 0o755);   // as root the server serves as another user
  return parent;
}

// A service with one operation that changes something: it pays, but for 13 cents, where it hangs up without a word.
async function payments(parent) {
  const service = createServer((request, response) => {
    let body = "";
    request.on("data", (bytes) => { body += bytes; });
    request.on("end", () => {
      const { cents } = JSON.parse(body);
      if (cents === 13) { request.socket.destroy(); return; }
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ paid: cents }));
    });
  });
  await new Promise((done) => { service.listen(0, "127.0.0.1", done); });
  const object = (name) => ({ type: "object", properties: { [name]: { type: "integer", minimum: 1 } }, required: [name], additionalProperties: false });
  writeFileSync(join(parent, "payments.json"), JSON.stringify({
    openapi: "3.1.0", info: { title: "Payments", version: "1" }, servers: [{ url: `http://127.0.0.1:${service.address().port}` }],
    paths: { "/payments": { post: { operationId: "pay", summary: "Pays.", requestBody: { required: true, content: { "application/json": { schema: object("cents") } } }, responses: { 200: { description: "Paid", content: { "application/json": { schema: object("paid") } } } } } } },
  }));
  mkdirSync(join(parent, "data"));
  writeFileSync(join(parent, "data/tools.json"), JSON.stringify({ openapi: [{ name: "payments", path: join(parent, "payments.json") }] }));
  return service;
}

export async function startServer() {
  const parent = folder();
  const service = await payments(parent);
  const child = spawn(binary, ["serve", "--port", "0", "--data", join(parent, "data"), "--models", models], { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const url = await new Promise((done, fail) => {
    const timer = setTimeout(() => fail(new Error(`the server was not ready in 60 s:\n${output}`)), 60_000);
    const read = (bytes) => {
      output += bytes;
      const match = /Strata is ready: (http:\/\/localhost:\d+)/.exec(output);
      if (match) { clearTimeout(timer); done(match[1]); }
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.on("exit", (code) => fail(new Error(`the server ended with ${code}:\n${output}`)));
  });
  const stop = async () => {
    const gone = new Promise((done) => { child.once("exit", done); });
    child.kill("SIGTERM");
    const hard = setTimeout(() => child.kill("SIGKILL"), 10_000);
    await gone;
    clearTimeout(hard);
    service.closeAllConnections();
    service.close();
    rmSync(parent, { recursive: true, force: true });
  };
  return { url, stop, output: () => output };
}

export async function startBrowser() {
  const profile = mkdtempSync(join(tmpdir(), "strata-profile-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.STRATA_CHROMIUM ?? "/usr/bin/chromium", headless: true, viewport: { width: 1280, height: 800 },
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  context.setDefaultTimeout(20_000);
  return { context, stop: async () => { await context.close(); rmSync(profile, { recursive: true, force: true }); } };
}

export function check(condition, message) {
  if (!condition) throw new Error(message);
}
export async function eventually(promise, message, limitMs = 20_000) {
  const end = Date.now() + limitMs;
  for (;;) {
    const value = await promise();
    if (value) return value;
    if (Date.now() > end) throw new Error(message);
    await new Promise((done) => { setTimeout(done, 150); });
  }
}
