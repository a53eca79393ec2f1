// A person with a document of their own: upload, ask, open what is cited, rate, reload.
import { check, eventually } from "./server.mjs";

export const kBase = "My documents";
const handbook = `# Travel handbook 🧳

## Hotels

A hotel may cost at most 140 euros a night. Breakfast is included where the hotel offers it.

## Trains

Employees travel in second class. For journeys of more than four hours, first class is allowed – naïve as it sounds 😀.

## Receipts

Receipts must be handed in within 30 days after the journey. Later receipts need the approval of the head of finance.
`;
const kQuestion = "How much may a hotel cost a night?";

export async function uploadText(page, name, text) {
  await page.setInputFiles("input[type=file]", { name, mimeType: "text/markdown", buffer: Buffer.from(text) });
}
export async function ask(page, question) {
  await page.getByLabel("Your question").fill(question);
  await page.keyboard.press("Enter");
  await page.getByRole("article", { name: "Strata" }).last().getByRole("button", { name: "Copy the answer" }).waitFor({ timeout: 60_000 });
}

async function ownDocument({ page, url }) {
  const begin = Date.now();
  await page.goto(`${url}/knowledge`);
  await page.getByText("No knowledge base yet").waitFor();
  await uploadText(page, "travel.md", handbook);
  await page.locator("tr[data-status=completed]", { hasText: "travel.md" }).waitFor({ timeout: 90_000 });
  check(/\/knowledge\/vs_/.test(page.url()), `the base has no address: ${page.url()}`);
  await page.getByRole("link", { name: "Ask this base" }).click();
  await ask(page, kQuestion);
  const answer = page.getByRole("article", { name: "Strata" }).last();
  check((await answer.innerText()).includes("140 euros"), `the answer does not say it: ${await answer.innerText()}`);
  check(await answer.locator(".confidence .sign").count() === 1, "the answer shows no confidence");
  const chip = answer.getByRole("button", { name: /^Citation 1/ }).first();
  await chip.hover();
  check((await page.getByRole("tooltip").innerText()).includes("140 euros"), "the tooltip does not show the quote");
  await chip.click();
  const mark = page.locator("dialog mark");
  await mark.waitFor();
  const marked = await mark.innerText();
  check(marked.includes("at most 140 euros a night") && !marked.includes("Receipts"), `the highlighted passage is not the quote: ${marked}`);
  const box = await mark.boundingBox();
  check(box.y >= 0 && box.y + box.height <= 800, "the passage is not scrolled into view");
  const seconds = (Date.now() - begin) / 1000;
  console.log(`      an empty folder to an opened citation in ${seconds.toFixed(1)} s`);
  check(seconds < 120, `an answer on one's own document took ${seconds} s`);
  await page.getByRole("link", { name: "Open in Knowledge" }).click();
  check((await page.locator(".document mark").innerText()) === marked, "the document page marks another passage");
}

async function lastConversation(page, url) {
  await page.goto(`${url}/ask`);
  await page.locator(".conversations li a").first().click();
  await page.getByRole("article", { name: "Strata" }).last().waitFor();
}

async function feedbackIsKept({ page, url }) {
  await lastConversation(page, url);
  await page.getByRole("button", { name: "Bad answer" }).last().click();
  await page.getByLabel("bad citation").check();
  await page.getByLabel("Anything else?").fill("wrong hotel");
  await page.getByRole("button", { name: "Save feedback" }).click();
  await page.getByText("Feedback saved").waitFor();
  await page.reload();
  await page.getByText("Reasons: bad citation, wrong hotel").waitFor();
  check(await page.getByRole("button", { name: "Bad answer" }).last().getAttribute("aria-pressed") === "true", "the thumb is not kept");
  check((await page.getByRole("article", { name: "You" }).first().innerText()) === kQuestion, "the question is not restored");
  check((await page.getByRole("article", { name: "Strata" }).last().innerText()).includes("140 euros"), "the answer is not restored");
}

async function whyAndRegenerate({ page, url }) {
  await lastConversation(page, url);
  await page.getByRole("button", { name: "Why this answer?" }).last().click();
  const sheet = page.getByRole("dialog");
  await sheet.getByText("Each sentence checked").waitFor();
  check(await sheet.locator("tbody tr").count() >= 2, "the panel lists no stages and candidates");
  await page.keyboard.press("Escape");
  await sheet.waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Answer again" }).last().click();
  await eventually(async () => (await page.getByRole("article", { name: "Strata" }).count()) === 1
    && (await page.getByRole("button", { name: "Answer again" }).count()) === 1, "answering again gave no single answer", 60_000);
  check(await page.getByRole("article", { name: "You" }).count() === 1, "answering again repeated the question");
}

async function notInDocuments({ page, url }) {
  await page.goto(`${url}/ask`);
  await ask(page, "Who won the football world cup in 1974?");
  await page.getByText("Not in the documents").or(page.getByText("Nothing was found")).first().waitFor();
  check(await page.locator(".answer .chip").count() === 0, "a refusal has citations");
}

async function stopAndDraft({ page, url }) {
  await page.goto(`${url}/ask?base=none`);
  await page.getByLabel("Your question").fill("Write a very long story about a river, a mill and a miller. Tell every detail.");
  await page.keyboard.press("Enter");
  await page.getByRole("article", { name: "Strata" }).last().waitFor({ timeout: 60_000 });
  await page.getByRole("button", { name: "Stop", exact: true }).click();
  await page.getByText("Stopped. This answer is not kept.").waitFor();
  const system = await page.evaluate(() => fetch("/strata/v1/system").then((response) => response.json()));
  await eventually(async () => system.engine.running === 0 || (await page.evaluate(() => fetch("/strata/v1/system").then((response) => response.json()))).engine.running === 0,
    "the engine goes on after stop");
  await page.getByLabel("Your question").fill("a half typed thought");
  await page.reload();
  check(await page.getByLabel("Your question").inputValue() === "a half typed thought", "typed text is lost by a reload");
  await page.getByText("This question has no answer yet.").waitFor();
}

async function lostConnection({ page, url, context }) {
  await page.goto(`${url}/ask`);
  await page.getByLabel("Your question").waitFor();
  await context.setOffline(true);
  await page.getByLabel("Your question").fill("Is anyone there?");
  await page.keyboard.press("Enter");
  await page.getByText("The server cannot be reached. What you typed is kept").waitFor();
  check(await eventually(() => page.getByLabel("Your question").inputValue(), "the text is gone") === "Is anyone there?", "a lost connection loses the text");
  await context.setOffline(false);
  await page.getByText("Connected again.").waitFor();
  await page.getByLabel("Your question").fill("");
}

export const tests = [
  ["own document: upload, ask, cited answer, highlighted passage", ownDocument, true],
  ["a thumbs down with a reason and the conversation are there after a reload", feedbackIsKept],
  ["why this answer, and answering again", whyAndRegenerate],
  ["what the documents do not answer is said so", notInDocuments],
  ["stop stops; a draft survives a reload", stopAndDraft],
  ["a lost connection is shown and loses no text", lostConnection],
];
