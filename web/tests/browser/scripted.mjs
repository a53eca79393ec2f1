// A scripted OpenAI-compatible model, and an MCP server whose list a test changes: what stands behind the pages of agents, teams and MCP.
import { createServer } from "node:http";

async function listen(handle) {
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (bytes) => { body += bytes; });
    request.on("end", () => { Promise.resolve(handle(request, response, body)).catch((error) => { response.writeHead(500).end(String(error)); }); });
  });
  await new Promise((done) => { server.listen(0, "127.0.0.1", done); });
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => { server.closeAllConnections(); server.close(); } };
}

// model.say(body) → a text or an object; it may be a promise: then the model "thinks" that long. model.asked: what it was sent.
export async function scriptedModel() {
  const model = { asked: [], say: () => "nothing to say" };
  const server = await listen(async (request, response, body) => {
    const asked = JSON.parse(body);
    model.asked.push(asked);
    const said = await model.say(asked), content = typeof said === "string" ? said : JSON.stringify(said);
    const chunk = { id: "c", object: "chat.completion.chunk", created: 1, model: "far" };
    const parts = [{ ...chunk, choices: [{ index: 0, delta: { role: "assistant", content }, finish_reason: null }] }, { ...chunk, choices: [{ index: 0, delta: {}, finish_reason: "stop" }] }, { ...chunk, choices: [], usage: { prompt_tokens: 20, completion_tokens: 5, total_tokens: 25 } }];
    response.writeHead(200, { "content-type": "text/event-stream" }).end(`${parts.map((part) => `data: ${JSON.stringify(part)}\n\n`).join("")}data: [DONE]\n\n`);
  });
  return Object.assign(model, { url: `${server.url}/v1`, close: server.close });
}
export const decides = (tool, thought, args) => ({ thought, tool, arguments: args });
export function inTurn(...replies) {
  return async () => { const next = replies.length > 1 ? replies.shift() : replies[0]; return typeof next === "function" ? next() : next; };
}
// Something that comes when the test says so.
export function later() {
  let come;
  const promise = new Promise((done) => { come = done; });
  return { promise, come };
}
// As the person at the page would do by the API.
export const post = (page, path, body) => page.evaluate(async ([to, data]) => {
  const answer = await fetch(to, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(data) });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}, [path, body]);
export const put = (page, path, body) => page.evaluate(async ([to, data]) => {
  const answer = await fetch(to, { method: "PUT", headers: { "content-type": "application/json" }, body: JSON.stringify(data) });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}, [path, body]);
export const connect = (page, model) => post(page, "/strata/v1/providers", { id: "scripted", base_url: model.url, model: "far" });

// An MCP server of the version 2025-11-25. server.tools is its list.
export async function mcpServer() {
  const server = { tools: [{ name: "add", description: "Adds two numbers.", inputSchema: { type: "object", properties: { a: { type: "integer" }, b: { type: "integer" } }, required: ["a", "b"] } }], calls: [] };
  const methods = {
    initialize: () => ({ protocolVersion: "2025-11-25", capabilities: { tools: { listChanged: false } }, serverInfo: { name: "sums", version: "1.0" } }),
    ping: () => ({}),
    "tools/list": () => ({ tools: server.tools }),
    "tools/call": ({ name, arguments: given }) => { server.calls.push(name); return { content: [{ type: "text", text: String(given.a + given.b) }] }; },
  };
  const { url, close } = await listen((request, response, body) => {
    if ((request.headers["mcp-protocol-version"] ?? "") >= "2026" || request.method !== "POST") { response.writeHead(request.method === "POST" ? 400 : 405).end(); return; }
    const message = JSON.parse(body);
    if (message.id === undefined) { response.writeHead(202).end(); return; }
    const method = methods[message.method];
    const answer = method ? { result: method(message.params ?? {}) } : { error: { code: -32601, message: "no such method" } };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ jsonrpc: "2.0", id: message.id, ...answer }));
  });
  return Object.assign(server, { url: `${url}/mcp`, close });
}
