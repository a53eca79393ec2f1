// A product's settings: a target that the dashboard then shows, a file with one bad line, numbers by hand, and nothing lost by a reload.
import { check, eventually } from "./server.mjs";

async function api(page, method, path, body) {
  return await page.evaluate(async ([verb, where, sent]) => {
    const response = await fetch(where, { method: verb, headers: { "content-type": "application/json" }, ...(sent ? { body: JSON.stringify(sent) } : {}) });
    const json = await response.json();
    if (!response.ok) throw new Error(`${where}: ${json.error.message}`);
    return json;
  }, [method, path, body]);
}
const cell = async (page, metric, at) => (await page.locator(`tr[data-metric="${metric}"] td`).nth(at).innerText()).trim();
const dashboard = async (page, url) => {
  await page.goto(`${url}/dashboard?product=measured`);
  await page.locator('tr[data-metric="csat"]').waitFor();
};

async function targets({ page, url }) {
  await page.goto(`${url}/settings`);
  await page.getByRole("heading", { name: "Settings", exact: true }).waitFor();
  await api(page, "POST", "/strata/v1/products", { id: "measured", name: "Measured" });
  await dashboard(page, url);
  check(await cell(page, "csat", 1) === "≥ 4", "the target is not the default to begin with");
  await page.getByRole("link", { name: "Settings" }).last().click();
  await page.waitForURL("**/settings?product=measured");
  const target = page.getByLabel("Target of CSAT");
  await target.fill("45");
  await page.getByText("Expected a number from 1 to 5, such as 4.2").waitFor();
  check(await page.getByRole("button", { name: "Save" }).isDisabled(), "a target that cannot be is saved");
  await target.fill("4.5");
  await page.getByLabel("Target of Edit Rate").fill("25");
  await page.reload();   // nothing typed is lost
  await target.waitFor();
  check(await target.inputValue() === "4.5" && await page.getByLabel("Target of Edit Rate").inputValue() === "25", "what was typed is gone after a reload");
  await page.getByText("2 changes are not saved yet").waitFor();
  await target.press("Enter");
  await page.getByText("Everything is saved.").waitFor();
  await dashboard(page, url);
  check(await cell(page, "csat", 1) === "≥ 4.5" && await cell(page, "edit_rate", 1) === "< 25 %", `the dashboard shows ${await cell(page, "csat", 1)} and ${await cell(page, "edit_rate", 1)}`);
  await page.goBack();
  await page.getByRole("button", { name: "All defaults" }).click();
  check(await target.inputValue() === "4" && await page.getByLabel("Target of Edit Rate").inputValue() === "30", "the defaults are others");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Everything is saved.").waitFor();
  await dashboard(page, url);
  check(await cell(page, "csat", 1) === "≥ 4", "the default does not hold again");
}

async function survey({ page, url }) {
  await page.goto(`${url}/settings?product=measured&view=import`);
  const today = new Date().toISOString().slice(0, 10);
  const field = page.getByLabel("CSV", { exact: true });
  await page.getByText("No rows").waitFor();
  await page.locator('input[type="file"]').setInputFiles({ name: "survey.csv", mimeType: "text/csv", buffer: Buffer.from(`date,score\n${today},5\n${today},9\n`) });
  await page.getByText("2 lines below the header").waitFor();
  await page.getByRole("button", { name: "Import", exact: true }).last().click();
  await page.getByText("line 3, score: expected a whole number from 1 to 5, got '9'").waitFor();
  await page.getByRole("button", { name: "Go to line 3" }).click();
  check(await field.evaluate((area) => area.value.slice(area.selectionStart, area.selectionEnd)) === `${today},9`, "the bad line is not the one selected");
  await dashboard(page, url);
  check(await cell(page, "csat", 0) === "no data", "half of a refused file was taken");
  await page.goto(`${url}/settings?product=measured&view=import`);
  check((await field.inputValue()).includes(`${today},9`), "the file is gone after leaving the page");
  await field.fill((await field.inputValue()).replace(`${today},9`, `${today},4`));
  await field.press("Control+Enter");
  await page.getByText("2 rows imported.").first().waitFor();
  const imported = page.getByRole("region", { name: "Scores, last added first" }).getByText("imported (CSV)");
  await imported.nth(1).waitFor();   // the list is asked for anew after the word that they were imported
  check(await imported.count() === 2, "there are more rows than were imported");
  await dashboard(page, url);
  check(await cell(page, "csat", 0) === "4.5", `CSAT is ${await cell(page, "csat", 0)}`);
  await page.goto(`${url}/settings?product=measured&view=import`);
  await page.getByLabel("Score", { exact: true }).selectOption("3");
  await page.getByRole("button", { name: "Enter", exact: true }).click();
  await page.getByText("entered by hand").waitFor();
  await dashboard(page, url);
  check(await cell(page, "csat", 0) === "4", `CSAT is ${await cell(page, "csat", 0)} after a score was entered`);
  await page.goto(`${url}/settings?product=measured&view=import&kind=developers`);
  await field.fill(`date,developer,kind\n${today},ann,signup\n${today},ann,first_cal\n`);
  await page.getByRole("button", { name: "Import", exact: true }).last().click();
  await page.getByText(/line 3, kind: .*did you mean 'first_call'/).waitFor();
  await field.fill(`date,developer,kind\n${today},ann,signup\n`);
  await page.getByRole("button", { name: "Import", exact: true }).last().click();
  await page.getByRole("region", { name: "Developers' steps, last added first" }).getByText("Signed up").waitFor();
  await page.getByRole("button", { name: /^ann, .*take it back$/ }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Take back" }).click();
  await page.getByText("No rows").waitFor();
}

async function people({ page, url }) {
  await page.goto(`${url}/settings?product=measured&view=costs`);
  await page.getByLabel("New value of Eligible users").fill("10");
  await page.getByLabel("New value of Baseline: human cost per resolution").fill("5");
  await page.getByRole("form", { name: "Numbers from outside" }).getByRole("button", { name: "Save" }).click();
  const users = page.locator('li[data-fact="eligible_users"]');
  await users.getByText("entered by hand").waitFor();
  check((await users.locator("strong").nth(1).innerText()).startsWith("10"), "the number that was entered is not shown");
  const prices = page.getByRole("form", { name: "Model prices" });
  await prices.getByLabel("Price of tokens read").fill("2.50");
  await prices.getByRole("button", { name: "Save" }).click();
  await prices.getByText("Everything is saved.").waitFor();
  await dashboard(page, url);
  check(await cell(page, "adoption_rate", 0) === "0 %" && await cell(page, "cost_per_resolution", 1) === "≤ $2.50", `adoption ${await cell(page, "adoption_rate", 0)}, cost ${await cell(page, "cost_per_resolution", 1)}`);
  await page.goto(`${url}/settings?product=measured&view=costs`);
  check(await prices.getByLabel("Price of tokens read").inputValue() === "2.5", "the price is gone");
  await page.getByRole("button", { name: "Eligible users: take it back" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Take back" }).click();
  await users.getByText("nothing stated").waitFor();
}

async function schedule({ page, url }) {
  await page.goto(`${url}/reports?product=measured`);
  await page.getByText("Written every Monday at 06:00 UTC.").waitFor();
  await page.getByRole("link", { name: "Change the schedule" }).click();
  await page.getByLabel("Day").selectOption("Friday");
  await page.getByText(/Next: .* 06:00 UTC, for 2\d{3}-W\d\d/).waitFor();
  const kept = async () => (await api(page, "GET", "/strata/v1/products/measured/schedule")).weekday === 5;
  await eventually(kept, "the schedule is not kept");
  await page.goto(`${url}/reports?product=measured`);
  await page.getByText("Written every Friday at 06:00 UTC.").waitFor();
}

export const tests = [
  ["settings: a changed target is on the dashboard, and the defaults come back", targets],
  ["settings: a file's bad line is named; mended, it changes the week's CSAT", survey],
  ["settings: eligible users, baseline and prices by hand, marked, and taken back", people],
  ["settings: the weekly update's schedule", schedule],
];
