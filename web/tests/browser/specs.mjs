// A spec is written by form, survives reload and a lost connection, is saved, and says what follows from it.
import { check, eventually } from "./server.mjs";

const kept = (page) => page.getByRole("status").filter({ hasText: "draft kept" });

async function write({ page, url, context }) {
  await page.goto(`${url}/specs`);
  await page.getByText("No product has a spec yet").waitFor();
  await page.getByLabel("Name of a new product").fill("Support Copilot");
  await page.getByRole("button", { name: "New spec" }).click();
  await page.waitForURL("**/specs/support-copilot");
  await page.getByText("12 fields are missing").waitFor();
  await page.getByLabel("User persona").fill("Tier-1 support agent handling billing and account inquiries");
  await page.getByLabel("Job to be done").fill("Draft accurate responses – naïve ones too 😀");
  await page.getByRole("group", { name: "Input types" }).getByLabel("text").check();
  await page.getByLabel("Output format").fill("free text with inline citations");
  await page.getByLabel("Max latency seconds").fill("3,5");
  await page.reload();                       // before the pause after which the server hears of it
  await page.getByText("expected a number, got \"3,5\"").first().waitFor();
  check(await page.getByLabel("Job to be done").inputValue() === "Draft accurate responses – naïve ones too 😀", "a reload lost what was typed");
  check(await page.getByLabel("Max latency seconds").inputValue() === "3,5", "what is no number was thrown away");
  check(await page.getByRole("group", { name: "Input types" }).getByLabel("text").isChecked(), "a reload lost a choice");
  await page.getByLabel("Max latency seconds").fill("3.0");
  await kept(page).waitFor();

  await context.setOffline(true);
  await page.getByLabel("Context window needs").selectOption("medium");
  await page.getByLabel("Hallucination risk").selectOption("high");
  await page.getByText("kept in this browser; the server cannot be reached").waitFor();
  await context.setOffline(false);
  await kept(page).waitFor();
  await page.evaluate(() => localStorage.clear());
  await page.reload();
  await page.getByLabel("Hallucination risk").waitFor();
  check(await page.getByLabel("Hallucination risk").inputValue() === "high", "the server's draft lacks what was typed without a connection");

  await page.getByLabel("Requires citations").selectOption("true");
  await page.getByLabel("Human review required").selectOption("true");
  await page.getByLabel("Accuracy target").fill("0.92");
  await page.getByLabel("Daily requests estimate").fill("5000");
  check(await page.getByRole("button", { name: "Save version" }).isDisabled(), "a half-filled spec can be saved as a version");
  await page.getByLabel("Concurrent users peak").fill("200");
  await page.getByText("Frontier model (GPT-4o, Claude 3.5 Sonnet) with guardrails").waitFor();
  const yaml = page.getByLabel("The same as YAML");
  check((await yaml.inputValue()).includes("accuracy_target: 0.92  # 0.0 to 1.0"), "the YAML does not follow the form");
  await yaml.fill((await yaml.inputValue()).replace("accuracy_target: 0.92", "accuracy_target: 92"));
  await page.getByText("expected a number from 0 to 1, got 92").first().waitFor();
  await yaml.fill((await yaml.inputValue()).replace("accuracy_target: 92", "accuracy_target: 0.95"));
  await eventually(async () => await page.getByLabel("Accuracy target").inputValue() === "0.95", "the form does not follow the YAML");
  await page.getByLabel("Why this change?").fill("first whole one");
  await page.getByRole("button", { name: "Save version" }).click();
  await page.getByText("Version 1 is live").waitFor();

  await page.getByRole("button", { name: "What follows" }).click();
  await page.getByText("Recommended tier:").waitFor();
  check((await page.locator("main").innerText()).includes("Frontier model (GPT-4o, Claude 3.5 Sonnet) with guardrails"), "the page does not recommend");
  for (const layer of ["Infra", "Models", "Data & Knowledge", "Orchestration", "App/Product"]) await page.getByRole("cell", { name: layer, exact: true }).waitFor();
}

async function versionsAndNotes({ page, url }) {
  await page.goto(`${url}/specs/support-copilot`);
  await page.getByLabel("Pii handling").or(page.getByLabel("PII handling")).selectOption("redact");
  await kept(page).waitFor();
  await page.getByRole("button", { name: "Save version" }).click();
  await page.getByText("Version 2 is live").waitFor();
  await page.getByRole("button", { name: "Versions" }).click();
  await page.getByRole("region", { name: "Difference from version 1 to 2" }).getByText("pii_handling: redact").waitFor();
  await page.getByRole("button", { name: "Make live" }).click();
  await page.getByText("Version 1 is live; the newest is 2").waitFor();
  await page.getByRole("button", { name: "Notes" }).click();
  const notes = page.getByLabel("Product notes (Markdown)");
  await notes.waitFor();
  check((await notes.inputValue()).startsWith("# Product Notes: Support Copilot"), "the notes are not written from the spec");
  await notes.fill("# Mine\n\nWords of my own.\n");
  await page.reload();
  await page.getByText("changed, kept in this browser").waitFor();
  await page.getByRole("button", { name: "Save notes" }).click();
  await page.getByText("version 1", { exact: true }).waitFor();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Export as Markdown" }).click()]);
  check(download.suggestedFilename() === "support-copilot-notes.md", `the export is called ${download.suggestedFilename()}`);
}

export const tests = [
  ["specs: written by form, through a reload and a lost connection, to its recommendation", write],
  ["specs: versions, labels, and notes of one's own", versionsAndNotes],
];
