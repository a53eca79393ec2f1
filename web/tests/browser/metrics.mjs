// A product's week: real events through the API → the dashboard shows exactly these → the update says so, is edited and downloaded.
import { readFileSync } from "node:fs";
import { check } from "./server.mjs";

async function post(page, path, body) {
  return await page.evaluate(async ([where, sent]) => {
    const response = await fetch(where, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(sent) });
    const json = await response.json();
    if (!response.ok) throw new Error(`${where}: ${json.error.message}`);
    return json;
  }, [path, body]);
}

async function firstProduct({ page, url }) {
  await page.goto(`${url}/dashboard`);
  await page.getByRole("heading", { name: "Metrics", exact: true }).waitFor();
  if (await page.getByText("No product yet").count() > 0) {
    await page.getByLabel("Name").fill("Support Copilot");
    await page.getByLabel("Id", { exact: true }).fill("support-copilot");
    await page.getByRole("button", { name: "Make the product" }).click();
  } else {
    await post(page, "/strata/v1/products", { id: "support-copilot", name: "Support Copilot" });
    await page.goto(`${url}/dashboard?product=support-copilot`);
  }
  const nine = page.getByRole("region", { name: "Nine metrics against target" });
  await nine.waitFor();
}

async function conversation(page, product, channel, user, score, ms, end) {
  const { id } = await post(page, `/strata/v1/products/${product}/conversations`, { channel, user, end_user: user });
  const output = await post(page, `/strata/v1/products/${product}/outputs`, { conversation_id: id, total_ms: ms });
  await post(page, `/strata/v1/answers/${output.id}/judgements`, { correct: true, who: "eva" });
  await post(page, `/strata/v1/conversations/${id}/satisfaction`, { score });
  await post(page, `/strata/v1/conversations/${id}/outcome`, { outcome: end });
  return id;
}

async function week({ page, url }) {
  await page.goto(`${url}/dashboard`);
  await post(page, "/strata/v1/products", { id: "week", name: "Week" });
  const made = [];
  for (const event of [["agent", "ann", 5, 1000, "resolved"], ["agent", "ben", 3, 3000, "escalated"], ["customer", "cem", 4, 2000, "deflected"], ["customer", "dua", 5, 2500, "deflected"]]) made.push(await conversation(page, "week", ...event));
  await page.goto(`${url}/dashboard?product=week`);
  const value = async (metric) => (await page.locator(`tr[data-metric="${metric}"] td`).first().innerText()).trim();
  const status = async (metric) => (await page.locator(`tr[data-metric="${metric}"] td`).nth(2).innerText()).trim();
  await page.locator('tr[data-metric="accuracy"]').waitFor();
  for (const [metric, shown, state] of [["accuracy", "100 %", "PASS"], ["hallucination_rate", "0 %", "PASS"], ["latency_p95", "3 s", "PASS"], ["csat", "4.25", "PASS"], ["adoption_rate", "no data", "no data"],
    ["edit_rate", "no data", "no data"], ["resolution_rate", "75 %", "PASS"], ["deflection_rate", "50 %", "PASS"], ["cost_per_resolution", "no data", "no data"]]) {
    check(await value(metric) === shown && await status(metric) === state, `${metric}: ${await value(metric)} ${await status(metric)} instead of ${shown} ${state}`);
  }
  const name = (await page.locator("strong[aria-live]").innerText()).trim();
  await page.goto(`${url}/settings?product=week&view=import&kind=facts`);
  const csv = page.getByLabel("CSV", { exact: true }), send = page.getByRole("form").getByRole("button", { name: "Import", exact: true });
  await csv.fill(`week,name,value\n${name},eligible_user,5`);
  await send.click();
  await page.getByText("did you mean 'eligible_users'?", { exact: false }).waitFor();
  await csv.fill(`week,name,value\n${name},eligible_users,5\n${name},human_cost,6\n${name},baseline_cost_per_resolution,5`);
  await send.click();
  await page.getByRole("link", { name: "See the dashboard" }).click();
  await page.getByRole("button", { name: "Cost per Resolution: open the rows, $2.00" }).waitFor();
  check(await value("adoption_rate") === "80 %", `adoption is ${await value("adoption_rate")}`);
  await page.getByRole("button", { name: "Deflection Rate: open the rows, 50 %" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("region", { name: "Conversations" }).waitFor();
  check(await dialog.locator("tbody tr").count() === 4, "not the four conversations that ended");
  for (const id of made) check(await dialog.getByText(id).count() === 1, `${id} is not among the rows`);
  await dialog.getByRole("button", { name: "Conversations: deflected (2)" }).click();
  await page.waitForFunction(() => document.querySelectorAll("dialog tbody tr").length === 2);
  check(page.url().includes("rows=deflection_rate"), "the open rows are not in the address");
  await page.keyboard.press("Escape");
  await page.getByText("As a table").click();
  check(await page.getByRole("region", { name: "Trends over eight weeks" }).locator("tbody tr").count() === 8, "the trend is not over eight weeks");
}

async function update({ page, url }) {
  await page.goto(`${url}/reports?product=week`);
  await page.getByText("No update yet").waitFor();
  await page.getByRole("button", { name: "Write this week's update" }).click();
  await page.getByRole("heading", { name: "WEEKLY UPDATE: Week" }).waitFor();
  await page.getByRole("button", { name: "E-mail" }).click();
  const text = await page.locator("pre.email").innerText();
  for (const line of ["STATUS: 5/5 metrics on target", "- Customer satisfaction: 4.25/5.0 (target: 4.0)", "- Tickets resolved without escalation: 75%", "- AI-assisted deflection: 50% (target: 40%)",
    "- Cost per resolution: $2.00", "- Response accuracy: 100%", "- Factual errors (hallucinations): 0.0%", "Operating safely"]) check(text.includes(line), `the update does not say '${line}':\n${text}`);
  await page.getByRole("button", { name: "Edit", exact: true }).click();
  const body = page.getByLabel("The update, as Markdown");
  await body.fill(`${await body.inputValue()}\nWe thank the night shift.\n`);
  await page.reload();   // nothing typed is lost
  check((await body.inputValue()).includes("night shift"), "what was typed is gone after a reload");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Preview" }).click();
  await page.getByText("We thank the night shift.").waitFor();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Download html" }).click()]);
  check(readFileSync(await download.path(), "utf8").includes("<p>We thank the night shift.</p>"), "the download is another text");
  await page.getByRole("button", { name: "Mark as sent" }).click();
  await page.getByText("sent", { exact: true }).waitFor();
  check(await page.getByRole("button", { name: "Edit", exact: true }).count() === 0, "a sent update can be edited");
}

export const tests = [
  ["metrics: the first product is made where there is none", firstProduct],
  ["metrics: the dashboard shows exactly the week's events, and each number its rows", week],
  ["metrics: the update says so, is edited, downloaded and sent", update],
];
