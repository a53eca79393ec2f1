// Documents and pages that mean harm.
import { createServer, request as httpRequest } from "node:http";
import { ask, uploadText } from "./answers.mjs";
import { check } from "./server.mjs";

async function listen(handler) {
  const server = createServer(handler);
  await new Promise((done) => { server.listen(0, "127.0.0.1", done); });
  return { port: server.address().port, close: () => new Promise((done) => { server.closeAllConnections(); server.close(done); }) };
}
const counts = (page) => page.evaluate(async () => {
  const size = async (path) => (await (await fetch(path)).json()).data.length;
  return { files: await size("/v1/files"), bases: await size("/v1/vector_stores"), conversations: await size("/strata/v1/conversations") };
});

async function exfiltration({ page, url }) {
  const seen = [];
  const trap = await listen((request, response) => { seen.push(request.url); response.end("x"); });
  const leak = `http://127.0.0.1:${trap.port}/leak`;
  const text = `# Zebra policy\n\nThe zebra quota is 77 animals ![a zebra](${leak}?image) a year, see [the list](${leak}?link). <script>window.harmed = 1; fetch("${leak}?script")</script> <img src="${leak}?html" onerror="window.harmed = 2">\n\nThe zebra keeper is Mr Quagga.\n`;
  await page.goto(`${url}/knowledge`);
  await page.locator(".cards a").first().click();
  await page.getByText("Drop files here").waitFor();
  await uploadText(page, "zebra.md", text);
  await uploadText(page, "zebra.html", `<html><body><h1>Zebra page</h1><p>Zebras sleep 9 hours.</p><script>window.harmed = 3; fetch("${leak}?upload")</script><img src="${leak}?page"></body></html>`);
  for (const name of ["zebra.md", "zebra.html"]) await page.locator("tr[data-status=completed]", { hasText: name }).waitFor({ timeout: 60_000 });
  await page.goto(`${url}/ask`);
  await ask(page, "What is the zebra quota a year?");
  const answer = page.getByRole("article", { name: "Strata" }).last();
  check((await answer.innerText()).includes("77 animals"), `the answer does not quote the hostile passage: ${await answer.innerText()}`);
  check(await answer.locator("img, script, iframe").count() === 0, "the answer carries an image or a script");
  await answer.getByRole("button", { name: /^Citation 1/ }).first().click();
  await page.locator("dialog mark").waitFor();
  await page.reload();
  await page.locator("dialog mark").waitFor();
  for (const path of await page.evaluate(async () => (await (await fetch("/v1/files")).json()).data.map((file) => `/v1/files/${file.id}/content`))) {
    const headers = await page.evaluate(async (address) => { const r = await fetch(address); return [r.headers.get("content-type"), r.headers.get("content-disposition") ?? ""]; }, path);
    check(!headers[0].includes("html") && headers[1].startsWith("attachment"), `an upload is served as ${headers}`);
  }
  await page.waitForTimeout(500);
  check(await page.evaluate(() => window.harmed) === undefined, "a script of the document ran");
  check(seen.length === 0, `the page asked the trap: ${seen}`);
  await trap.close();
}

// A page of another origin tries what a browser lets it try.
async function otherOrigin({ page, url, context }) {
  await page.goto(`${url}/ask`);
  const before = await counts(page);
  const evil = await listen((request, response) => {
    response.setHeader("content-type", "text/html");
    response.end(`<form id=f method=post enctype="text/plain" action="${url}/v1/vector_stores"><input name='{"name":"evil","x":"' value='"}'></form>
      <form id=g method=post enctype="multipart/form-data" action="${url}/v1/files"><input name=purpose value=assistants><input name=file value=evil></form><img src="${url}/strata/v1/system">`);
  });
  const attempts = async (other) => other.evaluate(async (api) => {
    const read = (path, init) => fetch(api + path, init).then(async (r) => (r.type === "opaque" ? "opaque" : (await r.text()).slice(0, 80)), () => "refused");
    const form = new FormData();
    form.append("purpose", "assistants");
    form.append("file", new Blob(["evil"]), "evil.md");
    return [
      await read("/v1/files"), await read("/strata/v1/conversations", { credentials: "include" }),
      await read("/v1/vector_stores", { method: "POST", body: '{"name":"evil"}', headers: { "content-type": "application/json" }, credentials: "include" }),
      await read("/v1/vector_stores", { method: "POST", body: '{"name":"evil"}', mode: "no-cors", credentials: "include" }),
      await read("/v1/files", { method: "POST", body: form, mode: "no-cors", credentials: "include" }),
      await read("/strata/v1/conversations", { method: "POST", body: "{}", mode: "no-cors", credentials: "include" }),
    ];
  }, url);
  // Another host name, and the same host name (one site, where cookies travel) on another port.
  for (const host of ["127.0.0.1", "localhost"]) {
    const other = await context.newPage();
    await other.goto(`http://${host}:${evil.port}/`);
    const results = await attempts(other);
    check(results.every((result) => result === "refused" || result === "opaque"), `a foreign page read something: ${results}`);
    for (const id of ["f", "g"]) {
      await other.goto(`http://${host}:${evil.port}/`);
      const [answer] = await Promise.all([other.waitForNavigation(), other.evaluate((name) => document.getElementById(name).submit(), id)]);
      check(answer.status() >= 400, `a foreign form was answered with ${answer.status()}`);
    }
    await other.close();
  }
  await evil.close();
  const after = await counts(page);
  check(JSON.stringify(before) === JSON.stringify(after), `a foreign page changed something: ${JSON.stringify({ before, after })}`);
}

// DNS rebinding: the attacker's name leads to this machine, so its page is "same origin" with us but for the name.
async function rebinding({ page, url }) {
  await page.goto(`${url}/ask`);
  const before = await counts(page);
  const { port } = new URL(url);
  const tryHost = (method, path, host) => new Promise((done, fail) => {
    const request = httpRequest({ host: "127.0.0.1", port, method, path, headers: { host, origin: `http://${host}`, "content-type": "application/json" } }, (response) => { response.resume(); done(response.statusCode); });
    request.on("error", fail);
    request.end(method === "POST" ? '{"name":"evil"}' : undefined);
  });
  for (const host of [`evil.example:${port}`, `localhost.evil.example:${port}`, `192.0.2.1:${port}`]) {
    for (const [method, path] of [["GET", "/"], ["GET", "/v1/files"], ["POST", "/v1/vector_stores"]]) {
      const status = await tryHost(method, path, host);
      check(status >= 400 && status < 500, `${method} ${path} for ${host} was answered with ${status}`);
    }
  }
  check(JSON.stringify(before) === JSON.stringify(await counts(page)), "a rebound name changed something");
}

export const tests = [
  ["hostile: a document's images, links and scripts reach nothing", exfiltration],
  ["hostile: pages of another origin read and change nothing", otherOrigin],
  ["hostile: a foreign Host name is refused", rebinding],
];
