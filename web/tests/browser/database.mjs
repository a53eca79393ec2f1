// A question over a database through its page: the sentence, the chart, the rows, the SQL; one that a scripted model writes and mends.
import { createServer } from "node:http";
import { check } from "./server.mjs";

const answer = (page) => page.getByRole("region", { name: "Answer" });

async function known({ page, url }) {
  await page.goto(`${url}/database?name=telemetry`);
  await page.getByRole("button", { name: "How many calls did each model get?" }).click();
  await answer(page).getByRole("heading", { name: "How many calls did each model get?" }).waitFor({ timeout: 60_000 });
  check((await answer(page).getByRole("region", { name: "Rows" }).innerText()).includes("calls"), "the rows are not shown");
  await answer(page).getByRole("img", { name: "calls by model" }).waitFor();
  await page.getByText("Show SQL").click();
  check((await answer(page).locator("pre").innerText()).includes("FROM spend"), "the SQL that ran is not shown");
  await page.getByText("No model wrote it.").waitFor();
  await page.reload();   // the address holds the answer
  await answer(page).getByRole("heading", { name: "How many calls did each model get?" }).waitFor();
  await page.goto(`${url}/database?name=telemetry`);
  await page.getByLabel("Question").fill("what did we spend today");
  await page.keyboard.press("Enter");
  await answer(page).getByText(/^cost: /).waitFor({ timeout: 60_000 });
}

// An OpenAI-compatible server that says these texts, one a call.
async function scripted(texts) {
  const server = createServer((request, response) => {
    request.resume();
    request.on("end", () => {
      const send = (event) => response.write(`data: ${JSON.stringify(event)}\n\n`);
      response.writeHead(200, { "content-type": "text/event-stream" });
      send({ choices: [{ index: 0, delta: { role: "assistant", content: JSON.stringify({ sql: texts.length > 1 ? texts.shift() : texts[0] }) }, finish_reason: null }] });
      send({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }], usage: { prompt_tokens: 5, completion_tokens: 5, total_tokens: 10 } });
      response.end("data: [DONE]\n\n");
    });
  });
  await new Promise((done) => { server.listen(0, "127.0.0.1", done); });
  return server;
}

async function mended({ page, url }) {
  const server = await scripted(["SELECT cots FROM spend", "SELECT 42 AS fortytwo"]);
  await page.goto(`${url}/database?name=telemetry`);
  const send = (method, path, body) => page.evaluate(async ([how, where, what]) => {
    const reply = await fetch(where, { method: how, ...(what ? { headers: { "content-type": "application/json" }, body: JSON.stringify(what) } : {}) });
    return reply.ok;
  }, [method, path, body]);
  check(await send("POST", "/strata/v1/providers", { id: "writes-sql", base_url: `http://127.0.0.1:${server.address().port}/v1`, model: "far" }), "the scripted model is not taken");
  const { text, version } = await page.evaluate(async () => (await fetch("/strata/v1/flows/ask-database")).json());
  // The flow of this installation names its model: what the page asks, it asks of that one.
  check(await send("PUT", "/strata/v1/flows/ask-database", { text: text.replace('model: {type: string, default: ""', 'model: {type: string, default: "writes-sql"'), base_version: version, why: "a test" }), "the flow is not taken");
  await page.getByLabel("Question").fill("something that no known question is anywhere near to, zebra");
  await page.getByRole("button", { name: "Ask", exact: true }).click();
  await answer(page).getByText("fortytwo: 42.").waitFor({ timeout: 60_000 });
  await page.getByText("Show SQL").click();
  await page.getByText(/^A model wrote the SQL, in 2 tries/).waitFor();
  check(await send("PUT", "/strata/v1/flows/ask-database", { text, base_version: version + 1, why: "the test is over" }) && await send("DELETE", "/strata/v1/providers/writes-sql"), "what was before is not back");
  server.closeAllConnections();
  server.close();
}

export const tests = [
  ["database: a known question, its chart, rows and SQL", known],
  ["database: SQL that a model writes and mends", mended],
];
