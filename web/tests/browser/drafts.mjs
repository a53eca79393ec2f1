// Support Copilot, a working day: a ticket becomes a draft, is edited, sent and rated; another is escalated and answered from the queue.
import { ask } from "./answers.mjs";
import { check, eventually } from "./server.mjs";

const kTicket = "Hello, how much may a hotel cost a night?";

async function draftOf(page, url, ticket) {
  await page.goto(`${url}/drafts`);
  await page.getByLabel("The ticket").fill(ticket);
  await page.getByLabel("Customer", { exact: true }).fill("Kim");
  await page.getByRole("button", { name: "Draft a reply" }).click();
  await page.waitForURL("**/drafts/draft_*", { timeout: 60_000 });
  await page.getByText("What was drafted, with its sources").waitFor();
}

async function ticketToReply({ page, url }) {
  await page.goto(`${url}/drafts`);
  await page.getByText("Make your first product").waitFor();
  await page.getByRole("button", { name: "Make “Support Copilot”" }).click();
  await page.getByLabel("The ticket").fill("half a tick");
  await page.reload();
  check(await page.getByLabel("The ticket").inputValue() === "half a tick", "a typed ticket is lost by a reload");
  await draftOf(page, url, kTicket);
  const original = page.getByRole("region", { name: "What was drafted, with its sources" });
  check((await original.innerText()).includes("140 euros"), `the draft does not say it: ${await original.innerText()}`);
  check(await original.locator(".confidence .sign").count() === 1, "the draft shows no confidence");
  await original.getByRole("button", { name: /^Citation 1/ }).first().click();
  await page.locator("dialog mark").waitFor();
  await page.keyboard.press("Escape");
  const reply = page.getByLabel("Your reply");
  const text = `Hello Kim, ${await reply.inputValue()}`;
  await reply.fill(text);
  await page.getByText("Saved", { exact: true }).waitFor();
  await page.reload();
  check(await page.getByLabel("Your reply").inputValue() === text, "an edited draft is lost by a reload");
  await page.getByRole("button", { name: "Send to customer" }).dblclick();
  await page.getByText("sent, edited by 11 characters").waitFor();
  await page.getByRole("button", { name: "Good answer" }).click();
  await page.getByRole("button", { name: "5 of 5" }).click();
  await page.getByText("Rating saved").waitFor();
  await page.getByLabel("How it ended").selectOption("resolved");
  await page.getByRole("button", { name: "Correct", exact: true }).click();
  await page.getByText("Judgement saved").waitFor();
  await page.reload();
  await page.getByText("sent, edited by 11 characters").waitFor();
  await eventually(async () => (await page.getByLabel("How it ended").inputValue()) === "resolved", "the outcome is not kept");
  check(await page.getByRole("button", { name: "5 of 5" }).getAttribute("aria-pressed") === "true", "the customer's rating is not kept");
  await eventually(async () => (await page.getByRole("button", { name: "Good answer" }).getAttribute("aria-pressed")) === "true", "the thumb is not kept");
  await page.goto(`${url}/drafts?state=sent`);
  await page.getByRole("link", { name: /Hello Kim/ }).waitFor();
}

async function escalateAndAnswer({ page, url }) {
  await draftOf(page, url, "Who won the football world cup in 1974?");
  await page.getByRole("button", { name: "Escalate" }).click();
  await page.getByLabel("What they should know").fill("Kim asks about football");
  await page.getByRole("button", { name: "Hand over" }).click();
  await page.getByText("A person will answer this: it waits in the queue.").waitFor();
  await page.goto(`${url}/queue`);
  await page.getByLabel("Your name").fill("Dana");
  await page.locator("li", { hasText: "Kim asks about football" }).getByRole("button", { name: "Claim" }).click();
  await page.waitForURL("**/queue/handover_*");
  await page.getByText("claimed by Dana").waitFor();
  check((await page.getByRole("article", { name: "You" }).innerText()).includes("football world cup"), "the conversation is not attached");
  await page.getByLabel("Your answer").fill("West Germany did.");
  await page.reload();
  check(await page.getByLabel("Your answer").inputValue() === "West Germany did.", "a typed answer is lost by a reload");
  await page.getByRole("button", { name: "Send and finish" }).click();
  await page.getByText("Dana answered:").waitFor();
  await page.goto(`${url}/queue?state=done`);
  await page.getByText("answered by Dana").waitFor();
}

async function chatToPerson({ page, url }) {
  await page.goto(`${url}/ask`);
  await ask(page, "Who was the first person on the moon?");
  await page.getByRole("button", { name: "Ask a person" }).click();
  await page.getByRole("button", { name: "Hand over" }).click();
  await page.getByText("A person will answer this: it waits in the queue.").waitFor();
  await page.getByRole("button", { name: "Ask in other words" }).click();
  check(await page.getByLabel("Your question").inputValue() === "Who was the first person on the moon?", "the question does not come back to be changed");
  await page.getByLabel("Your question").fill("");
}

async function suggestions({ page, url }) {
  await page.goto(`${url}/ask`);
  await page.getByLabel("Your question").pressSequentially("recei");
  const list = page.getByRole("listbox", { name: "Suggestions" });
  await list.getByRole("option", { name: /Receipts/ }).waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await list.waitFor({ state: "detached" });
  check((await page.getByLabel("Your question").inputValue()).length > "recei".length, "the suggestion is not taken");
  await page.getByLabel("Your question").fill("");
  await ask(page, "How much may a hotel cost a night?");
  await page.getByRole("group", { name: "You could ask next" }).getByRole("button").first().click();
  await eventually(async () => (await page.getByRole("article", { name: "You" }).count()) === 2, "a follow-up is not asked");
  await page.getByRole("article", { name: "Strata" }).nth(1).getByRole("button", { name: "Copy the answer" }).waitFor({ timeout: 60_000 });
}

async function reliability({ page, url }) {
  await page.goto(`${url}/reliability`);
  await page.getByRole("heading", { name: "Measured before release" }).waitFor();
  check(await page.getByRole("img", { name: /Share of right answers/ }).count() === 2, "a diagram is missing");
  check(await page.locator("tbody tr").count() === 20, "the diagrams' tables are missing");
  check(await page.getByRole("button", { name: "Refit on the rated answers" }).isDisabled(), "refitting is offered without enough ratings");
}

export const tests = [
  ["drafts: a ticket is drafted with citations, edited, sent once, rated and ends resolved", ticketToReply],
  ["queue: an escalated ticket is claimed and answered by a person", escalateAndAnswer],
  ["chat: a refused question goes to a person", chatToPerson],
  ["chat: headings complete what is typed, and are offered next", suggestions],
  ["reliability: diagram and table", reliability],
];
