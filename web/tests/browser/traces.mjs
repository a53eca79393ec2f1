// What a real answer did: from its "Why?" to its trace, found again by words and filters, kept with its texts, run again, and compared.
import { check, eventually } from "./server.mjs";

async function ask(page, url, question) {
  await page.goto(`${url}/ask`);
  const field = page.getByRole("textbox", { name: "Your question" });
  await field.fill(question);
  await field.press("Enter");
  await page.getByRole("button", { name: "Why this answer?" }).last().waitFor({ timeout: 60_000 });
}
const span = (page, name) => tree(page).getByRole("treeitem").filter({ has: page.locator(".span-text", { hasText: name }) }).first();
const tree = (page) => page.getByRole("tree", { name: "Spans of this trace" });

async function fromWhy({ page, url }) {
  await ask(page, url, "How much may a hotel cost a night?");
  await page.getByRole("button", { name: "Why this answer?" }).last().click();
  await page.getByRole("dialog").getByRole("link", { name: "Open its trace" }).click();
  await page.waitForURL(/\/traces\/[0-9a-f]{32}/);
  await tree(page).waitFor();
  const names = await tree(page).locator(".span-text").allInnerTexts();
  for (const name of ["answer", "retrieval"]) check(names.includes(name), `the tree has no '${name}': ${names.join(" | ")}`);
  const depth = async (name) => Number(await span(page, new RegExp(`^${name}$`)).getAttribute("aria-level"));
  check(await depth("retrieval") > await depth("answer"), "the search does not stand below the answer that it was for");
  // By keyboard alone: to the top, into it, and closed again.
  await tree(page).getByRole("treeitem", { selected: true }).focus();
  await page.keyboard.press("Home");
  const first = tree(page).getByRole("treeitem").first();
  check(await first.getAttribute("aria-selected") === "true", "Home does not go to the first span");
  await page.keyboard.press("ArrowLeft");
  check(await first.getAttribute("aria-expanded") === "false" && await tree(page).getByRole("treeitem").count() === 1, "ArrowLeft does not close it");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  check(await tree(page).getByRole("treeitem").nth(1).getAttribute("aria-selected") === "true", "ArrowRight does not go inside");
  const second = (await tree(page).getByRole("treeitem").nth(1).locator(".span-text").innerText()).trim();
  await page.getByRole("region", { name: `Details of ${second}` }).waitFor();
  check(page.url().includes("span="), "the chosen span is not in the address");
  await page.reload();
  await page.getByRole("region", { name: `Details of ${second}` }).waitFor();
  await page.getByLabel("Find in this trace").fill("retrieval");
  await page.getByText(/^\d+ spans$/).waitFor();
  check(await tree(page).locator(".dim").count() > 0, "what does not match is not put aside");
  await page.getByRole("button", { name: "Cost", exact: true }).click();
  const calls = page.getByRole("region", { name: "Cost" });
  await calls.waitFor();
  check(await calls.locator("tbody tr").count() > 0, "no model call is listed");
  await calls.locator("tbody button").first().click();
  await tree(page).getByRole("treeitem", { selected: true }).waitFor();
}

async function filters({ page, url }) {
  await page.goto(`${url}/traces`);
  await page.getByRole("heading", { name: "Traces", exact: true }).waitFor();
  const rows = page.locator("table.traces tbody tr");
  await rows.first().waitFor();
  await page.getByLabel("Search names, attributes and texts").fill("nothing-has-this-name");
  await page.getByText("No trace is like that").waitFor();
  check(page.url().includes("q=nothing-has-this-name"), "the filter is not in the address");
  await page.getByRole("button", { name: "Clear filters" }).first().click();
  await rows.first().waitFor();
  await page.getByLabel("State").selectOption("ok");
  await eventually(async () => await rows.count() > 0 && (await rows.allInnerTexts()).every((text) => text.includes("ok") && !text.includes("failed")), "a failed trace is among those that went well");
  await page.goto(`${url}/traces?status=ok`);
  check(await page.getByLabel("State").inputValue() === "ok", "the address does not set the filter");
}

async function again({ page, url }) {
  await page.goto(`${url}/traces?settings=open`);
  const sheet = page.getByRole("dialog", { name: "What is kept" });
  await sheet.getByLabel("Keep prompts, answers and receipts").check();
  await sheet.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved", { exact: true }).waitFor();
  const chat = async () => page.evaluate(async () => {
    const response = await fetch("/v1/chat/completions", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ messages: [{ role: "user", content: "Say hello to Kim." }], max_tokens: 8, seed: 7 }) });
    await response.json();
    return response.headers.get("x-trace-id");
  });
  const older = await chat(), newer = await chat();
  await page.goto(`${url}/traces/${newer}`);
  await span(page, /^chat /).click();
  const details = page.getByRole("region", { name: /^Details of chat / });
  await details.getByText("Say hello to Kim.").waitFor();
  await details.getByRole("button", { name: "Run this call again" }).click();
  await details.getByText(/^The same \d+ tokens$/).waitFor({ timeout: 60_000 });
  await page.getByLabel("Compare with …").selectOption(older);
  await page.waitForURL("**/traces/diff?*");
  const diff = page.getByRole("region", { name: "Two traces" });
  await diff.waitFor();
  check((await diff.locator("tbody tr").allInnerTexts()).some((text) => text.startsWith("chat ")), "the model call is not compared");
}

async function prices({ page, url }) {
  await page.goto(`${url}/usage?view=prices`);
  const table = page.getByLabel("Prices (TOML)");
  await table.fill("[local]\ncpu_hours = 0.04\n");
  await page.getByRole("button", { name: "Save prices" }).click();
  await page.getByText(/did you mean '.*cpu_hour'/).waitFor();
  await page.reload();
  check((await table.inputValue()).includes("cpu_hours"), "what was typed is gone after a reload");
  await table.fill("[local]\ncpu_hour = 3600\n");
  await page.getByRole("button", { name: "Save prices" }).click();
  await page.getByRole("region", { name: "As it is read" }).getByText("$3,600.00").waitFor();
  await ask(page, url, "When must receipts be handed in?");
  await page.getByRole("button", { name: "Why this answer?" }).last().click();
  await page.getByRole("dialog").getByRole("link", { name: "Open its trace" }).click();
  await page.getByRole("button", { name: "Cost", exact: true }).click();
  await page.getByRole("region", { name: "Cost" }).locator("tbody td").filter({ hasText: "$" }).first().waitFor();
  await page.goto(`${url}/usage?view=model`);
  const usage = page.getByRole("region", { name: "By model" });
  await eventually(async () => { await page.reload(); await usage.waitFor(); return (await usage.innerText()).includes("$"); }, "the call's cost is not in the usage");
  await usage.locator("tbody a").first().click();
  await page.waitForURL(/\/traces\?model=/);
  await page.locator("table.traces tbody tr").first().waitFor();
}

export const tests = [
  ["traces: an answer's why leads to its tree, its spans and its cost", fromWhy],
  ["traces: filters and words find one again, and live in the address", filters],
  ["traces: kept texts are read, a call runs again to the same tokens, two traces are compared", again],
  ["usage: prices with their errors, an answer's cost, and the way to its traces", prices],
];
