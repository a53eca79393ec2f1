// Keyboard alone, phone, both themes, and what axe says.
import { createRequire } from "node:module";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { check, root } from "./server.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

async function keyboard({ page, url }) {
  await page.goto(`${url}/system`);
  await page.getByRole("heading", { name: "System" }).waitFor();
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keys" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: "Page, conversation or base" }).waitFor();
  await page.keyboard.type("new conv");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/ask");
  await page.getByText("Ask your documents").first().waitFor();
  await page.keyboard.type("When must receipts be handed in?");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: /^Citation 1/ }).first().waitFor({ timeout: 60_000 });
  for (let i = 0; i < 60; ++i) {
    if (await page.evaluate(() => document.activeElement?.classList.contains("chip"))) break;
    await page.keyboard.press("Shift+Tab");
  }
  await page.getByRole("tooltip").waitFor();
  await page.keyboard.press("Enter");
  await page.locator("dialog mark").waitFor();
  check((await page.locator("dialog mark").innerText()).includes("30 days"), "the citation opened by keyboard marks something else");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
}

async function addresses(page, url) {
  return page.evaluate(async (origin) => {
    const read = async (path) => (await (await fetch(path)).json()).data;
    const conversations = await read("/strata/v1/conversations");
    let cited = "";
    for (const row of conversations) {
      const detail = await (await fetch(`/strata/v1/conversations/${row.id}`)).json();
      const answer = detail.messages.find((message) => message.strata?.citations?.length);
      if (answer) cited = `/ask/${row.id}?why=${answer.answer_id}`;
    }
    const bases = await read("/v1/vector_stores");
    const base = bases[0].id;
    const document = (await read(`/strata/v1/documents?vector_store_id=${base}`)).find((row) => row.document_id).document_id;
    const traces = await read("/strata/v1/traces?limit=100"), trace = traces.find((row) => row.model_calls > 0) ?? traces[0];
    const seen = { usage: "/usage", usageByModel: "/usage?view=model", prices: "/usage?view=prices", traces: "/traces", tracesFailed: "/traces?status=error&min=30000", tracesKept: "/traces?settings=open", ...(trace ? { trace: `/traces/${trace.id}`, traceCost: `/traces/${trace.id}?view=cost`, traceJson: `/traces/${trace.id}?view=raw`, traceDiff: `/traces/diff?a=${trace.id}&b=${traces[0].id}` } : {}) };
    const run = (await read("/strata/v1/runs?limit=1"))[0], asked = (await read("/strata/v1/approvals?limit=1"))[0], flow = (await read("/strata/v1/flows?limit=1"))[0];
    const flows = { flows: "/flows", flowNew: "/flows?new=route-by-risk", flowEvents: "/flows?view=events", runs: "/runs", decisions: "/runs?view=decisions", database: "/database?name=telemetry", inbox: "/inbox", inboxDecided: "/inbox?state=decided", tools: "/tools", toolsHealth: "/tools?view=health", tool: "/tools/calculator", toolPermission: "/tools/calculator?view=permission", toolSchema: "/tools/calculator?view=schema",
      ...(flow ? { flow: `/flows/${flow.name}`, flowText: `/flows/${flow.name}?view=text`, flowRuns: `/flows/${flow.name}?view=runs`, flowTriggers: `/flows/${flow.name}?view=triggers` } : {}), ...(run ? { run: `/runs/${run.id}`, runTimeline: `/runs/${run.id}?view=timeline`, runData: `/runs/${run.id}?view=data` } : {}), ...(asked ? { approval: `/inbox/${asked.id}` } : {}) };
    const kept = { agents: "/agents", agentNew: "/agents?new=helper", teams: "/teams", teamNew: "/teams?new=research", toolsMcp: "/tools?view=mcp", toolsMcpAdd: "/tools?view=mcp&add=open" };
    for (const kind of ["agent", "team"]) for (const one of (await read(`/strata/v1/${kind}s?limit=1`))) {
      const place = `/${kind}s/${one.name}`, last = (await read(`/strata/v1/${kind}s/${one.name}/runs?limit=1`))[0];
      Object.assign(kept, { [kind]: place, [`${kind}Text`]: `${place}?view=text`, [`${kind}Runs`]: `${place}?view=runs`, ...(kind === "agent" ? { agentMemory: `${place}?view=memory` } : {}), ...(last ? { [`${kind}Run`]: `${place}?run=${last.id}` } : {}) });
    }
    const draft = (await read("/strata/v1/drafts"))[0], handover = (await read("/strata/v1/handovers"))[0];
    const work = { drafts: "/drafts?state=all", queue: "/queue?state=done", reliability: "/reliability", ...(draft ? { draft: `/drafts/${draft.id}` } : {}), ...(handover ? { handover: `/queue/${handover.id}` } : {}) };
    return { ...flows, ...kept, ...work, ...seen, ask: "/ask", conversation: cited.split("?")[0], why: cited, source: `${cited.split("?")[0]}?source=${document}&begin=20&end=60`, bases: "/knowledge", base: `/knowledge/${base}`, document: `/knowledge/${base}/documents/${document}?begin=20&end=60`,
      chunks: `/knowledge/${base}/documents/${document}?tab=chunks`, search: "/search?q=receipts", specs: "/specs", spec: "/specs/support-copilot", specVersions: "/specs/support-copilot?view=versions", specFollows: "/specs/support-copilot?view=follows", specNotes: "/specs/support-copilot?view=notes", landscape: "/landscape", side: "/landscape?view=side&models=gpt-4o-mini,llama-3.1-8b", rank: "/landscape?view=rank&for=coding", decide: "/landscape?view=decide&private_docs=yes", metrics: "/dashboard", rows: "/dashboard?rows=deflection_rate", reports: "/reports?view=email", settings: "/settings", settingsCosts: "/settings?product=measured&view=costs", settingsImport: "/settings?product=measured&view=import", settingsSchedule: "/settings?view=schedule", system: "/system", missing: "/nowhere", origin };
  }, url);
}

async function violations(page) {
  if (!await page.evaluate(() => "axe" in window)) await page.evaluate(axe);   // by the debugger: the page itself may run no inline script
  return page.evaluate(async () => {
    const result = await window.axe.run(document, { resultTypes: ["violations"] });
    return result.violations.filter((row) => row.impact === "serious" || row.impact === "critical")
      .map((row) => `${row.id} (${row.impact}): ${row.nodes.slice(0, 3).map((node) => `${node.target} ${node.any[0]?.message ?? ""}`).join("; ")}`);
  });
}

async function accessible({ page, url }) {
  await page.goto(`${url}/ask`);
  const list = await addresses(page, url);
  delete list.origin;
  // STRATA_PAGES=agent,team: only the pages whose names begin so, while one works on them.
  const only = process.env.STRATA_PAGES?.split(",");
  for (const name of Object.keys(list)) if (only && !only.some((word) => name.startsWith(word))) delete list[name];
  const shots = process.env.STRATA_SHOTS && join(root, process.env.STRATA_SHOTS);
  if (shots) mkdirSync(shots, { recursive: true });
  const problems = [];
  await page.emulateMedia({ reducedMotion: "reduce" });
  for (const [name, address] of Object.entries(list)) {
    await page.goto(url + address);
    await page.locator("h1, h2").first().waitFor({ state: "attached" });
    await page.waitForFunction(() => !document.querySelector(".skeleton"));
    for (const theme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
      await page.waitForTimeout(100);
      if (shots) await page.screenshot({ path: join(shots, `${name}-${theme}.png`) });
      for (const problem of await violations(page)) problems.push(`${name} ${theme}: ${problem}`);
    }
  }
  check(problems.length === 0, problems.join("\n"));
}

async function phone({ page, url }) {
  await page.setViewportSize({ width: 390, height: 780 });
  const { document, conversation, trace, traceCost, traceDiff, ...more } = await addresses(await (await page.goto(`${url}/ask`), page), url);
  for (const address of ["/ask", conversation, "/knowledge", document, "/search?q=hotel", "/specs", "/specs/support-copilot", "/specs/support-copilot?view=versions", "/specs/support-copilot?view=follows", "/specs/support-copilot?view=notes", "/landscape", "/landscape?view=side&models=gpt-4o-mini,llama-3.1-8b", "/landscape?view=rank", "/landscape?view=decide&private_docs=yes", "/drafts", "/queue", "/reliability", "/dashboard", "/reports", "/settings", "/settings?view=costs", "/settings?product=measured&view=import", "/settings?view=schedule", "/traces", trace, traceCost, traceDiff, "/usage", "/usage?view=prices", "/system", "/flows", "/flows?new=route-by-risk", "/flows?view=events", "/runs", "/runs?view=decisions", "/inbox", "/tools", "/tools/calculator", "/tools/calculator?view=permission", ...["agents", "agentNew", "agent", "agentRun", "agentText", "agentMemory", "agentRuns", "teams", "teamNew", "team", "teamRun", "teamText", "toolsMcp", "toolsMcpAdd", "flow", "flowText", "flowTriggers", "run", "runTimeline", "runData", "approval"].flatMap((name) => more[name] ?? [])]) {
    await page.goto(url + address);
    await page.waitForFunction(() => !document.querySelector(".skeleton"));
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    check(wide <= 390, `${address} is ${wide} px wide on a phone`);
    if (process.env.STRATA_SHOTS) await page.screenshot({ path: join(root, process.env.STRATA_SHOTS, `phone${address.split("?")[0].split("/").slice(0, 2).join("-")}-${address.length}.png`) });
  }
  await page.getByRole("button", { name: "Open navigation" }).click();
  await page.getByRole("link", { name: "Knowledge", exact: true }).click();
  await page.waitForURL("**/knowledge");
}

export const tests = [
  ["keyboard: ask and open a citation without a mouse", keyboard],
  ["phone: every page fits 390 px, the navigation opens", phone],
  ["axe: nothing serious or critical on any page in both themes", accessible],
];
