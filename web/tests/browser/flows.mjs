// Flows through their pages: put from a template, started by a form, decided in the inbox, watched to the end; forked, held, told, tried
// again; and a call that nobody knows the end of.
import { check, eventually } from "./server.mjs";

const editor = (page) => page.getByLabel("Flow (YAML or JSON)");
async function put(page, url, text, name) {
  await page.goto(`${url}/flows?new=empty`);
  await editor(page).fill(text);
  await page.getByText(/^right: \d+ steps?$/).waitFor();
  await page.getByRole("button", { name: "Save flow" }).click();
  await page.waitForURL(`**/flows/${name}`);
}
async function start(page, fill = {}) {
  await page.getByRole("button", { name: "Start a run" }).first().click();
  const dialog = page.getByRole("dialog", { name: /^Start / });
  for (const [label, value] of Object.entries(fill)) await dialog.getByLabel(label).fill(value);
  await dialog.getByRole("button", { name: "Start a run" }).click();
  await page.waitForURL(/\/runs\/[^/]+$/);
}
const state = (page, name) => page.locator(".page-head").getByText(name, { exact: true }).waitFor({ timeout: 90_000 });
const node = (page, name) => page.getByRole("group", { name: /^Picture of the/ }).getByRole("button", { name: new RegExp(`^${name}`) });
const chosen = (page, path) => page.getByRole("region", { name: `Step ${path}` });

async function fromTemplate({ page, url }) {
  await page.goto(`${url}/flows`);
  await page.getByRole("heading", { name: "Start from a template" }).waitFor();
  await page.getByRole("link", { name: /^route-by-risk/ }).click();
  await page.getByText("right: 8 steps").waitFor();
  const text = await editor(page).inputValue();
  await editor(page).fill(text.replace("kind: approval", "kind: aproval"));
  const wrong = page.getByRole("status").filter({ hasText: /did you mean 'approval'/ });
  await wrong.waitFor();
  const line = text.slice(0, text.indexOf("kind: approval")).split("\n").length;
  const marked = Number(await page.locator(".code-gutter .bad").innerText());
  check(Math.abs(marked - line) <= 1 && (await wrong.innerText()).includes(`line ${marked}`), `the mistake in line ${line} is marked at ${marked}`);
  check(await page.getByRole("button", { name: "Save flow" }).isDisabled(), "a flow with a mistake can be saved");
  await page.reload();   // what was typed is kept
  check((await editor(page).inputValue()).includes("aproval"), "what was typed is gone after a reload");
  await editor(page).fill(text.replace("max_tokens: 256", "max_tokens: 16"));   // a short reply will do
  await page.getByText("right: 8 steps").waitFor();
  await page.getByRole("button", { name: "Save flow" }).click();
  await page.waitForURL("**/flows/route-by-risk");
  await start(page, { message: "My order never came.", amount: "150" });
  const run = page.url();
  await page.getByText("A person is asked. The run goes on after the decision.").waitFor({ timeout: 90_000 });
  await node(page, "risk").getByText("done").waitFor();
  await node(page, "check").getByText("asks a person").waitFor();
  await page.getByRole("link", { name: /^Inbox \d+ waiting for a decision/ }).waitFor({ state: "attached" });
  await page.getByRole("button", { name: "Timeline" }).click();
  await page.getByText("to careful, 150").waitFor();
  await page.locator(".banner").getByRole("link", { name: "Decide" }).click();
  await page.getByText("May this be sent?").waitFor();
  await page.getByLabel("Reason").fill("it is polite");
  await page.getByRole("button", { name: "Accept", exact: true }).click();
  await page.getByRole("region", { name: "The run" }).getByText("succeeded").waitFor();
  await page.goto(`${url}/runs?view=decisions`);
  await page.getByLabel("Search reasons and data").fill("it is polite");
  await page.getByRole("region", { name: "Decisions" }).getByText("accepted, by").waitFor();
  await page.goto(run);   // and what the model was asked stands in the run's traces
  await page.getByRole("link", { name: "Prompts, tools, times" }).click();
  await eventually(async () => { await page.reload(); await page.locator("table.traces, .empty").first().waitFor(); return await page.locator("table.traces tbody a", { hasText: "job flow" }).count() > 0; }, "the run has no trace");
  await page.locator("table.traces tbody a", { hasText: "job flow" }).last().click();
  await page.getByRole("tree").getByText("step careful").waitFor();
  await page.getByRole("tree").getByText(/^chat /).waitFor();
  await page.goto(`${url}/flows/route-by-risk`);   // what was measured stands on the picture
  await page.locator(".graph-step").filter({ has: page.getByText("careful", { exact: true }) }).getByText("100 %").waitFor();
  await page.getByRole("region", { name: "What each step adds" }).getByRole("row").nth(1).waitFor();
}

const sums = `flow: sums
input:
  a: {type: integer, required: true}
state: {sum: {type: integer, default: 0}}
steps:
  - {id: first, kind: set, values: {sum: "{{ input.a }}"}}
  - {id: ask, kind: approval, message: "Reckon this?", tool: calculator, args: {expression: "{{ state.sum }} + 1"}, deadline_s: 600}
  - {id: out, kind: respond, result: {value: "{{ steps.ask.result.value }}", sum: "{{ state.sum }}"}}
`;
async function edited({ page, url }) {
  await put(page, url, sums, "sums");
  await page.getByRole("button", { name: "Start a run" }).click();
  const dialog = page.getByRole("dialog", { name: "Start sums, version 1" });
  await dialog.getByRole("button", { name: "Start a run" }).click();
  await dialog.getByText("This is needed.").waitFor();
  await dialog.getByLabel("a").fill("20");
  await page.keyboard.press("Control+Enter");
  await page.waitForURL(/\/runs\/[^/]+$/);
  const run = page.url();
  await page.getByText("A person is asked.").waitFor();
  await page.goto(`${url}/inbox`);
  await page.locator("[data-list]").getByRole("link", { name: "Reckon this?" }).click();
  await page.getByText("due").waitFor();
  const args = page.getByLabel("What would be sent (JSON)");
  check((await args.inputValue()).includes('"20 + 1"'), `other arguments are shown: ${await args.inputValue()}`);
  await args.fill('{"expresion": "6 * 7"}');
  await page.getByRole("status").filter({ hasText: /expression/ }).waitFor();
  check(await page.getByRole("button", { name: "Accept with these changes" }).isDisabled(), "arguments that the tool refuses can be accepted");
  check(await page.getByRole("button", { name: "Accept", exact: true }).count() === 0, "changed arguments can be accepted as unchanged");
  await args.fill('{"expression": "6 * 7"}');
  await eventually(async () => !await page.getByRole("button", { name: "Accept with these changes" }).isDisabled(), "right arguments cannot be accepted");
  await page.getByRole("button", { name: "Accept with these changes" }).click();
  const about = page.getByRole("region", { name: "The run" });
  await about.getByText("succeeded").waitFor();
  check((await about.locator("pre").innerText()).includes('"value": 42'), `the run gave ${await about.locator("pre").innerText()}`);
  await page.goto(run);
  await node(page, "ask").click();
  await chosen(page, "ask").getByText('"6 * 7"').first().waitFor();
  check(page.url().includes("step=ask"), "the chosen step is not in the address");
}

async function forked({ page, url }) {
  await page.goto(`${url}/runs?flow=sums&state=succeeded`);
  await page.locator("table.runs tbody a").first().click();
  await node(page, "out").focus();
  await page.keyboard.press("Enter");   // by keyboard alone
  await chosen(page, "out").getByRole("button", { name: "Fork from here" }).click();
  const dialog = page.getByRole("dialog", { name: "Fork from out" });
  const before = page.url();
  await dialog.getByLabel("Values to change first (JSON)").fill("[1]");
  await dialog.getByText("An object is expected").waitFor();
  await dialog.getByLabel("Values to change first (JSON)").fill('{"sum": 77}');
  await dialog.getByRole("button", { name: "Fork", exact: true }).click();
  await eventually(() => page.url() !== before && /\/runs\/[^/?]+$/.test(page.url()), "the fork did not open");
  await state(page, "succeeded");
  await page.getByText("Forked from").waitFor();
  await page.getByRole("button", { name: "Data" }).click();
  await page.getByText('"sum": 77').first().waitFor();
  check((await page.locator("pre").last().innerText()).includes('"value": 42'), "what came before the fork was not kept");
}

const held = `flow: held
steps:
  - {id: nap, kind: wait, signal: go}
  - {id: divide, kind: tool, tool: calculator, args: {expression: "1 / {{ steps.nap.data }}"}}
`;
async function controlled({ page, url }) {
  await put(page, url, held, "held");
  await start(page);
  await page.getByText("It waits for a signal.").waitFor();
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByRole("dialog", { name: "Pause" }).getByLabel("Reason").fill("lunch");
  await page.getByRole("dialog", { name: "Pause" }).getByRole("button", { name: "Pause" }).click();
  await page.getByRole("button", { name: "Resume" }).click();
  await page.getByRole("dialog", { name: "Resume" }).getByRole("button", { name: "Resume" }).click();
  await page.getByRole("button", { name: "Pause" }).waitFor();
  await page.getByRole("button", { name: "Send “go”" }).click();
  await page.getByRole("dialog", { name: "Send “go”" }).getByLabel("What it gets").fill("0");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await state(page, "failed");
  await node(page, "divide").getByText("failed").waitFor();
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByRole("dialog", { name: "Try again" }).getByRole("button", { name: "Try again" }).click();
  await page.getByRole("button", { name: "Timeline" }).click();
  const log = page.getByRole("list", { name: "Timeline" });
  await log.getByText("tried again").waitFor();
  await eventually(async () => await log.getByText("step failed").count() === 2, "the second failure is not in the log as it grows");
  await log.getByText("lunch").waitFor();
  await page.goto(`${url}/flows/held?view=runs`);
  await start(page);
  await page.getByText("It waits for a signal.").waitFor();
  await page.getByRole("button", { name: "Cancel the run" }).click();
  await page.getByRole("dialog", { name: "Cancel the run" }).getByRole("button", { name: "Cancel the run" }).click();
  await state(page, "cancelled");
  await page.goto(`${url}/runs?flow=held`);
  await page.getByLabel("State").selectOption("cancelled");
  await eventually(async () => await page.locator("table.runs tbody tr").count() === 1, "the filter by state shows something else");
}

const pays = `flow: pays
input:
  cents: {type: integer, required: true}
steps:
  - {id: send, kind: tool, tool: pay, args: {body: {cents: "{{ input.cents }}"}}}
  - {id: out, kind: respond, result: "{{ steps.send.paid }}"}
`;
async function unknown({ page, url }) {
  await put(page, url, pays, "pays");
  await start(page, { cents: "13" });
  await page.getByText("Nobody knows whether a call took effect.").waitFor();
  await page.goto(`${url}/tools?view=health`);
  await page.getByRole("heading", { name: /^pay/ }).waitFor();
  await page.goto(`${url}/inbox`);
  await page.locator("[data-list]").getByRole("link", { name: /^Did 'pay' happen\?/ }).click();
  await page.getByText('"cents": 13').first().waitFor();
  await page.getByLabel("Its result, where you know it (JSON)").fill('{"paid": 13}');
  await page.getByRole("button", { name: "It happened" }).click();
  const about = page.getByRole("region", { name: "The run" });
  await about.getByText("succeeded").waitFor();
  check((await about.locator("pre").innerText()).trim() === "13", "the person's word is not the step's result");
  await page.goto(`${url}/tools?view=health`);
  await page.getByText("Every call came to its end").waitFor();
}

// Two people change one flow: neither loses what they typed, neither overwrites the other unseen.
async function meanwhile({ page, url }) {
  await page.goto(`${url}/flows/held?view=text`);
  const mine = held.replace("signal: go", "signal: mine");
  await editor(page).fill(mine);
  await page.evaluate(async (text) => {
    const answer = await fetch("/strata/v1/flows/held", { method: "PUT", headers: { "content-type": "application/json" }, body: JSON.stringify({ text, base_version: 1, why: "theirs" }) });
    if (!answer.ok) throw new Error(await answer.text());
  }, held.replace("signal: go", "signal: theirs"));
  await page.reload();
  await page.getByText("Meanwhile version 2 was saved.").waitFor();
  check((await editor(page).inputValue()) === mine, "what was typed is gone");
  check(await page.getByRole("button", { name: "Save version 3" }).isDisabled(), "another's version can be overwritten unseen");
  await page.getByRole("button", { name: "Mine is to replace it" }).click();
  await page.getByLabel("Why this change?").fill("both agreed");
  await page.getByRole("button", { name: "Save version 3" }).click();
  await page.getByText("version 3, ").first().waitFor();
  await page.getByText(": both agreed").waitFor();
}

async function triggers({ page, url }) {
  await page.goto(`${url}/flows/sums?view=triggers`);
  await page.getByLabel("Input of each run (JSON)").fill('{"a": 1}');
  await page.getByLabel("When", { exact: true }).fill("61 * * * *");
  await page.getByRole("button", { name: "Add the schedule" }).click();
  await page.getByRole("alert").filter({ hasText: /minute/ }).waitFor();
  await page.getByLabel("When", { exact: true }).fill("30 6 * * mon-fri");
  await page.getByRole("button", { name: "Add the schedule" }).click();
  await page.getByRole("button", { name: "Delete the schedule 30 6 * * mon-fri" }).click();
  await page.getByRole("button", { name: "Delete the schedule 30 6 * * mon-fri" }).waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Make a webhook" }).click();
  await page.getByText(/^whsec_/).waitFor();
  await page.getByRole("button", { name: "Delete this webhook" }).click();
  await page.getByRole("button", { name: "Delete this webhook" }).waitFor({ state: "detached" });
  await page.goto(`${url}/flows?view=events`);
  await page.getByLabel("Address").fill("http://127.0.0.1:9/in");
  await page.getByRole("button", { name: "Subscribe" }).click();
  await page.getByRole("button", { name: "Tell http://127.0.0.1:9/in no more" }).click();
  await page.getByRole("button", { name: "Tell http://127.0.0.1:9/in no more" }).waitFor({ state: "detached" });
}

const inner = `flow: inner
steps:
  - {id: reckon, kind: tool, tool: calculator, args: {expression: "6 * 7"}, cache: {ttl_s: 600}}
  - {id: give, kind: respond, result: "{{ steps.reckon.value }}"}
`;
const outer = `flow: outer
steps:
  - {id: call, kind: subflow, flow: inner}
  - {id: out, kind: respond, result: "{{ steps.call }}"}
`;
async function nested({ page, url }) {
  await put(page, url, inner, "inner");
  await put(page, url, outer, "outer");
  for (let times = 0; times < 2; ++times) {
    await page.goto(`${url}/flows/outer`);
    await start(page);
    await state(page, "succeeded");
  }
  await node(page, "reckon").getByText("from the cache").first().waitFor();
  await node(page, "reckon").click();
  await chosen(page, "call/reckon").getByText('"6 * 7"').waitFor();
  check(page.url().includes("step=call%2Freckon"), `the inner step is not in the address: ${page.url()}`);
  await page.getByRole("button", { name: "Timeline" }).click();
  await page.getByText("call/reckon").first().waitFor();
}

export const tests = [
  ["flows: a template is put, its mistake shown at its line; a run waits in the inbox, is accepted and ends", fromTemplate],
  ["flows: edited arguments are held to the tool's schema, and are what is sent", edited],
  ["flows: a run is forked from a step with another value, by keyboard", forked],
  ["flows: pause, resume, signal, try again and cancel, as the page shows them", controlled],
  ["flows: a person says how a call ended that nobody knows the end of", unknown],
  ["flows: a flow in a flow shows its own steps in the run's picture and timeline, and what came from the cache", nested],
  ["flows: another's version is not overwritten unseen", meanwhile],
  ["flows: schedules, webhooks and subscriptions come and go", triggers],
];
