// The whole way in one browser, nothing behind the app's back: a spec by form, a question in its product, a draft edited and sent, a rating,
// the week's dashboard with exactly these events, and the update that says so.
import { check, eventually } from "./server.mjs";

async function story({ page, url }) {
  await page.goto(`${url}/specs`);
  await page.getByLabel("Name of a new product").fill("Front Desk");
  await page.getByRole("button", { name: "New spec" }).click();
  await page.waitForURL("**/specs/front-desk");
  await page.getByLabel("User persona").fill("Agent at the front desk");
  await page.getByLabel("Job to be done").fill("Answer from the handbook");
  await page.getByRole("group", { name: "Input types" }).getByLabel("text").check();
  await page.getByLabel("Output format").fill("free text with inline citations");
  await page.getByLabel("Max latency seconds").fill("30");
  await page.getByLabel("Context window needs").selectOption("medium");
  await page.getByLabel("Hallucination risk").selectOption("high");
  await page.getByLabel("Requires citations").selectOption("true");
  await page.getByLabel("Human review required").selectOption("true");
  await page.getByLabel("Accuracy target").fill("0.92");
  await page.getByLabel("Daily requests estimate").fill("50");
  await page.getByLabel("Concurrent users peak").fill("2");
  await page.getByLabel("Why this change?").fill("the first");
  await page.getByRole("button", { name: "Save version" }).click();
  await page.getByText("Version 1 is live").waitFor();

  await page.goto(`${url}/drafts?product=front-desk`);
  await page.getByLabel("The ticket").fill("How much may a hotel cost a night?");
  await page.getByLabel("Customer", { exact: true }).fill("Kim");
  await page.getByRole("button", { name: "Draft a reply" }).click();
  await page.waitForURL("**/drafts/draft_*", { timeout: 60_000 });
  const reply = page.getByLabel("Your reply");
  await eventually(async () => (await reply.inputValue()).includes("140 euros"), "the draft does not say it");
  await reply.fill(`Hello Kim, ${await reply.inputValue()}`);
  await page.getByText("Saved", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Send to customer" }).click();
  await page.getByText("sent, edited by 11 characters").waitFor();
  await page.getByRole("button", { name: "Good answer" }).click();
  await page.getByRole("button", { name: "5 of 5" }).click();
  await page.getByText("Rating saved").waitFor();
  await page.getByRole("button", { name: "Correct", exact: true }).click();
  await page.getByText("Judgement saved").waitFor();
  await page.getByLabel("How it ended").selectOption("resolved");
  await eventually(async () => (await page.getByLabel("How it ended").inputValue()) === "resolved", "the ending is not kept");

  await page.goto(`${url}/dashboard?product=front-desk`);
  await page.locator('tr[data-metric="accuracy"]').waitFor();
  for (const [metric, shown] of [["accuracy", "100 %"], ["hallucination_rate", "0 %"], ["csat", "5"], ["edit_rate", "100 %"], ["resolution_rate", "100 %"], ["deflection_rate", "0 %"], ["adoption_rate", "no data"], ["cost_per_resolution", "no data"]]) {
    const value = (await page.locator(`tr[data-metric="${metric}"] td`).first().innerText()).trim();
    check(value === shown || Number(value) === Number(shown), `${metric}: ${value} instead of ${shown}`);
  }

  await page.goto(`${url}/reports?product=front-desk`);
  await page.getByRole("button", { name: "Write this week's update" }).click();
  await page.getByRole("heading", { name: "WEEKLY UPDATE: Front Desk" }).waitFor();
  await page.getByRole("button", { name: "E-mail" }).click();
  const text = await page.locator("pre.email").innerText();
  for (const line of ["- Tickets resolved without escalation: 100%", "- Response accuracy: 100%", "- Agent edit rate: 100% of AI drafts modified"]) check(text.includes(line), `the update does not say '${line}':\n${text}`);
}

export const tests = [["story: spec, ticket, edited draft, rating, dashboard, update", story]];
